"""Settle a run in doubt by a person's decision, checked as far as Qualys shows anything."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from qflow_gitops.apply.adoption import Compared, compared, refusal
from qflow_gitops.apply.doubt import Candidate, Doubt, Search
from qflow_gitops.apply.matching import Match
from qflow_gitops.apply.reconciler import Reconciler
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import moment, stamp
from qflow_gitops.errors import AGAIN, BusyError, ExitCode, QflowError, UsageProblem
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Event, Transition, is_leased, lease_end
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import DOUBTFUL, UNCOUNTED, UNSUCCESSFUL, State
from qflow_gitops.plan.spent import describe
from qflow_gitops.ports.lockfile import LockSession, LockStore
from qflow_gitops.results.records import Resolved
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.lockseen import seen
from qflow_gitops.sources.reasons import given
from qflow_gitops.sources.runs import run_key

NOTHING = "The lockfile is as it was."
Attempts = Callable[[RunKey, Lockfile], Sequence[Placed]]
"""Gives the attempts that count for a run."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a RUN, and why.

    `to` is what it comes to: IN_DOUBT where an earlier decision is put back, SUCCEEDED or
    FAILED for an end that nobody knew. `execution_id` is the one that is ADOPTED,
    `although_different`: whatever speaks against that. `others` are executions that look like
    this run's and, as the person says, aren't. `attempt` is the number of the attempt that is
    meant, 0 for the one that comes into question.
    """

    run: str
    to: State
    reason: str
    execution_id: str = ""
    although_different: bool = False
    others: Sequence[str] = field(default=())
    attempt: int = 0


def resolve(
    decision: Decision,
    project: Project,
    store: LockStore,
    reconciler: Reconciler,
    author: Mapping[str, str],
    attempts: Attempts,
) -> Report:
    """Record the decision, after Qualys was asked whether it can be true.

    Raises UsageProblem where the run isn't in doubt or Qualys shows otherwise, BusyError
    where its request may still be under way, and what a failed look raises.
    """
    check_reason(decision)
    with store.session() as session:
        key = run_key(decision.run, project, recorded=session.lockfile.environments)
        known = chosen(key, attempts(key, session.lockfile), decision.attempt)
        placed = _doubtful(key, known)
        doubt = Doubt(*placed.key, placed.attempt)
        now = stamp(reconciler.clock.now())
        _check_lease(doubt, session, decision.to, now)
        found: Compared | None = None
        if decision.execution_id:
            found = compared(decision.execution_id, doubt, session.lockfile, reconciler)
            if not (found.fits or decision.although_different):
                return _refused(found, doubt, key, store)
        facts = found.facts if found else _check(decision, doubt, session.lockfile, reconciler)
        extra = {"by": dict(author), "detail": decision.reason, **facts}
        _record(session, doubt, Event(now, decision.to, extra), found.execution.id if found else "")
        settled = as_of_now(session.lockfile, placed)
    if settled.attempt.state is not decision.to:
        raise settled_elsewhere(key, settled)
    lock = seen(store.read())
    if found is None:
        return Report("resolve", body=Resolved((settled,), lock))
    return Report("resolve", body=Resolved((settled,), lock, found.differences, found.sentences))


def _refused(found: Compared, doubt: Doubt, key: RunKey, store: LockStore) -> Report:
    """Show how an execution differs, and that nothing was recorded."""
    problem = refusal(found, doubt, "/".join(key))
    body = Resolved((), seen(store.read()), found.differences, found.sentences)
    return Report("resolve", ExitCode.USAGE, problem.reason, body=body, error=problem)


def _record(session: LockSession, doubt: Doubt, event: Event, execution_id: str) -> None:
    place = (*doubt.key, doubt.attempt.number)
    transitions = []
    if doubt.attempt.state is State.INTENT:
        left = Event(event.at, State.IN_DOUBT, {"detail": "The apply ended before its answer."})
        transitions.append(Transition(*place, left))
    transitions.append(Transition(*place, event, execution_id=execution_id))
    session.record(transitions)


def settled_elsewhere(key: RunKey, placed: Placed) -> BusyError:
    """Say that another process was faster."""
    return BusyError(
        f"Another process settled it meanwhile: the attempt is {placed.attempt.state}.",
        where="/".join(key),
        not_done="Your decision was not recorded.",
        hint=f"See what: {next_steps.history('/'.join(key))}",
        reason="settled_elsewhere",
    )


def check_reason(decision: Decision) -> None:
    """Refuse a decision that says no reason."""
    given(decision.reason, NOTHING)


# --- which attempt -------------------------------------------------------------------


def chosen(key: RunKey, attempts: Sequence[Placed], number: int) -> Sequence[Placed]:
    """Return a run's attempts, or the one of a number (0: all); UsageProblem for none."""
    found = [placed for placed in attempts if number in (0, placed.attempt.number)]
    if found:
        return found
    run = "/".join(key)
    what = f"no attempt {number} of `{run}`" if attempts else f"nothing of a run `{run}`"
    raise UsageProblem(
        f"The lockfile holds {what}.",
        not_done=NOTHING,
        hint=f"See it: {next_steps.history(run)}"
        if attempts
        else "`qflow-gitops status` lists the runs.",
        reason="attempt_unknown" if attempts else "run_unknown",
    )


def as_of_now(lockfile: Lockfile, placed: Placed) -> Placed:
    """Return an attempt as it stands now."""
    return placed._replace(attempt=lockfile.attempts(*placed.key)[placed.attempt.number - 1])


