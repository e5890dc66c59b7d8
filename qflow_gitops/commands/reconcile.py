"""`reconcile`: look up every run in doubt of an environment."""

from collections.abc import Generator

from qflow_gitops.apply import events
from qflow_gitops.apply.doubt import doubts_in
from qflow_gitops.apply.platforms import one_environment
from qflow_gitops.apply.reconciler import Reconciler
from qflow_gitops.base.times import stamp
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Attempt, is_leased
from qflow_gitops.lockfile.states import DOUBTFUL
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.results.records import RunHistory, reconciled
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.lockseen import seen


def reconcile(
    project: Project, store: LockStore, reconciler: Reconciler, environment: str
) -> Generator[events.Event, None, Report]:
    """Settle what can be settled by looking. Sends nothing. Raises LockError, UsageProblem."""
    name = one_environment(project, environment)
    with store.session() as session:
        before = doubts_in(session.lockfile, project, name)
        problems = yield from reconciler.settle(session, name)
        rows = [
            (*doubt.key, session.lockfile.attempts(*doubt.key)[doubt.attempt.number - 1])
            for doubt in before
        ]
    now = stamp(reconciler.clock.now())
    ways = tuple(_way_on(*row, name, now) for row in rows if row[-1].state in DOUBTFUL)
    return reconciled(RunHistory(tuple(rows), seen(store.read()), ways), problems)


def _way_on(environment: str, run: str, attempt: Attempt, asked: str, now: str) -> str:
    """Say what a person can do about a doubt that a look didn't settle."""
    if is_leased(attempt, now):
        until = attempt.events[0].extra["leaseUntil"]
        again = next_steps.look_up(asked)
        return f"{environment}/{run} may still be on its way: after {until}, {again}"
    who = f"{environment}/{run}"
    return f"{who}, once you have looked in Qualys: {next_steps.settle_doubt(who)}"
