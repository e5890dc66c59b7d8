"""`lock verify` and `lock push`: the lockfile is checked without trust; what was saved goes in."""

import json
from dataclasses import replace
from typing import Any

import pytest

from qflow_gitops.errors import ExitCode, LockError, UsageProblem
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.qualys import AnswerKind
from qflow_gitops.results.records import Verified
from qflow_gitops.results.report import Report
from tests.fakes.qualys import Reply
from tests.fakes.world import World, raised


def body(report: Report) -> Verified:
    assert isinstance(report.body, Verified)
    return report.body


def applied(*names: str) -> World:
    world = World()
    world.specs(*names)
    world.apply()
    return world


# --- verify --------------------------------------------------------------------------


def test_a_lockfile_that_grew_as_it_should_is_sound() -> None:
    world = applied("a", "b")
    report = world.verify()
    assert (report.exit_code, body(report).problems) == (ExitCode.OK, ())
    found = body(report)
    assert (found.versions, found.attempts, found.digests) == (
        len(world.store.place.versions),
        2,
        2,
    )
    assert (found.unseen, found.signed) == (0, None)


def test_without_a_lockfile_nothing_is_checked() -> None:
    world = World()
    world.commit()
    assert raised(LockError, world.verify).reason == "lock_missing"


def test_what_this_clone_remembers_better_is_told_where_nothing_else_is() -> None:
    world = World()
    world.commit()
    world.store.unreadable = LockError("The branch is gone.", reason="lock_missing")
    assert raised(LockError, world.verify) is world.store.unreadable


def test_what_this_clone_remembers_better_is_a_problem() -> None:
    world = applied("a")
    world.store.unreadable = LockError("It was rewritten.", hint="Look.", reason="lock_rewritten")
    assert "It was rewritten. Look." in body(world.verify()).problems
    world.store.unreadable = LockError("The remote is silent.", reason="lock_unreachable")
    assert body(world.verify()).problems == ()


def test_an_attempt_that_vanished_is_found() -> None:
    world = applied("a")
    place = world.store.place
    place.versions.append(to_bytes(replace(from_bytes(place.versions[-1], "x"), environments={})))
    report = world.verify()
    assert report.exit_code is ExitCode.LOCK
    assert any("environment prod is gone" in problem for problem in body(report).problems)


def test_a_version_that_can_not_be_read_is_named() -> None:
    world = applied("a")
    world.store.place.versions.insert(1, b"{")
    assert any(problem.startswith("0000000000: ") for problem in body(world.verify()).problems)


def test_a_last_version_that_is_no_json_is_named() -> None:
    world = applied("a")
    world.store.place.versions.append(b"{")
    assert any("can't be read" in problem for problem in body(world.verify()).problems)


def test_a_last_version_of_another_form_is_named() -> None:
    world = applied("a")
    data = json.loads(world.store.place.versions[-1])
    data["environments"]["prod"]["latest"] = "x"
    world.store.place.versions[-1] = json.dumps(data).encode()
    assert any("JSON Schema" in problem for problem in body(world.verify()).problems)


def test_another_lineage_than_the_settings_name_is_found() -> None:
    world = applied("a")
    world.store.lineage = "0123456789abcdef"
    assert any("Its lineage is" in problem for problem in body(world.verify()).problems)


def test_a_quick_check_reads_no_spec() -> None:
    world = applied("a")
    world.git.blobs_at_hand = None  # type: ignore[assignment,method-assign]  # who asks fails
    found = body(world.verify(quick=True))
    assert (found.digests, found.unseen, found.attempts, found.problems) == (None, None, 1, ())


def test_what_had_to_be_fetched_is_said() -> None:
    world = applied("a")
    kept = world.store.kept()
    world.store.kept = lambda: kept._replace(notes=("All was fetched.",))  # type: ignore[method-assign]  # as of a shallow clone
    assert world.verify().notes == ("All was fetched.",)


def test_signatures_are_counted_and_missed() -> None:
    world = applied("a")
    raised(UsageProblem, lambda: world.verify("signers"))
    names = [version.name for version in world.store.kept().versions]
    world.store.signed = dict.fromkeys(names, "ada@example.com")
    assert body(world.verify("signers")).signed == len(names)
    del world.store.signed[names[0]]
    found = body(world.verify("signers"))
    assert found.signed == len(names) - 1
    assert "no signature of an allowed signer" in found.problems[0]


def test_a_file_that_is_not_here_is_not_seen() -> None:
    world = applied("a")
    world.git.lost.add(world.attempts("a")[0].fact("blob"))
    assert (body(world.verify()).digests, body(world.verify()).unseen) == (0, 1)


def test_a_digest_that_its_file_does_not_give_is_found() -> None:
    world = applied("a")
    data = world.store.place.versions[-1].replace(
        world.attempts("a")[0].digest.encode(), b"v1:sha256:" + b"0" * 64
    )
    world.store.place.versions[-1] = data
    assert any("holds no such request" in problem for problem in body(world.verify()).problems)


# --- what a stopped apply saved ------------------------------------------------------


def saved(*names: str) -> tuple[World, str]:
    """An apply whose answers could not be recorded; they can be by now."""
    world = World()
    world.specs(*names)

    def fill() -> None:
        world.store.unwritable = LockError("No space.", reason="lock_unwritable")

    world.qualys.replies.append(Reply(AnswerKind.ACCEPTED, before=fill))
    world.apply(concurrency=1, wait=False)  # how it went on would be a second line
    world.store.unwritable = None
    return world, "".join(world.kept)


def changed(lines: str, **changes: Any) -> str:
    """The line with other values, by the keys on the way: `transition__number=2`."""
    data = json.loads(lines)
    for path, value in changes.items():
        *way, last = path.split("__")
        at = data
        for key in way:
            at = at[key]
        at[last] = value
    return json.dumps(data) + "\n"


def test_what_was_saved_is_recorded_once() -> None:
    world, lines = saved("a")
    report = world.rescue("2026-10-06T12:00:00Z " + lines + "\n")
    assert report.exit_code is ExitCode.OK
    assert world.states() == {"a": State.ACCEPTED}
    versions = len(world.store.place.versions)
    world.rescue(lines)
    assert len(world.store.place.versions) == versions


@pytest.mark.parametrize(
    "lines", ["", "no JSON", "[1]\n", '{"rescueVersion": 2, "transition": {}}\n', "{" * 9]
)
def test_what_is_no_rescue_file_is_refused(lines: str) -> None:
    world, _ = saved("a")
    assert raised(UsageProblem, lambda: world.rescue(lines)).reason == "rescue_form"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lineage": "another"}, "lock_foreign"),
        ({"attempt__nonce": "another"}, "rescue_form"),
        ({"attempt": None}, "rescue_form"),
        ({"transition__number": 2}, "rescue_form"),
        ({"transition__event__to": "absent"}, "rescue_form"),
        (
            {"transition__event__by": {"actor": "eve"}, "transition__event__to": "assumed"},
            "rescue_form",
        ),
        ({"transition": {"environment": "prod"}}, "rescue_form"),
    ],
)
def test_only_what_an_apply_itself_saw_of_its_own_attempt_goes_in(
    changes: dict[str, Any], reason: str
) -> None:
    world, lines = saved("a")
    problem = raised(LockError, lambda: world.rescue(changed(lines, **changes)))
    assert problem.reason == reason
    assert world.states() == {"a": State.INTENT}
