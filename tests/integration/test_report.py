"""`report` as an auditor types it: over real git, and the sandbox over HTTP."""

import shlex

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import spec
from tests.helpers.typed import commands

RUN = "encrypt-prod-buckets"


@pytest.fixture
def applied(project: Workspace, cli: Cli, sandbox: SandboxServer) -> str:
    """The id of the execution of a run that succeeded."""
    project.git("commit", "-q", "--allow-empty", "-m", "Quarter\n\nAsked for by the board.")
    assert cli("apply", "--yes").code == 0
    found: str = sandbox.executions()[0]["id"]
    return found


def test_an_execution_is_told_with_who_asked_and_who_allowed_it(applied: str, cli: Cli) -> None:
    for what in (RUN, f"prod/{RUN}", applied, applied[:8]):
        done = cli("report", what)
        assert done.code == 0
        assert f"prod/{RUN} #1  succeeded" in done.out
        assert applied in done.out
        assert "no approval is recorded" in done.out
    (run,) = cli.json("report", applied)["runs"]
    (attempt,) = run["attempts"]
    assert attempt["executionId"] == applied
    assert attempt["commit"]["message"] == "Quarter\n\nAsked for by the board."
    assert attempt["request"]["input"]["bucketName"] == "test-bucket-1"


def test_without_a_name_all_runs_are_counted(applied: str, project: Workspace, cli: Cli) -> None:
    project.write("runs/b.yaml", spec("b"))
    project.commit()
    assert cli("apply", "--yes").code == 0
    data = cli.json("report")
    assert (data["counts"]["runs"], data["counts"]["succeeded"]) == (2, 2)
    assert applied in {run["attempts"][0]["executionId"] for run in data["runs"]}


def test_only_a_span_is_told(applied: str, cli: Cli) -> None:
    assert applied
    for words in (("--until", "2020-01-01"), ("--since", "2099-01-01")):
        data = cli.json("report", *words)
        assert data["counts"]["attempts"] == 0
        assert data["runs"] == []
    assert cli.json("report", "--since", "2d")["counts"]["attempts"] == 1


def test_each_attempt_tells_how_its_apply_came(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("runs/b.yaml", spec("b"))
    project.commit()
    assert cli("apply", "--yes").code == 0
    first, second = (run["attempts"][0] for run in cli.json("report")["runs"])
    assert first["apply"] == second["apply"]
    assert first["apply"]["installed"].startswith("sha256:")


def test_what_it_says_to_type_works(applied: str, cli: Cli) -> None:
    assert applied
    typed = commands(cli("report").out)
    assert typed
    for words in typed:
        assert cli(*shlex.split(words)[1:]).code == 0
