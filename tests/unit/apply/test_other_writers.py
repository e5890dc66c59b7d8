"""Other processes write the lockfile too, or nobody can: nothing is sent twice or forgotten."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from qflow_gitops.apply import events
from qflow_gitops.errors import BusyError, ExitCode, LockError, StaleError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.qualys import AnswerKind
from qflow_gitops.results.applies import Applied
from tests.fakes import qualys as fakes
from tests.fakes.lock_store import FakeLockSession, Write
from tests.fakes.qualys import Reply
from tests.fakes.world import Done, World, project_file, raised

ONE_AT_A_TIME = project_file("apply: {concurrency: 1}")
FULL = LockError("The lockfile can't be written: no space.", reason="lock_unwritable")
AT = "2026-10-06T12:00:00Z"


def body(done: Done) -> Applied:
    assert isinstance(done.report.body, Applied)
    return done.report.body


def sent_by_another(world: World, *names: str, leased: bool = False) -> Write:
    """Another apply opens attempts for the same requests."""
    plan = {change.name: change.spec for change in world.plan().body.plan.changes}  # type: ignore[union-attr]  # a plan's report has one

    def write(lockfile: Lockfile) -> Lockfile:
        for name in names:
            spec = plan[name]
            assert spec is not None
            extra = {"leaseUntil": "2026-10-06T12:06:00Z"} if leased else {}
            event = Event(AT, State.INTENT, extra)
            facts = {"platform": "sandbox", "workflowId": spec.workflow_id, "nonce": f"n-{name}"}
            attempt = Attempt(1, State.INTENT, spec.digest, (event,), facts=facts)
            lockfile = lockfile.recorded([Transition("prod", name, 1, event, opens=attempt)])
        return lockfile

    return write


def test_what_another_apply_took_over_is_not_sent_here() -> None:
    world = World()
    world.specs("a", "b")
    world.store.meanwhile.append(sent_by_another(world, "a", leased=True))
    done = world.apply()
    assert world.sent() == ["b"]
    assert done.report.exit_code is ExitCode.BUSY
    assert [outcome.name for outcome in body(done).elsewhere] == ["a"]
    assert world.states() == {"a": State.INTENT, "b": State.SUCCEEDED}


def test_a_lost_race_that_changes_nothing_is_only_another_try() -> None:
    world = World()
    world.specs("a")
    other = Checkpoint("test", "1" * 40)
    world.store.meanwhile.append(lambda lockfile: lockfile.marked(other))
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.sent() == ["a"]


def test_what_is_due_no_more_though_nobody_sent_it_is_told() -> None:
    """The newest record names a hold that wasn't there when the plan was shown."""
    world = World()
    world.specs("a", "b")
    plan = world.plan().body.plan  # type: ignore[union-attr]  # a plan's report has one
    digest = next(
        change.spec.digest for change in plan.changes if change.name == "b" and change.spec
    )
    event = Event(AT, State.INTENT)
    facts = {"platform": "sandbox", "workflowId": "w", "nonce": "n"}

    def same_request(lockfile: Lockfile) -> Lockfile:
        opened = Attempt(1, State.INTENT, digest, (event,), facts=facts)
        return lockfile.recorded([Transition("prod", "other", 1, event, opens=opened)])

    world.store.meanwhile.append(same_request)
    done = world.apply()
    assert world.sent() == ["a"]
    assert isinstance(done.report.error, BusyError)
    assert "prod/b" in done.report.error.message
    assert [change.name for change in body(done).not_started] == ["b"]


def test_what_came_due_after_the_plan_was_shown_is_not_sent() -> None:
    """Only what a person saw is carried out."""
    world = World()
    world.specs("a", "b")
    world.store.another_writes(sent_by_another(world, "a"))
    absent = Transition("prod", "a", 1, Event(AT, State.UNSENT))

    def settle(event: events.Event) -> None:
        if isinstance(event, events.Ready):
            world.store.another_writes(lambda lockfile: lockfile.recorded([absent]))

    refused = raised(StaleError, lambda: world.apply(settle))
    assert refused.reason == "stale_plan"
    assert "now also a" in refused.message
    assert world.qualys.sent == []


def test_another_apply_that_goes_further_ends_this_one() -> None:
    world = World()
    first = world.specs("a", "b")
    world.spec("c")
    later = world.commit()
    world.store.meanwhile.append(lambda lockfile: lockfile.marked(Checkpoint("prod", later)))
    done = world.apply(head=first)
    assert done.report.exit_code is ExitCode.STALE
    assert world.qualys.sent == []
    assert world.store.lockfile.environment("prod").latest == later


def test_a_record_that_is_marked_by_others_meanwhile_is_marked_again() -> None:
    world = World()
    commit = world.specs("a")
    world.apply()
    world.git.write("runs/notes.md", "words\n")
    world.spec("b", metadata="  labels: {x: y}\n")
    world.commit()
    world.git.remove("runs/b.yaml")
    later = world.commit()
    others = Checkpoint("test", "1" * 40)
    world.store.meanwhile.append(lambda lockfile: lockfile.marked(others))
    world.apply()
    assert world.store.lockfile.environment("prod").latest in (commit, later)


