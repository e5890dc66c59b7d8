"""What no apply did, and a day later is told; silence where nothing was to be done is no alarm."""

from datetime import timedelta
from typing import Any

import pytest

from qflow_gitops.apply.overdue import Overdue, telling
from qflow_gitops.base.times import duration, spelled, stamp
from qflow_gitops.commands import schedules
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.outbox import OutboxChange
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan import decide
from qflow_gitops.sources.settings import settings
from qflow_gitops.sources.specs import commit_specs
from tests.fakes import qualys as fakes
from tests.fakes.clock import NOON
from tests.fakes.world import WORKFLOW, World, project_file

BRANCH = "lock: {store: branch}"
EVERY = "apply: {expectEvery: 2h}"
DAY = timedelta(days=1).total_seconds()
HOUR = 3600.0


class Scheduled(World):
    """A team whose CI applies main, until it doesn't any more."""

    def __init__(self, *lines: str) -> None:
        super().__init__(project_file(BRANCH, *lines))
        self.git.add_remote()
        self.git.upstream["main"] = ("origin", "main")
        self.publish()

    def publish(self, *names: str) -> str:
        """Commit specs, or what there is, and push that."""
        self.git.now = self.now
        for name in names:
            self.spec(name)
        commit = self.commit()
        self.git.push()
        self.git.fetch()
        return commit

    def late(self) -> Overdue | None:
        found = commit_specs(self.git, self.git.resolve("HEAD"), self.project, None)
        lockfile = self.store.lockfile
        about = (self.git, self.branches, self.project, lockfile, ["prod"], self.clock.now())
        return next(schedules.late(*about, found, self.freezes), None)

    def hourly(self, hours: int) -> None:
        """Let the schedule apply so often, and look each time whether there is a false alarm."""
        for _ in range(hours):
            self.clock.sleep(HOUR)
            self.apply()
            assert self.late() is None


@pytest.fixture
def team() -> Scheduled:
    made = Scheduled()
    made.publish("a")
    made.apply()
    return made


def test_an_hourly_apply_that_writes_nothing_is_no_alarm(team: Scheduled) -> None:
    """Not after a month without anything due, and not where a commit changed nothing of it."""
    before = team.store.lockfile.serial
    team.clock.sleep(30 * DAY)
    team.git.write("README.md", "words\n")
    team.publish()
    team.hourly(2)
    team.clock.sleep(3 * DAY)
    assert team.late() is None
    assert team.store.lockfile.serial == before


def test_what_was_taken_back_between_two_applies_is_no_alarm(team: Scheduled) -> None:
    team.publish("b")
    team.git.remove("runs/b.yaml")
    team.publish()
    team.hourly(1)
    team.clock.sleep(3 * DAY)
    assert team.late() is None
    team.publish("c")
    assert team.late() is None


def test_a_commit_that_nobody_worked_on(team: Scheduled) -> None:
    team.clock.sleep(3 * DAY)
    commit = team.publish("b")
    since = team.now
    team.clock.sleep(DAY - HOUR)
    assert team.late() is None
    team.publish("c")
    team.clock.sleep(2 * HOUR)
    late = team.late()
    assert late is not None
    assert late.since == since
    assert commit[:10] in late.what
    assert late.hint.endswith("`qflow-gitops apply -e prod`")
    team.apply()
    assert team.late() is None


def test_a_change_of_labels_alone_is_worked_on_as_well(team: Scheduled) -> None:
    """Nothing is due by it, and an apply notes that it was there."""
    team.spec("a", metadata="  labels: {team: one}\n")
    team.publish()
    team.hourly(1)
    team.clock.sleep(2 * DAY)
    assert team.late() is None


def test_a_held_run_is_no_alarm() -> None:
    team = Scheduled("policy: {limits: {runs: 1}}")
    team.publish("a", "b", "c")
    team.apply()
    team.hourly(2)
    team.clock.sleep(3 * DAY)
    assert team.late() is None


def test_an_apply_that_was_killed_and_nobody_looked_since(team: Scheduled) -> None:
    extra = {"leaseUntil": stamp(team.clock.now() + timedelta(minutes=6))}
    event = Event(team.now, State.INTENT, extra)
    facts = {"workflowId": WORKFLOW, "platform": "sandbox", "nonce": "n"}
    attempt = Attempt(1, State.INTENT, "v1:sha256:" + "0" * 64, (event,), facts=facts)
    with team.store.session() as session:
        session.record([Transition("prod", "b", 1, event, opens=attempt)])
    team.clock.sleep(DAY - HOUR)
    assert team.late() is None
    team.clock.sleep(2 * HOUR)
    late = team.late()
    assert late is not None
    assert late.what.startswith("prod/b was recorded")
    team.hourly(1)


