"""Anchors: what stood in the lockfile then stands there now; a server says when."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.audit import time_stamps
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.http.transport import Transport
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.specs import schema
from tests.helpers.audits import VERIFY, audited
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.disks import small_disk
from tests.helpers.drafts import Draft
from tests.helpers.git import Workspace
from tests.helpers.kills import PROGRAM
from tests.helpers.partners import rows
from tests.helpers.specs import spec
from tests.helpers.stamps import Answer, Authority, StampServer, name_server
from tests.picture import ROOT

ANSWER = {"Content-Type": "application/timestamp-reply"}


@pytest.fixture
def applied(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, stamps: StampServer
) -> Workspace:
    """A project whose settings name the server, applied once."""
    name_server(workspace, stamps)
    assert cli("apply", "--yes").code == 0
    return workspace


def on_branch(remote: Remote, path: str) -> Any:
    return json.loads(remote.git("show", f"{BRANCH}:{path}"))


def paths(remote: Remote) -> list[str]:
    return remote.git("ls-tree", "-r", "--name-only", BRANCH, "anchors/").splitlines()


def change(workspace: Workspace, cli: Cli, value: str = "changed") -> None:
    workspace.write("runs/more.yaml", spec("more", value))
    workspace.publish(value)
    assert cli("apply", "--yes").code == 0


def test_a_time_stamp_is_kept_and_held_against_the_history(
    applied: Workspace, remote: Remote, cli: Cli, stamps: StampServer
) -> None:
    before = remote.tip()
    done = cli.json("lock", "anchor")
    assert (done["exitCode"], done["commit"], done["new"]) == (0, before, True)
    (path,) = paths(remote)
    kept = on_branch(remote, path)
    assert path == f"anchors/{kept['serial']}.json" == done["file"]
    assert kept["commit"] == before
    assert schema.is_valid(kept, "lockfile")
    assert not schema.is_valid({**kept, "more": 1}, "lockfile")
    assert remote.git("diff", "--name-status", before, BRANCH).split() == ["A", path]
    response = base64.b64decode(kept["timeStamp"]["response"])
    stamps.authority.check(response, kept["contents"].removeprefix("v1:sha256:"))
    ((headers, _),) = stamps.asked
    assert headers["Content-Type"] == "application/timestamp-query"
    assert not {"authorization", "cookie"} & {name.lower() for name in headers}

    change(applied, cli)
    checked = cli.json("lock", "verify")
    assert (checked["exitCode"], checked["problems"]) == (0, [])
    (held,) = checked["anchors"]
    assert (held["file"], held["stands"], held["stamped"]) == (path, True, True)
    assert "1 of 1 anchor stands there now" in cli("lock", "verify").out
    assert re.search(r", 1 anchor, 0 problems\n$", audited(remote.path).stdout)
    assert cli("plan").code == cli("status").code == 0


def test_an_unchanged_lockfile_is_anchored_again_only_when_asked(
    applied: Workspace, remote: Remote, cli: Cli, stamps: StampServer
) -> None:
    assert cli("lock", "anchor").code == 0
    tip = remote.tip()
    again = cli("lock", "anchor")
    assert (again.code, remote.tip(), len(stamps.asked)) == (0, tip, 1)
    assert "nothing was recorded since anchors/" in again.out
    assert cli.json("lock", "anchor", "--again")["new"] is True
    (first, second) = sorted(paths(remote), key=len)
    assert second == first.replace(".json", ".2.json")
    assert [one["stands"] for one in cli.json("lock", "verify")["anchors"]] == [True, True]
    assert audited(remote.path).returncode == 0
    change(applied, cli)
    assert cli.json("lock", "anchor")["new"] is True
    assert len(paths(remote)) == 3


def test_a_history_that_was_written_anew_is_told_by_a_clone_that_never_saw_it(
    applied: Workspace, remote: Remote, cli: Cli
) -> None:
    """By the anchor on the branch, if whoever did it kept that, and by a deposited one anyway."""
    assert cli("lock", "anchor", "--to", "deposit.json").code == 0
    assert cli("lock", "anchor").code == 0
    anchored = remote.tip()
    draft = Draft(remote)
    draft.parents = []
    draft.push()
    fresh = Cli(remote.clone("fresh").path, cli._capfd)
    (problem,) = fresh.json("lock", "verify")["problems"]
    assert problem.startswith("anchors/")
    assert "isn't in the history any more" in problem
    assert audited(remote.path).returncode == 1

    draft.entries = [one for one in draft.entries if not one.path.startswith("anchors/")]
    draft.push()
    fresh = Cli(remote.clone("fresher").path, cli._capfd)
    deposit = str(applied.path / "deposit.json")
    assert fresh.json("lock", "verify")["problems"] == []
    held = fresh.json("lock", "verify", "--anchor", deposit)
    assert (held["exitCode"], held["reason"]) == (11, "lock_unsound")
    assert f"{deposit}: Commit " in held["problems"][0]
    remote.git("update-ref", f"refs/heads/{BRANCH}", anchored)
    fresh = Cli(remote.clone("freshest").path, cli._capfd)
    assert fresh.json("lock", "verify", "--anchor", deposit)["problems"] == []


def test_a_deposit_that_found_no_room_is_no_file(
    applied: Workspace, cli: Cli, tmp_path: Path
) -> None:
    """Else the next try takes it for an earlier anchor, and an auditor for a forged one."""
    assert applied
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk") as disk:
        disk.fill()
        file = disk.path / "deposit.json"
        done = cli("lock", "anchor", "--to", str(file))
        assert done.code == 2
        assert "It can't be written: No space left on device" in done.err
        assert not file.exists()
        disk.empty()
        assert cli("lock", "anchor", "--to", str(file)).code == 0


def test_a_deposit_is_a_text_and_is_held_against_the_history(
    applied: Workspace, remote: Remote, cli: Cli, stamps: StampServer
) -> None:
    file = applied.path / "deposit.json"
    assert cli("lock", "anchor", "--to", "deposit.json").code == 0
    kept = json.loads(file.read_text("utf-8"))
    assert kept["commit"] == remote.tip()
    assert remote.tip() in file.read_text("utf-8")
    assert "timeStamp" not in kept
    assert schema.is_valid(kept, "lockfile")
    assert stamps.asked == []
    change(applied, cli)
    assert cli("lock", "verify", "--anchor", "deposit.json").code == 0
    for key, value, word in (
        ("contents", "v1:sha256:" + "0" * 64, "doesn't hold what it held"),
        ("serial", kept["serial"] + 1, "says serial"),
        ("lineage", "other", "another lockfile"),
        ("commit", "1" * 40, "isn't in the history any more"),
    ):
        file.write_text(json.dumps({**kept, key: value}), "utf-8")
        said = cli.json("lock", "verify", "--anchor", "deposit.json")
        assert (said["exitCode"], [word in one for one in said["problems"]]) == (11, [True])


Faulty = Callable[[StampServer, Callable[..., Authority]], Callable[[bytes], Answer]]


def _status(status: int, **headers: str) -> Faulty:
    return lambda _server, _other: lambda _query: (status, headers, b"<html>no</html>")


def _by(name: str, **how: Any) -> Faulty:
    return lambda _server, other: lambda query: (200, ANSWER, other(name, **how).reply(query))


def _of_another_text(server: StampServer, _: object) -> Callable[[bytes], Answer]:
    def answer(query: bytes) -> Answer:
        (server.authority.folder / "data").write_bytes(b"another")
        other = server.authority.query("data")
        return 200, ANSWER, server.authority.reply(other)

    return answer


def _of_another_nonce(server: StampServer, _: object) -> Callable[[bytes], Answer]:
    def answer(query: bytes) -> Answer:
        nonce, certificates = query[:-3], query[-3:]
        other = nonce[:-1] + bytes([nonce[-1] ^ 1]) + certificates
        return 200, ANSWER, server.authority.reply(other)

    return answer


def _changed(server: StampServer, _: object) -> Callable[[bytes], Answer]:
    def answer(query: bytes) -> Answer:
        reply = bytearray(server.authority.reply(query))
        reply[-3] ^= 1
        return 200, ANSWER, bytes(reply)

    return answer


def _slow(_server: StampServer, _other: object) -> Callable[[bytes], Answer]:
    def answer(_query: bytes) -> Answer:
        time.sleep(3)
        return 200, ANSWER, b""

    return answer


@pytest.mark.parametrize(
    ("fault", "reason", "says"),
    [
        (_status(500), "anchor_unreachable", "answered 500"),
        (_status(404), "anchor_unreachable", "anchor.url"),
        (_status(302, Location="http://127.0.0.1:9/"), "anchor_unreachable", "not followed"),
        (_status(200, **{"Content-Type": "text/html"}), "anchor_untrusted", "'text/html'"),
        (_slow, "anchor_unreachable", "no answer in time"),
        (_by("another"), "anchor_untrusted", "isn't one of those that are trusted"),
        (_by("expired", expired=True), "anchor_untrusted", ""),
        (_of_another_text, "anchor_untrusted", "another hash"),
        (_of_another_nonce, "anchor_untrusted", "nonce"),
        (_changed, "anchor_untrusted", ""),
    ],
    ids=lambda one: str(one) if isinstance(one, str) else "",
)
def test_an_answer_that_is_none_is_not_kept(
    fault: Faulty,
    reason: str,
    says: str,
    applied: Workspace,
    remote: Remote,
    cli: Cli,
    stamps: StampServer,
    authorities: Callable[..., Authority],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defaults = Transport.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "read_timeout", 1.0)
    tip = remote.tip()
    stamps.answers = fault(stamps, authorities)
    done = cli.json("lock", "anchor")
    assert (done["exitCode"], done["reason"]) == (12, reason), done
    assert says in str(done["error"])
    assert done["error"]["notDone"] == time_stamps.NOT_KEPT
    assert remote.tip() == tip
    assert len(stamps.asked) == 1
    stamps.answers = stamps.honest
    assert cli("lock", "anchor").code == 0


def test_a_server_that_is_down_and_a_clock_that_is_wrong(
    applied: Workspace,
    remote: Remote,
    cli: Cli,
    stamps: StampServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tip = remote.tip()
    ahead = datetime.now(UTC) + timedelta(minutes=30)
    with monkeypatch.context() as patch:
        patch.setattr(SystemClock, "now", lambda _clock: ahead)
        assert cli.json("lock", "anchor")["reason"] == "anchor_clock"
    stamps.close()
    down = cli.json("lock", "anchor")
    assert (down["exitCode"], down["reason"]) == (12, "anchor_unreachable")
    assert remote.tip() == tip
    assert cli("lock", "anchor", "--to", "deposit.json").code == 0


def test_without_the_extra_it_says_what_to_install(
    applied: Workspace, remote: Remote, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And `lock verify` says what it couldn't check, and holds the history against it anyway."""
    assert cli("lock", "anchor").code == 0
    change(applied, cli)
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    done = cli.json("lock", "anchor")
    assert (done["exitCode"], done["reason"]) == (2, "attest_missing")
    assert "`pip install 'rfc3161-client" in done["error"]["hint"]
    checked = cli.json("lock", "verify")
    assert (checked["exitCode"], checked["anchors"][0]["stamped"]) == (0, None)
    assert any("No time stamp was checked" in note for note in checked["notes"])
    assert cli("lock", "verify", "--certificate", "tsa.pem").code == 2


