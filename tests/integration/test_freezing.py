"""A freeze holds everything, reaches an apply that runs, and loses nothing of what it did.

`.ci/run` makes all of it in the work tree and some on a branch, `.ci/nightly` the rest there.
"""

import json
import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.apply import preconditions
from qflow_gitops.commands import apply as operation
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers import typed
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.partners import IN_BOTH_STORES, STORES, rows
from tests.helpers.sandboxes import served
from tests.helpers.services import Done, Process, Runners
from tests.helpers.specs import SANDBOX_PROJECT, spec

RUNS = [f"run-{number}" for number in range(4)]
APPLY = ("apply", "--yes", "--concurrency", "1")
FREEZE = ("freeze", "--reason", "incident 42")


def told_by(done: Done) -> Any:
    """What a command said as JSON."""
    return json.loads(done.out)


@dataclass
class Scene:
    """Four runs are due where `here` is; somebody may freeze from `there`, another clone if any."""

    here: Path
    there: Path
    runners: Runners
    store: str

    def cli(self, *arguments: str) -> Done:
        return self.runners.call(self.here, *arguments)

    def json(self, *arguments: str) -> Any:
        return told_by(self.cli(*arguments, "--format", "json"))

    def apply(self, script: dict[tuple[str, int], Callable[[], Any]] | None = None) -> Done:
        return self.runners.call(self.here, *APPLY, "--format", "json", script=script)

    def freeze(self) -> None:
        done = self.runners.call(self.there, *FREEZE)
        assert done.code == 0, done.err

    def posts(self) -> int:
        return len(self.runners.sandbox.requests("POST", "/run"))

    def states(self) -> dict[str, str]:
        told = self.json("status")
        return {one["name"]: one["attempt"]["state"] for one in told["runs"] if one["attempt"]}

    def events(self) -> list[str]:
        return [one["reason"] for one in self.json("status")["frozen"]]


@pytest.fixture(params=STORES)
def scene(request: pytest.FixtureRequest, workspace: Workspace) -> Iterator[Scene]:
    there = workspace.path
    if request.param == "branch":
        remote: Remote = request.getfixturevalue("remote")
        workspace.remove("runs/aws/buckets.yaml")
    else:
        workspace.write("qflow.yaml", SANDBOX_PROJECT)
    for number, name in enumerate(RUNS):
        workspace.write(f"runs/{name}.yaml", spec(name, number))
    workspace.commit("four runs")
    if request.param == "branch":
        workspace.git("push", "--quiet", "origin", "main")
        there = remote.clone("there").path
    with served(duration=3) as server:
        runners = Runners(server)
        with runners.installed():
            yield Scene(workspace.path, there, runners, request.param)


def commands_in(hint: str) -> list[list[str]]:
    """The commands that stand in backticks, as a shell would read them."""
    return [shlex.split(one) for one in typed.commands(hint)]


def stopped(scene: Scene, done: Done, started: int) -> dict[str, Any]:
    """5, `frozen`: so many ran and are recorded, each other says who, why, and what lifts it."""
    told: dict[str, Any] = told_by(done)
    assert (done.code, told["reason"]) == (5, "frozen"), done
    assert set(scene.states()) == set(RUNS[:started])
    left = [*told["notStarted"], *(one for one in told["changes"] if one["action"] == "hold")]
    assert {one["name"] for one in left} == set(RUNS[started:])
    assert {one["reason"] for one in left} == {"frozen"}
    for one in left:
        assert "incident 42" in one["detail"]
        assert one["hint"]
    return told


def follow(scene: Scene, done: Done) -> None:
    """Type what the hint says, literally; then all of it runs, each run once."""
    told = told_by(done)
    hints = {one["hint"] for one in (*told["notStarted"], *told["changes"]) if one["hint"]}
    (words,) = [each for hint in hints for each in commands_in(hint)]
    assert words[0] == "qflow-gitops"
    assert scene.runners.call(scene.there, *words[1:]).code == 0
    done = scene.apply()
    assert done.code == 0, done
    ran = [one["body"]["input"]["value"] for one in scene.runners.sandbox.executions()]
    assert sorted(ran) == [0, 1, 2, 3]
    assert set(scene.states().values()) == {"succeeded"}
    assert scene.cli("lock", "verify").code == 0


# --- an apply that runs --------------------------------------------------------------


