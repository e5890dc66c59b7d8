"""`reconcile`: look up every run in doubt of an environment."""

from collections.abc import Generator, Iterator, Sequence

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
        serial = session.lockfile.serial
        before = doubts_in(session.lockfile, project, name)
        problems = yield from reconciler.settle(session, name)
        rows = [
            (*doubt.key, session.lockfile.attempts(*doubt.key)[doubt.attempt.number - 1])
            for doubt in before
        ]
        written = session.lockfile.serial != serial
    ways = tuple(_ways_on(rows, name, stamp(reconciler.clock.now())))
    return reconciled(RunHistory(tuple(rows), seen(store.read()), ways, written=written), problems)


def _ways_on(rows: Sequence[tuple[str, str, Attempt]], asked: str, now: str) -> Iterator[str]:
    """Say what a person can do about doubts that a look didn't settle."""
    left = [row for row in rows if row[-1].state in DOUBTFUL]
    for environment, run, attempt in left:
        if is_leased(attempt, now):
            until = attempt.events[0].extra["leaseUntil"]
            again = next_steps.look_up(asked)
            yield f"{environment}/{run} may still be on its way: after {until}, {again}"
    if open_ones := [f"{row[0]}/{row[1]}" for row in left if not is_leased(row[-1], now)]:
        first, *others = open_ones
        more = f", and {len(others):,} more alike" if others else ""
        yield f"{first}{more}, once you have looked in Qualys: {next_steps.settle_doubt(first)}"
