"""Specs with targets in which something goes wrong, or is right after all."""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.helpers.targeted import CLOUDS, OLD, Made, ids_of, selected

ODD: tuple[Any, ...] = (None, True, 0, 1.5, "", "x", "A b", "a\n", [], ["x"], {}, {"x": 1})
Slip = Callable[[random.Random, dict[str, Any]], None]


def _one(chance: random.Random, spec: dict[str, Any]) -> dict[str, Any]:
    """Give what a spec says of one of its targets, in a list or as an override."""
    targets = spec["targets"]
    if isinstance(targets, dict):
        first = selected(targets)[0]["name"]
        targets = list(targets.setdefault("overrides", {first: {"rerun": 2}}).values())
    found: dict[str, Any] = chance.choice(targets)
    return found


def _replaced(chance: random.Random, spec: dict[str, Any]) -> None:
    """Some value of a target becomes another one, of any type."""
    target = _one(chance, spec)
    key = chance.choice(sorted(target))
    target[key] = chance.choice(ODD)


def _inside(part: str) -> Slip:
    def slip(chance: random.Random, spec: dict[str, Any]) -> None:
        target = _one(chance, spec)
        inner = target[part] if isinstance(target.get(part), dict) else {}
        names = [name for cloud in CLOUDS.values() for name in cloud] + [*OLD.values()]
        name = chance.choice(sorted({*inner, *names, "connectorId"}))
        target[part] = {**inner, name: chance.choice(ODD)}

    return slip


def _other_cloud(chance: random.Random, spec: dict[str, Any]) -> None:
    cloud = chance.choice(list(CLOUDS))
    words = {**CLOUDS[cloud], "connectorId": ids_of(cloud), OLD.get(cloud, "own"): ids_of(cloud)}
    name = chance.choice(list(words))
    target = _one(chance, spec)
    target["variables"] = {**target.get("variables", {}), name: chance.choice(words[name])}


def _other_type(chance: random.Random, spec: dict[str, Any]) -> None:
    place = chance.choice([spec, _one(chance, spec)])
    place["connectorType"] = chance.choice([*CLOUDS, ["aws", "oci"], ["aws", "aws"], "ibm", []])


def _unknown(chance: random.Random, spec: dict[str, Any]) -> None:
    key = chance.choice(["inputs", "workflowId", "targets", "environment", "Name", ""])
    _one(chance, spec)[key] = "x"


def _name(chance: random.Random, spec: dict[str, Any]) -> None:
    names = (
        "A", "a_b", "-a", "a-", "a.b.c", "a.1", "a.", ".a", "a/b", "a b", "é", "a\n", "a" * 63,
        "a" * 64, f"a.{'b' * 63}", f"a.{'b' * 64}", f"{'a' * 63}.{'b' * 63}", "1", "01", "a--b",
    )  # fmt: skip
    name = chance.choice(names)
    if isinstance(spec["targets"], dict):
        spec["targets"]["overrides"] = {name: {"rerun": 2}}
    else:
        chance.choice(spec["targets"])["name"] = name


def _list(chance: random.Random, spec: dict[str, Any]) -> None:
    spec["targets"] = chance.choice([[], {}, "a", None, [None], ["a"], [{}], [[]], spec["targets"]])


def _pointers(chance: random.Random, spec: dict[str, Any]) -> None:
    lists: tuple[Any, ...] = (
        ["/input/number"], ["/input", "/input"], ["input"], ["/other"], [], ["/input/~2"], "/input",
    )  # fmt: skip
    _one(chance, spec)[chance.choice(["sensitive", "notSecret"])] = chance.choice(lists)


def _texts(chance: random.Random, spec: dict[str, Any]) -> None:
    pairs: tuple[dict[str, Any], ...] = (
        {"a": 1}, {"": "x"}, {"a b": "x"}, {"a" * 64: "x"}, {"a": "x\n"}, {"a": None},
    )  # fmt: skip
    _one(chance, spec)[chance.choice(["labels", "annotations"])] = chance.choice(pairs)


