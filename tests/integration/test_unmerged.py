"""A commit that is on none of its environment's branches: an apply of it asks first."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.cli.console import Console
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.hints import command, follow
from tests.helpers.partners import nightly, rows
from tests.helpers.specs import SANDBOX_PROJECT, spec

WHY = ("--reason", "can't wait for the review")
ANYWAY = ("--yes", "--ack", "unmerged=1", *WHY)


def held(done: Done, run: str = "new") -> bool:
    """Whether a run is held for its commit, and nothing of it is sent."""
    return done.code == 5 and f"prod/{run}  unmerged: the commit " in done.out


def branch_off(workspace: Workspace, name: str = "hotfix", value: str = "hotfix") -> str:
    """Commit a new run on a branch of its own."""
    workspace.git("switch", "--quiet", "--create", name)
    workspace.write("runs/new.yaml", spec("new", value))
    return workspace.commit("new")


def prod(remote: Remote) -> Any:
    return remote.record()["environments"]["prod"]


def test_a_commit_that_no_branch_has_is_held_until_a_person_says_so(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    branch_off(shared)
    done = cli("apply", "--yes")
    assert held(done)
    assert "isn't on main of origin" in done.out
    assert len(sandbox.executions()) == 1
    assert follow(cli, command(done, "--ack unmerged=1"), WHY[1]).code == 0
    assert len(sandbox.executions()) == 2
    (released,) = remote.attempts("new")[0]["evidence"]["released"]
    assert released == {
        "hold": "unmerged", "count": 1, "by": "test@example.com", "reason": WHY[1],
    }  # fmt: skip


def test_what_was_released_keeps_no_branch_from_going_on(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """Squashed into main afterwards, main doesn't descend from it, and need not."""
    before = prod(remote)
    branch_off(shared)
    assert cli("apply", *ANYWAY).code == 0
    after = prod(remote)
    assert [after[name] for name in ("latest", "appliedThrough")] == [
        before[name] for name in ("latest", "appliedThrough")
    ]
    shared.git("switch", "--quiet", "main")
    shared.git("merge", "--quiet", "--squash", "hotfix")
    squashed = shared.publish("squashed")
    assert cli("apply", "--yes").code == 0
    assert prod(remote)["latest"] == squashed
    assert len(sandbox.executions()) == 2


