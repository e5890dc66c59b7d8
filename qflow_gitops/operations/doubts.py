"""`reconcile`: look up every run in doubt of an environment."""

from collections.abc import Generator

from qflow_gitops.interfaces import LockStore
from qflow_gitops.operations import events
from qflow_gitops.operations.gateways import one_environment
from qflow_gitops.operations.plan import seen
from qflow_gitops.operations.reconcile import Reconciler, doubts_in
from qflow_gitops.project import Project
from qflow_gitops.report import Report
from qflow_gitops.report.records import History, reconciled


def reconcile(
    project: Project, store: LockStore, reconciler: Reconciler, environment: str
) -> Generator[events.Event, None, Report]:
    """Settle what can be settled by looking. Sends nothing. Raises LockError, UsageProblem."""
    name = one_environment(project, environment)
    with store.session() as session:
        before = doubts_in(session.lockfile, project, name)
        problems = yield from reconciler.settle(session, name)
        rows = [
            (*one.key, session.lockfile.attempts(*one.key)[one.attempt.number - 1])
            for one in before
        ]
    return reconciled(History(tuple(rows), seen(store.read())), problems)
