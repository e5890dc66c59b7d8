"""What a watch is made of: a branch that is followed, rounds, an address that answers."""

import contextlib
import gc
import json
import os
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from qflow_gitops.cli.watch_wiring import begins, showing
from qflow_gitops.errors import InvalidInput, UnreachableError, UsageProblem
from qflow_gitops.fleet.work import Limits, Work
from qflow_gitops.git.following import Following, folder_beside, is_bare
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.ports.rounds import Round
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.watch import processes
from qflow_gitops.watch.health import Health
from qflow_gitops.watch.processes import ProcessRounds, Said
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.disks import small_disk
from tests.helpers.fleets import MEMBER
from tests.helpers.git import Workspace
from tests.helpers.partners import nightly, requires
from tests.helpers.specs import spec
from tests.helpers.watchers import project

NOW = datetime.now(UTC)
STANDS = Health(
    at=NOW, number=3, last=Round(5, "window", held=2, doubts=1, commit="c" * 40),
    next=NOW + timedelta(seconds=300), last_good=NOW, good_until=NOW + timedelta(seconds=900),
    seconds=2.5, rounds={0: 2, 5: 1},
)  # fmt: skip


@pytest.fixture
def base(tmp_path: Path) -> Workspace:
    return project(tmp_path)


@pytest.fixture
def remote(base: Workspace, tmp_path: Path) -> Remote:
    return Remote(tmp_path / "remote.git")


# --- a branch ----------------------------------------------------------------------------


def following(clone: Workspace) -> Following:
    return Following(GitRepo.open(clone.path, {}), "origin", lambda: 30.0)


def test_the_default_branch_is_asked_for_and_only_what_is_new_is_fetched(
    base: Workspace, remote: Remote
) -> None:
    clone = remote.clone("watcher")
    head = clone.git("rev-parse", "HEAD")
    base.write("runs/b.yaml", spec("b", 2))
    commit = base.publish("two")
    base.git("push", "--quiet", "origin", "HEAD:refs/heads/other", "HEAD:refs/tags/v1")
    follow = following(clone)
    tips = follow.ask()
    assert (tips.default, tips.commits) == ("main", {"main": commit})
    follow.bring("main", commit)
    assert clone.git("rev-parse", "refs/remotes/origin/main") == commit
    assert clone.git("rev-parse", "HEAD") == head
    assert clone.git("for-each-ref", "refs/tags", "refs/remotes/origin/other") == ""
    assert not (clone.path / ".git/FETCH_HEAD").exists()
    remote.path.rename(remote.path.with_name("gone"))
    follow.bring("main", commit)  # nobody is asked for what is here


def test_a_branch_that_was_rewritten_is_followed(base: Workspace, remote: Remote) -> None:
    """Whether it may be applied is for the apply to say."""
    clone = remote.clone("watcher")
    base.git("commit", "--amend", "--quiet", "-m", "rewritten")
    base.git("push", "--quiet", "--force", "origin", "HEAD:main")
    commit = base.git("rev-parse", "HEAD")
    following(clone).bring("main", commit)
    assert clone.git("rev-parse", "refs/remotes/origin/main") == commit


def test_a_remote_that_is_gone_says_so_with_the_command_that_asks_it(remote: Remote) -> None:
    clone = remote.clone("watcher")
    remote.path.rename(remote.path.with_name("gone"))
    with pytest.raises(UnreachableError) as problem:
        following(clone).ask()
    assert problem.value.hint.endswith("`git ls-remote origin`")
    assert problem.value.reason == "remote_unreachable"


def test_a_clone_that_can_not_be_written_is_not_taken_for_a_remote_that_is_gone(
    base: Workspace, remote: Remote
) -> None:
    clone = remote.clone("watcher")
    base.write("runs/b.yaml", spec("b", 2))
    commit = base.publish("two")
    follow = following(clone)
    with small_disk(clone.path / ".git/objects") as disk:
        disk.fill()
        with pytest.raises(InvalidInput, match="No space left on device") as problem:
            follow.bring("main", commit)
    assert problem.value.where == str(clone.path / ".git")