def test_nothing_due_is_not_asked_about_and_moves_nothing(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """A later apply of main would be refused otherwise."""
    before = prod(remote)
    shared.git("switch", "--quiet", "--create", "words")
    shared.write("README.md", "words")
    shared.commit("words")
    done = cli("apply", "--yes")
    assert done.code == 0
    assert "isn't on main of origin" in done.err
    assert prod(remote) == before
    shared.git("switch", "--quiet", "main")
    shared.write("runs/new.yaml", spec("new", "main"))
    shared.publish("new")
    assert cli("apply", "--yes").code == 0


@nightly
def test_doubt_is_settled_all_the_same(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    shared.write("runs/lost.yaml", spec("lost", "lost"))
    shared.publish("lost")
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults()
    branch_off(shared)
    assert held(cli("apply", "--yes"))
    assert remote.states()["lost"] in ("adopted", "running", "succeeded")


def test_pushing_is_what_the_hint_says_first(
    shared: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    shared.write("runs/new.yaml", spec("new", "main"))
    shared.commit("new")
    done = cli("apply", "--yes")
    assert held(done)
    assert follow(cli, command(done, "git push")).code == 0
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_a_stale_clone_asks_the_remote_before_it_asks_the_person(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """The branch was merged by others; this clone's remote-tracking refs don't say so yet."""
    commit = branch_off(shared)
    shared.git("push", "--quiet", "origin", "hotfix")
    second = remote.clone("second")
    second.git("merge", "--quiet", "--no-ff", "-m", "merge", "origin/hotfix")
    second.publish("and more")
    known = shared.git("for-each-ref", "refs/remotes/origin/main", "refs/heads")
    assert cli("apply", "--yes", "--to", commit).code == 0
    assert shared.git("for-each-ref", "refs/remotes/origin/main", "refs/heads") == known
    assert len(sandbox.executions()) == 2


def test_a_release_of_nothing_is_refused(
    shared: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    shared.write("runs/new.yaml", spec("new", "main"))
    shared.publish("new")
    assert cli("apply", *ANYWAY).code == 2
    branch_off(shared, value="other")
    wrong = cli("apply", "--yes", "--ack", "unmerged=2", *WHY)
    assert wrong.code == 2
    assert "about one commit" in wrong.err
    assert cli("apply", "--yes", "--ack", "unmerged=1").code == 2
    assert len(sandbox.executions()) == 1
    assert follow(cli, command(wrong, "--ack unmerged=1")).code == 0


@nightly
def test_the_next_hint_holds_what_was_said_before(
    shared: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A limit beside it: each answer leads on, none back to the one before."""
    branch_off(shared)
    for number in range(26):
        shared.write(f"runs/{number}.yaml", spec(f"r{number}", number))
    commit = shared.commit("many")
    first = cli("apply", "--yes", "--to", commit)
    assert (first.code, "27 runs  unmerged: " in first.out) == (5, True)
    second = follow(cli, command(first, "--ack unmerged=1"))
    assert second.code == 5
    assert f"--to {commit} --ack unmerged=1 --ack limit:runs=27" in second.out
    assert follow(cli, command(second, "--ack limit:runs=27")).code == 0
    assert len(sandbox.executions()) == 28


@nightly
def test_a_failed_run_is_retried_at_such_a_commit(
    shared: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    branch_off(shared)
    sandbox.set_faults("outcome=Exploded")
    assert cli("apply", *ANYWAY).code == 1
    sandbox.set_faults()
    again = cli("apply", "--yes", "--retry", "new")
    assert held(again)
    assert follow(cli, command(again, "--ack unmerged=1")).code == 0
    assert len(sandbox.executions()) == 3


@nightly
def test_an_approved_digest_is_asked_about_too(
    shared: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    branch_off(shared)
    digest = cli.json("plan")["digest"]
    assert held(cli("apply", "--yes", "--digest", digest))
    assert cli("apply", *ANYWAY, "--digest", digest).code == 0


# --- at a terminal -------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[bool]], list[str]]:
    """Let somebody sit there who gives these answers; gives the questions."""

    def sits(answers: list[bool]) -> list[str]:
        asked: list[str] = []

        def ask(_console: Console, question: str) -> bool:
            asked.append(question)
            return answers.pop(0)

        made = Console.for_process.__func__  # type: ignore[attr-defined]
        monkeypatch.setattr(Console, "ask", ask)
        monkeypatch.setattr(
            Console,
            "for_process",
            classmethod(lambda cls, *a, **o: made(cls, *a, **o)._replace(interactive=True)),
        )
        return asked

    return sits


def test_a_person_at_a_terminal_is_asked(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer,
    terminal: Callable[[list[bool]], list[str]],
) -> None:  # fmt: skip
    branch_off(shared)
    asked = terminal([False])
    no = cli("apply")
    assert no.code == 2
    assert "was not confirmed" in no.err
    assert "`qflow-gitops apply --ack unmerged=1 --reason TEXT`" in no.err
    assert len(asked) == 1
    asked = terminal([True, True])
    assert cli("apply").code == 0
    assert "isn't on main of origin" in asked[0]
    assert asked[1] == f"Start 1 run in prod on sandbox ({os.environ['QFLOW_GATEWAY']})?"
    (released,) = remote.attempts("new")[0]["evidence"]["released"]
    assert (released["hold"], released["by"]) == ("unmerged", "test@example.com")
    assert released["reason"] == "confirmed at the terminal"


def test_nobody_is_asked_with_yes_or_where_nothing_is_due(
    shared: Workspace, cli: Cli, sandbox: SandboxServer,
    terminal: Callable[[list[bool]], list[str]],
) -> None:  # fmt: skip
    asked = terminal([])
    shared.git("switch", "--quiet", "--create", "words")
    shared.commit("words")
    words = cli("apply")
    assert words.code == 0
    assert (words.out + words.err).count("nothing of it is due") == 1
    branch_off(shared)
    assert held(cli("apply", "--yes"))
    assert asked == []


# --- which branches ------------------------------------------------------------------


def settings(branches: str) -> str:
    return BRANCH_PROJECT.replace(
        "prod: {platform: sandbox}", f"prod: {{platform: sandbox, branches: {branches}}}"
    )


def test_the_settings_name_the_branches(
    shared: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A list that was applied counts; `*` stays within a part of a name."""
    shared.write("qflow.yaml", settings("[main, release/*]"))
    shared.publish("releases too")
    assert cli("apply", "--yes").code == 0
    branch_off(shared, "release/1.0")
    done = cli("apply", "--yes")
    assert held(done)
    assert "isn't on main or release/* of origin" in done.out
    assert follow(cli, command(done, "git push origin release/1.0")).code == 0
    assert cli("apply", "--yes").code == 0
    shared.git("switch", "--quiet", "--create", "feature/release/1", "main")
    shared.write("runs/new.yaml", spec("new", "mine"))
    shared.publish("not a release")
    assert cli("apply", "--yes").code == 7  # aside of what was applied last
    shared.git("merge", "--quiet", "-m", "merge", "release/1.0", "-X", "ours")
    shared.publish("merged, and still none")
    assert held(cli("apply", "--yes"))


def test_a_change_cannot_let_itself_in(shared: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    """Both ends count, as with the policy: also a renamed environment brings no list of its own."""
    shared.git("switch", "--quiet", "--create", "hotfix")
    shared.write("runs/new.yaml", spec("new", "hotfix"))
    for text in (settings("['**']"), settings("[hotfix]").replace("prod:", "other:")):
        shared.write("qflow.yaml", text)
        shared.publish("let me in")
        done = cli("apply", "--yes")
        assert done.code == 5
        assert "isn't on main of origin" in done.out
    assert len(sandbox.executions()) == 1


def test_another_branch_is_let_in_once_by_a_person(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """From then on the newer list is that of both ends."""
    branch_off(shared, "deploy")
    done = cli("apply", "--yes")
    assert "list them in qflow.yaml: `branches: [NAME]`" in done.out
    shared.write("qflow.yaml", settings("[deploy]"))
    commit = shared.publish("from here")
    again = cli("apply", "--yes")
    assert held(again)
    assert "isn't on main of origin, which is where it was applied from up to now" in again.out
    assert prod(remote)["latest"] != commit
    assert follow(cli, command(again, "--ack unmerged=1")).code == 0
    assert (prod(remote)["latest"], prod(remote)["appliedThrough"]) == (commit, commit)
    shared.write("runs/new.yaml", spec("new", "newer"))
    shared.publish("newer")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


def test_the_default_is_the_remotes_head_as_it_is_now(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """Also where the clone still has the old one, or none."""
    clone = remote.clone("second")
    assert clone.git("symbolic-ref", "refs/remotes/origin/HEAD") == "refs/remotes/origin/main"
    remote.git("branch", "trunk", "main")
    remote.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    one = Cli(clone.path, cli._capfd)
    clone.write("runs/new.yaml", spec("new", "trunk"))
    clone.commit("new")
    assert "isn't on trunk of origin" in one("apply", "--yes").out
    clone.git("push", "--quiet", "origin", "HEAD:trunk")
    assert one("apply", "--yes").code == 0


def test_where_the_remotes_head_names_nothing_it_is_the_tracked_branch(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    remote.git("symbolic-ref", "HEAD", "refs/heads/nowhere")
    shared.write("runs/new.yaml", spec("new", "a"))
    shared.commit("new")
    shared.git("push", "--quiet", "--set-upstream", "origin", "main:work")
    assert cli("apply", "--yes").code == 0
    shared.write("runs/new.yaml", spec("new", "b"))
    shared.commit("newer")
    done = cli("apply", "--yes")
    assert held(done)
    assert "isn't on work of origin" in done.out
    shared.git("branch", "--unset-upstream")
    assert cli("apply", "--yes").code == 0  # nothing says where it belongs
    assert len(sandbox.executions()) == 3


@pytest.mark.parametrize("tracks", [True, False])
def test_without_a_remote_only_a_tracked_branch_counts(
    tracks: bool, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    project.git("switch", "--quiet", "--create", "hotfix", *(["--track"] if tracks else []), "main")
    project.write("runs/new.yaml", spec("new", "hotfix"))
    project.commit("new")
    done = cli("apply", "--yes")
    assert held(done) if tracks else done.code == 0


def test_without_a_remote_the_settings_are_about_the_clones_own_branches(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    text = SANDBOX_PROJECT.replace("sandbox}", "sandbox, branches: [main]}")
    project.write("qflow.yaml", text)
    project.commit("only main")
    assert cli("apply", "--yes").code == 0
    branch_off(project)
    done = cli("apply", "--yes")
    assert held(done)
    assert "isn't on main" in done.out
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "hotfix")
    assert cli("apply", "--yes").code == 0


def test_another_name_for_the_only_remote_is_found(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Any
) -> None:
    made = Remote(tmp_path / "up.git")
    workspace.git("remote", "add", "upstream", made.path.as_uri())
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    workspace.write("runs/new.yaml", spec("new"))
    workspace.commit("new")
    workspace.git("push", "--quiet", "upstream", "main")
    assert cli("apply", "--yes").code == 0
    branch_off(workspace)
    done = cli("apply", "--yes")
    assert held(done)
    assert "isn't on main of upstream" in done.out


def test_a_remote_that_does_not_answer_leaves_what_the_clone_knows(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    clone = remote.clone("second")
    clone.write("qflow.yaml", SANDBOX_PROJECT)
    clone.publish("a lockfile of its own")
    one = Cli(clone.path, cli._capfd)
    away = remote.path.rename(remote.path.with_name("elsewhere.git"))
    assert one("apply", "--yes", "--ack", "new-record=1", *WHY).code == 0
    clone.write("runs/new.yaml", spec("new", "new"))
    clone.commit("new")
    done = one("apply", "--yes")
    assert held(done)
    assert "as far as this clone knows" in done.out
    away.rename(remote.path)
    assert follow(one, command(done, "git ls-remote")).code == 0


# --- what CIs check out --------------------------------------------------------------


def fetched(remote: Remote, name: str, *refspecs: str, depth: int = 0) -> Workspace:
    """A repository as a runner makes it: no clone, so nothing says which branch is the default."""
    runner = Workspace(remote.path.parent / name)
    runner.path.mkdir()
    runner.git("init", "--quiet")
    runner.git("remote", "add", "origin", remote.path.as_uri())
    options = [f"--depth={depth}"] if depth else []
    runner.git("fetch", "--quiet", "--no-tags", *options, "origin", *refspecs)
    return runner


@pytest.mark.parametrize("depth", rows((0, 1), lambda depth: depth == 1))
def test_github_a_push_to_main_is_applied(
    depth: int, shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """actions/checkout: `main` tracks origin/main, there is no origin/HEAD."""
    shared.write("runs/new.yaml", spec("new", "main"))
    commit = shared.publish("new")
    wanted = (
        f"+{commit}:refs/remotes/origin/main" if depth else "+refs/heads/*:refs/remotes/origin/*"
    )
    runner = fetched(remote, "runner", wanted, depth=depth)
    runner.git("checkout", "--quiet", "--force", "-B", "main", "refs/remotes/origin/main")
    assert Cli(runner.path, cli._capfd)("apply", "--yes").code == 0
    assert remote.states()["new"] == "succeeded"


def test_github_a_pull_requests_merge_is_held(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """Detached at refs/pull/N/merge, a commit that GitHub made and nobody merged."""
    commit = branch_off(shared)
    shared.git("push", "--quiet", "origin", f"{commit}:refs/pull/5/merge")
    runner = fetched(remote, "runner", "+refs/pull/5/merge:refs/remotes/pull/5/merge", depth=1)
    runner.git("checkout", "--quiet", "--force", "refs/remotes/pull/5/merge")
    assert held(Cli(runner.path, cli._capfd)("apply", "--yes"))
    assert len(sandbox.executions()) == 1


def test_github_a_merge_queues_branch_is_held(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    commit = branch_off(shared)
    queue = f"gh-readonly-queue/main/pr-5-{commit}"
    shared.git("push", "--quiet", "origin", f"{commit}:refs/heads/{queue}")
    runner = fetched(remote, "runner", "+refs/heads/*:refs/remotes/origin/*")
    runner.git("checkout", "--quiet", "--force", "-B", queue, f"refs/remotes/origin/{queue}")
    assert held(Cli(runner.path, cli._capfd)("apply", "--yes"))
    shared.git("push", "--quiet", "origin", f"{commit}:refs/heads/main")
    assert Cli(runner.path, cli._capfd)("apply", "--yes").code == 0


def test_github_a_tag_counts_for_the_commit_that_it_names(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """A tag lets nothing in by itself, also one with a branch's name."""
    branch_off(shared)
    for tag in ("v1", "main"):
        shared.git("tag", "--annotate", "--message", "release", tag)
        shared.git("push", "--quiet", "origin", f"refs/tags/{tag}")
    runner = fetched(remote, "runner", "+refs/tags/*:refs/tags/*")
    runner.git("checkout", "--quiet", "--force", "refs/tags/v1")
    one = Cli(runner.path, cli._capfd)
    assert held(one("apply", "--yes"))
    assert held(one("apply", "--yes", "--to", "v1"))
    shared.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    assert one("apply", "--yes").code == 0


@pytest.mark.parametrize("depth", rows((0, 1, 20), lambda depth: depth == 20))
def test_gitlab_a_detached_checkout_of_main_is_applied(
    depth: int, shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    shared.write("runs/new.yaml", spec("new", "main"))
    commit = shared.publish("new")
    remote.git("update-ref", "refs/pipelines/1", commit)
    wanted = ("+refs/pipelines/1:refs/pipelines/1", "+refs/heads/main:refs/remotes/origin/main")
    runner = fetched(remote, "runner", *wanted, depth=depth)
    runner.git("checkout", "--quiet", "--force", "--detach", commit)
    assert Cli(runner.path, cli._capfd)("apply", "--yes").code == 0


def test_gitlab_a_merge_request_is_held(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    commit = branch_off(shared)
    shared.git("push", "--quiet", "origin", f"{commit}:refs/merge-requests/1/head")
    wanted = "+refs/merge-requests/1/head:refs/remotes/origin/merge-requests/1/head"
    runner = fetched(remote, "runner", wanted, depth=20)
    runner.git("checkout", "--quiet", "--force", "--detach", commit)
    assert held(Cli(runner.path, cli._capfd)("apply", "--yes"))


# --- plan ----------------------------------------------------------------------------


def test_plan_shows_what_would_run_and_that_apply_would_ask(
    shared: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds nothing for it: the commit of a pull request is never merged. It asks nobody."""
    shared.git("remote", "set-head", "origin", "main")
    branch_off(shared)
    network: list[Any] = []
    real = GitRepo.run

    def run(repo: GitRepo, arguments: Any, *more: Any, **options: Any) -> Any:
        if options.get("network") and "refs/heads/qflow-lock" not in arguments:
            network.append(arguments)
        return real(repo, arguments, *more, **options)

    monkeypatch.setattr(GitRepo, "run", run)
    plan = cli.json("plan")
    assert plan["counts"]["run"] == 1
    assert "`apply` would ask first: The commit" in plan["notes"][0]
    assert cli("plan").out.startswith("! prod: `apply` would ask first")
    assert network == []
    shared.git("switch", "--quiet", "main")
    assert cli.json("plan")["notes"] == []


def test_a_repository_in_a_folder_without_git_history_of_a_remote(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A remote that was named and never reached, on a machine without a network: no check."""
    workspace.git("remote", "add", "origin", "file:///nowhere/at/all.git")
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    workspace.write("runs/new.yaml", spec("new"))
    workspace.commit("new")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