def test_a_time_stamp_is_held_against_the_certificate_that_one_trusts(
    applied: Workspace,
    remote: Remote,
    cli: Cli,
    stamps: StampServer,
    authorities: Callable[..., Authority],
) -> None:
    """As of its time; one that was put in its place by somebody else's authority isn't sound."""
    assert cli("lock", "anchor").code == 0
    other = applied.path / "other.pem"
    other.write_text(authorities("another").root)
    checked = cli.json("lock", "verify", "--certificate", "other.pem")
    assert (checked["exitCode"], checked["anchors"][0]["stamped"]) == (11, False)
    other.write_text(authorities("another").root + stamps.authority.root)
    assert cli("lock", "verify", "--certificate", "other.pem").code == 0
    assert "checked against other.pem, as you gave it: " in cli(
        "lock", "verify", "--certificate", "other.pem"
    ).out  # fmt: skip
    nothing = cli.json("lock", "verify", "--certificate", "qflow.yaml")
    assert nothing["error"]["notDone"] == "Nothing was checked."
    assert (nothing["exitCode"], nothing["reason"]) == (3, "anchor_certificate")


def test_what_a_pull_request_says_of_the_server_doesnt_count(
    applied: Workspace,
    remote: Remote,
    cli: Cli,
    stamps: StampServer,
    authorities: Callable[..., Authority],
) -> None:
    """Neither its address nor its certificate, until the commit was applied."""
    assert cli("lock", "anchor").code == 0
    foreign = StampServer(authorities("another"))
    applied.git("checkout", "--quiet", "-b", "proposed")
    settings = (applied.path / "qflow.yaml").read_text()
    applied.write("qflow.yaml", settings.replace(stamps.url, foreign.url))
    applied.write("tsa.pem", foreign.authority.root)
    applied.commit("another server")
    assert cli.json("lock", "anchor", "--again")["server"] == stamps.url
    assert cli("lock", "verify").code == 0
    assert (len(stamps.asked), len(foreign.asked)) == (2, 0)
    foreign.close()


