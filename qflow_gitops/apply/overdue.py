"""What an apply would have done long ago: whether those that ran by a schedule still run.

Pure. An apply that finds nothing due writes nothing, so that silence alone says nothing. Only what
the first apply to get through would have ended counts, a day after it could have. Where any apply
has recorded something since, it is at work, and whatever is left has other reasons.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from qflow_gitops.apply.doubt import SHOWN_FOR, doubts_in
from qflow_gitops.base.names import spec_of
from qflow_gitops.base.times import moment, spelled, stamp
from qflow_gitops.lockfile.attempt import lease_end
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.inheritance import names_of
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import MISSED, Notice, OutboxChange, notice_id
from qflow_gitops.lockfile.states import UNDER_WAY, State
from qflow_gitops.plan.change import Action, Plan
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.unworked import Unworked
from qflow_gitops.specs.load import SpecSet
from qflow_gitops.specs.spec import RunSpec

PATIENCE = timedelta(days=1)
"""So long nobody is alarmed: schedules of hosts come late, and people sleep."""
WAY_ON = (
    "See whether the schedule still runs, and whether it waits for somebody's approval. By hand: "
)


class Overdue(NamedTuple):
    """Something that no apply did, and since when one could have (RFC 3339)."""

    environment: str
    what: str
    since: str

    @property
    def message(self) -> str:
        """Say so, with a full stop."""
        return f"{self.environment}: no apply has got through since {self.since}: {self.what}."

    @property
    def hint(self) -> str:
        """Say what a person does."""
        return f"{WAY_ON}`qflow-gitops apply -e {self.environment}`"


def overdue(
    lockfile: Lockfile,
    project: Project,
    environment: str,
    now: datetime,
    unworked: Unworked | None = None,
    begun: Mapping[str, str] | None = None,
) -> Overdue | None:
    """Say what is longest overdue in an environment, None for nothing.

    `unworked` is the oldest commit that waits for one. `begun` are specs of which the next batch
    could begin for longer than `PATIENCE`, and since when (`batches_left`).
    """
    found = [
        *_left_open(lockfile, project, environment, now),
        *_unworked(environment, unworked),
        *(
            Overdue(environment, f"the next batch of {name} could begin, and didn't", since)
            for name, since in (begun or {}).items()
        ),
    ]
    before = stamp(now - PATIENCE)
    late = min((each for each in found if each.since < before), default=None, key=_since)
    if late is None or last_done(lockfile, names_of(lockfile, project, environment)) >= before:
        return None
    return late


def missed(
    lockfile: Lockfile,
    project: Project,
    environment: str,
    now: datetime,
    *,
    by_runs: bool = True,
) -> Overdue | None:
    """Say that the last apply is older than twice the time in which one is expected.

    None where none is, or none ever got through. `by_runs`: what an apply recorded of runs counts
    as one, for the time before the settings asked for this.
    """
    every = project.apply.expect_every if project.lock.store == "branch" else 0.0
    names = names_of(lockfile, project, environment)
    last = max((lockfile.environment(name).last_apply for name in names), default="")
    if not every or (last and not _is_over(last, 2 * every, now)):
        return None
    last = max(last, last_done(lockfile, names) if by_runs else "")
    if not last or not _is_over(last, 2 * every, now):
        return None
    return Overdue(environment, f"one is expected every {spelled(every)}", last)


def beat(lockfile: Lockfile, project: Project, environment: str, now: datetime) -> str:
    """Return the time that an apply which gets through now notes, "" where that says nothing new.

    It is noted where the last one is older than half the time in which one is expected.
    """
    every = project.apply.expect_every if project.lock.store == "branch" else 0.0
    last = lockfile.environment(environment).last_apply
    return stamp(now) if every and (not last or _is_over(last, every / 2, now)) else ""


def telling(lockfile: Lockfile, late: Overdue, at: str) -> Checkpoint | None:
    """Return what puts it into the outbox that no apply came, None where that was told before.

    Or where nobody wants to know. `at` is now.
    """
    known = lockfile.environment(late.environment).missed
    if MISSED not in lockfile.outbox.tells or known == late.since:
        return None
    about = notice_id(lockfile.lineage, MISSED, late.environment, late.since)
    notice = Notice(about, MISSED, at, late.environment, detail=late.message)
    change = OutboxChange(add=(notice,))
    return Checkpoint(late.environment, missed=late.since, outbox=change)


def _is_over(since: str, seconds: float, now: datetime) -> bool:
    """Whether a time is past that began then; also where its beginning lies ahead of us."""
    return abs((now - moment(since)).total_seconds()) > seconds


def _since(late: Overdue) -> str:
    return late.since


def _unworked(environment: str, unworked: Unworked | None) -> Iterator[Overdue]:
    if unworked and unworked.at:
        commit = unworked.commit[:10]
        changed = "specs, settings, catalogs, or the certificate of anchors"
        what = f"it hasn't worked on commit {commit}, which changes {changed}"
        yield Overdue(environment, what, unworked.at)


def _left_open(
    lockfile: Lockfile, project: Project, environment: str, now: datetime
) -> Iterator[Overdue]:
    """Find attempts that the next apply takes further, whatever Qualys says of them."""
    for doubt in doubts_in(lockfile, project, environment):
        run, attempt = "/".join(doubt.key), doubt.attempt
        if attempt.state is State.INTENT:
            ended = lease_end(attempt, stamp(now)) or attempt.opened_at
            yield Overdue(environment, f"{run} was recorded to be sent, and nobody went on", ended)
        elif doubt.is_timed:
            gone = stamp(doubt.opened_at + SHOWN_FOR)
            what = f"{run} is in doubt for longer than Qualys can show, and nobody noted it"
            yield Overdue(environment, what, gone)
    for name in names_of(lockfile, project, environment) if project.apply.wait else ():
        for run, attempts in lockfile.runs_in_states(name, UNDER_WAY):
            for attempt in attempts:
                if attempt.state in (State.ACCEPTED, State.ADOPTED):
                    what = f"{name}/{run} was accepted by Qualys, and nobody looked how it went on"
                    yield Overdue(environment, what, attempt.changed_at)


def last_done(lockfile: Lockfile, names: Iterable[str]) -> str:
    """Say when an apply recorded something last (RFC 3339), "" for never. Reads every attempt."""
    newest = ""
    for name in names:
        runs = lockfile.environment(name).runs
        lockfile.bring((name, run) for run in runs)
        for attempts in runs.values():
            for attempt in attempts:
                for event in attempt.events:
                    if not (event.is_decision or event.to is State.BASELINED):
                        newest = max(newest, event.at)
    return newest


def batches_left(
    specs: SpecSet, lockfile: Lockfile, then: Plan, now: Plan, environment: str
) -> dict[str, str]:
    """Name the specs of which some targets were sent, and others could be.

    `then` is the plan for the time `PATIENCE` ago, `now` the one for now, of the same lockfile:
    what may run by both was due all the while, but for windows. Gives when the last of what was
    sent of each changed (RFC 3339).
    """
    due = {change.key for change in then.of(Action.RUN)} & {
        change.key for change in now.of(Action.RUN)
    }
    groups: dict[str, list[RunSpec]] = {}
    waiting = {spec_of(key) for key in due if key[0] == environment}
    for spec in specs.specs.values():
        if spec.target and spec.group in waiting:
            groups.setdefault("/".join(spec.group), []).append(spec)
    found = {name: _newest(some, lockfile) for name, some in groups.items()}
    return {name: since for name, since in found.items() if since}


def _newest(specs: Sequence[RunSpec], lockfile: Lockfile) -> str:
    """Say when an attempt of one of these specs, as they are now, changed last; "" for none."""
    lockfile.bring(spec.key for spec in specs)
    times = (
        attempt.changed_at
        for spec in specs
        for attempt in lockfile.attempts(*spec.key)
        if attempt.counted and attempt.digest == spec.digest
    )
    return max(times, default="")
