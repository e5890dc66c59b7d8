"""What a round's apply answered, by its JSON. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from qflow_gitops.errors import ExitCode, QflowError
from qflow_gitops.plan.change import Reason
from qflow_gitops.ports.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qflow_gitops.fleet.work import Work

    Json = Mapping[str, Any]

GOT_THROUGH = frozenset(
    {
        ExitCode.OK,
        ExitCode.RUN_FAILED,
        ExitCode.HELD,
        ExitCode.STILL_RUNNING,
        ExitCode.IN_DOUBT,
    }
)
"""Exit codes of an apply that did its work. What its runs came to is another matter."""
_PASSING: Mapping[int, tuple[str, ...]] = {
    ExitCode.BUSY: ("",),
    ExitCode.STALE: ("superseded", "stale_plan"),
}
"""Exit codes, and beginnings of reasons, that another apply brings about: the next round begins at
what that left. Where history was rewritten it stays so."""
_STATES: Mapping[str, str] = {
    "failed": "failed",
    "cancelled": "cancelled",
    "ended": "ended unexplained",
    "refused": "refused",
    "expired": "expired",
}
_SEEN_BY_AN_APPLY = (Reason.APPROVAL, Reason.TICKET)
"""A plan asks nobody about these, and so may not hold for them."""


def came_of(work: Work, commit: str) -> Round:
    """Say what came of an apply at a commit by its exit code and its answer."""
    report: Json = work.report if work.report is not None else {}
    reason = _text(report, "reason") or ("no_report" if work.exit_code else "ok")
    held = {_name(one): _text(one, "reason") for one in _left(report)}
    held = {name: why for name, why in held.items() if why != Reason.IN_DOUBT}
    found = _problem(work, report, reason, held, commit)
    if found:
        found.exit_code = (
            ExitCode(work.exit_code) if work.exit_code in {*ExitCode} else ExitCode.BUG
        )
    passing = reason.startswith(_PASSING.get(work.exit_code, ()))
    return Round(
        work.exit_code, reason, found, passing, dict(_stand(report)), len(held),
        len(_maps(report, "inDoubt")), commit,
    )  # fmt: skip


def notices_left(report: Json | None) -> bool:
    """Whether an apply says that others are still to be told of something."""
    return bool(report and report.get("noticesLeft"))


def _problem(
    work: Work, report: Json, reason: str, held: Mapping[str, str], commit: str
) -> QflowError | None:
    """Return what a person is to know of a round, as the apply would have told it."""
    error = report.get("error")
    if isinstance(error, dict):
        return QflowError(
            _text(error, "message"), where=_text(error, "where"),
            not_done=_text(error, "notDone"), hint=_text(error, "hint"), reason=reason,
        )  # fmt: skip
    if work.report is None:
        return QflowError(
            f"A round's apply gave no answer: {work.problem}",
            not_done="What it sent is in the lockfile, if only as an intent.",
            hint="Look how it stands: `qflow-gitops status`. The next round looks up what was left "
            "open.",
            reason=reason,
        )
    return _of_the_runs(work.exit_code, report, reason, held, commit)


def _of_the_runs(
    code: int, report: Json, reason: str, held: Mapping[str, str], commit: str
) -> QflowError | None:
    """Say what is the matter with runs: in doubt, failed, held."""
    doubts = len(_maps(report, "inDoubt"))
    told = [f"{_runs(doubts)} in doubt"] if doubts else []
    states = Counter(map(_state, _maps(report, "outcomes")))
    told += [f"{_runs(states[name])} {said}" for name, said in _STATES.items() if states[name]]
    told += [
        f"{_runs(count)} held ({name})" for name, count in sorted(Counter(held.values()).items())
    ]
    if not told and code in (ExitCode.OK, ExitCode.STILL_RUNNING):
        return None
    environment = _text(report, "environment")
    where = f"{environment}: " if environment else ""
    return QflowError(
        f"{where}{', '.join(told) or f'the apply ended with {reason}'}.",
        not_done="What is held was not sent." if held else "",
        hint=_why(report) or _look(environment, commit if held else ""),
        reason=reason,
    )


def _why(report: Json) -> str:
    """Return what the first of those is held for that no plan shows; "" for none."""
    for one in _left(report):
        detail = _text(one, "detail")
        if detail and _text(one, "reason") in _SEEN_BY_AN_APPLY:
            return f"{_name(one)}: {detail.removesuffix('.')}. {_text(one, 'hint')}".rstrip()
    return ""


def _look(environment: str, held_of: str) -> str:
    """Say what shows more; `held_of` is the commit of runs that are held, "" for none.

    The HEAD of a clone that is watched stays where it is.
    """
    option = f" -e {environment}" if environment else ""
    if held_of:
        return f"Look what it waits for: `qflow-gitops plan{option} --to {held_of[:12]}`"
    return f"Look how it stands: `qflow-gitops status{option}`"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"


def _left(report: Json) -> list[Json]:
    """Return what was held, at first or when its turn came."""
    left = [*_maps(report, "changes"), *_maps(report, "notStarted")]
    return [one for one in left if one.get("action") == "hold"]


def _stand(report: Json) -> Iterator[tuple[str, str]]:
    for one in _maps(report, "outcomes"):
        attempt = one.get("attempt")
        known: Json = attempt if isinstance(attempt, dict) else {}
        execution = _text(known, "executionId")
        yield (
            f"{_name(one)} #{known.get('number', '?')}",
            _state(one).replace("_", " ") + (f", {execution}" if execution else ""),
        )


def _state(outcome: Json) -> str:
    attempt = outcome.get("attempt")
    return _text(attempt, "state") if isinstance(attempt, dict) else ""


def _name(data: Json) -> str:
    return f"{_text(data, 'environment')}/{_text(data, 'name')}"


def _text(data: Json, name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _maps(data: Json, name: str) -> list[Json]:
    found = data.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
