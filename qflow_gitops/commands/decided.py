"""Decisions of a person that ask nobody: one that is put back, and how an execution ended.

What they are about stands in the lockfile. Each holds for exactly the lockfile that it was made
for: where another process wrote meanwhile, it is made anew.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from qflow_gitops.base.times import stamp
from qflow_gitops.commands.resolve import (
    NOTHING,
    Attempts,
    Decision,
    as_of_now,
    check_reason,
    chosen,
    ways_on,
)
from qflow_gitops.errors import AGAIN, BusyError, UsageProblem
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.decisions import reopening
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.spent import describe
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.lockfile import LockStore, LostRace
from qflow_gitops.results.records import Resolved
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.lockseen import seen
from qflow_gitops.sources.runs import run_key

_TRIES = 20


def decide(
    decision: Decision,
    project: Project,
    store: LockStore,
    clock: Clock,
    author: Mapping[str, str],
    attempts: Attempts,
) -> Report:
    """Put an earlier decision back, or say how an execution ended. Sends and asks nothing.

    Raises UsageProblem for what no person decided, or whose end is known.
    """
    check_reason(decision)
    told = {"by": dict(author), "detail": decision.reason}
    choose = _put_back if decision.to is State.IN_DOUBT else _ended
    with store.session() as session:
        key = run_key(decision.run, project, recorded=session.lockfile.environments)
        for _ in range(_TRIES):
            known = chosen(key, attempts(key, session.lockfile), decision.attempt)
            placed, event = choose("/".join(key), known, decision.to, stamp(clock.now()), told)
            with contextlib.suppress(LostRace):
                move = Transition(*placed.key, placed.attempt.number, event)
                session.record([move], exact=True)
                break
        else:
            raise BusyError(
                "Other processes write the lockfile all the time.",
                not_done=NOTHING,
                hint=f"When no apply is at work: `{AGAIN}`",
            )
        now = as_of_now(session.lockfile, placed)
        after = attempts(key, session.lockfile)
    later: tuple[Placed, ...] = ()
    notes: tuple[str, ...] = ()
    if decision.to is State.IN_DOUBT:
        later = _sent_later(now, after)
        notes = tuple(_in_words("/".join(key), placed.attempt, now.attempt, later))
    return Report("resolve", notes=notes, body=Resolved((now, *later), seen(store.read())))


_Chosen = tuple[Placed, Event]


def _put_back(
    run: str, known: Sequence[Placed], _to: State, at: str, told: Mapping[str, object]
) -> _Chosen:
    """Choose the newest attempt that rests on a person's decision."""
    for answer in reversed(known):
        event = reopening(answer.attempt, at, told)
        if event is not None:
            return answer, event
    last = known[-1]
    raise UsageProblem(
        "There is no decision of a person to put back: "
        f"attempt {last.attempt.number} {describe(last.attempt)}.",
        where=run,
        not_done=NOTHING,
        hint=ways_on(run, known),
        reason="nothing_decided",
    )


def _ended(
    run: str, known: Sequence[Placed], to: State, at: str, told: Mapping[str, object]
) -> _Chosen:
    """Choose the newest attempt of which nobody knows how its execution ended."""
    for answer in reversed(known):
        if answer.attempt.state is State.ENDED:
            return answer, Event(at, to, told)
    last = known[-1]
    raise UsageProblem(
        "No execution of it ended unexplained: "
        f"attempt {last.attempt.number} {describe(last.attempt)}.",
        where=run,
        not_done=NOTHING,
        hint=ways_on(run, known),
        reason="not_ended",
    )


# --- in words ------------------------------------------------------------------------

_DECIDED = {
    State.ADOPTED: "that an execution is its own",
    State.ABSENT: "that it did not run",
    State.ASSUMED: "that it ran",
    State.SUCCEEDED: "that it succeeded",
    State.FAILED: "that it failed",
}


def _sent_later(placed: Placed, known: Sequence[Placed]) -> tuple[Placed, ...]:
    """Return the attempts of the same request after one, of which each may have run as well."""
    place = next((at for at, each in enumerate(known) if each == placed), len(known))
    return tuple(
        each
        for each in known[place + 1 :]
        if each.attempt.digest == placed.attempt.digest and each.attempt.counted
    )


def _in_words(run: str, old: Attempt, now: Attempt, later: Sequence[Placed]) -> Iterator[str]:
    """Say what is put back, what is given up by it, and what counts from here on."""
    decision = State(str(now.events[-1].extra["reopens"]))
    yield (
        f"{run}: the decision {_DECIDED[decision]} is put back; attempt {old.number} is "
        f"{now.state.replace('_', ' ')} again."
    )
    if now.state is State.ENDED:
        yield f"{next_steps.settle_end(run)}."
        return
    if old.execution_id and old.state is not State.ADOPTED:
        yield f"What was seen since is given up with it: attempt {old.number} {describe(old)}."
    if old.execution_id:
        yield f"{old.execution_id} is no attempt's execution now; another attempt may adopt it."
    for placed in later:
        yield (
            f"Attempt {placed.attempt.number} sent the same request since: it "
            f"{describe(placed.attempt)}. "
            "Both count now, and neither is sent again by itself. If both ran, the request ran "
            "twice."
        )
    yield f"To settle it: {next_steps.settle_doubt(run)}."
