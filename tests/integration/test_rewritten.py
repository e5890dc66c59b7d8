"""A commit that doesn't descend from the one applied last: refused, and the way on."""

import json
import subprocess
from typing import Any

import pytest

from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.hints import command, commands, follow
from tests.helpers.kept import Kept
from tests.helpers.partners import nightly, rows
from tests.helpers.specs import SANDBOX_PROJECT, spec

RUN = "encrypt-prod-buckets"
WHY = ("--reason", "purged a secret")
LET_GO = ("--yes", "--ack", "rewritten=1", *WHY)


def lockfile(workspace: Workspace) -> Any:
    return json.loads(workspace.read("qflow.lock"))


def record(workspace: Workspace) -> Any:
    return lockfile(workspace)["environments"]["prod"]


def squash(workspace: Workspace, message: str = "one commit") -> str:
    """Make of the whole history one commit with the same content, without a parent."""
    workspace.git("switch", "--quiet", "--orphan", "new")
    workspace.git("checkout", "--quiet", "main", "--", ".")
    commit = workspace.commit(message)
    workspace.git("branch", "--quiet", "--force", "main", commit)
    workspace.git("switch", "--quiet", "main")
    workspace.git("branch", "--quiet", "-D", "new")
    return commit


def purge(workspace: Workspace, remote: Remote) -> str:
    """Rewrite the history, force it on the remote, and let nobody keep an old object."""
    commit = squash(workspace)
    workspace.git("push", "--quiet", "--force", "origin", "main")
    for place in (workspace, Workspace(remote.path)):
        place.git("reflog", "expire", "--expire=now", "--all")
        place.git("gc", "--quiet", "--prune=now")
    return commit


@pytest.fixture
def alone(project: Workspace, cli: Cli, sandbox: SandboxServer, kept: Kept) -> Workspace:
    """A repository without a remote, of which everything was applied."""

    def make() -> None:
        project.write("runs/b.yaml", spec("b", "b"))
        project.commit("b")
        assert cli("apply", "--yes").code == 0

    kept.begin("alone, two runs", make, project, sandbox=sandbox)
    return project


@pytest.fixture
def shared(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, kept: Kept
) -> Workspace:
    """A clone of a remote that holds the lockfile, of which everything was applied."""

    def make() -> None:
        workspace.write("runs/b.yaml", spec("b", "b"))
        workspace.publish("b")
        assert cli("apply", "--yes").code == 0

    kept.begin("shared, two runs", make, workspace, remote.path, sandbox)
    return workspace