@pytest.mark.parametrize("scene", IN_BOTH_STORES, indirect=True)
def test_a_freeze_stops_an_apply_before_its_next_wave(scene: Scene) -> None:
    """What it has sent is recorded with its end, and nothing is left to nobody."""
    done = scene.apply({("sent", 2): scene.freeze})
    stopped(scene, done, 2)
    assert "Nothing more is started" in done.err
    assert scene.states() == {"run-0": "succeeded", "run-1": "succeeded"}
    assert "elsewhere" not in done.err
    assert scene.posts() == 2
    assert scene.events() == ["incident 42"]
    held = scene.apply()
    assert (held.code, scene.posts()) == (5, 2)
    follow(scene, held)


@pytest.mark.parametrize(
    ("scene", "push"),
    rows(
        product(IN_BOTH_STORES, range(1, 8)),
        lambda row: row in [("branch", 3), ("worktree", 1), ("worktree", 6)],
    ),
    indirect=["scene"],
)
def test_nothing_is_sent_once_the_freeze_was_first(scene: Scene, push: int) -> None:
    """Right before any write of the lockfile: whoever says "frozen" can rely on it."""
    posts = []

    def strike() -> None:
        scene.freeze()
        posts.append(scene.posts())

    done = scene.apply({("push", push): strike})
    if not posts:  # there are fewer writes
        assert done.code == 0
        return
    assert scene.posts() == posts[0]
    if set(scene.states()) != set(RUNS):
        told = told_by(done)
        assert (done.code, told["reason"]) == (5, "frozen"), done
    assert set(scene.states().values()) <= {"succeeded", "unsent"}
    assert scene.events() == ["incident 42"]
    assert scene.runners.call(scene.there, "unfreeze", "--reason", "over").code == 0
    assert scene.apply().code == 0
    assert len(scene.runners.sandbox.executions()) == 4
    assert set(scene.states().values()) == {"succeeded"}


def test_a_wave_that_was_claimed_before_goes_out_whole(scene: Scene) -> None:
    """On a branch nobody can know better in time. On one machine it is looked up once more."""
    done = scene.apply({("pushed", 2 if scene.store == "worktree" else 1): scene.freeze})
    sent = {"worktree": 0, "branch": 1}[scene.store]
    assert scene.posts() == sent
    assert done.code == 5
    assert scene.states() == {"run-0": "succeeded" if sent else "unsent"}


@pytest.mark.parametrize("scene", IN_BOTH_STORES, indirect=True)
def test_a_freeze_before_the_first_wave(scene: Scene) -> None:
    """Between the plan that was shown and the first intent."""
    done = scene.apply({("push", 1): scene.freeze})
    assert (done.code, scene.posts()) == (5, 0)
    assert set(scene.states().values()) <= {"unsent"}


@pytest.mark.parametrize("scene", IN_BOTH_STORES, indirect=True)
def test_a_crash_after_the_freeze_forgets_neither(scene: Scene) -> None:
    """The process dies with an answer in hand; the freeze stands, and the doubt is settled."""

    def strike() -> None:
        scene.freeze()
        scene.runners.crash()

    assert scene.apply({("sent", 1): strike}).code == -9
    assert scene.events() == ["incident 42"]
    scene.runners.elapse(400)
    done = scene.apply()
    assert done.code == 5, done
    assert scene.states() == {"run-0": "succeeded"}
    assert scene.posts() == 1
    follow(scene, done)


def test_a_request_that_waits_for_a_rate_limit(scene: Scene) -> None:
    """On one machine it isn't sent any more. On a branch its wave was claimed, and goes on."""
    scene.runners.sandbox.set_faults("429=5@run#1")
    once = iter([scene.freeze])
    scene.runners.about_to_send = lambda _: next(once, lambda: None)()
    done = scene.apply()
    assert done.code == 5, done
    if scene.store == "worktree":
        assert scene.states() == {"run-0": "unsent"}
        (outcome,) = told_by(done)["outcomes"]
        last = outcome["attempt"]["events"][-1]
        assert last["hold"] == "frozen"
        assert "incident 42" in last["detail"]
    else:
        assert scene.states() == {"run-0": "succeeded"}
    scene.runners.sandbox.set_faults()
    scene.runners.about_to_send = lambda _: None
    assert scene.runners.call(scene.there, "unfreeze", "--reason", "over").code == 0
    assert scene.apply().code == 0
    assert len(scene.runners.sandbox.executions()) == 4


# --- the file ------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "it's a freeze"
    monkeypatch.setenv("QFLOW_FREEZE_FILE", str(made))
    return made