def test_a_branch_of_another_name_beside_the_default_one(base: Workspace, remote: Remote) -> None:
    base.git("push", "--quiet", "origin", "HEAD:refs/heads/release/1")
    tips = following(remote.clone("watcher")).ask("release/1")
    assert sorted(tips.commits) == ["main", "release/1"]


def test_a_bare_clone_gets_an_empty_work_tree_once(remote: Remote, tmp_path: Path) -> None:
    bare = remote.clone("watcher", "--bare").path
    assert is_bare(bare, {})
    assert not is_bare(tmp_path / "dev", {})
    folder = folder_beside(bare, {})
    assert [one.name for one in folder.iterdir()] == [".git"]
    assert folder_beside(bare, {}) == folder
    assert Path(GitRepo.open(folder, {}).common_dir) == bare
    moved = bare.rename(tmp_path / "moved")
    assert GitRepo.open(folder_beside(moved, {}), {}).common_dir == moved
    (moved / "worktrees").rename(moved / "lost")
    assert GitRepo.open(folder_beside(moved, {}), {}).common_dir == moved


def test_a_copy_of_a_bare_clone_works_on_itself(remote: Remote, tmp_path: Path) -> None:
    import shutil

    bare = remote.clone("watcher", "--bare").path
    folder_beside(bare, {})
    copy = Path(shutil.copytree(bare, tmp_path / "copy"))
    assert GitRepo.open(folder_beside(copy, {}), {}).common_dir == copy
    assert GitRepo.open(folder_beside(bare, {}), {}).common_dir == bare


def test_a_bare_clone_without_a_commit_says_what_else_will_do(tmp_path: Path) -> None:
    bare = Remote(tmp_path / "empty.git").path
    with pytest.raises(InvalidInput, match="can't be given a work tree") as problem:
        folder_beside(bare, {})
    assert "`git clone --no-checkout ADDRESS`" in problem.value.hint


def test_a_clone_that_nobody_else_works_in_stays_small(remote: Remote) -> None:
    """A year of rounds, each with a push of the lockfile's branch, is a lot of objects."""
    clone = remote.clone("watcher")
    for number in range(1500):
        clone.write(f"runs/{number}", f"{number}")
    clone.commit("many")
    following(clone).tidy()
    assert int(clone.git("count-objects").split()[0]) > 1500, "what a person switched off stays so"
    clone.git("config", "gc.auto", "256")
    following(clone).tidy()
    assert int(clone.git("count-objects").split()[0]) == 0


# --- a round -----------------------------------------------------------------------------

SAID = Said("prod", "branch", "origin", (), 1800.0)


