"""The words for the steps of an execution: which of them, what it says, how long it took."""

import json
from typing import Any

from qflow_gitops.render.escape import clean
from qflow_gitops.results.stories import Culprit, StepTold

_MESSAGE = 160


def culprit(found: Culprit) -> str:
    """Say by which step an execution didn't succeed; safe to print."""
    return f"{'' if found.certain else 'perhaps '}{step(found.step)}{_word(found.step)}"


def doubtful(found: Culprit) -> str:
    """Say why a step may have nothing to do with it, "" where its word stands for a failure."""
    if found.certain:
        return ""
    which = (
        "it is the last" if found.ordered else "as they came (they tell no order) it is the last"
    )
    return f"no word stands for a failure; {which} not known to have succeeded"


def in_a_line(found: Culprit) -> str:
    """Say all of it on one line, with what the step says, cut where that is long."""
    message, why = found.step.message, doubtful(found)
    said = f"{culprit(found)} ({why})" if why else culprit(found)
    return f"{said}: {short(message.text)}" if message else said


def step(found: StepTold) -> str:
    """Name a step by its place and its node."""
    place = "a step" if found.order is None else f"step {found.order}"
    return f"{place} ({clean(found.node_id)})" if found.node_id else place


def _word(found: StepTold) -> str:
    return f' "{clean(found.status)}"' if found.status else " without a status"


def short(text: str) -> str:
    """Return a message on one line, cut where it is long."""
    shown = clean(text)
    return shown if len(shown) <= _MESSAGE else shown[: _MESSAGE - 1] + "…"


def seconds(number: float | None) -> str:
    """Say how long something took, `unknown` for None."""
    if number is None:
        return "unknown"
    if number < 10:  # a run of Qualys' may be over at once
        return f"{number:.1f} s".replace(".0 ", " ")
    whole = round(number)
    parts = ((whole // 3600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    return " ".join(f"{count:,} {unit}" for count, unit in parts if count) or "0 s"


def lines(value: Any, most: int) -> list[str]:
    """Return JSON on several lines, each safe to print, at most so many."""
    every = json.dumps(value, ensure_ascii=False, indent=2).split("\n")
    shown = [clean(line) for line in every[:most]]
    left = len(every) - len(shown)
    return [*shown, f"… {left:,} more lines (--format json: all)"] if left else shown