def test_the_lockfile_is_not_written_for_a_commit_that_changes_nothing() -> None:
    world = World()
    commit = world.specs("a")
    world.apply()
    before = len(world.store.place.versions)
    world.git.write("README.md", "words\n")
    world.commit()
    assert world.apply().report.exit_code is ExitCode.OK
    assert len(world.store.place.versions) == before
    assert world.store.lockfile.environment("prod").latest == commit


def test_two_at_once_on_one_machine_are_kept_apart() -> None:
    world = World()
    world.store.place.alone = world.store.place.busy = True
    world.specs("a")
    raised(BusyError, world.apply)
    assert world.qualys.sent == []


# --- where it can't be written -------------------------------------------------------


def test_nothing_is_sent_where_an_intent_can_not_be_recorded() -> None:
    world = World()
    world.specs("a")
    world.store.unwritable = FULL
    done = world.apply()
    assert done.report.exit_code is ExitCode.LOCK
    assert world.qualys.sent == []
    assert world.kept == []


def test_an_answer_that_can_not_be_recorded_is_saved() -> None:
    world = World()
    world.specs("a")

    def fill() -> None:
        world.store.unwritable = FULL

    world.qualys.replies.append(Reply(AnswerKind.ACCEPTED, before=fill))
    done = world.apply()
    assert done.report.exit_code is ExitCode.LOCK
    (line,) = "".join(world.kept).splitlines()
    saved = json.loads(line)
    assert saved["transition"]["executionId"] == world.qualys.begun[0].id
    assert saved["attempt"]["state"] == "accepted"
    assert body(done).rescued == "qflow.lock.rescue"
    assert world.states() == {"a": State.INTENT}


def test_an_answer_is_recorded_though_the_next_intent_can_not_be() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b")
    contradicting = LockError("It contradicts.", reason="lock_conflict")
    record = world.store.place.write

    def write(lockfile: Lockfile) -> Lockfile:
        if lockfile.attempts("prod", "b"):
            raise contradicting
        return record(lockfile)

    world.store.place.write = write  # type: ignore[method-assign]  # one that refuses an intent
    done = world.apply()
    assert done.report.exit_code is ExitCode.LOCK
    assert world.states() == {"a": State.SUCCEEDED}
    assert world.sent() == ["a"]


def test_of_several_answers_the_one_that_contradicts_is_saved_alone() -> None:
    world = World()
    world.store.batch_delay, world.tick = 1.0, 0.05  # the answers of a wave are written together
    world.specs("a", "b")
    record = world.store.place.write

    def write(lockfile: Lockfile) -> Lockfile:
        attempts = lockfile.attempts("prod", "a")
        if attempts and attempts[0].state is not State.INTENT:
            raise LockError("It contradicts.", reason="lock_conflict")
        return record(lockfile)

    world.store.place.write = write  # type: ignore[method-assign]  # one that refuses an answer
    done = world.apply(wait=False)
    assert done.report.exit_code is ExitCode.LOCK
    assert world.states() == {"a": State.INTENT, "b": State.ACCEPTED}
    (line,) = "".join(world.kept).splitlines()
    assert json.loads(line)["transition"]["run"] == "a"


def test_what_others_write_while_it_only_waits_changes_nothing() -> None:
    world = World()
    world.specs("a")
    mark = Checkpoint("test", "1" * 40)
    world.qualys.replies.append(
        Reply(before=lambda: world.store.another_writes(lambda lockfile: lockfile.marked(mark)))
    )
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.store.lockfile.environment("test").latest == "1" * 40


def test_what_is_found_and_can_not_be_recorded_stays_a_doubt() -> None:
    world = World()
    world.specs("a")
    world.qualys.replies.append(fakes.LOST)

    def fill(event: events.Event) -> None:
        if isinstance(event, events.Moved) and event.attempt.state is State.IN_DOUBT:
            world.store.unwritable = FULL

    done = world.apply(fill)
    assert done.report.exit_code is ExitCode.LOCK
    assert world.states() == {"a": State.IN_DOUBT}


def test_a_lockfile_that_can_only_be_read_ends_it() -> None:
    world = World()
    world.specs("a")
    world.store.copied_at = AT
    assert raised(LockError, world.apply).reason == "lock_unreachable"
    assert world.qualys.sent == []


def test_what_can_not_be_marked_hides_nothing_that_was_done() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.spec("a", "changed")
    world.spec("b", metadata="  annotations: {x: y}\n")
    world.commit()

    def fill(event: events.Event) -> None:
        if (
            isinstance(event, events.Moved)
            and event.attempt.state is State.SUCCEEDED
            and event.name == "b"
        ):
            world.store.unwritable = FULL

    done = world.apply(fill)
    assert done.report.exit_code is ExitCode.LOCK
    assert world.states() == {"a": State.SUCCEEDED, "b": State.SUCCEEDED}


def test_a_session_that_fails_to_end_is_the_report_of_what_was_done() -> None:
    world = World()
    world.specs("a")
    session = world.store.session

    @contextmanager
    def failing(*, moving: bool = False) -> Iterator[FakeLockSession]:
        with session(moving=moving) as opened:
            yield opened
        raise FULL

    world.store.session = failing  # type: ignore[method-assign]  # the last write fails
    done = world.apply()
    assert done.report.exit_code is ExitCode.LOCK
    assert done.report.error is FULL
    assert [outcome.name for outcome in body(done).outcomes] == ["a"]
