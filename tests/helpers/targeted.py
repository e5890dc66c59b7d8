"""Specs with targets: what they stand for, said a second time, and made ones, good and bad."""

import copy
import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import rfc8785

from tests.helpers.specs import OWN_WORKFLOW

# --- an oracle: RFC 7386's own pseudocode, a document for each target, RFC 8785 -----------

LEGACY = ("credentials", "credentials_azure", "credentials_gcp")


def merge_patch(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def apart(whole: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Write a spec out: the name of each target's run, and a document that asks for the same.

    Such a document is called `<run>-<number>`.
    """
    shared = {key: value for key, value in whole["spec"].items() if key != "targets"}
    found = {}
    for number, each in enumerate(whole["spec"]["targets"]):
        own = {key: each[key] for key in each.keys() & {"variables", "input"}}
        own = merge_patch({key: shared[key] for key in shared.keys() & {"variables", "input"}}, own)
        own |= {key: each[key] for key in each.keys() & {"connectorType", "rerun"}}
        metadata = {**whole["metadata"], "name": f"{whole['metadata']['name']}-{number}"}
        found[f"{whole['metadata']['name']}/{each['name']}"] = {
            **whole, "metadata": metadata, "spec": {**shared, **own}
        }  # fmt: skip
    return found


def asked(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give the request of a document without targets: without what is empty."""
    spec = document["spec"]
    return {key: spec[key] for key in ("input", "variables") if spec.get(key)}


def digest(document: Mapping[str, Any]) -> str:
    """Take the digest of what a document without targets asks for, as the README has it."""
    spec = document["spec"]
    given = spec.get("variables", {})
    old = [name for name in LEGACY if name in given]
    variables = {name: value for name, value in given.items() if name not in LEGACY}
    if "connectorId" not in given and len(old) == 1:
        variables["connectorId"] = given[old[0]]
    elif "connectorId" not in given:
        variables = dict(given)
    for name in ("connectorId", *LEGACY):
        if name in variables:
            variables[name] = variables[name].lower()
    parts = {"input": spec.get("input"), "variables": variables, "rerun": spec.get("rerun")}
    meant = {key: value for key, value in parts.items() if value}
    canonical = rfc8785.dumps({"workflowId": spec["workflowId"].lower(), **meant})
    return f"v1:sha256:{hashlib.sha256(canonical).hexdigest()}"


def shuffled(value: Any, chance: random.Random, at: tuple[str, ...] = ()) -> Any:
    """Give the same spec with its keys and its targets in another order."""
    if isinstance(value, dict):
        items = chance.sample(list(value.items()), len(value))
        return {key: shuffled(inner, chance, (*at, key)) for key, inner in items}
    if at == ("spec", "targets"):
        return [shuffled(each, chance) for each in chance.sample(value, len(value))]
    return value


# --- made specs --------------------------------------------------------------------------

CONNECTORS = ("aa70acae-6ea8-3acf-b504-f327855b316b", "BB70ACAE-6EA8-3ACF-B504-F327855B316C")
CLOUDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "aws": {"region": ("us-east-1", "eu-west-1"), "credentials": CONNECTORS},
    "azure": {"resourceGroup": ("rg", "Default-CIN"), "credentials_azure": CONNECTORS},
    "gcp": {"project": ("my-project", "sec-ops-01"), "credentials_gcp": CONNECTORS},
    "oci": {
        "oci_region": ("ap-hyderabad-1", "us-ashburn-1"),
        "compartment": ("ocid1.compartment.oc1..aaaaaaaadrzbutdzkqdhjyyf7cf2ywlzv5pdqgak",),
    },
}
ODD: tuple[Any, ...] = (None, True, 0, 1.5, "", "x", "A b", "a\n", [], ["x"], {}, {"x": 1})


class Made:
    """A spec of which chance decides what it says; nothing in it is wrong."""

    def __init__(self, chance: random.Random, name: str) -> None:
        self._chance = chance
        self.cloud = chance.choice(list(CLOUDS))
        shared: dict[str, Any] = {
            "workflowId": OWN_WORKFLOW,
            "connectorType": self.cloud,
            "variables": self._variables(null=False),
            "input": self._value(2),
            "rerun": chance.randint(1, 9),
        }
        spec: dict[str, Any] = {
            key: value for key, value in shared.items() if self._now() or key == "workflowId"
        }
        numbers = range(chance.randint(1, 4))
        spec["targets"] = [self._target(n, known="connectorType" in spec) for n in numbers]
        self.data: dict[str, Any] = {
            "apiVersion": "qflow-gitops/v1",
            "kind": "WorkflowRun",
            "metadata": {"name": name, **({"labels": {"team": "sec"}} if self._now() else {})},
            "spec": spec,
        }
        if "connectorType" not in spec and "variables" in spec:
            spec["variables"] = {"owner": "sec"}  # whose cloud would be nobody's

    def _now(self) -> bool:
        return self._chance.random() < 0.6

    def _target(self, number: int, *, known: bool) -> dict[str, Any]:
        name = f"{self._chance.choice(['a', 'pay-eu', '0'])}{number}"
        own: dict[str, Any] = {"name": name + ("" if self._now() else ".us-east-1")}
        further: dict[str, Any] = {
            "connectorType": self._chance.choice([self.cloud, [self.cloud]]),
            "variables": self._variables(null=True),
            "input": self._value(2),
            "rerun": self._chance.randint(1, 9),
            "labels": {"tier": "prod"},
            "annotations": {"ticket": "CHG1"},
            "previousName": f"old/{name}",
            "notSecret": ["/input/a"],
        }
        own |= {key: value for key, value in further.items() if self._now()}
        if not known:
            own["connectorType"] = self.cloud
        own["input"] = {**own.get("input", {}), "number": number}  # no two ask for one thing
        items = list(own.items())
        self._chance.shuffle(items)
        return dict(items)

    def _variables(self, *, null: bool) -> dict[str, Any]:
        words = {**CLOUDS[self.cloud], "connectorId": CONNECTORS, "owner": ("me", "you")}
        found: dict[str, Any] = {
            name: self._chance.choice(some) for name, some in words.items() if self._now()
        }
        return {name: None if null and not self._now() else one for name, one in found.items()}

    def _value(self, depth: int) -> dict[str, Any]:
        leaves = (1, "x", "", [1, "y"], True)
        return {
            key: self._value(depth - 1) if depth and self._now() else self._chance.choice(leaves)
            for key in "abc"
            if self._now()
        }


Slip = Callable[[random.Random, dict[str, Any]], None]


def _replaced(chance: random.Random, spec: dict[str, Any]) -> None:
    """Some value of a target becomes another one, of any type."""
    target = chance.choice(spec["targets"])
    key = chance.choice(sorted(target))
    target[key] = chance.choice(ODD)


def _inside(part: str) -> Slip:
    def slip(chance: random.Random, spec: dict[str, Any]) -> None:
        target = chance.choice(spec["targets"])
        inner = target[part] if isinstance(target.get(part), dict) else {}
        names = [name for cloud in CLOUDS.values() for name in cloud]
        name = chance.choice(sorted({*inner, *names, "connectorId"}))
        target[part] = {**inner, name: chance.choice(ODD)}

    return slip


def _other_cloud(chance: random.Random, spec: dict[str, Any]) -> None:
    words = chance.choice(list(CLOUDS.values()))
    name = chance.choice(list(words))
    target = chance.choice(spec["targets"])
    target["variables"] = {**(target.get("variables") or {}), name: chance.choice(words[name])}


def _other_type(chance: random.Random, spec: dict[str, Any]) -> None:
    place = chance.choice([spec, *spec["targets"]])
    place["connectorType"] = chance.choice([*CLOUDS, ["aws", "oci"], ["aws", "aws"], "ibm", []])


def _unknown(chance: random.Random, spec: dict[str, Any]) -> None:
    key = chance.choice(["inputs", "workflowId", "targets", "environment", "Name", ""])
    chance.choice(spec["targets"])[key] = "x"


def _name(chance: random.Random, spec: dict[str, Any]) -> None:
    names = (
        "A", "a_b", "-a", "a-", "a.b.c", "a.1", "a.", ".a", "a/b", "a b", "é", "a\n", "a" * 63,
        "a" * 64, f"a.{'b' * 63}", f"a.{'b' * 64}", f"{'a' * 63}.{'b' * 63}", "1", "01", "a--b",
    )  # fmt: skip
    chance.choice(spec["targets"])["name"] = chance.choice(names)


def _list(chance: random.Random, spec: dict[str, Any]) -> None:
    spec["targets"] = chance.choice([[], {}, "a", None, [None], ["a"], [{}], [[]], spec["targets"]])


def _pointers(chance: random.Random, spec: dict[str, Any]) -> None:
    lists: tuple[Any, ...] = (
        ["/input/number"], ["/input", "/input"], ["input"], ["/other"], [], ["/input/~2"], "/input",
    )  # fmt: skip
    chance.choice(spec["targets"])[chance.choice(["sensitive", "notSecret"])] = chance.choice(lists)


def _texts(chance: random.Random, spec: dict[str, Any]) -> None:
    pairs: tuple[dict[str, Any], ...] = (
        {"a": 1}, {"": "x"}, {"a b": "x"}, {"a" * 64: "x"}, {"a": "x\n"}, {"a": None},
    )  # fmt: skip
    chance.choice(spec["targets"])[chance.choice(["labels", "annotations"])] = chance.choice(pairs)


def _previous(chance: random.Random, spec: dict[str, Any]) -> None:
    names = ("a/b/c", "/a", "a/", "A", "a.b", "a/b.c", "a/b.1", "a" * 64, "a/" + "b" * 64, 1)
    chance.choice(spec["targets"])["previousName"] = chance.choice(names)


def _rerun(chance: random.Random, spec: dict[str, Any]) -> None:
    chance.choice(spec["targets"])["rerun"] = chance.choice(
        [0, -1, 1.0, 1.5, 100_000, 100_001, "1"]
    )


def _id(chance: random.Random, spec: dict[str, Any]) -> None:
    ids = (
        f"@{CONNECTORS[0]}",
        CONNECTORS[0][:-1],
        "0" * 8 + "-0000-0000-0000-" + "0" * 12,
        "xxxx",
        1,
    )
    target = chance.choice(spec["targets"])
    names = ("connectorId", "credentials", "credentials_azure", "credentials_gcp")
    target["variables"] = {
        **(target.get("variables") or {}),
        chance.choice(names): chance.choice(ids),
    }


def _missing(chance: random.Random, spec: dict[str, Any]) -> None:
    place = chance.choice([spec, *spec["targets"]])
    del place[chance.choice(sorted(place.keys() - {"targets"}))]


def _twice(chance: random.Random, spec: dict[str, Any]) -> None:
    """The same target once more, under its own name or another one."""
    again = copy.deepcopy(chance.choice(spec["targets"]))
    spec["targets"].append(again | chance.choice([{}, {"name": "again"}]))


SLIPS: Mapping[str, Slip] = {
    "replaced": _replaced, "variables": _inside("variables"), "input": _inside("input"),
    "other cloud": _other_cloud, "other type": _other_type, "unknown key": _unknown,
    "name": _name, "list": _list, "pointers": _pointers, "texts": _texts, "previous": _previous,
    "rerun": _rerun, "id": _id, "missing": _missing, "twice": _twice,
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