def test_a_certificate_that_alone_changed_counts_once_it_was_applied(
    applied: Workspace,
    remote: Remote,
    cli: Cli,
    stamps: StampServer,
    authorities: Callable[..., Authority],
    later: Callable[[float], None],
) -> None:
    """An apply that has nothing to send works on that commit all the same, and status waits."""
    assert cli("lock", "anchor").code == 0
    applied.write("tsa.pem", authorities("another").root)
    commit = applied.publish("another authority")
    applied.git("remote", "set-head", "origin", "main")
    assert cli("lock", "verify").code == 0
    later(2 * 86_400.0)
    assert f"hasn't worked on commit {commit[:10]}" in str(cli.json("status")["notes"])
    later(0)
    assert cli("apply", "--yes").code == 0
    assert remote.record()["environments"]["prod"]["appliedThrough"] == commit
    assert cli.json("lock", "verify")["anchors"][0]["stamped"] is False
    tip = remote.tip()
    assert cli("apply", "--yes").code == 0
    assert remote.tip() == tip


def test_two_at_once_keep_one(
    applied: Workspace, remote: Remote, cli: Cli, stamps: StampServer
) -> None:
    """Whoever comes second finds the other's, and an apply in between is in the history as well."""
    second = remote.clone("second")
    both = threading.Barrier(2)

    def answer(query: bytes) -> Answer:
        both.wait(60)
        return stamps.honest(query)

    stamps.answers = answer
    words = ("lock", "anchor", "--format", "json")
    started = [_program(one.path, *words) for one in (applied, second)]
    told = [json.loads(one.communicate(timeout=100)[0]) for one in started]
    assert [one["error"] for one in told] == [None, None]
    assert sorted(one["new"] for one in told) == [False, True]
    assert len({one["file"] for one in told}) == 1
    assert len(paths(remote)) == 1
    assert cli("lock", "verify").code == 0


