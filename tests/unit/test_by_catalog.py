"""Names of connectors and selections: what they ask for is what is written out asks for."""

import json
import random
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.findings.finding import has_errors
from qflow_gitops.specs import load
from qflow_gitops.specs.load import SpecSet
from tests.fakes.world import World
from tests.helpers.specs import OWN_WORKFLOW

PROJECT = World().project
REGIONS = ["us-east-1", "eu-west-1", "eu-central-1"]


def id_of(name: str) -> str:
    return f"0b6f2c1e-4405-4517-beb9-{sum(map(ord, name)):012x}"


def catalog(cloud: str, **entries: Mapping[str, Any]) -> dict[str, bytes]:
    data = {
        "apiVersion": "qflow-gitops/v1",
        "kind": "ConnectorCatalog",
        "connectors": {name: {"id": id_of(name), **more} for name, more in entries.items()},
    }
    return {f"connectors/prod/{cloud}.yaml": json.dumps(data).encode()}


def document(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "qflow-gitops/v1",
        "kind": "WorkflowRun",
        "metadata": {"name": name},
        "spec": {"workflowId": OWN_WORKFLOW, "connectorType": "aws", **spec},
    }


def read(whole: dict[str, Any], known: Mapping[str, bytes]) -> SpecSet:
    found = load.load({"runs/a.yaml": json.dumps(whole).encode()}, PROJECT, known)
    assert not has_errors(found.diagnostics), found.diagnostics
    return found


def requests(found: SpecSet) -> dict[str, tuple[str, Any]]:
    return {spec.name: (spec.digest, json.loads(spec.body)) for spec in found.specs.values()}


# --- names ---------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "payments"])
GIVEN: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    NAMES.map(lambda name: {"connector": name}),
    NAMES.map(lambda name: {"variables": {"connectorId": id_of(name)}}),
    st.just({"variables": {"connectorId": None}}),
)


def in_ids(level: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in level.items() if key != "connector"}
    if "connector" in level:
        own = {**rest.get("variables", {}), "connectorId": id_of(level["connector"])}
        rest["variables"] = own
    return rest


@given(GIVEN.filter(lambda one: one.get("variables") is None), st.lists(GIVEN, max_size=4))
def test_a_name_asks_for_what_its_id_asks_for(shared: Any, each: list[Any]) -> None:
    known = catalog("aws", a={}, b={}, payments={})
    targets = [
        {"name": f"t{number}", **one, "input": {"of": number}} for number, one in enumerate(each)
    ]
    more = {"targets": targets} if targets else {}
    by_name = read(document("one", **shared, **more), known)
    written = {"targets": [in_ids(one) for one in targets]} if targets else {}
    assert requests(by_name) == requests(read(document("one", **in_ids(shared), **written), {}))


def test_which_catalog_a_run_has_its_connector_from() -> None:
    known = catalog("aws", a={}, b={}) | catalog("azure", c={})
    targets = [
        {"name": "shared", "input": {"n": 1}},
        {"name": "own", "connector": "b"},
        {"name": "cloud", "connectorType": "azure", "connector": "c"},
        {"name": "id", "variables": {"connectorId": id_of("b"), "x": 1}},
        {"name": "none", "variables": {"connectorId": None}},
    ]
    found = read(document("one", connector="a", targets=targets), known).specs
    assert {spec.name.partition("/")[2]: spec.catalog for spec in found.values()} == {
        "shared": "connectors/prod/aws.yaml",
        "own": "connectors/prod/aws.yaml",
        "cloud": "connectors/prod/azure.yaml",
        "id": "",
        "none": "",
    }
    (alone,) = read(document("one", connector="a"), known).specs.values()
    assert (alone.catalog, alone.within) == ("connectors/prod/aws.yaml", ())


# --- selections, against an oracle that lists the targets ------------------------------

LABELS = st.dictionaries(st.sampled_from(["tier", "team"]), st.sampled_from(["x", "y"]))
ENTRIES = st.dictionaries(
    st.sampled_from(["a", "b", "c-1", "c", "payments"]),
    st.fixed_dictionaries(
        {"labels": LABELS},
        optional={"disabled": st.booleans(), "gone": st.just("2026-11-01"),
                  "state": st.sampled_from(["SUCCESS", "ERROR", "unknown"])},
    ),
    min_size=1,
)  # fmt: skip


