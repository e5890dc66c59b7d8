"""Several projects in one repository: each with a lockfile of its own, moved, removed, begun anew.

Each story counts what Qualys executed.
"""

from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import spec
from tests.helpers.typed import commands


class Two:
    """Two projects, pay and web, in folders of one repository, begun as `init` does it."""

    def __init__(self, clone: Workspace, remote: Remote, cli: Cli) -> None:
        self.clone, self.remote, self._cli = clone, remote, cli
        clone.git("remote", "add", "origin", remote.path.as_uri())
        clone.write("README.md", "Two projects.\n")
        self.publish()
        for name in ("pay", "web"):
            assert self.init(f"teams/{name}").code == 0
            self.specs(f"teams/{name}", name)

    def init(self, folder: str, *more: str) -> Done:
        done = self._cli("init", folder, *more)
        settings = self.clone.path / folder / "qflow.yaml"
        if done.code == 0:
            settings.write_text(settings.read_text().replace("platform: US1", "platform: sandbox"))
        return done

    def specs(self, folder: str, *names: str) -> None:
        for name in names:
            self.clone.write(f"{folder}/runs/{name}.yaml", spec(name))
        self.publish()

    def publish(self) -> None:
        self.clone.publish("change")

    def __call__(self, folder: str, *words: str) -> Done:
        return Cli(self.clone.path / folder, self._cli._capfd)(*words)

    def branches(self) -> set[str]:
        return set(self.remote.git("for-each-ref", "--format=%(refname:short)").split()) - {"main"}


@pytest.fixture
def two(workspace: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Path) -> Two:
    """Both were applied: two executions."""
    made = Two(workspace, Remote(tmp_path / "remote.git"), cli)
    for name in ("pay", "web"):
        done = made(f"teams/{name}", "apply", "--yes")
        assert done.code == 0, done
    assert len(sandbox.executions()) == 2
    return made


def test_each_has_its_own_lockfile_and_its_settings_name_it(two: Two) -> None:
    assert two.branches() == {"qflow-lock-teams-pay", "qflow-lock-teams-web"}
    for name in ("pay", "web"):
        settings = two.clone.read(f"teams/{name}/qflow.yaml")
        assert f"branch: qflow-lock-teams-{name}\n" in settings
        record = two.remote.record(f"qflow-lock-teams-{name}")
        assert set(record["environments"]["prod"]["runs"]) == {name}
        assert record["environments"]["prod"]["folder"] == f"teams/{name}"
        assert [event["event"] for event in record["places"]] == ["known"]


