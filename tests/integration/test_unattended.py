"""A machine that nobody watches: what was approved is sent, and all else held, never an error."""

from collections.abc import Callable

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.github_api import REPOSITORY, TOKEN, GitHubApi
from tests.helpers.pulls import Pull
from tests.helpers.specs import spec
from tests.integration.test_approved import evidence, held

APPLY = ("apply", "--unattended")
ELSEWHERE = BRANCH_PROJECT + "  apply: {approvals: elsewhere}\n"


@pytest.fixture
def base(shared: Workspace) -> Workspace:
    """A repository of which everything was applied."""
    return shared


def _without_a_token(base: Workspace, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    return "There is no token for GitHub"


def _without_a_repository(base: Workspace, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    return "Cannot tell which repository on GitHub"


@pytest.mark.parametrize("missing", [_without_a_token, _without_a_repository])
def test_where_approvals_can_not_be_read_all_of_it_is_held(
    missing: Callable[[Workspace, pytest.MonkeyPatch], str], base: Workspace, cli: Cli,
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """No terminal, nobody to ask. Once somebody applied it by hand, it goes on alone."""
    said = missing(base, monkeypatch)
    base.write("runs/new.yaml", spec("new", 1))
    base.write("qflow.yaml", ELSEWHERE)
    base.publish("elsewhere, and a run")
    data = cli.json(*APPLY)
    assert (data["exitCode"], data["reason"], data["error"]) == (5, "approval", None)
    assert said in held(data)["new"]
    (hint,) = [change["hint"] for change in data["changes"] if change["name"] == "new"]
    assert "`qflow-gitops apply -e prod`" in hint
    assert len(sandbox.executions()) == 1
    assert cli("apply", "-e", "prod", "--yes").code == 0
    base.write("runs/newer.yaml", spec("newer", 2))
    base.publish("one more")
    assert cli(*APPLY).code == 0
    assert len(sandbox.executions()) == 3


def test_a_host_that_is_not_github_holds_it(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It answers that there is nothing there."""
    monkeypatch.setenv("GITHUB_REPOSITORY", "another/one")
    base.write("runs/new.yaml", spec("new", 1))
    base.publish("new")
    assert cli("apply", "--yes", "--approved").code == 12
    data = cli.json(*APPLY)
    assert (data["exitCode"], list(held(data))) == (5, ["new"])
    assert len(sandbox.executions()) == 1


def test_what_was_approved_is_sent_and_nothing_else(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    for number, name in ((7, "new"), (8, "other")):
        pull = Pull(base, api, number, spec(name, number), name)
        if name == "new":
            api.approve(number, "mara")
        pull.merge("squash")
    data = cli.json(*APPLY)
    assert (data["exitCode"], list(held(data))) == (5, ["other"])
    assert evidence(remote, "new")["approvers"] == ["mara"]
    assert len(sandbox.executions()) == 2


def test_settings_that_were_applied_leave_it_to_another_system(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    """Only the commit that brings it in doesn't go by it."""
    base.write("qflow.yaml", ELSEWHERE)
    base.write("runs/new.yaml", spec("new", 1))
    base.publish("elsewhere, and a run")
    assert list(held(cli.json(*APPLY))) == ["new"]
    base.remove("runs/new.yaml")
    base.publish("without the run")
    assert cli(*APPLY).code == 0
    base.write("runs/new.yaml", spec("new", 1))
    base.publish("the run alone")
    api.asked.clear()
    assert cli(*APPLY).code == 0
    assert not api.asked
    assert len(sandbox.executions()) == 2


def test_a_plan_says_that_it_holds_less(base: Workspace, cli: Cli) -> None:
    base.write("qflow.yaml", ELSEWHERE)
    base.publish("elsewhere")
    assert any("apply.approvals: github → elsewhere" in note for note in cli.json("plan")["notes"])