def listed(
    entries: Mapping[str, Any], labels: Mapping[str, str], regions: list[str]
) -> list[dict[str, Any]]:
    found = []
    for name, entry in entries.items():
        has = all(entry["labels"].get(key) == value for key, value in labels.items())
        works = not (entry.get("disabled") or entry.get("gone") or entry.get("state") == "ERROR")
        for region in regions or [""] if has and works else ():
            variables = {"connectorId": id_of(name)} | ({"region": region} if region else {})
            called = f"{name}.{region}" if region else name
            found.append({"name": called, "variables": variables})
    return sorted(found, key=lambda target: str(target["name"]))


@given(ENTRIES, LABELS, st.lists(st.sampled_from(REGIONS), unique=True), st.randoms())
def test_a_selection_asks_for_what_its_list_asks_for(
    entries: Any, labels: Any, regions: list[str], order: random.Random
) -> None:
    wanted = listed(entries, labels, regions)
    selection: dict[str, Any] = {"connectors": {"cloud": "aws", "labels": labels}}
    if regions:
        selection["regions"] = regions
    overrides = {
        target["name"]: {"input": {"of": target["name"]}, "variables": {"x": None}}
        for target in wanted
        if order.random() < 0.5
    }
    shared = {"variables": {"x": 1, "y": {"z": 2}}, "input": {"reason": "quarterly"}}
    whole = document("one", **shared, targets={**selection, "overrides": overrides})
    found = load.load(
        {"runs/a.yaml": json.dumps(whole).encode()}, PROJECT, catalog("aws", **entries)
    )
    if not wanted:
        assert [each.rule for each in found.diagnostics if each.severity == "error"] == [
            "targets-nothing"
        ]
        assert set(found.invalid) == {("prod", "one")}
        return
    targets = [
        {
            **target,
            **overrides.get(target["name"], {}),
            "variables": target["variables"] | ({"x": None} if target["name"] in overrides else {}),
        }
        for target in wanted
    ]
    written = read(document("one", **shared, targets=targets), {})
    assert list(requests(found).items()) == list(requests(written).items())
    items = list(entries.items())
    order.shuffle(items)
    order.shuffle(regions)
    again = read(whole, catalog("aws", **dict(items)))
    assert list(requests(again).items()) == list(requests(written).items())


def test_the_labels_of_the_catalog_are_not_the_runs() -> None:
    known = catalog("aws", a={"labels": {"tier": "prod"}})
    targets = {
        "connectors": {"cloud": "aws", "labels": {"tier": "prod"}},
        "overrides": {"a": {"labels": {"w": "1"}}},
    }
    (spec,) = read(document("one", targets=targets), known).specs.values()
    assert (spec.name, spec.labels) == ("one/a", {"w": "1"})
    assert spec.path_of("rerun") == ("spec", "targets", "overrides", "a", "rerun")
    assert spec.place_of("rerun") == "under `targets.overrides`, below `a`,"


def test_what_a_broken_file_selects_is_known_as_far_as_it_can_be() -> None:
    known = catalog("aws", a={}, b={})
    targets = {"connectors": {"cloud": "aws"}, "overrides": {"nothing": {}}}
    whole = document("one", targets=targets)
    found = load.load({"runs/a.yaml": json.dumps(whole).encode()}, PROJECT, known)
    assert set(found.invalid) == {("prod", "one"), ("prod", "one/a"), ("prod", "one/b")}


def test_a_selection_of_what_would_fill_the_memory_is_refused() -> None:
    entries = {
        f"c{number}": {"id": f"0b6f2c1e-4405-4517-beb9-{number:012x}"} for number in range(900)
    }
    whole = document("one", input={"a": "x" * 20_000}, targets={"connectors": {"cloud": "aws"}})
    found = load.load(
        {"runs/a.yaml": json.dumps(whole).encode()}, PROJECT, catalog("aws", **entries)
    )
    assert "targets-too-large" in {each.rule for each in found.diagnostics}
