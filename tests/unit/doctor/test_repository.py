"""What a doctor says of a repository by values alone; the rest is in test_doctor_repository.py."""

from datetime import UTC, datetime, timedelta

import pytest

from qflow_gitops.apply.doubt import Doubt
from qflow_gitops.apply.overdue import Overdue
from qflow_gitops.base.times import stamp
from qflow_gitops.doctor import lock, record
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.checks import Verdict
from tests.fakes.lock_branch import FakeLockBranch, FakeLockRemote

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://host.example/team/runs.git", "https"), ("git@host.example:team/runs", "ssh"),
        ("ssh://git@host.example:22/x", "ssh"), ("git+ssh://host.example/x", "ssh"),
        ("host.example:team/runs", "ssh"), ("/srv/runs.git", "file"), ("../runs", "file"),
        ("./odd:name", "file"), ("file:///srv/runs", "file"), ("ext::sh -c x", "ext"), ("", "file"),
    ],
)  # fmt: skip
def test_the_protocol_of_an_address(address: str, name: str) -> None:
    assert lock.transport(address) == name


@pytest.mark.parametrize(
    ("allowed", "configured", "verdict", "hint"),
    [
        (None, {}, Verdict.OK, ""),
        ("ssh:https", {"protocol.allow": "never"}, Verdict.OK, ""),
        ("ssh", {}, Verdict.FAILED, "`export GIT_ALLOW_PROTOCOL=ssh:https`"),
        ("", {}, Verdict.FAILED, "`export GIT_ALLOW_PROTOCOL=https`"),
        ("a b", {}, Verdict.FAILED, "`export GIT_ALLOW_PROTOCOL='a b:https'`"),
        (None, {"protocol.allow": "never"}, Verdict.FAILED,
         "`git config protocol.https.allow always`"),
        (None, {"protocol.allow": "never", "protocol.https.allow": "user"}, Verdict.OK, ""),
    ],
)  # fmt: skip
def test_what_git_may_speak(
    allowed: str | None, configured: dict[str, str], verdict: Verdict, hint: str
) -> None:
    found = lock.protocol("https://host.example/runs", allowed, configured)
    assert (found.verdict, found.hint) == (verdict, hint)


@pytest.mark.parametrize("allowed", [None, "https"])
def test_nobody_is_told_to_let_an_address_run_a_program(allowed: str | None) -> None:
    found = lock.protocol("ext::sh -c x", allowed, {"protocol.ext.allow": "never"})
    assert found.verdict is Verdict.FAILED
    assert "an address of https or ssh" in found.hint
    assert "always" not in found.hint
    assert "export" not in found.hint


def test_a_push_that_is_tried() -> None:
    remote = FakeLockRemote()
    branch = FakeLockBranch(remote)
    assert lock.push(branch, "").verdict is Verdict.UNKNOWN
    assert lock.push(branch, "1" * 40).verdict is Verdict.OK
    remote.refuses = "denied"
    assert lock.push(branch, "1" * 40).verdict is Verdict.FAILED
    assert remote.tip == ""


def doubt(days: float, state: State = State.IN_DOUBT) -> Doubt:
    at = stamp(NOW - timedelta(days=days))
    return Doubt("prod", "a", Attempt(1, state, "d", (Event(at, State.INTENT), Event(at, state))))


@pytest.mark.parametrize(
    ("days", "verdict", "words"),
    [
        (0.1, Verdict.WARNING, "prod/a: for 2 hours, and Qualys shows it for 28 days more"),
        (23, Verdict.WARNING, "for 6 days more"), (26, Verdict.FAILED, "for 3 days more"),
        (40, Verdict.FAILED, "for 40 days, and too old to show"),
    ],
)  # fmt: skip
def test_how_long_a_doubt_can_be_looked_up(days: float, verdict: Verdict, words: str) -> None:
    found = record.doubts([doubt(days), doubt(0, State.INTENT)], NOW)
    assert found.verdict is verdict
    assert words in found.found
    assert found.hint == "`qflow-gitops reconcile -e prod`"
    assert record.doubts([], NOW).verdict is Verdict.OK


def test_what_stopped_and_what_is_not_to_go_on() -> None:
    late = Overdue("prod", "nobody did it", stamp(NOW))
    assert record.schedule([late], is_shared=True).verdict is Verdict.WARNING
    assert record.schedule([], is_shared=False).verdict is Verdict.OK


def test_receivers_that_the_settings_tell_nothing_are_pointed_out() -> None:
    silent = record.told(["slack"], Lockfile(""), asked=False)
    assert silent.verdict is Verdict.WARNING
    assert silent.found == "slack, but no `notify` is in the settings, so nothing is told"
    assert record.told(["slack"], Lockfile(""), asked=True).verdict is Verdict.OK
    assert record.told([], Lockfile(""), asked=False).verdict is Verdict.OK


def test_a_lockfile_that_can_not_be_read_is_one_line() -> None:
    for reason, line in (("lock_foreign", "lineage"), ("lock_shrunk", "lockfile")):
        problem = LockError("It is broken.", where="qflow.lock", hint="`git log`", reason=reason)
        found = {check.name: check.verdict for check in lock.unknown_of_record(problem)}
        assert [name for name, verdict in found.items() if verdict is Verdict.FAILED] == [line]
        assert {*found.values()} == {Verdict.FAILED, Verdict.UNKNOWN}
