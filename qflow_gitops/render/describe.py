"""The words for a run that several formats share: what it is, where it works, what differs."""

import json
from typing import Any

from qflow_gitops.base.jsondiff import MISSING, Difference
from qflow_gitops.plan.change import Change
from qflow_gitops.render.escape import clean
from qflow_gitops.specs.spec import MASK, PLACE_VARIABLES, RunSpec

_MAX_VALUE = 120


def value(one: Any) -> str:
    """Return a JSON value on one line, cut where it is long."""
    if one is MISSING:
        return "(absent)"
    text = json.dumps(one, ensure_ascii=False)
    return clean(text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…")


def difference(one: Difference) -> tuple[str, str]:
    """Return a sign (`+`, `-`, `~`) and the words for one value that differs."""
    pointer = clean(one.pointer)
    if one.old == one.new == MASK:
        return "~", f"{pointer}  changed, and not shown: the spec says `sensitive`"
    if one.old is MISSING:
        return "+", f"{pointer}  {value(one.new)}"
    if one.new is MISSING:
        return "-", f"{pointer}  {value(one.old)}"
    return "~", f"{pointer}  {value(one.old)} → {value(one.new)}"


def where(spec: RunSpec, names: dict[str, str]) -> str:
    """Say on which cloud, connector and place a run works."""
    parts = [", ".join(spec.connector_types) or "no cloud named"]
    for one in spec.connectors:
        name = names.get(one.removeprefix("@").lower(), "")
        parts.append(f"connector {clean(one)}" + (f" ({clean(name)})" if name else ""))
    parts += [
        f"{name} {clean(str(spec.variables[name]))}"
        for name in PLACE_VARIABLES
        if name in spec.variables
    ]
    return " · ".join(parts)


def run(one: Change) -> str:
    """Return a run's identity as people type it."""
    return f"{one.environment}/{one.name}"