def test_a_doubt_is_an_alarm_once_an_apply_would_have_given_it_up(team: Scheduled) -> None:
    team.publish("b")
    team.qualys.replies.append(fakes.VANISHED)
    team.apply()
    team.clock.sleep(29 * DAY)
    assert team.late() is None
    team.clock.sleep(2 * DAY)
    late = team.late()
    assert late is not None
    assert late.what.startswith("prod/b is in doubt")


def test_doubts_that_stay_are_no_alarm_where_applies_get_through(team: Scheduled) -> None:
    team.publish("b")
    team.qualys.replies.append(fakes.VANISHED)
    team.apply()
    team.clock.sleep(2 * DAY)
    team.hourly(3)


def test_an_execution_that_nobody_looked_at(team: Scheduled) -> None:
    team.publish("b")
    team.apply(wait=False)
    team.clock.sleep(2 * DAY)
    late = team.late()
    assert late is not None
    assert late.what.startswith("prod/b was accepted")
    team.apply()
    assert team.late() is None


def test_nobody_looks_where_the_settings_say_so() -> None:
    team = Scheduled("apply: {wait: false}")
    team.publish("a")
    team.apply()
    team.clock.sleep(5 * DAY)
    assert team.late() is None


def test_an_execution_that_goes_on_for_days_is_no_alarm(team: Scheduled) -> None:
    team.qualys.ends = ""
    team.publish("b")
    team.apply(timeout=60.0)
    team.clock.sleep(2 * DAY)
    assert team.states()["b"].value == "running"
    assert team.late() is None


ROLLED = """\
  connectorType: aws
  rollout: {batches: [1, 100%], pause: 10m}
  targets:
    - {name: one, input: {value: 1}}
    - {name: two, input: {value: 2}}
"""


def rolled(*lines: str) -> Scheduled:
    """A rollout of which the first batch was sent, with a pause after it."""
    team = Scheduled(*lines)
    team.spec("a", extra=ROLLED)
    team.publish()
    team.apply(timeout=60.0)
    assert list(team.states()) == ["a/one"]
    return team


def test_a_batch_that_could_begin_and_did_not() -> None:
    team = rolled()
    team.clock.sleep(DAY / 2)
    assert team.late() is None
    team.clock.sleep(DAY)
    late = team.late()
    assert late is not None
    assert late.what.startswith("the next batch of prod/a")
    team.apply()
    assert team.late() is None


