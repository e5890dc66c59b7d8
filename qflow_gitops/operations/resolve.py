"""Settle a run in doubt by a person's decision, with who and why in the record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qflow_gitops.errors import UsageProblem
from qflow_gitops.interfaces import Clock, LockStore, Qualys
from qflow_gitops.lockfile import DOUBTFUL, Attempt, Event, Lockfile, State, Transition
from qflow_gitops.operations.checks import run_key
from qflow_gitops.operations.plan import seen
from qflow_gitops.project import Project
from qflow_gitops.report import History, Report

_NOTHING = "The record is as it was."


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a RUN: ADOPTED with an execution, ABSENT or ASSUMED."""

    run: str
    to: State
    execution_id: str
    reason: str


def resolve(
    decision: Decision,
    project: Project,
    store: LockStore,
    where: str,
    qualys: Callable[[str], Qualys],
    clock: Clock,
    author: Mapping[str, str],
) -> Report:
    """Record the decision. An execution to adopt is looked up in Qualys first.

    Raises UsageProblem where the run isn't in doubt or the execution isn't its own.
    """
    environment, name = run_key(decision.run, project)
    with store.session() as session:
        attempt = _doubtful(session.lockfile, environment, name)
        if decision.to is State.ADOPTED:
            _check_execution(decision, attempt, session.lockfile, qualys(attempt.fact("platform")))
        at = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        if attempt.state is State.INTENT:  # its process is gone: this one holds the record
            event = Event(at, State.IN_DOUBT, {"detail": "The apply ended before its answer."})
            session.record([Transition(environment, name, attempt.number, event)])
        event = Event(at, decision.to, {"by": dict(author), "detail": decision.reason})
        adopted = decision.execution_id
        session.record([Transition(environment, name, attempt.number, event, execution_id=adopted)])
        settled = session.lockfile.attempts(environment, name)[attempt.number - 1]
    lock = seen(session.lockfile, where)
    return Report("resolve", body=History(((environment, name, settled),), lock))


def _doubtful(lockfile: Lockfile, environment: str, name: str) -> Attempt:
    for attempt in lockfile.attempts(environment, name):
        if attempt.state in DOUBTFUL | {State.EXPIRED}:
            return attempt
    raise UsageProblem(
        f"The run `{environment}/{name}` is not in doubt.",
        not_done=_NOTHING,
        hint="qflow-gitops status shows the runs that are.",
        reason="not_in_doubt",
    )


def _check_execution(
    decision: Decision, attempt: Attempt, lockfile: Lockfile, qualys: Qualys
) -> None:
    one = decision.execution_id
    for environment, record in lockfile.environments.items():
        for run, attempts in record.runs.items():
            if any(other.execution_id == one for other in attempts):
                raise UsageProblem(
                    f"The execution {one} belongs to {environment}/{run} already.",
                    not_done=_NOTHING,
                    reason="execution_taken",
                )
    found = qualys.execution(one)
    if found is None or found.workflow_id.lower() != attempt.fact("workflowId").lower():
        said = "Qualys doesn't show it" if found is None else f"it is one of {found.workflow_id}"
        raise UsageProblem(
            f"The execution {one} can't be this run's: {said}.",
            not_done=_NOTHING,
            hint=f"Look for the executions of workflow {attempt.fact('workflowId')} in Qualys.",
            reason="execution_differs",
        )