def _doubtful(key: RunKey, known: Sequence[Placed]) -> Placed:
    """Return the oldest doubt of a run, perhaps recorded under a name that it had before."""
    for placed in known:
        if placed.attempt.state in DOUBTFUL | {State.EXPIRED}:
            return placed
    last, run = known[-1].attempt, "/".join(key)
    raise UsageProblem(
        f"The run `{run}` is not in doubt: attempt {last.number} {describe(last)}.",
        not_done=NOTHING,
        hint=ways_on(run, known),
        reason="not_in_doubt",
    )


def ways_on(run: str, known: Sequence[Placed]) -> str:
    """Say how a person goes on from where a run with these attempts stands."""
    states = {placed.attempt.state for placed in known}
    ways = []
    if states & (DOUBTFUL | {State.EXPIRED}):
        ways.append(f"It is in doubt: {next_steps.settle_doubt(run)}")
    if State.ENDED in states:
        ways.append(next_steps.settle_end(run))
    if any(placed.attempt.decision for placed in known):
        ways.append(f"If what a person decided is wrong: {next_steps.reopen(run)}")
    return ". ".join(ways) or _otherwise(run, known[-1].attempt.state)


def _otherwise(run: str, state: State) -> str:
    """What Qualys answered or showed, and what was proven, stands; say what can follow it."""
    if state in UNCOUNTED:
        return f"It is due again: `qflow-gitops plan -e {run.partition('/')[0]}`"
    if state in UNSUCCESSFUL | {State.REFUSED}:
        return f"To send it again: {next_steps.retry(run)}"
    return f"To send the same request once more: {next_steps.rerun(run)}"


# --- what is asked before ------------------------------------------------------------


def _check_lease(doubt: Doubt, session: LockSession, to: State, now: str) -> None:
    """Refuse while the request may still be on its way: nobody can know yet what became of it."""
    until = lease_end(doubt.attempt, now)
    working = is_leased(doubt.attempt, now) and not session.alone
    if working or (to is State.ABSENT and now <= until):
        raise _under_way(doubt, until)


def _check_lease_there(doubt: Doubt, lockfile: Lockfile, reconciler: Reconciler) -> None:
    """The same by Qualys' clock: this machine's and the sender's may both be wrong."""
    first = doubt.attempt.events[0]
    until = str(first.extra.get("leaseUntil", ""))
    if not (until and doubt.is_timed):
        return
    skew = reconciler.asked(doubt, lockfile).skew or 0.0
    if reconciler.clock.now() + timedelta(seconds=skew) <= moment(until) + doubt.ahead:
        raise _under_way(doubt, f"{until} by the clock of the machine that sent it")


def _under_way(doubt: Doubt, until: str) -> BusyError:
    began = doubt.attempt.events[0].at
    return BusyError(
        f"The request may still be under way until {until}: it was to be sent at {began}.",
        where=f"{doubt.environment}/{doubt.run}",
        not_done=NOTHING,
        hint=f"Look in Qualys after that, and run it again: `{AGAIN}`",
        reason="lease_runs",
    )


def _check(
    decision: Decision, doubt: Doubt, lockfile: Lockfile, reconciler: Reconciler
) -> dict[str, object]:
    """Ask Qualys whether the decision can be true; what was asked goes into the lockfile."""
    if doubt.attempt.state is State.EXPIRED or decision.to is State.ASSUMED:
        return {}
    problems: list[QflowError] = []
    found = reconciler.look([doubt], lockfile, problems)
    if problems:
        raise problems[0]
    (looked,) = found
    _check_lease_there(doubt, lockfile, reconciler)
    _check_absence(decision, looked)
    checked: dict[str, object] = {"checked": "list"}
    if decision.others:
        checked["notThese"] = list(decision.others)
    return checked


def _check_absence(decision: Decision, looked: Search) -> None:
    others = {execution_id.lower() for execution_id in decision.others}
    left = [
        candidate for candidate in looked.candidates if candidate.execution.id.lower() not in others
    ]
    who = f"{looked.doubt.environment}/{looked.doubt.run}"
    if left:
        none = "".join(f" --not {execution_id}" for execution_id in (*decision.others, *_ids(left)))
        shown = ", ".join(
            f"{candidate.execution.id} ("
            + (
                "the same request"
                if candidate.match >= Match.SAME_REQUEST
                else "its request isn't shown"
            )
            + ")"
            for candidate in left[:5]
        )
        raise UsageProblem(
            f"Qualys lists executions that may be this run's: {shown}.",
            where=who,
            not_done=NOTHING,
            hint=f"If one is: `qflow-gitops resolve {who} --adopt {left[0].execution.id} --reason "
            f"TEXT`. If none is: `qflow-gitops resolve {who} --absent{none} --reason TEXT`",
            reason="execution_found",
        )
    if not looked.doubt.is_timed:
        raise UsageProblem(
            "When it was sent isn't known, so that nothing is listed proves nothing: Qualys' clock "
            "and its sender's were more than a day apart.",
            where=who,
            not_done=NOTHING,
            hint=f"If nobody can find it: `qflow-gitops resolve {who} --assume-ran --reason TEXT`, "
            f"and to send it all the same, then {next_steps.rerun(who)}",
            reason="time_unknown",
        )
    if not looked.complete:
        raise UsageProblem(
            "The list of the workflow's executions could not be read whole: it proves nothing.",
            where=who,
            not_done=NOTHING,
            hint=f"Run it again in a moment: `{AGAIN}`. Where the workflow is gone from Qualys, "
            f"nothing can prove it: `qflow-gitops resolve {who} --assume-ran --reason TEXT`",
            reason="list_incomplete",
        )


def _ids(candidates: Iterable[Candidate]) -> Iterator[str]:
    return (candidate.execution.id for candidate in candidates)