def test_an_apply_meanwhile_loses_nothing(
    applied: Workspace, remote: Remote, cli: Cli, stamps: StampServer
) -> None:
    """The anchor is of what stood there before, on top of what came since."""
    before = remote.tip()
    clone = remote.clone("second")

    def answer(query: bytes) -> Answer:
        stamps.answers = stamps.honest
        clone.write("runs/more.yaml", spec("more"))
        clone.publish("more")
        program = _program(clone.path, "apply", "--yes")
        program.communicate(timeout=60)
        assert program.returncode == 0
        return stamps.honest(query)

    stamps.answers = answer
    done = cli.json("lock", "anchor")
    assert (done["commit"], done["new"]) == (before, True)
    assert "more" in remote.states()
    assert cli("lock", "verify").code == 0
    assert audited(remote.path).returncode == 0


def test_killed_before_it_is_kept_nothing_is_left(
    applied: Workspace, remote: Remote, cli: Cli, stamps: StampServer
) -> None:
    tip = remote.tip()
    asked = threading.Event()

    def answer(query: bytes) -> Answer:
        asked.set()
        time.sleep(1)
        return stamps.honest(query)

    stamps.answers = answer
    program = _program(applied.path, "lock", "anchor")
    assert asked.wait(30)
    program.send_signal(signal.SIGKILL)
    program.communicate(timeout=30)
    assert remote.tip() == tip
    stamps.answers = stamps.honest
    assert cli.json("lock", "anchor")["new"] is True


def _program(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, "-C", str(folder), *words]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_the_page_for_auditors_is_what_they_type(
    applied: Workspace, remote: Remote, cli: Cli, tmp_path: Path, stamps: StampServer
) -> None:
    """Each block of docs/verify.md, with this clone's commit and serial."""
    assert cli("lock", "anchor").code == 0
    (path,) = paths(remote)
    kept = on_branch(remote, path)
    page = (ROOT / "docs/verify.md").read_text("utf-8")
    first, text, openssl = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    (tmp_path / "authority.pem").write_text(stamps.authority.root)
    (tmp_path / "verify.py").write_text(VERIFY.read_text("utf-8"))

    def typed(block: str) -> str:
        for said, meant in (
            ("https://git.example.com/cloudsec/runs", remote.path.as_uri()),
            ("1c0ef3cbd5ff4bb1a1de4a1d2b8c1e7f403dd8ee", kept["commit"]),
            ("anchors/42.json", path),
        ):
            block = block.replace(said, meant)
        command = ["bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done
        return done.stdout

    assert re.search(r", 1 anchor, 0 problems\n$", typed(first))
    assert typed(text).split()[0] == kept["contents"].removeprefix("v1:sha256:")
    assert "Verification: OK" in typed(openssl)


@pytest.mark.parametrize(
    "clone",
    rows(
        (["--depth=1"], ["--filter=blob:none"], ["--single-branch"]),
        lambda clone: clone == ["--depth=1"],
    ),
)
def test_a_clone_that_isnt_whole_will_do(
    clone: list[str], applied: Workspace, remote: Remote, cli: Cli
) -> None:
    remote.git("config", "uploadpack.allowFilter", "true")
    remote.git("config", "uploadpack.allowAnySHA1InWant", "true")
    change(applied, cli)
    other = Cli(remote.clone("other", *clone).path, cli._capfd)
    assert other.json("lock", "anchor")["new"] is True
    change(applied, cli, "once more")
    checked = Cli(remote.clone("third", *clone).path, cli._capfd).json("lock", "verify")
    assert (checked["exitCode"], checked["anchors"][0]["stamped"]) == (0, True)