def test_the_file_stops_an_apply_before_its_next_wave(scene: Scene, file: Path) -> None:
    done = scene.apply({("sent", 2): lambda: file.write_text("incident 42\nsecond line\n")})
    told = stopped(scene, done, 2)
    hint = told["notStarted"][0]["hint"]
    (words,) = commands_in(hint)
    assert words == ["rm", str(file)]
    Path(words[1]).unlink()
    assert scene.apply().code == 0
    assert len(scene.runners.sandbox.executions()) == 4


def test_the_file_stops_a_request_that_has_to_wait(scene: Scene, file: Path) -> None:
    scene.runners.sandbox.set_faults("429=5@run#1")

    def freeze(_: Process) -> None:
        file.write_text("incident 42")

    scene.runners.about_to_send = freeze
    done = scene.apply()
    told = told_by(done)
    assert (done.code, told["reason"], scene.posts()) == (5, "frozen", 1), done
    assert scene.states() == {"run-0": "unsent"}
    file.unlink()
    scene.runners.about_to_send = lambda _: None
    assert scene.apply().code == 0
    assert len(scene.runners.sandbox.executions()) == 4


WORDS = {
    b"incident 42": ": incident 42",
    b"  incident\t 42 \r\nnot this": ": incident 42",
    b"\n\n second\n": ": second",
    b"": ", and gives no reason",
    b" \n \n": ", and gives no reason",
    b"\xef\xbb\xbfwith a mark": ": with a mark",
    b"\xff\x00 ::error::x \x1b[2J": None,
    b"x" * 100_000: ": " + "x" * 199 + "…",
}


@pytest.mark.parametrize("content", WORDS)
def test_the_files_first_line_is_the_reason(
    content: bytes, project: Workspace, cli: Cli, file: Path
) -> None:
    file.write_bytes(content)
    done = cli("plan")
    first = done.out.splitlines()[0]
    assert (done.code, cli.json("plan")["counts"]["run"]) == (0, 0)
    assert first.startswith("Frozen: the file ")
    assert WORDS[content] is None or first.endswith(f"(QFLOW_FREEZE_FILE) is there{WORDS[content]}")
    for odd in ("\x1b", "\x00", "::error"):
        assert odd not in done.out


def a_folder(file: Path) -> None:
    file.mkdir()


def a_link_to_nothing(file: Path) -> None:
    file.symlink_to(file.with_name("nowhere"))


def a_pipe(file: Path) -> None:
    os.mkfifo(file)


def a_loop(file: Path) -> None:
    file.symlink_to(file)


def forbidden(file: Path) -> None:
    file.write_text("secret")
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("this user may read everything")


UNREADABLE = (a_folder, a_link_to_nothing, a_pipe, a_loop, forbidden)


@pytest.mark.parametrize("make", UNREADABLE)
def test_a_file_that_cannot_be_read_counts_as_a_freeze(
    make: Callable[[Path], None],
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    file: Path,
) -> None:
    make(file)
    done = cli("apply", "--yes")
    assert done.code == 5
    assert "can't be read" in done.out
    assert "unset QFLOW_FREEZE_FILE" in done.out
    assert sandbox.requests() == []


