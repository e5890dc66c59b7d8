"""The words that several formats share, and the making safe of what files and servers say."""

import json
import unicodedata
from typing import Any

from qflow_gitops.diagnostics import Excerpt
from qflow_gitops.difference import MISSING, Difference
from qflow_gitops.plan import Change
from qflow_gitops.spec import MASK, PLACE_VARIABLES, RunSpec

_UNSAFE = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
_MAX_VALUE = 120
_WINDOW = 68  # characters of a line that are shown around what is underlined


def clean(text: str) -> str:
    r"""Make a text safe to print on one line, wherever it came from.

    Control, invisible and direction characters become `\x..` or `\u....`; `::` and `##[`,
    which a CI runner may take for commands, are broken with a zero-width space.
    """
    if text.isascii() and text.isprintable():
        safe = text
    else:
        safe = "".join(
            char.encode("unicode_escape").decode()
            if unicodedata.category(char) in _UNSAFE
            else char
            for char in text
        )
    return _no_command(safe)


def _no_command(text: str) -> str:
    return text.replace("::", ":\u200b:").replace("##[", "##\u200b[")


def underlined(excerpt: Excerpt) -> tuple[str, str]:
    """Give a line and, below it, marks under what a finding is about, cell by cell."""
    text, start, end = excerpt.text, excerpt.start, max(excerpt.end, excerpt.start + 1)
    begin = 0 if len(text) <= _WINDOW else max(0, min(start - 20, len(text) - _WINDOW))
    stop = min(len(text), begin + _WINDOW)
    pieces = [clean(char) for char in text[begin:stop]]
    before, after = "…" if begin else "", "…" if stop < len(text) else ""
    lead = len(before) + sum(map(_cells, pieces[: start - begin]))
    width = sum(map(_cells, pieces[start - begin : end - begin])) or 1
    line = _no_command("".join(pieces))
    return before + line + after, " " * lead + "^" * width


def _cells(text: str) -> int:
    """Count the columns of a terminal that a text takes."""
    wide = {"W": 2, "F": 2}
    return sum(
        0 if unicodedata.combining(char) else wide.get(unicodedata.east_asian_width(char), 1)
        for char in text
    )


def value(one: Any) -> str:
    """Give a JSON value on one line, cut where it is long."""
    if one is MISSING:
        return "(absent)"
    text = json.dumps(one, ensure_ascii=False)
    return clean(text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…")


def difference(one: Difference) -> tuple[str, str]:
    """Give a sign (`+`, `-`, `~`) and the words for one value that differs."""
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
    """Give a run's identity as people type it."""
    return f"{one.environment}/{one.name}"


def count(number: int, one: str, many: str = "") -> str:
    """Give `1 run`, `2 runs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