def test_one_is_moved_to_another_folder(two: Two, sandbox: SandboxServer) -> None:
    """With or without a change in the same commit; its policy of before counts, too."""
    two.clone.git("mv", "teams/pay", "payments")
    two.publish()
    done = two("payments", "apply", "--yes")
    assert (done.code, len(sandbox.executions())) == (0, 2), done
    two.specs("payments", "more")
    assert two("payments", "apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3
    record = two.remote.record("qflow-lock-teams-pay")
    assert record["environments"]["prod"]["folder"] == "payments"
    assert two("teams/web", "apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


def test_its_policy_is_read_where_it_was(two: Two, sandbox: SandboxServer) -> None:
    """The lockfile says where; the settings may name another lineage, or none, by then."""
    two.clone.write(
        "teams/pay/qflow.yaml",
        two.clone.read("teams/pay/qflow.yaml") + "  policy: {limits: {runs: 1}}\n",
    )
    two.publish()
    assert two("teams/pay", "apply", "--yes").code == 0
    two.clone.git("mv", "teams/pay", "payments")
    text = two.clone.read("payments/qflow.yaml").replace("  policy: {limits: {runs: 1}}\n", "")
    two.clone.write(
        "payments/qflow.yaml",
        "".join(line for line in text.splitlines(True) if "lineage" not in line),
    )
    two.specs("payments", "b", "c")
    done = two("payments", "apply", "--yes")
    assert (done.code, "limit" in done.out, len(sandbox.executions())) == (5, True, 2), done


def test_one_is_removed_and_begun_elsewhere(two: Two, sandbox: SandboxServer) -> None:
    """Whoever begins a lockfile is asked whether the project is the one that is gone."""
    kept = two.clone.read("teams/pay/runs/pay.yaml")
    two.clone.git("rm", "--quiet", "-r", "teams/pay")
    two.publish()
    done = two.init("payments")
    assert done.code == 3
    assert (
        "origin has a lockfile, branch qflow-lock-teams-pay, of a project that was in teams/pay"
        in done.err
    )
    goes_on, another = commands(done.err)
    assert goes_on.endswith("--branch qflow-lock-teams-pay")
    assert another.endswith("--branch qflow-lock-payments")
    assert not (two.clone.path / "payments/qflow.yaml").exists()
    assert two.init("payments", "--branch", "qflow-lock-teams-pay").code == 0
    two.clone.write("payments/runs/pay.yaml", kept)
    two.publish()
    assert two("payments", "apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_another_one_begins_beside_what_is_gone(two: Two, sandbox: SandboxServer) -> None:
    two.clone.git("rm", "--quiet", "-r", "teams/pay")
    two.publish()
    assert two.init("other", "--branch", "qflow-lock-other").code == 0
    two.specs("other", "other")
    assert two("other", "apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


def test_without_init_an_apply_asks(two: Two, sandbox: SandboxServer) -> None:
    settings = two.clone.read("teams/pay/qflow.yaml")
    two.clone.git("mv", "teams/pay/runs", "runs")
    two.clone.git("rm", "--quiet", "-r", "teams/pay")
    two.publish()
    text = "".join(line for line in settings.splitlines(True) if "lineage" not in line)
    two.clone.write("qflow.yaml", text.replace("branch: qflow-lock-teams-pay", "branch: own"))
    two.publish()
    said = two(".", "plan").out
    assert said.startswith("! `apply` would refuse this: there is no lockfile yet")
    assert "of a project that was in teams/pay" in said
    done = two(".", "apply", "--yes")
    assert (done.code, len(sandbox.executions())) == (11, 2)
    assert "of a project that was in teams/pay" in done.err
    assert "--ack new-record=1 --reason TEXT" in done.err
    two.clone.write("qflow.yaml", text)
    two.publish()
    assert two(".", "apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_a_branch_of_another_name_that_this_clone_has(two: Two, sandbox: SandboxServer) -> None:
    assert two("teams/pay", "lock", "move", "--to", "branch", "--branch", "audit").code == 0
    two.publish()
    assert two("teams/pay", "apply", "--yes").code == 0
    two.clone.git("rm", "--quiet", "-r", "teams/pay")
    two.publish()
    two.clone.git("fetch", "--quiet", "origin")
    done = two.init("payments")
    assert (done.code, "branch audit, of a project that was in teams/pay" in done.err) == (3, True)
    assert "qflow-lock-teams-pay" not in done.err  # it was moved from there


def test_a_lockfile_is_not_moved_to_where_another_project_begins(two: Two) -> None:
    two.clone.write("teams/web/qflow.yaml", two.clone.read("teams/web/qflow.yaml").replace(
        "branch: qflow-lock-teams-web", "branch: soon"
    ))  # fmt: skip
    before = two.branches()
    done = two("teams/pay", "lock", "move", "--to", "branch", "--branch", "soon")
    assert (done.code, "several projects" in done.err) == (3, True), done
    assert "Nothing was moved: the lockfile is where it was." in done.err
    assert two.branches() == before


def test_two_that_name_one_branch_are_refused(two: Two, sandbox: SandboxServer) -> None:
    text = two.clone.read("teams/web/qflow.yaml").replace(
        "qflow-lock-teams-web", "qflow-lock-teams-pay"
    )
    two.clone.write("teams/web/qflow.yaml", text)
    two.publish()
    for name in ("pay", "web"):
        for words in (("apply", "--yes"), ("plan",), ("validate",)):
            done = two(f"teams/{name}", *words)
            assert done.code == 3, done
            assert "several projects" in done.err + done.out
    assert len(sandbox.executions()) == 2
