"""What an apply saw of failed runs is kept in the lockfile, once, and never at any cost."""

from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.errors import ExitCode, LockError
from qflow_gitops.lockfile.audit import check_values
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.qualys import Step
from qflow_gitops.render import text as as_text
from qflow_gitops.results.applies import Applied
from qflow_gitops.results.failing import known
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.results.report import Report
from tests.fakes import qualys as fakes
from tests.fakes.world import World, project_file
from tests.helpers.values import replace

SETTINGS = project_file("statuses: {Failed: failed}", "apply: {onFailure: continue}")


def failing(world: World, *steps: Step) -> None:
    """Let each execution from now on fail, in these steps."""
    world.qualys.ends = "Failed"
    begin = type(world.qualys).begin

    def begun(*about: Any, **more: Any) -> fakes.Begun:
        made = begin(world.qualys, *about, **more)
        made.more = steps
        return made

    world.qualys.begin = begun  # type: ignore[method-assign]


def applied(world: World, *names: str, said: str = "no such bucket", **request: Any) -> Report:
    """Apply runs that fail in a step which says so."""
    world.specs(*names)
    failing(world, fakes.failing(said))
    return world.apply(**request).report


def before_steps(world: World, do: Callable[[], None]) -> None:
    """Let something happen while Qualys is asked for the steps."""
    steps = world.qualys.steps

    def asked(execution_id: str) -> Any:
        do()
        return steps(execution_id)

    world.qualys.steps = asked  # type: ignore[method-assign]


def kept(world: World, run: str = "a") -> list[LedgerEvent]:
    return [
        event for event in world.store.lockfile.events("prod", run) if event.event == "failedAt"
    ]


def messages(world: World, run: str = "a") -> list[str]:
    return [event.text("message") for event in kept(world, run)]


def test_a_step_is_kept_with_its_attempt() -> None:
    world = World(SETTINGS)
    applied(world, "a")
    attempt = world.attempts("a")[-1]
    [event] = kept(world)
    assert event.extra == {
        "attempt": 1, "executionId": attempt.execution_id, "certain": True,
        "step": "node-00000002-resource", "type": "resource", "order": 2, "status": "Failed",
        "message": "no such bucket", "field": "/errorMessage", "by": {"actor": "ada"},
    }  # fmt: skip
    assert world.store.lockfile.attempts("prod", "a")[-1] == attempt
    found = known(world.store.lockfile, attempt)
    assert found is not None
    assert found.step.message is not None
    assert found.step.message.text == "no such bucket"
    assert check_values(world.store.lockfile) == ()


def test_all_of_an_apply_are_one_write_and_without_a_failure_there_is_none() -> None:
    world = World(SETTINGS)
    world.specs("a", "b")
    world.apply()
    writes = len(world.store.place.versions)
    failed = World(SETTINGS)
    applied(failed, "a", "b")
    assert len(failed.store.place.versions) == writes + 1
    assert messages(failed, "a") == messages(failed, "b") == ["no such bucket"]


def test_nothing_is_said_twice() -> None:
    world = World(SETTINGS)
    applied(world, "a")
    writes = len(world.store.place.versions)
    world.apply()
    assert (len(kept(world)), len(world.store.place.versions)) == (1, writes)


def test_a_retry_has_a_word_of_its_own() -> None:
    world = World(SETTINGS)
    applied(world, "a")
    failing(world, fakes.failing("no quota"))
    world.apply(retries=("a",), reason="again")
    assert messages(world) == ["no such bucket", "no quota"]
    first, second = world.attempts("a")
    told = [known(world.store.lockfile, each) for each in (first, second)]
    assert [each and each.step.message and each.step.message.text for each in told] == [
        "no such bucket", "no quota",
    ]  # fmt: skip


def test_another_writes_meanwhile() -> None:
    """It is written on top of that, as long as somebody doesn't write each time."""
    world = World(SETTINGS)

    def other(lockfile: Lockfile) -> Lockfile:
        return lockfile

    before_steps(world, lambda: world.store.meanwhile.extend([other, other]))
    report = applied(world, "a")
    assert (messages(world), report.notes) == (["no such bucket"], ())


def left(report: Report) -> LockSeen:
    """Return the lockfile that an apply says that it left."""
    assert isinstance(report.body, Applied)
    assert report.body.lock
    return report.body.lock


def test_the_lockfile_that_was_left_is_the_one_that_has_it() -> None:
    """Else whoever remembers it would find another one, and look again."""
    world = World(SETTINGS)
    assert left(applied(world, "a")).serial == world.store.lockfile.serial


def test_the_lockfile_that_was_left_is_none_that_another_wrote_in() -> None:
    """What that one did isn't told: who remembers how it stood has to look again."""
    world = World(SETTINGS)
    before_steps(world, lambda: world.store.meanwhile.append(lambda lockfile: lockfile))
    assert left(applied(world, "a")).serial < world.store.lockfile.serial - 1


def test_others_are_always_faster() -> None:
    world = World(SETTINGS)
    before_steps(world, lambda: world.store.meanwhile.extend([lambda lockfile: lockfile] * 9))
    report = applied(world, "a")
    assert kept(world) == []
    assert (report.exit_code, report.reason, report.error) == (
        ExitCode.RUN_FAILED, "run_failed", None,
    )  # fmt: skip
    [note] = report.notes
    assert note.endswith("Others were faster.")


