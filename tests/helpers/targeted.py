"""Specs with targets: what they stand for, said a second time, and made ones."""

import hashlib
import json
import random
from collections.abc import Mapping
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
    spec = by_id(whole["spec"])
    shared = {key: value for key, value in spec.items() if key != "targets"}
    targets = spec["targets"]
    found = {}
    for number, each in enumerate(selected(targets) if isinstance(targets, dict) else targets):
        each = by_id(each)  # noqa: PLW2901  the same one
        own = {key: each[key] for key in each.keys() & {"variables", "input"}}
        own = merge_patch({key: shared[key] for key in shared.keys() & {"variables", "input"}}, own)
        own |= {key: each[key] for key in each.keys() & {"connectorType", "rerun"}}
        metadata = {**whole["metadata"], "name": f"{whole['metadata']['name']}-{number}"}
        found[f"{whole['metadata']['name']}/{each['name']}"] = {
            **whole, "metadata": metadata, "spec": {**shared, **own}
        }  # fmt: skip
    return found


def by_id(part: Mapping[str, Any]) -> dict[str, Any]:
    """Put the id in place of a connector's name; a name that is none of the catalog's goes."""
    rest = {key: value for key, value in part.items() if key != "connector"}
    if connector := NAMED.get(part.get("connector", "")):
        rest["variables"] = {**rest.get("variables", {}), "connectorId": connector["id"]}
    return rest


def selected(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the targets that a selection stands for."""
    wanted = given["connectors"]
    cloud, labels = wanted["cloud"], wanted.get("labels", {})
    found = []
    for name, connector in CATALOG[cloud].items():
        fits = labels.items() <= connector["labels"].items() and not connector.get("disabled")
        for region in given.get("regions", [""]) if fits else ():
            full = f"{name}.{region}" if region else name
            place = {"oci_region" if cloud == "oci" else "region": region} if region else {}
            own = given.get("overrides", {}).get(full, {})
            variables = {"connectorId": connector["id"], **place, **own.get("variables", {})}
            if name not in wanted.get("exclude", ()):
                found.append({"name": full, **own, "variables": variables})
    return sorted(found, key=lambda one: str(one["name"]))


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

CLOUDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "aws": {"region": ("us-east-1", "eu-west-1")},
    "azure": {"resourceGroup": ("rg", "Default-CIN")},
    "gcp": {"project": ("my-project", "sec-ops-01")},
    "oci": {
        "oci_region": ("ap-hyderabad-1", "us-ashburn-1"),
        "compartment": ("ocid1.compartment.oc1..aaaaaaaadrzbutdzkqdhjyyf7cf2ywlzv5pdqgak",),
    },
}
"""The system variables of each cloud but for those that name a connector."""
OLD = {"aws": "credentials", "azure": "credentials_azure", "gcp": "credentials_gcp"}
CATALOG: Mapping[str, Mapping[str, Any]] = {
    cloud: {
        f"{cloud}-{name}": {
            "id": f"{row}{number}70acae-6ea8-3acf-b504-f327855b316b",
            "labels": {"tier": tier},
            **({"disabled": True} if name == "off" else {}),
        }
        for number, (name, tier) in enumerate(
            [("pay", "prod"), ("shop", "prod"), ("lab", "dev"), ("off", "prod")]
        )
    }
    for row, cloud in zip("abcd", CLOUDS, strict=True)
}
NAMED = {name: one for connectors in CATALOG.values() for name, one in connectors.items()}
CATALOGS = {
    f"connectors/prod/{cloud}.yaml": json.dumps(
        {"apiVersion": "qflow-gitops/v1", "kind": "ConnectorCatalog", "connectors": some}
    ).encode() + b"\n"
    for cloud, some in CATALOG.items()
}  # fmt: skip
"""The catalog as the files of a project with the environment `prod`."""


def ids_of(cloud: str) -> tuple[str, ...]:
    """Give ids of connectors, each also in capitals."""
    some = [one["id"] for one in list(CATALOG[cloud].values())[:3]]
    return (*some, *map(str.upper, some))


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
        if self._now():
            numbers = range(chance.randint(1, 4))
            spec["targets"] = [self._target(n, known="connectorType" in spec) for n in numbers]
        else:
            spec |= {"connectorType": self.cloud, "targets": self._selection()}
        self.data: dict[str, Any] = {
            "apiVersion": "qflow-gitops/v1",
            "kind": "WorkflowRun",
            "metadata": {"name": name, **({"labels": {"team": "sec"}} if self._now() else {})},
            "spec": spec,
        }
        if "connectorType" not in spec and "variables" in spec:
            spec["variables"] = {"owner": "sec"}  # whose cloud would be nobody's
        elif "connectorType" in spec and "connectorId" not in spec.get("variables", {}):
            spec |= {"connector": self._connector()} if self._now() else {}

    def _now(self) -> bool:
        return self._chance.random() < 0.6

    def _connector(self) -> str:
        return self._chance.choice([f"{self.cloud}-pay", f"{self.cloud}-shop"])

    def _selection(self) -> dict[str, Any]:
        places = next(iter(CLOUDS[self.cloud].values()))
        names = [name for name in CATALOG[self.cloud] if not name.endswith("-off")]
        found: dict[str, Any] = {"connectors": {"cloud": self.cloud}}
        if self._now():
            found["connectors"]["labels"] = {"tier": "prod"}
            names = names[:2]
        if self._now():
            found["connectors"]["exclude"] = [names.pop(self._chance.randrange(2))]
        if self.cloud in ("aws", "oci") and self._now():
            found["regions"] = list(places[: self._chance.randint(1, 2)])
            names = [f"{name}.{place}" for name in names for place in found["regions"]]
        if self._now():
            own = self._target(0, known=True)
            del own["name"]
            own.pop("connector", None)
            own["variables"] = {"owner": "me"}
            found["overrides"] = {self._chance.choice(names): own}
        return found

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
        if "connectorId" not in own.get("variables", {}) and self._now():
            own["connector"] = self._connector()
        items = list(own.items())
        self._chance.shuffle(items)
        return dict(items)

    def _variables(self, *, null: bool) -> dict[str, Any]:
        ids = ids_of(self.cloud)
        words = {**CLOUDS[self.cloud], "connectorId": ids, "owner": ("me", "you")}
        words |= {OLD[self.cloud]: ids} if self.cloud in OLD else {}
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
