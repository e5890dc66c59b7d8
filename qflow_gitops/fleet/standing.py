"""How a member of a fleet stands, by the JSON that its own `plan` or `apply` wrote. Pure.

What isn't known here, a newer program's word for instance, never counts as done.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from qflow_gitops.base.times import moment
from qflow_gitops.errors import ExitCode
from qflow_gitops.lockfile.fleet import Seen
from qflow_gitops.lockfile.states import DOUBTFUL, UNCOUNTED, UNDER_WAY, State
from qflow_gitops.plan.change import Action, Reason
from qflow_gitops.policy.waves import MemberStanding

Json = Mapping[str, Any]

_DONE, _OPEN, _UNSENT = MemberStanding.DONE, MemberStanding.OPEN, MemberStanding.UNSENT
_FAILED, _HELD, _DOUBT = MemberStanding.FAILED, MemberStanding.HELD, MemberStanding.DOUBT
_WORST = (_DOUBT, _FAILED, _HELD, _OPEN, _UNSENT, _DONE)  # of several the first one counts
_HOLDS: Mapping[str, MemberStanding] = {
    Reason.IN_DOUBT: _DOUBT,
    Reason.EXPIRED: _DOUBT,
    Reason.FAILED: _FAILED,
    Reason.REFUSED: _FAILED,
    Reason.STOPPED: _FAILED,
    Reason.INVALID: _FAILED,
}
"""Any other hold is one that a person releases."""
_SKIPS: Mapping[str, MemberStanding] = {
    Reason.ALREADY_RAN: _DONE,
    Reason.BASELINED: _DONE,
    Reason.REMOVED: _DONE,
    Reason.IN_PROGRESS: _OPEN,
}
_STATES: Mapping[str, MemberStanding] = {
    **dict.fromkeys(State, _FAILED),
    **dict.fromkeys((*DOUBTFUL, State.EXPIRED), _DOUBT),
    **dict.fromkeys(UNDER_WAY, _OPEN),
    **dict.fromkeys(UNCOUNTED, _UNSENT),
    **dict.fromkeys((State.SUCCEEDED, State.ASSUMED, State.BASELINED), _DONE),
}
_EXITS: Mapping[int, MemberStanding] = {
    ExitCode.OK: _DONE,
    ExitCode.HELD: _HELD,
    ExitCode.BUSY: _OPEN,
    ExitCode.STILL_RUNNING: _OPEN,
    ExitCode.IN_DOUBT: _DOUBT,
    ExitCode.PENDING: _UNSENT,
    ExitCode.SIGINT: _OPEN,
    ExitCode.SIGTERM: _OPEN,
}
"""Any other exit code is a failure. What was asked to end goes on the next time."""
_GOES_ON = (ExitCode.BUSY, ExitCode.STILL_RUNNING, ExitCode.SIGINT, ExitCode.SIGTERM)
"""Where an apply ends so, what it didn't start was stopped by no failure."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ASKED = "its approvals are asked when it is applied"
_LONGEST = 300
"""So many characters a detail may have."""


class _Told(NamedTuple):
    """What a report says of one run: how the member stands by it, the word for that, in words."""

    standing: MemberStanding
    word: str
    detail: str


def seen(report: object, exit_code: int, problem: str = "") -> Seen:
    """Say how a member stands by a report, None for none, and the exit code of its process.

    `problem` says why there is no report, without secrets. What is due in a plan comes first,
    whatever else is held: the member has to be worked on.
    """
    known = isinstance(report, Mapping) and report.get("formatVersion") == 1
    found: Json = report if known and isinstance(report, Mapping) else {}
    if not isinstance(found.get("changes"), list) or not _text(found, "digest"):
        return _without_a_plan(found, exit_code, problem)
    sent = found.get("command") == "apply"
    told = [*(_applied(found, exit_code) if sent else map(_change, _maps(found, "changes")))]
    told += _unsettled(found)
    ended = _of_exit(found, exit_code)
    due = () if sent else tuple(each for each in told if each.standing is _UNSENT)
    worst = min(due or (*told, ended), key=lambda each: _WORST.index(each.standing))
    worst = ended if worst.standing is _DONE else worst
    lock = found.get("lockAfter" if sent else "lock")
    return Seen(
        standing=worst.standing,
        exit_code=exit_code,
        reason=worst.word,
        counts=_counts(found),
        ended=_ended(found),
        digest=_text(found, "digest"),
        detail=_ahead(found) if due else worst.detail[:_LONGEST],
        commit=_commit(found),
        lock_commit=_commit(lock) if isinstance(lock, Mapping) else "",
    )


def _ahead(report: Json) -> str:
    """Say what comes before a member's runs are sent that its plan couldn't know, "" for nothing.

    What is due is no more to be told of: its plan asked nobody.
    """
    found = report.get("environments")
    environments = found.values() if isinstance(found, Mapping) else ()
    asks = (each.get("asksForApprovals") for each in environments if isinstance(each, Mapping))
    return _ASKED if any(each is True for each in asks) else ""


def _without_a_plan(report: Json, exit_code: int, problem: str) -> Seen:
    """Say how a member stands of which only the exit code is known, which proves nothing done."""
    told = _of_exit(report, exit_code)
    was_ended = exit_code in (ExitCode.SIGINT, ExitCode.SIGTERM)
    standing = _FAILED if was_ended or told.standing in (_DONE, _UNSENT) else told.standing
    word = _text(report, "reason") if standing is told.standing else "no_report"
    detail = told.detail or problem or "it gave no report that can be read"
    return Seen(standing, exit_code, word or "no_report", detail=detail[:_LONGEST])