def test_a_lockfile_that_cant_be_written_is_a_note() -> None:
    world = World(SETTINGS)

    def full() -> None:
        world.store.unwritable = LockError("There is no room left.", where="qflow.lock")

    before_steps(world, full)
    world.specs("a")
    failing(world, fakes.failing("no such bucket"))
    done = world.apply()
    assert done.report.exit_code is ExitCode.RUN_FAILED
    assert done.report.error is None
    [note] = done.report.notes
    assert "There is no room left." in note
    assert note in done.sentences
    assert world.states() == {"a": "failed"}
    assert world.kept == []  # nothing to rescue: no answer was lost


def test_an_attempt_that_changed_meanwhile_is_left_alone() -> None:
    """A person explained its word, say, or another apply saw another end."""
    world = World(project_file("apply: {onFailure: continue}"))

    def explained() -> None:
        world.git.write("qflow.yaml", SETTINGS)
        world.commit("explain")
        world.refresh()

    before_steps(world, explained)
    applied(world, "a")
    assert world.states() == {"a": State.FAILED}
    assert kept(world) == []


def test_two_that_waited_for_the_same_execution_say_it_once() -> None:
    world = World(SETTINGS)
    before = world.apply_services().author
    again: list[Report] = []

    def other() -> None:
        if not again:
            again.append(Report("apply"))
            again.append(world.apply().report)

    before_steps(world, other)
    applied(world, "a")
    assert (before, len(kept(world))) == ({"actor": "ada"}, 1)


def test_nobody_keeps_anything_once_somebody_asked_to_stop() -> None:
    world = World(SETTINGS)
    before_steps(world, world.stop.ask)
    applied(world, "a")
    assert kept(world) == []


def test_what_is_sensitive_is_not_kept() -> None:
    world = World(SETTINGS)
    world.spec("a", "hunter2", extra="  sensitive: [/input/value]\n")
    world.commit()
    failing(world, fakes.failing("no bucket for hunter2"))
    world.apply()
    assert messages(world) == ["no bucket for (sensitive)"]


def test_of_a_spec_that_is_lost_only_the_step_is_kept() -> None:
    world = World(SETTINGS)
    before = world.git.blobs_at_hand
    world.git.blobs_at_hand = lambda ids: {} if world.qualys.sent else before(ids)  # type: ignore[method-assign]
    applied(world, "a")
    [event] = kept(world)
    assert event.text("step") == "node-00000002-resource"
    assert event.extra.keys().isdisjoint({"message", "field"})


def test_the_settings_can_leave_the_message_out() -> None:
    world = World(SETTINGS.replace("{onFailure: continue}", "{failureDetail: step}"))
    report = applied(world, "a")
    [event] = kept(world)
    assert event.text("step") == "node-00000002-resource"
    assert event.extra.keys().isdisjoint({"message", "field"})
    assert "no such bucket" in as_text.render(report)  # who applies sees it all the same


@pytest.mark.parametrize(
    "secret",
    ["key AKIAIOSFODNN7EXAMPLE is wrong", "password=hunter2 refused", "Bearer " + "a" * 30],
)
def test_what_looks_like_a_secret_is_not_kept(secret: str) -> None:
    world = World(SETTINGS)
    applied(world, "a", said=secret)
    [event] = kept(world)
    assert event.extra.keys().isdisjoint({"message", "field"})
    assert secret not in repr(event)


def test_hidden_characters_are_seen_and_long_texts_are_cut() -> None:
    world = World(SETTINGS)
    applied(world, "a", said="\x1b[31mred\u202e\n" + "x" * 1000)
    [message] = messages(world)
    assert message.startswith("\\x1b[31mred\\u202e\\nxxx")
    assert len(message) == 300
    assert message.endswith("…")


def test_a_doubtful_step_is_kept_as_that() -> None:
    world = World(SETTINGS)
    world.specs("a")
    failing(world, fakes.failing("", word="Odd"))
    world.apply()
    [event] = kept(world)
    assert (event.extra["certain"], "message" in event.extra) == (False, False)
    found = known(world.store.lockfile, world.attempts("a")[-1])
    assert found is not None
    assert not found.certain


@pytest.mark.parametrize(
    "odd", [{"order": True}, {"message": ["x"]}, {"step": None}, {"certain": "yes"}, {"field": 1}]
)
def test_an_odd_word_in_the_lockfile_stops_nobody(odd: Any) -> None:
    world = World(SETTINGS)
    applied(world, "a")
    lockfile, attempt = world.store.lockfile, world.attempts("a")[-1]
    [event] = kept(world)
    record = lockfile.environment("prod")
    told = record._replace(events={"a": (event._replace(extra={**event.extra, **odd}),)})
    assert known(replace(lockfile, environments={"prod": told}), attempt) is not None


def test_a_result_waits_a_moment_for_it_and_no_longer() -> None:
    """A remote that says nothing would else take minutes, after all is done."""
    world = World(SETTINGS)
    assert applied(world, "a").exit_code == ExitCode.RUN_FAILED
    assert world.hurried == [20.0]
    assert len(kept(world)) == 1


def test_an_apply_without_failures_hurries_nobody() -> None:
    world = World(SETTINGS)
    world.specs("a")
    assert world.apply().report.exit_code == ExitCode.OK
    assert world.hurried == []
