"""Settle a run in doubt by a person's decision, checked as far as Qualys shows anything."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from qflow_gitops.errors import AGAIN, BusyError, QflowError, UsageProblem
from qflow_gitops.inheritance import Key, Placed
from qflow_gitops.interfaces import LockSession, LockStore
from qflow_gitops.lockfile import Event, Lockfile, Transition, is_leased
from qflow_gitops.matching import Match
from qflow_gitops.moments import moment, stamp
from qflow_gitops.operations.plan import seen
from qflow_gitops.operations.reasons import refuse_secret
from qflow_gitops.operations.reconcile import Candidate, Doubt, Looked, Reconciler
from qflow_gitops.operations.runs import run_key
from qflow_gitops.project import Project
from qflow_gitops.report import Report
from qflow_gitops.report.records import History
from qflow_gitops.states import DOUBTFUL, State

NOTHING = "The record is as it was."


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a RUN: ADOPTED with an execution, ABSENT or ASSUMED.

    `others` are executions that look like this run's and, as the person says, aren't.
    """

    run: str
    to: State
    execution_id: str
    reason: str
    others: Sequence[str] = field(default=())


def resolve(
    decision: Decision,
    project: Project,
    store: LockStore,
    reconciler: Reconciler,
    author: Mapping[str, str],
    attempts: Callable[[Key, Lockfile], Sequence[Placed]],
) -> Report:
    """Record the decision, after Qualys was asked whether it can be true.

    `attempts` gives those that count for a run.
    Raises UsageProblem where the run isn't in doubt or Qualys shows otherwise, BusyError
    where its request may still be under way, and what a failed look raises.
    """
    if not decision.reason.strip():
        raise UsageProblem(
            "--reason is empty.",
            not_done=NOTHING,
            hint=f"Say why, the lockfile keeps it: `{AGAIN} --reason TEXT`",
            reason="reason_missing",
        )
    refuse_secret(decision.reason, NOTHING)
    environment, name = run_key(decision.run, project)
    with store.session() as session:
        doubt = _doubtful(environment, name, attempts((environment, name), session.lockfile))
        now = stamp(reconciler.clock.now())
        _check_lease(doubt, session, decision.to, now)
        checked = _check(decision, doubt, session.lockfile, reconciler)
        transitions = []
        if doubt.attempt.state is State.INTENT:
            event = Event(now, State.IN_DOUBT, {"detail": "The apply ended before its answer."})
            transitions.append(Transition(*doubt.key, doubt.attempt.number, event))
        extra = {"by": dict(author), "detail": decision.reason, **checked}
        adopted = decision.execution_id
        event = Event(now, decision.to, extra)
        transitions.append(
            Transition(*doubt.key, doubt.attempt.number, event, execution_id=adopted)
        )
        session.record(transitions)
        settled = session.lockfile.attempts(*doubt.key)[doubt.attempt.number - 1]
    if settled.state is not decision.to:
        raise BusyError(
            f"Another process settled it meanwhile: the attempt is {settled.state}.",
            where=f"{environment}/{name}",
            not_done="Your decision was not recorded.",
            hint=f"See what: `qflow-gitops history {environment}/{name}`",
            reason="settled_elsewhere",
        )
    return Report("resolve", body=History(((*doubt.key, settled),), seen(store.read())))


def _doubtful(environment: str, name: str, attempts: Sequence[Placed]) -> Doubt:
    """Give the oldest doubt of a run, perhaps recorded under a name that it had before."""
    for one in attempts:
        if one.attempt.state in DOUBTFUL | {State.EXPIRED}:
            return Doubt(*one.key, one.attempt)
    raise UsageProblem(
        f"The run `{environment}/{name}` is not in doubt.",
        not_done=NOTHING,
        hint="`qflow-gitops status` shows the runs that are.",
        reason="not_in_doubt",
    )


def _check_lease(doubt: Doubt, session: LockSession, to: State, now: str) -> None:
    """Refuse while the request may still be on its way: nobody can know yet what became of it."""
    first = doubt.attempt.events[0]
    until = str(first.extra.get("leaseUntil", ""))
    working = is_leased(doubt.attempt, now) and not session.alone
    if working or (to is State.ABSENT and now <= until):
        raise _under_way(doubt, until)


def _check_lease_there(doubt: Doubt, reconciler: Reconciler) -> None:
    """The same by Qualys' clock: this machine's and the sender's may both be wrong."""
    first = doubt.attempt.events[0]
    until = str(first.extra.get("leaseUntil", ""))
    skew = reconciler.gateways.asked(doubt.environment, doubt.attempt).skew or 0.0
    if until and reconciler.clock.now() + timedelta(seconds=skew) <= moment(until) + doubt.ahead:
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
    """Ask Qualys whether the decision can be true; what was asked goes into the record."""
    if decision.to is State.ADOPTED:
        _check_execution(decision, doubt, lockfile, reconciler)
        return {"checked": "execution"}
    if doubt.attempt.state is State.EXPIRED or decision.to is State.ASSUMED:
        return {}
    problems: list[QflowError] = []
    found = reconciler.look([doubt], lockfile, problems)
    if problems:
        raise problems[0]
    (looked,) = found
    _check_lease_there(doubt, reconciler)
    _check_absence(decision, looked)
    checked: dict[str, object] = {"checked": "list"}
    if decision.others:
        checked["notThese"] = list(decision.others)
    return checked


def _check_absence(decision: Decision, looked: Looked) -> None:
    left = [one for one in looked.candidates if one.execution.id not in decision.others]
    who = f"{looked.doubt.environment}/{looked.doubt.run}"
    if left:
        none = "".join(f" --not {one}" for one in (*decision.others, *_ids(left)))
        shown = ", ".join(
            f"{one.execution.id} ("
            + ("the same request" if one.match >= Match.SAME_REQUEST else "its request isn't shown")
            + ")"
            for one in left[:5]
        )
        raise UsageProblem(
            f"Qualys lists executions that may be this run's: {shown}.",
            where=who,
            not_done=NOTHING,
            hint=f"If one is: `qflow-gitops resolve {who} --adopt {left[0].execution.id} --reason "
            f"TEXT`. If none is: `qflow-gitops resolve {who} --absent{none} --reason TEXT`",
            reason="execution_found",
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
    return (one.execution.id for one in candidates)


def _check_execution(
    decision: Decision, doubt: Doubt, lockfile: Lockfile, reconciler: Reconciler
) -> None:
    one, attempt = decision.execution_id, doubt.attempt
    for environment, record in lockfile.environments.items():
        for run, attempts in record.runs.items():
            if any(other.execution_id == one for other in attempts):
                raise UsageProblem(
                    f"The execution {one} belongs to {environment}/{run} already.",
                    not_done=NOTHING,
                    hint=f"See it: `qflow-gitops history {environment}/{run}`",
                    reason="execution_taken",
                )
    found = reconciler.gateways.asked(doubt.environment, attempt).execution(one)
    if found is None or found.workflow_id.lower() != attempt.fact("workflowId").lower():
        said = "Qualys doesn't show it" if found is None else f"it is one of {found.workflow_id}"
        raise UsageProblem(
            f"The execution {one} can't be this run's: {said}.",
            not_done=NOTHING,
            hint=f"Look for the executions of workflow {attempt.fact('workflowId')} in Qualys.",
            reason="execution_differs",
        )
