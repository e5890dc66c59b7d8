"""Says in words what a notice is about, from the lockfile that it waits in. Pure.

Names, reasons and tickets may hold anything: each text becomes one line on which all is seen.
"""

from collections.abc import Callable, Mapping

from qflow_gitops.base.printable import shown
from qflow_gitops.lockfile import outbox
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import UNFROZEN
from qflow_gitops.lockfile.outbox import Notice
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.notices import Told

TEST = "test"
"""The kind of a notice that only shows that a receiver gets what it is sent."""
_LONGEST, _DETAIL = 300, 4_000


def told(lockfile: Lockfile, notice: Notice) -> Told:
    """Return a notice with what is shown of it."""
    attempts = lockfile.attempts(notice.environment, notice.run) if notice.run else ()
    attempt = attempts[notice.attempt - 1] if 0 < notice.attempt <= len(attempts) else None
    facts = {} if attempt is None else _facts(attempt, notice)
    safe = notice._replace(
        environment=line(notice.environment),
        run=line(notice.run),
        reason=line(notice.reason),
        detail=line(notice.detail, _DETAIL),
    )
    title, way = _SAID.get(notice.kind, _other)(_subject(safe), safe, attempt)
    return Told(safe, lockfile.lineage, line(title), line(way), **facts)


def line(text: str, most: int = _LONGEST) -> str:
    """Return a text on one line, without hidden characters, cut to so many characters."""
    text = shown(" ".join(text[: most + 1].split()))
    return text if len(text) <= most else text[: most - 1] + "…"


def a_test(at: str, name: str) -> Told:
    """Return what shows that a receiver gets what it is sent."""
    title = "A test: what qflow-gitops tells arrives here."
    return Told(Notice(name, TEST, at), "", title)


def _facts(attempt: Attempt, notice: Notice) -> dict[str, str]:
    """Return what is shown of an attempt; of its events, the one that the notice is about."""
    events = attempt.events
    event = events[notice.event - 1] if 0 < notice.event <= len(events) else attempt.events[-1]
    by = event.extra.get("by") or events[0].extra.get("by") or {}
    actor = by.get("actor", "") if isinstance(by, Mapping) else ""
    ticket = attempt.evidence.get("ticket")
    number = ticket.get("id", "") if isinstance(ticket, Mapping) else ""
    return {
        "platform": line(attempt.fact("platform")),
        "state": event.to.value,
        "execution_id": line(attempt.execution_id),
        "commit": line(attempt.fact("commit")),
        "by": line(str(actor)),
        "ticket": line(str(number)),
    }


def _subject(notice: Notice) -> str:
    """Name what it is about: an attempt, an environment, or all."""
    if notice.run:
        return f"{notice.environment}/{notice.run} #{notice.attempt}"
    return notice.environment


_Words = tuple[str, str]


def _show(notice: Notice) -> str:
    return f"qflow-gitops show {notice.environment}/{notice.run}"


def _held(subject: str, _notice: Notice, _attempt: Attempt | None) -> _Words:
    return f"Runs are held in {subject}", f"qflow-gitops plan -e {subject}"


def _started(subject: str, _notice: Notice, _attempt: Attempt | None) -> _Words:
    return f"{subject} was started", ""


def _finished(subject: str, _notice: Notice, _attempt: Attempt | None) -> _Words:
    return f"{subject} has succeeded", ""


_ENDED: Mapping[State, str] = {
    State.FAILED: "has failed",
    State.CANCELLED: "was cancelled",
    State.ENDED: "has ended, with a word that nobody explained",
    State.REFUSED: "was refused by Qualys: it did not run",
}


def _failed(subject: str, notice: Notice, attempt: Attempt | None) -> _Words:
    state = _state(notice, attempt) or State.FAILED
    return f"{subject} {_ENDED.get(state, 'has failed')}", _show(notice)


def _doubt(subject: str, notice: Notice, attempt: Attempt | None) -> _Words:
    said = "is in doubt: nobody knows whether it ran"
    if _state(notice, attempt) is State.EXPIRED:
        said += ", and Qualys can't show it any more"
    return f"{subject} {said}", _show(notice)


_SETTLED: Mapping[State, str] = {
    State.ABSENT: "it did not run",
    State.ASSUMED: "somebody decided that it ran",
    State.ADOPTED: "its execution was found",
}


def _settled(subject: str, notice: Notice, attempt: Attempt | None) -> _Words:
    state = _state(notice, attempt) or State.ADOPTED
    said = _SETTLED.get(state, "it is known what became of it")
    return f"{subject} is no longer in doubt: {said}", _show(notice)


def _freeze(_subject: str, notice: Notice, _attempt: Attempt | None) -> _Words:
    if notice.reason == UNFROZEN:
        return "The freeze is over: what is due is sent again", ""
    return "Everything is frozen: nothing is sent", "qflow-gitops status"


def _missed(subject: str, _notice: Notice, _attempt: Attempt | None) -> _Words:
    return (
        f"No apply came in {subject} when one was expected",
        f"qflow-gitops status -e {subject}",
    )


def _other(subject: str, notice: Notice, _attempt: Attempt | None) -> _Words:
    """What a later version put there."""
    return f"{subject}: {line(notice.kind)}", ""


def _state(notice: Notice, attempt: Attempt | None) -> State | None:
    if attempt is None or not 0 < notice.event <= len(attempt.events):
        return None
    return attempt.events[notice.event - 1].to


_SAID: Mapping[str, Callable[[str, Notice, Attempt | None], _Words]] = {
    outbox.HELD: _held,
    outbox.STARTED: _started,
    outbox.FINISHED: _finished,
    outbox.FAILED: _failed,
    outbox.DOUBT: _doubt,
    outbox.SETTLED: _settled,
    outbox.FREEZE: _freeze,
    outbox.MISSED: _missed,
}