def test_a_file_whose_folder_is_gone_counts_as_a_freeze(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it would say can't be known: the disk that it is on may not be mounted."""
    monkeypatch.setenv("QFLOW_FREEZE_FILE", str(tmp_path / "gone/freeze"))
    assert "its folder isn't there" in cli("plan").out
    (tmp_path / "gone").mkdir()
    assert cli.json("plan")["frozen"] == []


def test_a_link_to_a_file_and_a_path_from_the_folder_of_the_command(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFLOW_FREEZE_FILE", "freeze")
    assert cli.json("plan")["frozen"] == []
    project.write("elsewhere", "incident 42")
    (project.path / "freeze").symlink_to("elsewhere")
    (one,) = cli.json("plan")["frozen"]
    assert (one["source"], one["reason"]) == ("QFLOW_FREEZE_FILE", "incident 42")
    monkeypatch.setenv("QFLOW_FREEZE_FILE", " ")
    assert cli.json("plan")["frozen"] == []


# --- what the commands say -----------------------------------------------------------


def test_a_team_freezes_before_anything_was_applied(scene: Scene) -> None:
    """The first freeze makes the lockfile; no credentials are asked for, nothing is sent."""
    done = scene.cli(*FREEZE)
    assert done.code == 0
    assert "There was no lockfile yet" in done.err
    assert scene.runners.sandbox.requests() == []
    assert scene.events() == ["incident 42"]
    plan = scene.cli("plan")
    assert plan.out.startswith("Frozen: test@example.com froze everything at ")
    assert scene.json("plan")["counts"] == {
        "run": 0,
        "wait": 0,
        "hold": 4,
        "skip": 0,
        "unchanged": 0,
    }
    done = scene.apply()
    assert scene.posts() == 0
    stopped(scene, done, 0)
    follow(scene, done)
    assert "There was no lockfile yet" not in scene.cli(*FREEZE).err


def test_no_credentials_are_needed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET", "QFLOW_GATEWAY"):
        monkeypatch.delenv(name)
    assert scene.cli(*FREEZE).code == 0
    assert scene.cli("unfreeze", "--reason", "over").code == 0


def test_frozen_twice_for_one_reason_is_said_and_for_two_both_hold(scene: Scene) -> None:
    assert scene.json(*FREEZE)["written"] is True
    again = scene.cli(*FREEZE)
    assert again.code == 0
    assert "frozen for this reason already" in again.out
    assert scene.json(*FREEZE)["written"] is False
    assert scene.json("freeze", "--reason", "the audit")["written"] is True
    assert scene.events() == ["incident 42", "the audit"]
    held = scene.json("plan")["changes"]
    assert {one["action"] for one in held} == {"hold"}
    assert all("incident 42" in one["detail"] and "the audit" in one["detail"] for one in held)
    lifted = scene.json("unfreeze", "--reason", "both over")
    assert [one["reason"] for one in lifted["lifted"]] == ["incident 42", "the audit"]
    assert scene.events() == []


def test_unfrozen_where_nothing_is_frozen(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    done = scene.cli("unfreeze", "--reason", "over")
    assert (done.code, scene.json("status")["lock"]["exists"]) == (0, False)
    assert "holds no freeze" in done.out
    monkeypatch.setenv("QFLOW_FREEZE", "from the CI")
    still = scene.cli("unfreeze", "--reason", "over")
    assert "Frozen: QFLOW_FREEZE is set: from the CI" in still.out
    assert "unset QFLOW_FREEZE" in still.out


@pytest.mark.parametrize("command", ["freeze", "unfreeze"])
def test_a_reason_is_asked_for(scene: Scene, command: str) -> None:
    assert scene.cli(command).code == 2
    empty = scene.cli(command, "--reason", "  ")
    assert empty.code == 2
    assert "--reason TEXT" in empty.err
    assert scene.json("status")["lock"]["exists"] is False


@pytest.mark.parametrize(
    "reason", ["\x1b[2J::error::x ##[group]", "zwei\nZeilen\t", "\udcff lone", "ü" * 5000, "-x"]
)
def test_any_text_may_be_a_reason(scene: Scene, reason: str) -> None:
    assert scene.cli("freeze", f"--reason={reason}").code == 0
    for words in (("plan",), ("status",), ("plan", "--format", "markdown")):
        out = scene.cli(*words).out
        assert "froze everything at" in out
        for odd in ("\x1b", "::error", "##["):
            assert odd not in out
    assert scene.cli("freeze", f"--reason={reason}").code == 0
    assert len(scene.events()) == 1
    assert scene.cli("lock", "verify").code == 0


def test_a_freeze_that_comes_while_another_is_lifted_stays(scene: Scene) -> None:
    """Who lifts has seen the one, and nobody has said of the other that it is over."""
    assert scene.cli("freeze", "--reason", "old").code == 0
    script = {("push", 1): scene.freeze} if scene.store == "branch" else {}
    done = scene.runners.call(scene.here, "unfreeze", "--reason", "old one is over", script=script)
    if scene.store == "worktree":  # there one waits for the other
        assert done.code == 0
        return
    assert done.code == 7
    assert "incident 42" in done.err
    assert scene.events() == ["old", "incident 42"]
    (words,) = commands_in(done.err)
    assert scene.cli(*words[1:]).code == 0
    assert scene.events() == []


@pytest.mark.parametrize("scene", IN_BOTH_STORES, indirect=True)
def test_lost_races_are_tried_again(scene: Scene) -> None:
    """Another one freezes right before each push."""
    names = iter("abc")

    def strike() -> None:
        name = next(names)
        assert scene.runners.call(scene.there, "freeze", "--reason", name).code == 0

    if scene.store == "branch":
        script = {("push", number): strike for number in (1, 2, 3)}
        assert scene.runners.call(scene.here, *FREEZE, script=script).code == 0
        assert scene.events() == ["a", "b", "c", "incident 42"]


def test_where_the_lockfile_is_out_of_reach_it_says_that_nothing_is_frozen(
    remote: Remote, cli: Cli
) -> None:
    assert cli(*FREEZE).code == 0
    remote.path.rename(remote.path.with_name("elsewhere.git"))
    done = cli("freeze", "--reason", "more")
    assert done.code == 11
    assert "It is not frozen by this: an apply that runs goes on." in done.err
    done = cli("unfreeze", "--reason", "over")
    assert done.code == 11
    assert "It is as frozen as it was." in done.err


def test_an_approved_plan_stays_the_approved_one(scene: Scene) -> None:
    """A freeze puts it off: it is held, and not called another plan."""
    digest = scene.json("plan")["digest"]
    scene.freeze()
    frozen = scene.json("plan")["digest"]
    for each in (digest, frozen):
        done = scene.json("apply", "--yes", "--digest", each)
        assert (done["exitCode"], done["reason"]) == (5, "frozen")
    assert scene.cli("unfreeze", "--reason", "over").code == 0
    assert scene.cli("apply", "--yes", "--digest", frozen).code == 7
    assert scene.cli("apply", "--yes", "--digest", digest).code == 0
    assert scene.posts() == 4


def test_a_plan_that_was_frozen_when_it_was_shown_sends_nothing_when_that_is_lifted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody confirmed these runs: what was shown is not what would be sent."""
    scene.freeze()
    real = preconditions.uncommitted

    def meanwhile(*arguments: Any) -> tuple[str, ...]:
        assert scene.runners.call(scene.there, "unfreeze", "--reason", "over").code == 0
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(operation, "uncommitted", meanwhile)
        done = scene.apply()
    assert (done.code, scene.posts()) == (7, 0), done
    assert scene.apply().code == 0


def test_doubts_are_settled_and_executions_waited_for_under_a_freeze(scene: Scene) -> None:
    scene.runners.sandbox.set_faults("accept-then-drop@run#1", "list-lag=60")
    assert scene.apply().code == 9
    scene.freeze()
    scene.runners.elapse(400)
    before = scene.posts()
    scene.apply()
    assert scene.posts() == before
    assert "in_doubt" not in scene.states().values()
    assert set(scene.states().values()) == {"succeeded"}


def test_where_nothing_is_due_a_freeze_is_shown_all_the_same(scene: Scene) -> None:
    assert scene.apply().code == 0
    scene.freeze()
    for command in ("plan", "status"):
        lines = scene.cli(command).out.splitlines()
        assert lines[0].startswith("Frozen: ")
        assert "`qflow-gitops unfreeze --reason TEXT`" in lines[1]
    done = scene.cli("apply", "--yes")
    assert done.code == 0
    assert done.out.startswith("Frozen: ")
    assert scene.cli("plan", "--exit-code").code == 0


def test_a_ci_that_throws_its_work_tree_away_cannot_freeze_one(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    assert cli(*FREEZE).code == 11
    monkeypatch.delenv("CI")
    assert cli.json("status")["frozen"] == []


def test_another_place_than_before_is_not_frozen_by_mistake(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Settings that are gone or name another lockfile: nobody would look at that one."""
    assert cli("apply", "--yes").code == 0
    kept = workspace.read("qflow.yaml")
    for text in ("", kept.replace("{store: branch}", "{store: branch, branch: elsewhere}")):
        (workspace.path / "qflow.yaml").unlink(missing_ok=True)
        if text:
            workspace.write("qflow.yaml", text)
        workspace.commit("other settings")
        refused = cli(*FREEZE)
        assert refused.code in (3, 11), refused
        assert not (workspace.path / "qflow.lock").exists()
        assert "elsewhere" not in remote.git("branch", "--list")
    assert "It is not frozen by this" in refused.err
    assert "QFLOW_FREEZE" in refused.err
    workspace.write("qflow.yaml", kept)
    workspace.commit("as they were")
    assert cli(*FREEZE).code == 0


def test_a_repository_without_a_commit_can_be_frozen(workspace: Workspace, cli: Cli) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    assert cli(*FREEZE).code == 0
    assert cli("unfreeze", "--reason", "over").code == 0