def test_nothing_is_planned_for_it_while_applies_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` asks each time, also of ten thousand targets."""
    team, planned = rolled(), []
    compute = decide.compute

    def counted(*about: Any) -> Any:
        planned.append(about)
        return compute(*about)

    monkeypatch.setattr(decide, "compute", counted)
    team.clock.sleep(DAY / 2)
    assert team.late() is None
    assert planned == []
    team.clock.sleep(DAY)
    assert team.late() is not None
    assert len(planned) == 2


def test_a_batch_that_something_holds_is_no_alarm() -> None:
    """A window that is closed now or was closed then, a freeze."""
    team = rolled('policy: {windows: [{allow: "0 12 * * *", duration: 1h, timezone: UTC}]}')
    team.clock.sleep(2 * DAY + 3 * HOUR)
    assert team.late() is None
    team = rolled()
    team.clock.sleep(2 * DAY)
    team.freeze()
    assert team.late() is None


def test_nothing_is_late_before_the_first_apply_and_where_the_lockfile_is_a_file() -> None:
    team = Scheduled()
    team.publish("a")
    team.clock.sleep(5 * DAY)
    assert team.late() is None
    alone = World()
    alone.specs("a")
    alone.apply(wait=False)
    alone.clock.sleep(5 * DAY)
    project = settings(alone.git, alone.git.resolve("HEAD"), "").project
    about = (alone.git, alone.branches, project, alone.store.lockfile, ["prod"])
    assert list(schedules.late(*about, alone.clock.now())) == []


def test_a_message_says_all_of_it() -> None:
    late = Overdue("prod", "nobody did it", stamp(NOON))
    assert late.message == (
        "prod: no apply has got through since 2026-10-06T12:00:00Z: nobody did it."
    )


class Expected(Scheduled):
    """A team that expects an apply every two hours."""

    def __init__(self, *lines: str) -> None:
        super().__init__(EVERY, *lines)

    @property
    def serial(self) -> int:
        return self.store.lockfile.serial


@pytest.fixture
def expecting() -> Expected:
    made = Expected()
    made.publish("a")
    made.apply()
    return made


def test_an_apply_that_is_expected_and_does_not_come(expecting: Expected) -> None:
    """Nothing is left to do, and still somebody notices that nobody looks any more."""
    last = expecting.now
    expecting.clock.sleep(4 * HOUR)
    assert expecting.late() is None
    expecting.clock.sleep(60)
    late = expecting.late()
    assert late == Overdue("prod", "one is expected every 2h", last)
    assert late.hint.endswith("`qflow-gitops apply -e prod`")
    expecting.apply()
    assert expecting.late() is None


def test_a_day_of_applies_every_hour_costs_a_write_an_hour_and_no_alarm(
    expecting: Expected,
) -> None:
    before = expecting.serial
    expecting.hourly(24)
    assert expecting.serial - before <= 24
    before = expecting.serial
    for _ in range(60):  # each minute: no more of them
        expecting.clock.sleep(60)
        expecting.apply()
    assert expecting.serial - before <= 1


def test_an_apply_that_holds_everything_got_through() -> None:
    team = Expected("policy: {limits: {runs: 1}}")
    team.publish("a", "b", "c")
    team.apply()
    team.hourly(30)


def test_an_apply_of_some_runs_is_not_the_one_that_is_expected(expecting: Expected) -> None:
    expecting.clock.sleep(5 * HOUR)
    expecting.apply(runs=("a",))
    assert expecting.late() is not None


def test_where_nothing_was_ever_applied_nothing_is_missed() -> None:
    team = Expected()
    team.publish("a")
    team.clock.sleep(20 * HOUR)
    assert team.late() is None


def test_what_was_recorded_before_it_was_asked_for_counts(team: Scheduled) -> None:
    since = team.store.lockfile.attempts("prod", "a")[-1].changed_at
    team.clock.sleep(5 * HOUR)
    team.git.write("qflow.yaml", project_file(BRANCH, EVERY))
    team.publish()
    late = team.late()
    assert late is not None
    assert late.since == since


def test_that_it_can_not_be_noted_is_no_failure_of_what_was_done(expecting: Expected) -> None:
    expecting.clock.sleep(2 * HOUR)
    expecting.store.unwritable = LockError("The remote is gone.", reason="lock_push")
    assert expecting.apply().report.exit_code == 0
    expecting.store.unwritable = None
    expecting.store.meanwhile = [lambda lockfile: lockfile]
    assert expecting.apply().report.exit_code == 0


def test_a_clock_that_was_ahead_hides_nothing_for_long(expecting: Expected) -> None:
    ahead = stamp(expecting.clock.now() + timedelta(days=9))
    expecting.store.another_writes(lambda old: old.marked(Checkpoint("prod", last_apply=ahead)))
    expecting.apply()
    assert expecting.store.lockfile.environment("prod").last_apply == expecting.now


def test_that_none_came_is_told_once_by_the_apply_that_comes_at_last() -> None:
    expecting = Expected("notify: {events: [missed]}")
    expecting.publish("a")
    expecting.apply()
    last = expecting.now
    expecting.clock.sleep(5 * HOUR)
    expecting.publish("b")
    expecting.apply()  # which sends something, too
    (notice,) = expecting.store.lockfile.outbox.notices
    assert (notice.kind, notice.environment, notice.at) == ("missed", "prod", expecting.now)
    assert f"since {last}" in notice.detail
    drop = Checkpoint(outbox=OutboxChange(drop=frozenset({notice.id})))
    expecting.store.another_writes(lambda old: old.marked(drop))
    expecting.hourly(3)
    assert expecting.store.lockfile.outbox.notices == ()


def test_it_is_told_once_whoever_notices_it(expecting: Expected) -> None:
    expecting.clock.sleep(5 * HOUR)
    late = expecting.late()
    assert late is not None
    assert telling(expecting.store.lockfile, late, expecting.now) is None  # nobody wants to know
    tells = Checkpoint(outbox=OutboxChange(tells=("missed",)))
    lockfile = expecting.store.lockfile.marked(tells)
    mark = telling(lockfile, late, expecting.now)
    assert mark is not None
    lockfile = lockfile.marked(mark)
    assert [notice.kind for notice in lockfile.outbox.notices] == ["missed"]
    assert telling(lockfile, late, expecting.now) is None
    assert from_bytes(to_bytes(lockfile), "qflow.lock") == lockfile


def test_times_are_spelled_as_they_are_read() -> None:
    for text in ("90s", "30m", "1h30m", "24h", "1h1s"):
        assert duration(spelled(duration(text))) == duration(text)
    assert spelled(5400) == "1h30m"
    assert spelled(0) == "0s"
