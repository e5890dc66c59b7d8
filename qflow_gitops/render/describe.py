"""The words for a run that several formats share: what it is, where it works, what differs."""

import json
from collections.abc import Iterator
from typing import Any

from qflow_gitops.base.jsondiff import MISSING, Difference
from qflow_gitops.plan.change import Change
from qflow_gitops.render.escape import clean
from qflow_gitops.specs.connector_catalogs import Names
from qflow_gitops.specs.spec import MASK, PLACE_VARIABLES, RunSpec

_MAX_VALUE = 120


def value(data: Any, most: int = _MAX_VALUE) -> str:
    """Return a JSON value on one line, cut where it is long."""
    if data is MISSING:
        return "(absent)"
    text = json.dumps(data, ensure_ascii=False)
    return clean(text if len(text) <= most else text[: most - 1] + "…")


def difference(found: Difference) -> tuple[str, str]:
    """Return a sign (`+`, `-`, `~`) and the words for one value that differs."""
    pointer = clean(found.pointer)
    if found.old == found.new == MASK:
        return "~", f"{pointer}  changed, and not shown: the spec says `sensitive`"
    if found.old is MISSING:
        return "+", f"{pointer}  {value(found.new)}"
    if found.new is MISSING:
        return "-", f"{pointer}  {value(found.old)}"
    return "~", f"{pointer}  {value(found.old)} → {value(found.new)}"


def where(spec: RunSpec, names: Names) -> str:
    """Say on which cloud, connector and place a run works."""
    used = (f"connector {connector(each, spec, names)}" for each in spec.connectors)
    return " · ".join([types(spec), *used, *map(" ".join, places(spec))])


def types(spec: RunSpec) -> str:
    """Say on which clouds a run works."""
    return ", ".join(spec.connector_types) or "no cloud named"


def connector(found: str, spec: RunSpec, names: Names) -> str:
    """Return a connector's id, before it its name where it has one."""
    named = called(found, spec, names)
    return f"{clean(named)}, {clean(found)}" if named else clean(found)


def called(found: str, spec: RunSpec, names: Names) -> str:
    """Return a connector's name as plans show it, "" without one."""
    named = names.get((spec.environment, found.removeprefix("@").lower()))
    return named.shown if named else ""


def places(spec: RunSpec) -> Iterator[tuple[str, str]]:
    """Return the variables that say where in an account a run works."""
    variables = spec.shown_variables
    for name in PLACE_VARIABLES:
        if name in variables:
            yield name, clean(str(variables[name]))


def connectors(spec: RunSpec, names: Names) -> str:
    """Return the names of a run's connectors, with their accounts, as far as they have one."""
    return ", ".join(filter(None, (called(each, spec, names) for each in spec.connectors)))


def run(change: Change) -> str:
    """Return a run's identity as people type it."""
    return f"{change.environment}/{change.name}"