def test_a_rewritten_history_goes_on_once_a_person_says_so(
    alone: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """What was sent stays sent; who let go of what, and why, is in the lockfile."""
    old = alone.git("rev-parse", "HEAD")
    new = squash(alone)
    refused = cli("apply", "--yes")
    assert refused.code == 7
    assert "No branch here holds" in refused.err
    done = follow(cli, command(refused, "--ack rewritten=1"), "purged a secret")
    assert done.code == 0, done
    assert len(sandbox.executions()) == 2
    after = record(alone)
    assert (after["latest"], after["appliedThrough"]) == (new, new)
    (event,) = after["events"]
    assert event["event"] == "released"
    assert (event["hold"], event["from"], event["commit"]) == ("rewritten", old, new)
    assert (event["reason"], event["by"]["actor"]) == ("purged a secret", "test@example.com")
    assert cli("apply", "--yes").code == 0
    assert cli("lock", "verify").code == 0
    assert record(alone) == after


def test_what_is_due_after_it_is_sent_and_says_what_was_released(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """With something to send, the release is in its attempt as well."""
    squash(shared)
    shared.write("runs/c.yaml", spec("c", "c"))
    shared.commit("c")
    shared.git("push", "--quiet", "--force", "origin", "main")
    assert cli("apply", "--yes").code == 7
    assert len(sandbox.executions()) == 2
    assert cli("apply", *LET_GO).code == 0
    (attempt,) = remote.attempts("c")
    (released,) = attempt["evidence"]["released"]
    assert (released["hold"], released["count"]) == ("rewritten", 1)
    assert released["reason"] == "purged a secret"
    (event,) = remote.record()["environments"]["prod"]["events"]
    assert event["hold"] == "rewritten"
    assert any("released" in one for one in remote.subjects())
    assert len(sandbox.executions()) == 3
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


@pytest.mark.parametrize("fresh", rows((True, False), lambda fresh: fresh))
def test_a_real_purge_leaves_no_old_object_anywhere(
    fresh: bool, shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """The last commit and its settings exist nowhere: the new history's settings all count."""
    old = shared.git("rev-parse", "HEAD")
    purge(shared, remote)
    with pytest.raises(subprocess.CalledProcessError):
        shared.git("cat-file", "-e", old)
    one = Cli(remote.clone("fresh").path, cli._capfd) if fresh else cli
    planned = one.json("plan")
    assert {one["action"] for one in planned["changes"]} == {"skip"}  # none held for a policy
    refused = one("apply", "--yes")
    assert refused.code == 7
    assert "No branch of origin holds" in refused.err
    done = follow(one, command(refused, "--ack rewritten=1"))
    assert done.code == 0, done
    assert len(sandbox.executions()) == 2
    assert one("apply", "--yes").code == 0
    Workspace(one.folder).write("runs/c.yaml", spec("c", "c"))
    Workspace(one.folder).publish("c")
    assert one("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


def test_a_purge_does_not_loosen_the_policy(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """Every version of the settings in the new history counts, the strictest wins."""
    squash(shared)
    shared.write("qflow.yaml", BRANCH_PROJECT + "  policy: {limits: {runs: 1}}\n")
    shared.commit("a limit")
    shared.write("qflow.yaml", BRANCH_PROJECT)
    for name in ("c", "d"):
        shared.write(f"runs/{name}.yaml", spec(name, name))
    shared.commit("no limit any more, and two runs")
    shared.git("push", "--quiet", "--force", "origin", "main")
    fresh = Cli(remote.clone("fresh").path, cli._capfd)
    held = fresh("apply", *LET_GO)
    assert held.code == 5
    assert "at most 1 runs an apply" in held.out
    assert len(sandbox.executions()) == 2
    done = follow(fresh, "qflow-gitops apply --yes --ack limit:runs=2 --reason TEXT")
    assert done.code == 0, done  # the release of the history is recorded, and not needed again
    assert len(sandbox.executions()) == 4


@nightly
def test_the_next_apply_goes_on_though_something_was_held(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """`appliedThrough` still names a purged commit then: it holds nothing by itself."""
    old = shared.git("rev-parse", "HEAD")
    for name in ("c", "d"):
        shared.write(f"runs/{name}.yaml", spec(name, name))
    shared.write("qflow.yaml", BRANCH_PROJECT + "  policy: {limits: {runs: 1}}\n")
    shared.commit("more than may run")
    purge(shared, remote)
    assert cli("apply", *LET_GO).code == 5
    found = remote.record()["environments"]["prod"]
    assert (found["latest"], found["appliedThrough"]) == (shared.git("rev-parse", "HEAD"), old)
    assert "limit" in (held := cli("apply", "--yes")).out
    assert "isn't in this clone" not in held.out
    done = cli("apply", "--yes", "--ack", "limit:runs=2", *WHY)
    assert done.code == 0, done
    assert remote.record()["environments"]["prod"]["appliedThrough"] != old


@pytest.mark.parametrize("store", ["worktree", "branch"])
def test_an_older_commit_stays_refused(
    store: str, request: pytest.FixtureRequest, cli: Cli, sandbox: SandboxServer
) -> None:
    """An old job that is run again: some branch holds what was applied since."""
    workspace: Workspace = request.getfixturevalue("alone" if store == "worktree" else "shared")
    workspace.git("checkout", "--quiet", "--detach", "HEAD~1")
    for said in ((), LET_GO[1:]):
        refused = cli("apply", "--yes", *said)
        assert refused.code == 7
        assert "older" in refused.err
        assert "rewritten" not in refused.err
        assert "merge" not in refused.err
    assert follow(cli, command(refused, "apply")).code == 0
    assert len(sandbox.executions()) == 2


@pytest.mark.parametrize("store", ["worktree", "branch"])
def test_a_side_branch_stays_refused_until_it_is_merged(
    store: str, request: pytest.FixtureRequest, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace: Workspace = request.getfixturevalue("alone" if store == "worktree" else "shared")
    workspace.git("switch", "--quiet", "--create", "side", "HEAD~1")
    workspace.write("runs/c.yaml", spec("c", "c"))
    workspace.commit("c")
    for said in ((), LET_GO[1:]):
        refused = cli("apply", "--yes", *said)
        assert refused.code == 7
        assert "rewritten" not in refused.err
    merge, ours = commands(refused)
    assert ours == merge.replace("merge", "merge -s ours")
    assert follow(cli, merge).code == 0
    if store == "branch":
        workspace.git("push", "--quiet", "origin", "HEAD:main")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


def test_a_line_that_was_given_up_can_be_joined_without_its_content(
    alone: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """`git merge -s ours` stands only where a branch still holds the other line."""
    alone.git("switch", "--quiet", "--create", "side", "HEAD~1")
    alone.write("runs/c.yaml", spec("c", "c"))
    alone.commit("c")
    assert follow(cli, command(cli("apply", "--yes"), "-s ours")).code == 0
    assert not (alone.path / "runs/b.yaml").exists()
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


def test_what_another_clone_pushed_is_looked_up_at_the_remote(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """This clone has never seen the commit applied last; its remote-tracking refs are old."""
    second = remote.clone("second")
    second.write("runs/c.yaml", spec("c", "c"))
    newest = second.publish("c")
    assert Cli(second.path, cli._capfd)("apply", "--yes").code == 0
    own = ("for-each-ref", "refs/heads", "refs/remotes", "refs/tags")
    refs = shared.git(*own)
    refused = cli("apply", *LET_GO)
    assert refused.code == 7
    assert "rewritten" not in refused.err
    assert f"--to {newest}" in refused.err
    assert shared.git(*own) == refs
    shared.git("switch", "--quiet", "--create", "side")
    shared.write("runs/d.yaml", spec("d", "d"))
    shared.commit("d")
    aside = cli("apply", *LET_GO)
    assert aside.code == 7
    assert "rewritten" not in aside.err
    assert follow(cli, commands(aside)[0]).code == 0


def test_a_remote_that_does_not_answer_is_no_proof(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """With the lockfile in the work tree the rest would go on without the remote."""
    shared.write("qflow.yaml", SANDBOX_PROJECT)
    shared.publish("a lockfile of its own")
    assert cli("apply", "--yes", "--ack", "new-record=1", *WHY).code == 0
    squash(shared)
    shared.git("push", "--quiet", "--force", "origin", "main")
    away = remote.path.rename(remote.path.with_name("elsewhere.git"))
    refused = cli("apply", *LET_GO)
    assert refused.code == 7
    assert "can't be told" in refused.err
    assert "rewritten=1" not in refused.err
    says = command(refused, "ls-remote")
    away.rename(remote.path)
    assert follow(cli, says).code == 0
    assert cli("apply", *LET_GO).code == 0


def test_a_remote_without_branches_is_no_proof(
    alone: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Any
) -> None:
    squash(alone)
    empty = Remote(tmp_path / "empty.git")
    alone.git("remote", "add", "origin", empty.path.as_uri())
    refused = cli("apply", *LET_GO)
    assert refused.code == 7
    assert "has no branch" in refused.err
    assert follow(cli, command(refused, "push")).code == 0
    assert cli("apply", *LET_GO).code == 0


def test_a_shallow_clone_is_never_called_rewritten(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """It is deepened first; where that can't be done, nobody can tell."""
    second = remote.clone("second")
    second.write("runs/c.yaml", spec("c", "c"))
    second.publish("c")
    second.write("runs/d.yaml", spec("d", "d"))
    second.publish("d")
    shallow = remote.clone("shallow", "--depth=1")
    one = Cli(shallow.path, cli._capfd)
    assert not one.json("plan")["notes"][0].startswith("prod:")
    assert one("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 4
    second.write("qflow.yaml", SANDBOX_PROJECT)
    latest = second.git("rev-parse", "HEAD")
    second.publish("a lockfile in the work tree")
    cut = remote.clone("cut", "--depth=1")
    cut.write("qflow.lock", json.dumps(_lockfile(latest), indent=2) + "\n")
    away = remote.path.rename(remote.path.with_name("elsewhere.git"))
    refused = Cli(cut.path, cli._capfd)("apply", *LET_GO)
    assert refused.code == 7
    assert "this clone is shallow" in refused.err
    assert "rewritten=1" not in refused.err
    away.rename(remote.path)
    assert follow(Cli(cut.path, cli._capfd), command(refused, "--unshallow")).code == 0
    assert Cli(cut.path, cli._capfd)("apply", *LET_GO).code == 2  # nothing was rewritten


def _lockfile(latest: str) -> dict[str, Any]:
    return {
        "lockfileVersion": 2,
        "lineage": "0" * 32,
        "serial": 1,
        "environments": {"prod": {"latest": latest, "runs": {}}},
    }


def test_a_release_where_nothing_was_rewritten_is_refused(
    alone: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    refused = cli("apply", *LET_GO)
    assert refused.code == 2
    assert "releases nothing" in refused.err
    assert "Leave it out" in refused.err
    assert cli("apply", "--yes").code == 0
    squash(alone)
    assert cli("apply", "--yes", "--ack", "rewritten=1").code == 2
    assert cli("apply", "--yes", "--ack", "rewritten=2", *WHY).code == 7
    assert "events" not in record(alone)


@nightly
def test_two_at_once_send_once_and_release_once(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The other one is done between this one's decision and its first write."""
    squash(shared)
    shared.write("runs/c.yaml", spec("c", "c"))
    shared.commit("c")
    shared.git("push", "--quiet", "--force", "origin", "main")
    second = Cli(remote.clone("second").path, cli._capfd)
    real = GitBranch.push
    raced: list[int] = []

    def push(self: GitBranch, commit: str, parent: str) -> bool:
        if not raced:
            raced.append(1)
            assert second("apply", *LET_GO).code == 0
        return real(self, commit, parent)

    monkeypatch.setattr(GitBranch, "push", push)
    assert cli("apply", *LET_GO).code == 0
    assert raced
    assert len(sandbox.executions()) == 3
    assert len(remote.attempts("c")) == 1
    assert len(remote.record()["environments"]["prod"]["events"]) == 1


@nightly
def test_a_lost_race_to_another_line_sends_nothing(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Another apply lets go first, of a commit that this one doesn't follow."""
    squash(shared)
    shared.git("push", "--quiet", "--force", "origin", "main")
    second = remote.clone("second")
    second.write("runs/c.yaml", spec("c", "theirs"))
    second.publish("theirs")
    shared.write("runs/c.yaml", spec("c", "mine"))
    shared.commit("mine")
    real = GitBranch.push
    raced: list[int] = []

    def push(self: GitBranch, commit: str, parent: str) -> bool:
        if not raced:
            raced.append(1)
            assert Cli(second.path, cli._capfd)("apply", *LET_GO).code == 0
        return real(self, commit, parent)

    monkeypatch.setattr(GitBranch, "push", push)
    stopped = cli("apply", *LET_GO, "--ack", "unmerged=1")
    assert stopped.code == 7
    inputs = [one["body"]["input"]["value"] for one in sandbox.executions()[2:]]
    assert inputs == ["theirs"]


@nightly
def test_each_environment_lets_go_for_itself(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """One that hasn't yet, and whose commits are nowhere, holds nothing in another."""
    two = SANDBOX_PROJECT + "    dev: {platform: sandbox}\n"
    workspace.write("qflow.yaml", two)
    for name in ("prod", "dev"):
        text = spec(f"in-{name}", name, metadata=f"  environment: {name}\n")
        workspace.write(f"runs/{name}.yaml", text)
    workspace.commit("both")
    for name in ("prod", "dev"):
        assert cli("apply", "--yes", "-e", name).code == 0
    squash(workspace)
    workspace.git("reflog", "expire", "--expire=now", "--all")
    workspace.git("gc", "--quiet", "--prune=now")
    for name in ("prod", "dev"):
        refused = cli("apply", "--yes", "-e", name)
        assert refused.code == 7
        text = spec(f"in-{name}", f"{name} again", metadata=f"  environment: {name}\n")
        workspace.write(f"runs/{name}.yaml", text)
        workspace.commit(f"{name} again")
        done = follow(cli, command(refused, f"-e {name}", "--ack rewritten=1"))
        assert done.code == 0, done
    assert len(sandbox.executions()) == 4
    assert all(len(one["events"]) == 1 for one in lockfile(workspace)["environments"].values())


@nightly
def test_a_failed_login_records_no_release(
    alone: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Nothing is recorded before Qualys has let anybody in."""
    before = alone.read("qflow.lock")
    squash(alone)
    alone.write("runs/c.yaml", spec("c", "c"))
    alone.commit("c")
    sandbox.set_faults("403@workflow")
    assert cli("apply", *LET_GO).code == 4
    assert alone.read("qflow.lock") == before


# --- plan ----------------------------------------------------------------------------


def test_plan_says_first_that_apply_would_refuse(
    alone: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    squash(alone)
    plan = cli("plan")
    assert plan.code == 0
    first = plan.out.splitlines()[0]
    assert first.startswith("! prod: `apply` would refuse this")
    data = cli.json("plan")
    assert data["notes"][0].startswith("prod: `apply` would refuse this")
    assert "`apply` would refuse" in cli("plan", "--format", "markdown").out.split("to start")[0]
    assert follow(cli, command(plan, "--ack rewritten=1")).code == 0
    assert "refuse" not in cli("plan").out


@nightly
def test_plan_of_an_older_commit_and_of_a_side_branch(
    shared: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    older = cli("plan", "--to", "HEAD~1")
    assert "It is older" in older.out.splitlines()[1]
    assert "rewritten" not in older.out
    assert follow(cli, command(older, "--to")).code == 0
    shared.git("switch", "--quiet", "--create", "side", "HEAD~1")
    shared.commit("aside")
    aside = cli("plan")
    assert "git merge" in aside.out.splitlines()[1]
    assert "rewritten" not in aside.out


def test_plan_in_a_clone_that_is_behind_says_to_fetch(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """It asks nobody itself."""
    second = remote.clone("second")
    second.write("runs/c.yaml", spec("c", "c"))
    second.publish("c")
    assert Cli(second.path, cli._capfd)("apply", "--yes").code == 0
    behind = cli("plan")
    assert "isn't in this clone" in behind.out.splitlines()[1]
    assert follow(cli, command(behind, "git fetch")).code == 0
    assert "It is older" in cli("plan").out.splitlines()[1]


def test_plan_of_a_pull_request_or_from_a_commit_says_nothing_of_it(
    shared: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.git("switch", "--quiet", "--create", "side", "HEAD~1")
    shared.write("runs/c.yaml", spec("c", "c"))
    shared.commit("c")
    assert "refuse" not in cli("plan", "--from", "main").out
    for name, value in {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"}.items():
        monkeypatch.setenv(name, value)
    pulled = cli("plan")
    assert "refuse" not in pulled.out
    assert "would ask" not in pulled.out
