"""A command finds out once which commit it is about: settings, lockfile and specs are of that."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.git.repository import GitRepo
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.stores.branch import BranchStore
from qflow_gitops.stores.worktree import WorktreeStore
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, spec

RUN = "encrypt-prod-buckets"
WHY = ("--reason", "x")
ELSEWHERE = BRANCH_PROJECT.replace("store: branch", "store: branch, branch: elsewhere")
COMMANDS = (
    ("plan",),
    ("apply", "--yes"),
    ("baseline", "--yes", *WHY),
    ("status",),
    ("status", "--refresh"),
    ("history",),
    ("reconcile",),
    ("resolve", RUN, "--assume-ran", *WHY),
    ("lock", "verify"),
)


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], list[str]]:
    """Let something happen right after a command has asked for the first time where HEAD is."""

    def after_the_first(act: Callable[[], None]) -> list[str]:
        asked: list[str] = []
        real = GitRepo.resolve

        def resolve(repo: GitRepo, revision: str) -> str:
            found = real(repo, revision)
            if revision == "HEAD":
                asked.append(found)
                if len(asked) == 1:
                    act()
            return found

        monkeypatch.setattr(GitRepo, "resolve", resolve)
        return asked

    return after_the_first


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the lockfiles are that a command opens."""
    opened: list[str] = []

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def seen(store: Any, *more: Any, **options: Any) -> Any:
            opened.append(store.where)
            return real(store, *more, **options)

        return seen

    for one in (BranchStore, WorktreeStore):
        for name in ("read", "session", "kept"):
            monkeypatch.setattr(one, name, watched(getattr(one, name)))
    return opened


@pytest.mark.parametrize("command", COMMANDS)
def test_head_that_moves_meanwhile_changes_nothing(
    command: tuple[str, ...], remote: Remote, workspace: Workspace, cli: Cli,
    sandbox: SandboxServer, moves: Callable[[Callable[[], None]], list[str]], stores: list[str],
) -> None:  # fmt: skip
    """The commit that comes has other specs, another platform and another lockfile."""

    def move() -> None:
        workspace.write("qflow.yaml", ELSEWHERE.replace("sandbox", "EU2"))
        workspace.write("runs/late.yaml", spec("late"))
        workspace.commit("meanwhile")

    asked = moves(move)
    done = cli(*command, "--format", "json")
    assert len(asked) == 1, "asked more than once"
    assert done.code in (0, 2, 11), done  # no doubt to settle, no lockfile to verify
    assert '"name": "late"' not in done.out
    assert set(stores) == {"qflow.lock on branch qflow-lock of origin"}
    assert remote.git("for-each-ref", "refs/heads/elsewhere") == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_settings_that_are_not_committed_lead_nowhere(
    command: tuple[str, ...], remote: Remote, workspace: Workspace, cli: Cli,
    sandbox: SandboxServer, stores: list[str],
) -> None:  # fmt: skip
    workspace.write("qflow.yaml", ELSEWHERE.replace("prod:", "other:"))
    workspace.write("runs/draft.yaml", spec("draft"))
    done = cli(*command, "--format", "json")
    assert done.code in (0, 2, 11), done
    assert '"name": "draft"' not in done.out
    assert set(stores) == {"qflow.lock on branch qflow-lock of origin"}
    assert remote.git("for-each-ref", "refs/heads/elsewhere") == ""


def test_a_preview_of_the_work_tree_is_of_the_work_tree_alone(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT.replace("prod:", "other:"))
    project.write("runs/draft.yaml", spec("draft"))
    data = cli.json("plan", "--worktree")
    assert data["environments"].keys() == {"other"}
    assert {one["name"] for one in data["changes"]} == {RUN, "draft"}


def test_what_is_sent_is_what_was_resolved(
    project: Workspace, cli: Cli, sandbox: SandboxServer,
    moves: Callable[[Callable[[], None]], list[str]],
) -> None:  # fmt: skip
    """A commit that comes while an apply begins waits for the next one."""
    before = project.git("rev-parse", "HEAD")

    def move() -> None:
        project.write("runs/late.yaml", spec("late"))
        project.commit("meanwhile")

    moves(move)
    assert cli("apply", "--yes").code == 0
    found = json.loads(project.read("qflow.lock"))["environments"]["prod"]
    assert (found["latest"], list(found["runs"])) == (before, [RUN])
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_a_baselines_lineage_goes_only_into_settings_of_the_same_lockfile(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """The work tree's settings name another one; or can't be read, after all was recorded."""
    for text in (ELSEWHERE, "spec: ["):
        workspace.write("qflow.yaml", text)
        done = cli("baseline", "--yes", *WHY)
        assert done.code == 0
        assert remote.record()["lineage"] in done.err
        assert workspace.read("qflow.yaml") == text


def test_without_any_commit_the_work_tree_counts(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    workspace.write("runs/draft.yaml", spec("draft"))
    (row,) = cli.json("status")["runs"]
    assert (row["name"], row["attempt"]) == ("draft", None)
    assert cli("plan").code == 2
