"""`comment --dry-run` where there is nothing but git: no token, no host, no network."""

import json
import os
import socket
from collections.abc import Callable

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import SAMPLE, spec

FILE = "runs/aws/buckets.yaml"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token and no CI."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "GH_", "CI"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def unplug(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on the remote is gone, and nothing connects."""

    def refused(*_: object) -> None:
        raise AssertionError("something connects")

    def gone() -> None:
        remote.path.rename(remote.path.with_name("unplugged"))
        monkeypatch.setattr(socket.socket, "connect", refused)

    return gone


@pytest.fixture
def feature(workspace: Workspace, unplug: Callable[[], None]) -> Workspace:
    """A branch with one change and one new run, whose remote is gone by now."""
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write(FILE, SAMPLE.replace("maha2", "maha3"))
    workspace.write("runs/new.yaml", spec("new", "new"))
    workspace.commit("what it does")
    unplug()
    return workspace


def test_the_current_branch_is_shown_beside_the_one_that_it_goes_to(
    feature: Workspace, cli: Cli
) -> None:
    done = cli("comment", "--dry-run")
    assert done.code == 0, done.err
    assert done.out.splitlines()[1] == "### Qualys Flow, `prod` on `sandbox`: planned"
    assert "**Merging starts 2 runs in `prod` on `sandbox`; nothing is held**" in done.out
    head, onto = feature.git("rev-parse", "HEAD"), feature.git("rev-parse", "main")
    assert (
        f"Made from git alone, of what `{head[:10]}` has beside main at `{onto[:10]}`" in done.out
    )
    assert "Not known: who approved it" in done.out
    assert "approval, and has" not in done.out
    assert "https://" not in done.out
    (shown,) = json.loads(cli("comment", "--dry-run", "--format", "json").out)["comments"]
    assert (shown["what"], shown["standing"], shown["pullRequest"]) == ("shown", "planned", 0)


def test_only_what_the_branch_itself_changes_is_shown(
    workspace: Workspace, cli: Cli, unplug: Callable[[], None]
) -> None:
    """Not what went on beside it, and by the newest lockfile that is here."""
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write("runs/new.yaml", spec("new", "new"))
    workspace.commit("new")
    workspace.git("switch", "--quiet", "main")
    workspace.write("runs/other.yaml", spec("other", "other"))
    workspace.publish("main goes on")
    workspace.git("switch", "--quiet", "feature")
    unplug()
    shown = cli("comment", "--dry-run").out
    assert "prod/new" in shown
    assert "prod/other" not in shown
    assert "prod/new" not in cli("comment", "--dry-run", "--to", "HEAD~1").out


def test_what_needs_approvals_is_said_though_nobody_knows_which_there_are(
    workspace: Workspace, cli: Cli, unplug: Callable[[], None]
) -> None:
    rules = "  policy:\n    approvals: [{count: 2}]\n    require: {signedCommits: true}\n"
    workspace.write("qflow.yaml", BRANCH_PROJECT + rules)
    workspace.publish("rules")
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write("runs/new.yaml", spec("new", "new"))
    workspace.commit("new")
    unplug()
    shown = cli("comment", "--dry-run").out
    assert "apply holds what needs approvals: up to 2" in shown
    assert "signatures are verified" in shown


def test_a_clone_without_the_other_branch_says_which_it_lacks(
    feature: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
    monkeypatch.setenv("GITHUB_BASE_REF", "release/9")
    refused = cli("comment", "--dry-run")
    assert refused.code == 2
    assert "no commit of release/9" in refused.err
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    (shown,) = json.loads(cli("comment", "--dry-run", "--format", "json").out)["comments"]
    assert shown["pullRequest"] == 7


def test_a_pull_request_that_is_named_is_asked_for(
    feature: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is checked out may be something else than that."""
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo/runs")
    refused = cli("comment", "--dry-run", "--pull-request", "7")
    assert refused.code == 4
    assert "There is no token for GitHub" in refused.err


def test_what_ran_is_taken_from_the_lockfile_that_is_here(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer, unplug: Callable[[], None]
) -> None:
    assert cli("apply", "--yes").code == 0
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write(FILE, "# a remark\n" + SAMPLE)
    workspace.commit("words only")
    unplug()
    shown = cli("comment", "--dry-run").out
    assert "**Nothing starts in `prod` on `sandbox`; nothing is held; 1 with nothing" in shown
