"""One spec, many accounts: each target is the run that it would be if it were written out."""

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.findings.finding import Severity, has_errors
from qflow_gitops.specs import load
from qflow_gitops.specs.load import SpecSet
from qflow_gitops.specs.spec import RunSpec
from qflow_gitops.specs.targets import overlaid
from qflow_gitops.yaml.parse import parse
from tests.fakes.world import World
from tests.helpers.slips import drawn
from tests.helpers.specs import OWN_WORKFLOW
from tests.helpers.targeted import CATALOGS, apart, asked, digest, shuffled

PROJECT = World().project

# RFC 7386, appendix A, but for the rows whose document is no object.
RFC_7386 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("base", "patch", "result"), RFC_7386)
def test_it_is_laid_over_as_rfc_7386_has_it(base: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy((base, patch))
    assert overlaid(base, patch) == result
    assert (base, patch) == before


def read(*documents: Any) -> SpecSet:
    text = "---\n".join(f"{json.dumps(document)}\n" for document in documents)
    return load.load({"runs/a.yaml": text.encode()}, PROJECT, CATALOGS)


def document(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "qflow-gitops/v1",
        "kind": "WorkflowRun",
        "metadata": {"name": name},
        "spec": {"workflowId": OWN_WORKFLOW, **spec},
    }


# --- what is generated ----------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c", "d"])
LEAVES = st.none() | st.integers(-5, 5) | st.sampled_from(["x", "y"]) | st.lists(st.integers(0, 2))
INNER = LEAVES | st.dictionaries(KEYS, LEAVES, max_size=3)
VALUES = LEAVES | st.dictionaries(KEYS, INNER, max_size=3)
PARTS = st.dictionaries(KEYS, VALUES, max_size=4)


def test_a_target_asks_for_what_the_spec_written_out_asks_for() -> None:
    """Whatever is shared, replaced and taken away, old words for connectors included."""
    good = [data for kind, data in drawn(400, 7) if kind == ""]
    found = read(*good)
    assert [one for one in found.diagnostics if one.severity is Severity.ERROR] == []
    written = {name: part for data in good for name, part in apart(data).items()}
    assert requests(found) == {name: (digest(one), asked(one)) for name, one in written.items()}
    by_number = {part["metadata"]["name"]: name for name, part in written.items()}
    for name, request in requests(read(*written.values())).items():
        assert requests(found)[by_number[name]] == request
    assert len(written) > 200


@given(PARTS, PARTS, st.lists(st.tuples(PARTS, PARTS), min_size=1, max_size=4), st.randoms())
def test_so_it_is_for_any_json_and_in_any_order(
    variables: Any, given_input: Any, targets: Any, order: random.Random
) -> None:
    named = [
        {"name": f"t{number}", "variables": own, "input": {**inputs, "number": number}}
        for number, (own, inputs) in enumerate(targets)
    ]
    whole = document("one", variables=variables, input=given_input, targets=named)
    wanted = {name: (digest(one), asked(one)) for name, one in apart(whole).items()}
    found = read(whole)
    assert not has_errors(found.diagnostics)
    assert requests(found) == wanted
    assert requests(read(shuffled(whole, order))) == wanted


def test_in_any_order_of_files_it_is_the_same() -> None:
    good = [data for kind, data in drawn(40, 8) if kind == ""]
    chance, wanted = random.Random(1), requests(read(*good))
    for _ in range(5):
        some = [shuffled(data, chance) for data in chance.sample(good, len(good))]
        files = {f"runs/{chance.random()}.yaml": f"{json.dumps(one)}\n".encode() for one in some}
        assert requests(load.load(files, PROJECT, CATALOGS)) == wanted


def requests(found: SpecSet) -> dict[str, tuple[str, Any]]:
    return {spec.name: (spec.digest, json.loads(spec.body)) for spec in found.specs.values()}


def only(name: str, found: SpecSet) -> RunSpec:
    return found.specs[("prod", name)]


def test_what_a_target_says_of_itself() -> None:
    whole = document(
        "one",
        connectorType="aws",
        rerun=1,
        input={"reason": "r", "who": "w"},
        sensitive=["/input/reason"],
        targets=[
            {"name": "plain"},
            {
                "name": "own",
                "connectorType": "azure",
                "variables": {"resourceGroup": "rg"},
                "rerun": 2,
                "labels": {"tier": "prod"},
                "annotations": {"ticket": "CHG2"},
                "sensitive": ["/input/who"],
                "previousName": "before",
            },
        ],
    )
    whole["metadata"] |= {
        "labels": {"tier": "dev", "team": "sec"},
        "annotations": {"ticket": "CHG1"},
        "previousName": "zero",
    }
    found = read(whole)
    assert found.diagnostics == ()
    plain, own = only("one/plain", found), only("one/own", found)
    assert (plain.labels, plain.annotations) == ({"tier": "dev", "team": "sec"}, {"ticket": "CHG1"})
    assert (own.labels, own.annotations) == ({"tier": "prod", "team": "sec"}, {"ticket": "CHG2"})
    assert (plain.rerun, plain.connector_types, plain.previous_name) == (1, ("aws",), "zero/plain")
    assert (own.rerun, own.connector_types, own.previous_name) == (2, ("azure",), "before")
    assert (plain.sensitive, own.sensitive) == (("/input/reason",), ("/input/reason", "/input/who"))
    assert own.masked["input"] == {"reason": "(sensitive)", "who": "(sensitive)"}


def test_places_are_those_of_the_target_where_it_says_something() -> None:
    """A fault of one target stands in its lines; what they share is told once, in the spec's."""
    text = (
        "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\nmetadata: {name: one}\n"
        f"spec:\n  workflowId: {OWN_WORKFLOW}\n  connectorType: azure\n"
        "  variables: {region: us-east-1}\n"
        "  targets:\n"
        + "".join(f"    - {{name: t{n}, input: {{n: {n}}}}}\n" for n in range(40))
        + "    - {name: last, variables: {oci_region: ap-mumbai-1}}\n"
    )
    found = load.load({"runs/a.yaml": text.encode()}, PROJECT).diagnostics
    assert [(each.rule, each.range.start.line) for each in found] == [
        ("connector-variable", 7),
        ("connector-variable", 49),
    ]


def test_a_fault_of_some_targets_in_what_they_share_names_them() -> None:
    targets = [{"name": f"t{n}", "input": {"n": n}} for n in range(6)]
    for each in targets[1:]:
        each["connectorType"] = "azure"
    found = read(
        document("one", connectorType="aws", variables={"region": "us-east-1"}, targets=targets)
    ).diagnostics
    assert [each.message for each in found] == [
        "`region` belongs to aws; connectorType is azure. So it is for `t1`, `t2`, `t3` and 2 more."
    ]


def test_ranges_of_a_target_are_a_mapping_of_what_it_says() -> None:
    from qflow_gitops.specs.targets import written_out

    whole = document(
        "one", input={"a": {"b": 1}}, targets=[{"name": "t", "input": {"a": {"c": [1, 2]}}}]
    )
    (parsed,) = parse(f"{json.dumps(whole)}\n".encode(), "runs/a.yaml").documents
    (target,) = written_out(parsed)
    own, shared = ("spec", "targets", 0, "input", "a", "c", 1), ("spec", "input", "a", "b")
    assert target.values[("spec", "input", "a", "c", 1)] == parsed.values[own]
    assert target.values[("spec", "input", "a", "b")] == parsed.values[shared]
    assert ("spec", "input", "a", "c", 2) not in target.values
    assert len(target.values) == len(list(target.values)) > 10


def test_files_with_errors_name_their_targets() -> None:
    whole = document("one", targets=[{"name": "a"}, {"name": "b", "wrong": 1}, 3, {"name": 4}])
    assert set(read(whole).invalid) == {("prod", "one"), ("prod", "one/a"), ("prod", "one/b")}


def test_what_would_fill_the_memory_is_refused() -> None:
    """Whatever a file of 256 KiB can hold."""
    shared = {f"k{number}": "v" * 20 for number in range(3000)}
    targets = [{"name": f"t{number}", "rerun": number + 1} for number in range(1000)]
    found = read(document("one", input=shared, targets=targets))
    assert [each.rule for each in found.diagnostics] == ["targets-too-large"]
    assert "93 MiB: 1000 targets share" in found.diagnostics[0].message
    assert len(read(document("one", input={"a": 1}, targets=targets)).specs) == 1000