def _of_exit(report: Json, exit_code: int) -> _Told:
    """Say how a member stands by its exit code, with the error that it reports."""
    error = report.get("error")
    detail = _text(error, "message") if isinstance(error, Mapping) else ""
    return _Told(_EXITS.get(exit_code, _FAILED), _text(report, "reason"), detail)


def _unsettled(report: Json) -> Iterator[_Told]:
    """Say how a member stands by what was sent before and isn't over, listed or not."""
    found = report.get("environments")
    environments = found.values() if isinstance(found, Mapping) else ()
    counts = [
        each.get(name)
        for each in environments
        for name in ("underWay", "inDoubt")
        if isinstance(each, Mapping)
    ]
    if not counts or not all(type(count) is int for count in counts):
        yield _Told(_OPEN, "unknown", "whether anything is under way isn't told")
    if any(counts[0::2]):
        yield _Told(_OPEN, Reason.IN_PROGRESS, "runs are under way")
    if any(counts[1::2]):
        yield _Told(_DOUBT, Reason.IN_DOUBT, "some may have run, and nobody knows")


def _change(change: Json) -> _Told:
    """Say how a member stands by one decision."""
    action, reason, attempt = (change.get(name) for name in ("action", "reason", "attempt"))
    state = attempt.get("state") if isinstance(attempt, Mapping) else None
    if action == Action.RUN:
        standing = _UNSENT
    elif action == Action.WAIT:
        standing = _OPEN
    elif action != Action.SKIP:
        standing = _HOLDS.get(str(reason), _HELD)
    elif reason == Reason.REMOVED and state is not None:
        by_state = _STATES.get(str(state), _HELD)  # a failure of what is gone is nobody's business
        standing = by_state if by_state in (_DOUBT, _OPEN, _HELD) else _DONE
    else:
        standing = _SKIPS.get(str(reason), _HELD)
    return _Told(standing, str(reason), f"{_name(change)}: {_text(change, 'detail')}")


# --- applies -------------------------------------------------------------------------


def _applied(report: Json, exit_code: int) -> Iterator[_Told]:
    """Say how a member stands by what an apply did, and by what it left as it was."""
    outcomes = _maps(report, "outcomes")
    yield from map(_outcome, outcomes)
    for each in _maps(report, "inDoubt"):
        yield _Told(_DOUBT, Reason.IN_DOUBT, f"{_name(each)}: it may have run")
    for each in _maps(report, "elsewhere"):
        yield _Told(_OPEN, "elsewhere", f"{_name(each)}: another apply is sending it")
    left = (*_maps(report, "notStarted"), *_maps(report, "waiting"))
    for told in map(_change, left):
        goes_on = told.word == Reason.STOPPED and exit_code in _GOES_ON
        yield told._replace(standing=_OPEN) if goes_on else told
    known = {_name(each) for each in (*outcomes, *left)}
    for change in _maps(report, "changes"):
        told, action = _change(change), change.get("action")
        if action in (Action.RUN, Action.WAIT, Action.SKIP) and (
            _name(change) in known or change.get("attemptOf") in known
        ):
            continue  # what came of it was told
        if action == Action.RUN:
            told = told._replace(standing=_OPEN)  # another apply has taken it meanwhile
        yield told


def _outcome(outcome: Json) -> _Told:
    """Say how a member stands by an attempt that was made or waited for."""
    attempt = outcome.get("attempt")
    attempt = attempt if isinstance(attempt, Mapping) else {}
    state, last = _text(attempt, "state"), (_maps(attempt, "events") or [{}])[-1]
    standing, word, hold = _STATES.get(state, _HELD), state, _text(last, "hold")
    if state == State.UNSENT and hold:
        standing, word = _HELD, hold
    detail, status = _text(last, "detail"), _text(attempt, "status")
    why = f": {detail}" if detail else f' ("{status}")' if status else ""
    return _Told(standing, word, f"{_name(outcome)}: {state.replace('_', ' ')}{why}")


# --- what a report has ---------------------------------------------------------------


def _counts(report: Json) -> dict[str, int]:
    """Count the runs by what was planned for them and, of an apply, by what came of them."""
    planned = report.get("counts")
    counts = {
        str(name): number
        for name, number in (planned.items() if isinstance(planned, Mapping) else ())
        if type(number) is int and number >= 0
    }
    came = Counter(_outcome(each).standing.value for each in _maps(report, "outcomes"))
    return counts | dict(came)


def _ended(report: Json) -> float:
    """Return when the last run ended that the report tells of, in seconds; 0 where none did.

    An end is known from when it was seen.
    """
    attempts = [each.get("attempt") for each in _maps(report, "changes")]
    attempts += [each.get("attempt") for each in _maps(report, "outcomes")]
    return max(map(_end_of, filter(None, attempts)), default=0.0)


def _end_of(attempt: object) -> float:
    if not isinstance(attempt, Mapping):
        return 0.0
    if attempt.get("state") in UNDER_WAY | DOUBTFUL | UNCOUNTED:
        return 0.0
    events = _maps(attempt, "events")
    try:
        return moment(_text(events[-1] if events else attempt, "at")).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _name(data: Json) -> str:
    return f"{_text(data, 'environment')}/{_text(data, 'name')}"


def _commit(data: Json) -> str:
    """Return what is a commit's whole id, "" for anything else."""
    commit = _text(data, "commit")
    return commit if _COMMIT.fullmatch(commit) else ""


def _text(data: Json, name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _maps(data: Json, name: str) -> list[Json]:
    """Return the objects of a list; what is none can't be judged, and stays as an empty one."""
    found = data.get(name)
    items: Iterable[object] = found if isinstance(found, list) else ()
    return [each if isinstance(each, Mapping) else {} for each in items]