class Rounds:
    """Rounds whose processes only note what they would have done."""

    def __init__(
        self, clone: Workspace, monkeypatch: pytest.MonkeyPatch, said: Said = SAID,
        answer: Mapping[str, Any] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        self.began: list[tuple[str, ...]] = []
        self.limits: list[Limits] = []
        self.read: list[str] = []
        self.said = said
        self.stopped = False
        answer = {"reason": "ok"} if answer is None else answer
        self.telling = Work(0, {"reason": "ok"}, "")

        def work(
            words: Sequence[str], folder: Path, environ: Mapping[str, str], limits: Limits,
            *, stopping: Callable[[], bool],
        ) -> Work:  # fmt: skip
            self.began.append(tuple(words))
            self.limits.append(limits)
            return self.telling if words[0] == "notify" else Work(0, answer, "")

        def read(commit: str) -> Said:
            self.read.append(commit)
            return self.said

        monkeypatch.setattr(processes, "work", work)
        self.work = ProcessRounds(
            clone.path, {}, lambda _: following(clone), read, lambda: self.stopped, **options
        ).work


def test_a_round_applies_the_newest_commit_and_reads_its_settings_once(
    base: Workspace, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(remote.clone("watcher"), monkeypatch)
    first = base.git("rev-parse", "HEAD")
    assert rounds.work() == Round(0, "ok", commit=first)
    rounds.work()
    base.write("runs/b.yaml", spec("b", 2))
    second = base.publish("two")
    rounds.work()
    words = ("apply", "--unattended", "-e", "prod", "--to")
    assert rounds.began == [(*words, one, "--timeout", "300s") for one in (first, first, second)]
    assert rounds.read == [first, second]


@pytest.mark.parametrize(
    ("every", "settings", "waits"),
    [(300.0, 1800.0, 300), (10.0, 1800.0, 60), (7200.0, 1800.0, 1800), (300.0, 20.0, 20)],
)
def test_an_apply_waits_no_longer_than_the_interval_nor_than_the_settings_say(
    base: Workspace, monkeypatch: pytest.MonkeyPatch, every: float, settings: float, waits: int
) -> None:
    rounds = Rounds(base, monkeypatch, SAID._replace(timeout=settings), every=every)
    rounds.work()
    assert rounds.began[0][-2:] == ("--timeout", f"{waits}s")
    assert rounds.limits[0].time > waits + 600


def test_what_is_left_to_tell_is_told_behind_the_apply_that_says_so(
    base: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(base, monkeypatch, answer={"reason": "ok", "noticesLeft": 1})
    rounds.work()
    commit = base.git("rev-parse", "HEAD")
    assert [words[:1] for words in rounds.began] == [("apply",), ("notify",)]
    assert rounds.began[1] == ("notify", "--to", commit, "--timeout", "60s")
    rounds.telling = Work(12, {"reason": "undelivered", "error": {"message": "1 is left."}}, "")
    found = rounds.work()
    assert found.problem is not None
    assert (found.exit_code, found.problem.message) == (0, "1 is left.")
    rounds.began.clear()
    rounds.stopped = True
    rounds.work()
    assert [words[0] for words in rounds.began] == ["apply"]


@pytest.mark.parametrize(
    ("branches", "branch", "applied"),
    [
        ((), "", "main"),
        (("release/1",), "", "release/1"),
        (("main", "release/*"), "", "main"),
        (("release/*",), "release/1", "release/1"),
        (("main",), "release/1", "release/1"),
    ],
)
def test_which_branch_is_applied(
    base: Workspace, remote: Remote, monkeypatch: pytest.MonkeyPatch,
    branches: tuple[str, ...], branch: str, applied: str,
) -> None:  # fmt: skip
    base.write("runs/b.yaml", spec("b", 2))
    base.commit("a release")
    base.git("push", "--quiet", "origin", "HEAD:refs/heads/release/1")
    clone = remote.clone("watcher")
    rounds = Rounds(clone, monkeypatch, SAID._replace(branches=branches), branch=branch)
    rounds.work()
    assert rounds.began[0][5] == remote.git("rev-parse", f"refs/heads/{applied}")


@pytest.mark.parametrize("branches", [("release/*",), ("release/1", "release/2")])
def test_several_branches_to_choose_from_are_for_a_person(
    base: Workspace, monkeypatch: pytest.MonkeyPatch, branches: tuple[str, ...]
) -> None:
    rounds = Rounds(base, monkeypatch, SAID._replace(branches=branches))
    with pytest.raises(UsageProblem) as problem:
        rounds.work()
    assert problem.value.hint.endswith("`qflow-gitops watch -e prod --branch NAME`")
    assert rounds.began == []


def test_what_no_later_round_can_mend_ends_it_at_the_beginning_only(
    base: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later, somebody may merge what mends it."""
    in_a_file = SAID._replace(store="worktree")
    rounds = Rounds(base, monkeypatch, in_a_file)
    with pytest.raises(UsageProblem, match="a file in the work tree"):
        rounds.work()
    rounds.said = SAID
    rounds.work()
    base.write("x", "y")
    base.publish("two")
    rounds.said = in_a_file
    found = rounds.work()
    assert (found.exit_code, found.reason) == (2, "watch_store")
    assert len(rounds.began) == 1


def test_a_branch_that_is_gone_is_a_round_that_failed(
    base: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(base, monkeypatch, branch="gone")
    found = rounds.work()
    assert (found.exit_code, found.reason) == (3, "watch_branch")
    assert found.problem is not None
    assert found.problem.hint == "What it has: `git ls-remote --heads origin`"


def test_a_remote_that_names_no_default_branch_is_for_a_person(
    base: Workspace, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.git("symbolic-ref", "HEAD", "refs/heads/gone")
    with pytest.raises(UsageProblem) as problem:
        Rounds(base, monkeypatch).work()
    assert problem.value.hint.endswith("`qflow-gitops watch --branch NAME`")
    assert Rounds(base, monkeypatch, branch="main").work().exit_code == 0


@nightly
def test_rounds_leave_nothing_behind_in_the_process_that_does_them(
    base: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real processes, of git and of a program that only answers."""
    answer = {"reason": "ok", "outcomes": [{"environment": "prod", "name": "a"}] * 1000}
    monkeypatch.setattr("qflow_gitops.fleet.work._PROGRAM", f"print({json.dumps(answer)!r})")
    rounds = ProcessRounds(
        base.path, {"PATH": os.environ["PATH"]}, lambda _: following(base), lambda _: SAID, bool
    )
    kept = []
    tracemalloc.start()
    try:
        for number in range(100):
            assert rounds.work().exit_code == 0
            if number in (19, 99):
                gc.collect()
                kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert kept[1] - kept[0] < 32 * 1024


# --- the command -------------------------------------------------------------------------


def test_a_project_whose_lockfile_is_a_file_is_refused(base: Workspace, cli: Cli) -> None:
    base.write("qflow.yaml", MEMBER.replace("store: branch", "store: worktree"))
    base.publish("in a file")
    done = cli("-C", str(base.path), "watch")
    assert done.code == 2
    assert "`qflow-gitops lock move --to branch`" in done.err


def test_of_several_environments_one_is_watched(base: Workspace, cli: Cli) -> None:
    more = (
        "    prod: {platform: sandbox}\n    test: {platform: sandbox}\n  defaultEnvironment: prod\n"
    )
    base.write("qflow.yaml", MEMBER.replace("    prod: {platform: sandbox}\n", more))
    base.publish("two environments")
    done = cli("-C", str(base.path), "watch", "--every", "1h")
    assert done.code == 2
    assert f"`qflow-gitops -C {base.path} watch --every 1h -e prod`" in done.err


def test_a_clone_without_a_remote_is_refused(workspace: Workspace, cli: Cli) -> None:
    workspace.write("qflow.yaml", MEMBER)
    workspace.commit("one")
    done = cli("watch")
    assert done.code == 2
    assert "`git remote add origin ADDRESS`" in done.err


def test_what_begins_is_said_as_it_is_typed() -> None:
    assert begins(300.0, 0) == "Applying every 5m, until SIGTERM."
    assert begins(5400.0, 3) == "Applying 3 times, every 1h30m."
    assert begins(300.0, 1) == "Applying once."


@pytest.mark.parametrize(
    "words",
    [
        ("--every", "0s"), ("--every", "2d"), ("--every", "25h"), ("--jitter", "51%"),
        ("--jitter", "-1%"), ("--rounds", "0"), ("--listen", "nowhere.invalid:1:2"),
        ("--listen", "99999"), ("--listen", "203.0.113.7:9464"),
    ],
)  # fmt: skip
def test_what_it_can_not_do_is_said_before_it_begins(
    base: Workspace, cli: Cli, words: tuple[str, ...]
) -> None:
    done = cli("-C", str(base.path), "watch", *words)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_one_round_in_this_process(
    base: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """A remote that is gone ends it with the code of its round, and without a commit."""
    file = base.path / "health.json"
    remote.path.rename(remote.path.with_name("gone"))
    done = cli("-C", str(base.path), "watch", "--rounds", "1", "--health", file.name)
    assert done.code == 12
    assert "`git ls-remote origin`" in done.err
    stands = json.loads(file.read_text())
    assert (stands["exitCode"], stands["commit"], stands["lastGood"]) == (12, None, None)


# --- how it stands -----------------------------------------------------------------------


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def publish(said: list[str]) -> Iterator[Any]:
    with showing(None, "0", 300.0, said.append) as found:
        yield found


def ask(said: list[str], path: str, method: str = "GET") -> tuple[int, str]:
    address = said[-1].split()[3].removeprefix("http://").partition("/")[0]
    connection = HTTPConnection(address, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_is_well_until_what_was_good_is_over(said: list[str], publish: Any) -> None:
    assert ask(said, "/healthz")[0] == 503
    publish(STANDS)
    status, body = ask(said, "/healthz")
    assert (status, json.loads(body)) == (200, json.loads(STANDS.as_json()))
    publish(STANDS._replace(good_until=NOW - timedelta(seconds=1)))
    assert ask(said, "/healthz")[0] == 503


@pytest.mark.parametrize("where", ["127.0.0.1:0", "localhost:0"])
def test_it_listens_where_it_is_told_to(said: list[str], where: str) -> None:
    with showing(None, where, 300.0, said.append) as publish:
        publish(STANDS)
        assert ask(said, "/healthz")[0] == 200


def test_its_metrics(said: list[str], publish: Any) -> None:
    assert "interval_seconds 300.0" in ask(said, "/metrics")[1]
    publish(STANDS)
    _, body = ask(said, "/metrics")
    assert 'qflow_gitops_watch_rounds_total{exit_code="5"} 1.0' in body
    for name, value in (("held_runs", "2.0"), ("doubtful_runs", "1.0"),
                        ("last_round_duration_seconds", "2.5")):  # fmt: skip
        assert f"qflow_gitops_watch_{name} {value}\n" in body
    assert "process_resident_memory_bytes" in body


def test_prometheus_reads_them_without_a_word(said: list[str], publish: Any) -> None:
    """By its library's own reader."""
    publish(STANDS)
    families = {one.name: one for one in text_string_to_metric_families(ask(said, "/metrics")[1])}
    assert families["qflow_gitops_watch_rounds"].type == "counter"
    times = [name for name in families if "timestamp" in name]
    assert len(times) == 3
    assert all(name.endswith("_timestamp_seconds") for name in times)


@nightly
@requires("promtool")
def test_promtool_finds_nothing_wrong_with_their_names(said: list[str], publish: Any) -> None:
    for stands in (None, STANDS):
        if stands:
            publish(stands)
        body = ask(said, "/metrics")[1]
        told = subprocess.run(
            ["promtool", "check", "metrics"], input=body, capture_output=True, text=True
        )
        assert (told.returncode, told.stdout + told.stderr) == (0, "")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404), ("GET", "/healthz?x=1", 404),
        ("POST", "/healthz", 405), ("DELETE", "/metrics", 405), ("<script>", "/healthz", 405),
    ],
)  # fmt: skip
def test_anything_else_is_refused_without_a_word_of_it(
    said: list[str], publish: Any, method: str, path: str, status: int
) -> None:
    found, body = ask(said, path, method)
    assert found == status
    assert "script" not in body


def test_a_request_that_never_ends_holds_up_nobody(
    said: list[str], publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of one, more than fits, and so many at once that further ones are turned away."""
    from qflow_gitops.watch import serving

    monkeypatch.setattr(serving, "_SECONDS", 0.5)
    host, port = said[-1].split()[3].removeprefix("http://").partition("/")[0].split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(12)]
    try:
        for one in slow:
            one.sendall(b"GET /healthz HTTP/1.1\r\n")
        long = socket.create_connection((host, int(port)))
        long.settimeout(5)
        with contextlib.suppress(OSError):  # it is cut off
            long.sendall(b"GET /" + b"x" * 100_000)
        long.close()
        for one in slow:
            one.settimeout(5)
            assert one.recv(10) == b""
    finally:
        for one in slow:
            one.close()
    publish(STANDS)
    assert ask(said, "/healthz")[0] == 200


def test_without_prometheus_client_it_says_what_is_missing(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "qflow_gitops.watch.metrics", raising=False)
    with showing(None, "0", 300.0, said.append) as publish:
        assert "`pip install prometheus-client`" in said[0]
        publish(STANDS)
        assert ask(said, "/healthz")[0] == 200
        status, body = ask(said, "/metrics")
        assert status == 501
        assert "prometheus-client" in body


def test_a_port_that_is_taken_is_refused_with_an_example(said: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageProblem) as problem, showing(None, str(port), 300.0, said.append):
            pass
    assert problem.value.reason == "watch_listen"


def test_a_folder_that_is_gone_is_told_with_the_file(tmp_path: Path, said: list[str]) -> None:
    with showing(tmp_path / "gone/health.json", "", 300.0, said.append) as publish:
        problem = publish(STANDS)
    assert problem is not None
    assert problem.reason == "watch_health"
    assert str(tmp_path) in problem.where
