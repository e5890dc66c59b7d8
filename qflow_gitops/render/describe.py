"""The words for a run that several formats share: what it is, where it works, what differs."""

import json
from typing import Any

from qflow_gitops.base.jsondiff import MISSING, Difference
from qflow_gitops.plan.change import Change
from qflow_gitops.render.escape import clean
from qflow_gitops.specs.connector_catalogs import Named, Names
from qflow_gitops.specs.spec import MASK, PLACE_VARIABLES, RunSpec

_MAX_VALUE = 120


def value(data: Any) -> str:
    """Return a JSON value on one line, cut where it is long."""
    if data is MISSING:
        return "(absent)"
    text = json.dumps(data, ensure_ascii=False)
    return clean(text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…")


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
    parts = [", ".join(spec.connector_types) or "no cloud named"]
    for connector in spec.connectors:
        named = _named(connector, spec, names)
        known = f"{clean(named.shown)}, " if named else ""
        parts.append(f"connector {known}{clean(connector)}")
    parts += [
        f"{name} {clean(str(spec.variables[name]))}"
        for name in PLACE_VARIABLES
        if name in spec.variables
    ]
    return " · ".join(parts)


def connectors(spec: RunSpec, names: Names) -> str:
    """Return the names of a run's connectors, with their accounts, as far as they have one."""
    named = (_named(connector, spec, names) for connector in spec.connectors)
    return ", ".join(each.shown for each in named if each)


def _named(connector: str, spec: RunSpec, names: Names) -> Named | None:
    return names.get((spec.environment, connector.removeprefix("@").lower()))


def run(change: Change) -> str:
    """Return a run's identity as people type it."""
    return f"{change.environment}/{change.name}"
