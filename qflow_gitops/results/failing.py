"""A step by which an execution failed, into the lockfile and out of it."""

from collections.abc import Mapping
from typing import Any

from qflow_gitops.base.printable import shown
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.failing import failed_at, told_of
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.results.stories import Culprit, Saying, StepTold
from qflow_gitops.specs import secrets

_LONGEST, _NAME = 300, 100
"""Characters of a message, and of a name, that are kept."""


def recorded(
    at: str, attempt: Attempt, found: Culprit, by: Mapping[str, str], *, message: bool
) -> LedgerEvent:
    """Return what is kept of a step, which was told without what its spec calls sensitive.

    What looks like a secret isn't kept: nothing takes it out of the lockfile again. Without
    `message` only which step it was.
    """
    step, said = found.step, found.step.message if message else None
    text = _kept(said.text, _LONGEST) if said else ""
    known: dict[str, Any] = {
        "step": _kept(step.node_id, _NAME),
        "type": _kept(step.node_type, _NAME),
        "order": step.order,
        "status": _kept(step.status, _NAME),
        "message": text,
        "field": _kept(said.field, _NAME) if said and text else "",
        "by": dict(by),
    }
    kept = {name: value for name, value in known.items() if value not in ("", None, {})}
    return failed_at(at, attempt, {"certain": found.certain, **kept})


def _kept(text: str, longest: int) -> str:
    if secrets.spans(text):
        return ""
    line = shown(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def known(lockfile: Lockfile, attempt: Attempt) -> Culprit | None:
    """Return by which step an attempt's execution failed, as the lockfile has it; None for no word.

    Nothing of the event has to be there, or to be what it should be.
    """
    event = told_of(lockfile, attempt)
    if event is None:
        return None
    order, message = event.extra.get("order"), _text(event, "message")
    placed = isinstance(order, int) and not isinstance(order, bool)
    said = (Saying(_text(event, "field"), message, likely=True),) if message else ()
    step = StepTold(
        node_id=_text(event, "step"),
        node_type=_text(event, "type"),
        order=order if placed else None,
        status=_text(event, "status"),
        meaning="",
        created="",
        updated="",
        said=said,
    )
    return Culprit(step, event.extra.get("certain") is True, placed, recorded=True)


def _text(event: LedgerEvent, name: str) -> str:
    value = event.extra.get(name)
    return value if isinstance(value, str) else ""
