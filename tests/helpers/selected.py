"""Specs that name connectors or select targets from a catalog: made ones, good and bad."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.helpers.slips import ODD
from tests.helpers.specs import OWN_WORKFLOW

ENTRIES: Mapping[str, Mapping[str, Any]] = {
    "aws": {"pay": {"tier": "prod"}, "shop": {"tier": "prod", "team": "shop"}, "lab": {}},
    "azure": {"cin": {"tier": "prod"}},
    "oci": {"tenancy": {"tier": "dev"}},
}
REGIONS = {"aws": ("us-east-1", "eu-west-1"), "oci": ("us-ashburn-1", "ap-hyderabad-1")}


def catalogs() -> dict[str, bytes]:
    """Give the files of the catalogs of `prod`."""
    found = {}
    for number, (cloud, entries) in enumerate(ENTRIES.items()):
        connectors = {
            name: {"id": f"1{number}70acae-6ea8-3acf-b504-{place:012x}", "labels": labels}
            for place, (name, labels) in enumerate(entries.items(), 1)
        }
        data = {"apiVersion": "qflow-gitops/v1", "kind": "ConnectorCatalog"}
        text = json.dumps({**data, "connectors": connectors})
        found[f"connectors/prod/{cloud}.yaml"] = text.encode()
    return found


def _selection(chance: random.Random, cloud: str) -> dict[str, Any]:
    labels = chance.choice([{}, {"tier": "prod"}, {"tier": "dev"}])
    chosen = [name for name, has in ENTRIES[cloud].items() if labels.items() <= dict(has).items()]
    found: dict[str, Any] = {"connectors": {"cloud": cloud}}
    if labels or chance.random() < 0.5:
        found["connectors"]["labels"] = labels
    if len(chosen) > 1 and chance.random() < 0.5:
        found["connectors"]["exclude"] = [chosen.pop()]
    regions = REGIONS.get(cloud, ())[: chance.randint(0, 2)]
    if regions:
        found["regions"] = list(regions)
    names = [f"{name}.{region}" for name in chosen for region in regions] or chosen
    if names and chance.random() < 0.7:
        override = {
            "input": {"a": 1},
            "rerun": 2,
            "variables": {"owner": "me"},
            "labels": {"w": "1"},
        }
        keys = chance.sample(sorted(override), chance.randint(0, len(override)))
        found["overrides"] = {chance.choice(names): {key: override[key] for key in keys}}
    return found


def _made(chance: random.Random, name: str) -> dict[str, Any]:
    cloud = chance.choice(list(ENTRIES))
    spec: dict[str, Any] = {"workflowId": OWN_WORKFLOW, "connectorType": cloud}
    form = chance.choice(["selection", "selection", "name", "list"])
    one = chance.choice(sorted(ENTRIES[cloud]))
    if form == "selection":
        spec["targets"] = _selection(chance, cloud)
    else:
        spec["connector"] = one
    if form == "list":
        spec["targets"] = [
            {"name": f"t{number}", "input": {"n": number}, **({"connector": one} if number else {})}
            for number in range(3)
        ]
    return {
        "apiVersion": "qflow-gitops/v1", "kind": "WorkflowRun", "metadata": {"name": name},
        "spec": spec,
    }  # fmt: skip


Slip = Callable[[random.Random, dict[str, Any]], None]


def _somewhere(chance: random.Random, spec: dict[str, Any]) -> None:
    """Some value, anywhere, becomes another one of any type, or a key another key."""
    at: Any = spec
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = chance.choice(keys)
        if isinstance(at[key], (dict, list)) and at[key] and chance.random() < 0.8:
            at = at[key]
            continue
        if isinstance(at, dict) and chance.random() < 0.3:
            at[chance.choice(["x", "A b", "", "connector", "cloud"])] = at.pop(key)
        else:
            at[key] = chance.choice(ODD)
        return


def _name(chance: random.Random, spec: dict[str, Any]) -> None:
    names = ("pay", "PAY", "-", "a" * 63, "a" * 64, "pay\n", "a.b", "1", 1, None, "nobody", "cin")
    targets = spec.get("targets")
    places = [spec, *(targets if isinstance(targets, list) else ())]
    chance.choice(places)["connector"] = chance.choice(names)


def _id(chance: random.Random, spec: dict[str, Any]) -> None:
    targets = spec.get("targets")
    places = [spec, *(targets if isinstance(targets, list) else ())]
    ids = ("aa70acae-6ea8-3acf-b504-f327855b316b", None, "x")
    chance.choice(places)["variables"] = {"connectorId": chance.choice(ids)}


def _type(chance: random.Random, spec: dict[str, Any]) -> None:
    spec["connectorType"] = chance.choice([*ENTRIES, ["aws", "oci"], "ibm", None])
    if spec["connectorType"] is None:
        del spec["connectorType"]


def _regions(chance: random.Random, spec: dict[str, Any]) -> None:
    if isinstance(spec.get("targets"), dict):
        lists: tuple[Any, ...] = (
            ["us-east-1"], ["us-ashburn-1"], [], ["us-east-1", "us-east-1"], ["IAD"], "us-east-1",
            ["us-east-1a"], ["us-east-1\n"], [1],
        )  # fmt: skip
        spec["targets"]["regions"] = chance.choice(lists)


def _overrides(chance: random.Random, spec: dict[str, Any]) -> None:
    if isinstance(spec.get("targets"), dict):
        overrides: tuple[Any, ...] = (
            {"pay": {}}, {"nobody": {}}, {"Pay": {}}, {"pay": {"name": "a"}}, {"pay": None}, {},
            {"pay": {"connector": "shop"}}, {"pay": {"variables": {"region": "x"}}}, [],
            {"pay": {"variables": {"connectorId": None}}}, {"cin": {"connectorType": "azure"}},
        )  # fmt: skip
        spec["targets"]["overrides"] = chance.choice(overrides)


def _connectors(chance: random.Random, spec: dict[str, Any]) -> None:
    if isinstance(spec.get("targets"), dict):
        wanted: tuple[Any, ...] = (
            {"cloud": "gcp"}, {"cloud": "ibm"}, {}, {"cloud": "aws", "labels": {"a b": "x"}},
            {"cloud": "aws", "exclude": ["lab", "lab"]}, {"cloud": "aws", "exclude": ["nobody"]},
            {"cloud": "aws", "exclude": "lab"}, {"cloud": ["aws"]}, {"cloud": "aws", "names": []},
        )  # fmt: skip
        spec["targets"]["connectors"] = chance.choice(wanted)


SLIPS: tuple[Slip, ...] = (_somewhere, _name, _id, _type, _regions, _overrides, _connectors)


def selected(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Make specs: one in three as it is, the others with a slip of each kind in turn."""
    chance = random.Random(seed)
    for number in range(count):
        data = _made(chance, f"spec-{number}")
        if number % 3:
            SLIPS[number % len(SLIPS)](chance, data["spec"])
        yield data
