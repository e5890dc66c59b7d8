"""Facts of workflows: their list, their details, their definitions (docs/api.md 1.2, 1.3)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from qflow_gitops.doctor.facts.shapes import envelope, fields, kind, page
from qflow_gitops.doctor.facts.sights import Telling, data_of, fact, found
from qflow_gitops.doctor.qualys.role import PAGE
from qflow_gitops.doctor.qualys.visit import Visit, items, rows
from qflow_gitops.ports.tenant import Shown
from qflow_gitops.qualys.workflows import decoded
from qflow_gitops.results.checks import Fact
from qflow_gitops.specs.spec import CONNECTOR_IDS, PLACE_VARIABLES

SYSTEM = (*sorted(CONNECTOR_IDS), *PLACE_VARIABLES)
LISTED = '{"total", "items"}'
_DOCUMENTED = frozenset(
    ("id", "workflow", "createdAt", "updatedAt", "tags", "revision", "definition")
)
_REVISION = re.compile(r"[0-9a-fA-F]{64}")


def facts(visit: Visit) -> Iterator[Fact]:
    """Tell of the list, of one workflow, and of its definition."""
    listed = found(visit, "workflows")
    yield fact("list of workflows: around it", "1.2", "workflows", listed, around_list)
    yield fact("list of workflows: fields of its items", "1.2", "workflows", listed, _items)
    yield fact("list of workflows: page size", "1.2", "workflows", listed, page_of)
    details = found(visit, "workflow")
    for about, tell in (
        ("workflow: around it", _around),
        ("workflow: fields beside the documented ones", _beside),
        ("workflow: its revision", _revision),
        ("workflow: its definition", _definition),
        ("definition: its variables", _variables),
        ("definition: OCI's variables and connectorId", _system),
    ):
        yield fact(about, "1.3", "workflow", details, tell)


def around_list(shown: Shown) -> Telling:
    """Say what is around a list, and whether it is what is read."""
    good = items(shown) is not None
    return Telling(envelope(shown.data), "" if good else LISTED)


def page_of(shown: Shown) -> str:
    """Say how many items came of how many."""
    got = items(shown)
    if got is None:
        return "no items"
    return page(PAGE, len(got), data_of(shown).get("total"))


def _items(shown: Shown) -> Telling:
    found = rows(shown)
    if not found:
        return Telling("no items")
    named = all(isinstance(each.get("id"), str) for each in found)
    return Telling(fields(found), "" if named else "an id in each item")


def _around(shown: Shown) -> Telling:
    data = shown.data
    wrapped = isinstance(data, dict) and isinstance(data.get("data"), dict)
    return Telling(envelope(data), "" if wrapped else '{"data": {…}}')


def _beside(shown: Shown) -> str:
    return fields([data_of(shown)], _DOCUMENTED)


def _revision(shown: Shown) -> Telling:
    value = data_of(shown).get("revision")
    if isinstance(value, str) and _REVISION.fullmatch(value):
        return Telling("64 hexadecimal digits")
    return Telling(f"{kind(value)}, not 64 hexadecimal digits", "64 hexadecimal digits")


def _definition(shown: Shown) -> Telling:
    value = data_of(shown).get("definition")
    inside = decoded(value)
    assumed = "" if isinstance(value, str) else "a string that holds JSON"
    if not isinstance(inside, dict):
        return Telling(f"{kind(value)}, without an object in it", assumed)
    return Telling(f"{kind(value)}: {fields([inside])}", assumed)


def variables_of(shown: Shown) -> Sequence[dict[str, Any]]:
    """Return the variables of a definition, those that are rows."""
    inside = decoded(data_of(shown).get("definition"))
    found = inside.get("variables") if isinstance(inside, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _variables(shown: Shown) -> Telling:
    some = variables_of(shown)
    if not some:
        return Telling("none")
    own = sum(each.get("key") not in SYSTEM for each in some)
    readable = all(isinstance(each.get("key"), str) for each in some)
    assumed = "" if readable else '{"key", "value"}'
    return Telling(f"{len(some):,}, {own:,} of one's own; each: {fields(some)}", assumed)


def _system(shown: Shown) -> str:
    return system_variables(variables_of(shown))


def system_variables(some: Sequence[dict[str, Any]]) -> str:
    """Say which variables of the system's there are, and of what type; no value of them."""
    told = []
    for name in SYSTEM:
        values = [each.get("value") for each in some if each.get("key") == name]
        kinds = " or ".join(sorted({_wrapped(name, each) for each in values}))
        told += [f"{name} ({kinds})"] if values else []
    return ", ".join(told) or "none"


def _wrapped(name: str, value: Any) -> str:
    """Say of what type a value is, and whether a connector's id has an `@` in front."""
    inner = value[:1] if isinstance(value, list) else [value]
    at = any(isinstance(each, str) and each.startswith("@") for each in inner)
    return f"{kind(value)}, with @" if at and name in CONNECTOR_IDS else kind(value)