def _previous(chance: random.Random, spec: dict[str, Any]) -> None:
    names = ("a/b/c", "/a", "a/", "A", "a.b", "a/b.c", "a/b.1", "a" * 64, "a/" + "b" * 64, 1)
    _one(chance, spec)["previousName"] = chance.choice(names)


def _rerun(chance: random.Random, spec: dict[str, Any]) -> None:
    _one(chance, spec)["rerun"] = chance.choice([0, -1, 1.0, 1.5, 100_000, 100_001, "1"])


def _id(chance: random.Random, spec: dict[str, Any]) -> None:
    some = ids_of("aws")[0]
    ids = (f"@{some}", some[:-1], "0" * 8 + "-0000-0000-0000-" + "0" * 12, "xxxx", 1)
    target, name = _one(chance, spec), chance.choice(["connectorId", *OLD.values()])
    target["variables"] = {**target.get("variables", {}), name: chance.choice(ids)}


def _connector(chance: random.Random, spec: dict[str, Any]) -> None:
    """A connector by its name: another cloud's, nobody's, beside an id, of any form."""
    names = ("aws-pay", "gcp-shop", "aws-off", "aws-nobody", "-", "A", "a.b", "a" * 64, "", 1, None)
    chance.choice([spec, _one(chance, spec)])["connector"] = chance.choice(names)


def _selection(chance: random.Random, spec: dict[str, Any]) -> None:
    """What is selected, in a spec that may have had something else."""
    cloud = chance.choice(["aws", "aws", "azure", "oci"])
    connectors = chance.choice(
        [
            {"cloud": cloud}, {"cloud": cloud, "labels": {"tier": "none"}}, {"cloud": "ibm"}, {},
            {"cloud": cloud, "exclude": ["aws-nobody"]}, {"cloud": cloud, "exclude": ["A"]},
            {"cloud": cloud, "labels": {"a b": 1}}, {"cloud": [cloud]}, [], {"clouds": cloud},
        ]
    )  # fmt: skip
    regions = chance.choice([["us-east-1"], ["ap-hyderabad-1"], [], ["US"], ["eu-west-1"] * 2, "x"])
    overrides = chance.choice([{"aws-pay": {"variables": {"connectorId": None}}}, {"aws-p": {}}])
    further = {"regions": regions, "overrides": overrides, "region": "us-east-1"}
    spec["connectorType"] = cloud
    spec["targets"] = {"connectors": connectors}
    spec["targets"] |= {key: one for key, one in further.items() if chance.random() < 0.3}


def _missing(chance: random.Random, spec: dict[str, Any]) -> None:
    place = chance.choice([spec, _one(chance, spec)])
    del place[chance.choice(sorted(place.keys() - {"targets"}))]


def _twice(chance: random.Random, spec: dict[str, Any]) -> None:
    """The same target once more, under its own name or another one."""
    if isinstance(spec["targets"], list):
        again = copy.deepcopy(chance.choice(spec["targets"]))
        spec["targets"].append(again | chance.choice([{}, {"name": "again"}]))


SLIPS: Mapping[str, Slip] = {
    "replaced": _replaced, "variables": _inside("variables"), "input": _inside("input"),
    "other cloud": _other_cloud, "other type": _other_type, "unknown key": _unknown,
    "name": _name, "list": _list, "pointers": _pointers, "texts": _texts, "previous": _previous,
    "rerun": _rerun, "id": _id, "missing": _missing, "twice": _twice,
    "connector": _connector, "selection": _selection,
}  # fmt: skip
"""What goes wrong, or is right after all, in a spec with targets."""


def drawn(count: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Make specs: one in four as it is, "", the others with a slip of each kind in turn."""
    chance = random.Random(seed)
    kinds = list(SLIPS)
    for number in range(count):
        data = Made(chance, f"spec-{number}").data
        kind = kinds[number % len(kinds)] if number % 4 else ""
        if kind:
            SLIPS[kind](chance, data["spec"])
        yield kind, data
