"""What is recorded: the last attempt of every run, or all attempts."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from qflow_gitops.apply.overdue import Overdue
from qflow_gitops.apply.platforms import Gateways, one_environment
from qflow_gitops.apply.polling import look, what_became
from qflow_gitops.apply.result import under_way
from qflow_gitops.base.names import spec_of
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import QflowError
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.attempt import telling
from qflow_gitops.lockfile.decisions import endings
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.inheritance import Inheritance, left_behind, names_of, successor
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import NEVER_SENT, RETRIABLE, State
from qflow_gitops.lockfile.ways_on import way_on
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.results.failing import known
from qflow_gitops.results.records import Status, StatusRow, standing
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import folders, forgotten
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.loader import DIRECT, Loader
from qflow_gitops.sources.lockseen import out_of_use, seen
from qflow_gitops.sources.runs import run_keys
from qflow_gitops.sources.settings import chosen
from qflow_gitops.sources.specs import all_specs
from qflow_gitops.specs import connector_catalogs
from qflow_gitops.specs.load import SpecSet


class Only(NamedTuple):
    """What of all runs is shown: those that RUNs name, in these states, with these labels.

    () and {} ask for all; `NEVER_SENT` is the state of a run without an attempt.
    """

    runs: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}

    def holds(self, row: StatusRow) -> bool:
        """Whether a run is in one of the states, and its spec has the labels."""
        state = row.attempt.state.value if row.attempt else NEVER_SENT
        if self.states and state not in self.states:
            return False
        labels = row.spec.labels if row.spec else {}
        return all(labels.get(name) == value for name, value in self.labels.items())


EVERYTHING = Only()
_NOTHING = "Nothing is shown."


def status(
    git: Repository,
    commit: str,
    store: LockStore,
    settings: Settings,
    environment: str,
    others: tuple[Freeze, ...] = (),
    *,
    only: Only = EVERYTHING,
    now: str,
    loader: Loader = DIRECT,
    platform: str = "",
    late: Callable[[Lockfile, SpecSet], Iterable[Overdue]] = lambda _lockfile, _specs: (),
    exit_code: bool,
) -> Report:
    """Show every run of the lockfile and of a commit, and what is frozen. Raises QflowError.

    Also those of environments that exist no more, with `environment` what is open there: it is
    in no other's plan. The commit is "" for the work tree. `others` are the freezes beside the
    lockfile's, `platform` the one named on the command line, `now` the time as RFC 3339. `late`
    finds what no apply did.
    """
    recorded, project = store.read(whole=True), settings.project
    lockfile = recorded.lockfile or Lockfile("")
    if commit:
        found = loader.specs(git, commit, settings, platform, settled=None)
    else:
        found = all_specs(git, "", project)
    rows = list(_rows(lockfile, project, environment, found))
    if only.runs:
        keys = run_keys(only.runs, project, environment, {row.key for row in rows}, _NOTHING)
        rows = [row for row in rows if row.key in keys]
    elif environment:
        left = forgotten.left_open(lockfile, project)
        rows += [StatusRow(*placed.key, placed.attempt, None, gone=True) for placed in left]
    rows = [*_with_ways([row for row in rows if only.holds(row)], lockfile, project, now)]
    holding = (*freezes.recorded(lockfile.freezes), *others)
    called = connector_catalogs.names(found.connectors, project, project.environments)
    report = standing(Status(tuple(rows), seen(recorded), holding, called), exit_code=exit_code)
    empty = not rows and only == EVERYTHING
    absent = folders.missing(git, commit, project, lambda: recorded.lockfile) if empty else ()
    said = (f"{finding.message} {finding.hint}" for finding in absent)
    overdue = (f"{each.message} {each.hint}" for each in late(lockfile, found))
    notes = (*out_of_use(recorded), *forgotten.notes(lockfile, project), *said, *overdue)
    return replace(report, notes=notes)


def _with_ways(
    rows: Sequence[StatusRow], lockfile: Lockfile, project: Project, now: str
) -> Iterator[StatusRow]:
    """Add what a person types about each run, under the name that it has now; and how it failed.

    A spec's name stands for its targets that failed, where they are several.
    """
    failed = Counter(spec_of(row.key) for row in rows if _is_retried(row))
    for row in rows:
        home = successor(lockfile, project, row.environment)
        if row.attempt is None or row.heir or row.closed or not home:
            yield row
            continue
        step = known(lockfile, row.attempt)
        together = _is_retried(row) and failed[spec_of(row.key)] > 1
        name = spec_of(row.key)[1] if together else row.name
        wanted = row.spec is not None and row.spec.digest == row.attempt.digest
        yield replace(
            row, way=way_on(f"{home}/{name}", row.attempt, now, wanted=wanted), failed_at=step
        )


def _is_retried(row: StatusRow) -> bool:
    return row.attempt is not None and row.attempt.state in RETRIABLE


def _rows(
    lockfile: Lockfile, project: Project, environment: str, found: SpecSet
) -> Iterator[StatusRow]:
    """Say of each run what is known, of those that the lockfile has and those with a spec."""
    inheritance = Inheritance(lockfile, project, found.specs, found.invalid)
    maybe = has_errors(found.diagnostics)
    goes_on = {origin.key for key in found.specs for origin in inheritance.pending(key)}
    gone_with = () if environment else left_behind(lockfile, project)
    for name in (*chosen(project, environment), *gone_with):
        names = names_of(lockfile, project, name)
        runs = {run for each in names for run in lockfile.environment(each).runs}
        for run in sorted(runs | {key[1] for key in found.specs if key[0] == name}):
            key = (name, run)
            spec = found.specs.get(key)
            attempts = [each.attempt for each in inheritance.attempts(key)]
            last = telling(attempts) if attempts else None
            heir = inheritance.heir(key) if spec is None else None
            gone = not (spec or heir or maybe or key in goes_on)
            yield StatusRow(*key, last, spec, heir, gone)


def refresh(
    store: LockStore,
    project: Project,
    environment: str,
    gateways: Gateways,
    clock: Clock,
) -> tuple[QflowError, ...]:
    """Look once at every execution of an environment that is under way, and record what is new.

    What ended with a word that the settings explain by now is settled without a look.
    Gives what went wrong while looking; what was seen before that is recorded. Raises
    LockError.
    """
    with store.session() as session:
        name = one_environment(project, environment)
        watches = under_way(session.lockfile, name, gateways)
        at = stamp(clock.now())
        names = names_of(session.lockfile, project, name)
        found = endings(session.lockfile, names, project.statuses, at)
        problem: tuple[QflowError, ...] = ()
        for watch in watches:
            attempt = session.lockfile.attempts(watch.environment, watch.name)[watch.number - 1]
            try:
                seen_now = look(gateways.asked(name, attempt), watch, clock.now())
            except QflowError as error:
                problem = (error,)
                break
            new = what_became(watch, seen_now, project.statuses, clock.now())
            if new and (new.event.to is not State.RUNNING or new.status != watch.status):
                found.append(new)
        session.record(found)
    return problem
