"""A message names the command that explains its words, and a page only where a build has one."""

import json
from collections.abc import Sequence

import pytest

from qflow_gitops.base import site
from qflow_gitops.errors import StaleError, UsageProblem
from qflow_gitops.render.explained import explained
from qflow_gitops.results.report import failed
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.git import Workspace
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT, spec

DOCS = "https://docs.example.org/qflow-gitops/"


def told(done: Done) -> list[str]:
    """The words that the output says are explained; each of the command's lines."""
    lines = [one for one in done.err.splitlines() if one.startswith("Explained: ")]
    assert len(lines) <= 1, done.err
    return (
        lines[0].removeprefix("Explained: `qflow-gitops rules ").rstrip("`").split()
        if lines
        else []
    )


def explains(cli: Cli, words: Sequence[str]) -> None:
    done = cli("rules", *words)
    assert done.code == 0
    assert all(f"{word}\n" in done.out or f"{word} (" in done.out for word in words)


def test_findings_name_each_rule_once(workspace: Workspace, cli: Cli) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    broken = SAMPLE.replace("region:", "regoin:")
    workspace.write("runs/a.yaml", broken)
    workspace.write("runs/b.yaml", broken.replace("encrypt", "other").replace("maha2", "b"))
    workspace.write("runs/c.yaml", SAMPLE + "  odd: 1\n")
    done = cli("validate")
    assert told(done) == ["variable-near-miss", "schema-unknown-key"]
    explains(cli, told(done))
    assert told(cli("-q", "validate")) == told(cli("validate", "--format", "json")) == []
    workspace.write("runs/a.yaml", SAMPLE)
    workspace.remove("runs/b.yaml")
    workspace.remove("runs/c.yaml")
    assert cli("validate").err == ""


def test_an_error_names_its_reason(project: Workspace, cli: Cli) -> None:
    done = cli("plan", "--to", "nowhere")
    assert told(done) == ["revision_unknown"]
    explains(cli, told(done))
    assert told(cli("-q", "plan", "--to", "nowhere")) == []
    assert told(cli("plan")) == []


def test_an_error_that_says_all_there_is_names_nothing() -> None:
    assert [*explained(failed("plan", UsageProblem("Two of them contradict.")))] == []
    problem = failed("plan", StaleError("Older.", reason="superseded"))
    assert [*explained(problem)] == ["Explained: `qflow-gitops rules superseded`"]


def test_holds_name_their_reasons(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    rules = "{limits: {runs: 1}, require: {annotations: {ticket: 'CHG[0-9]{7}'}}}"
    project.write("qflow.yaml", SANDBOX_PROJECT + f"  policy: {rules}\n")
    project.write("runs/none.yaml", spec("no-ticket"))
    for name in "bc":
        ticket = "  annotations: {ticket: CHG0000000}\n"
        project.write(f"runs/{name}.yaml", spec(name, name, metadata=ticket))
    project.commit("three")
    for words in (("plan",), ("apply", "--yes")):
        done = cli(*words)
        assert set(told(done)) == {"policy", "limit"}
        explains(cli, told(done))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that names its documentation."""
    monkeypatch.setattr(site, "BASE", DOCS)


@pytest.mark.usefixtures("built")
def test_a_build_with_documentation_names_the_pages(project: Workspace, cli: Cli) -> None:
    assert f"\n  {DOCS}reference/reasons/revision_unknown/\n" in cli("plan", "--to", "nowhere").err
    error = cli.json("plan", "--to", "nowhere")["error"]
    assert error["helpUri"] == f"{DOCS}reference/reasons/revision_unknown/"
    project.write("runs/b.yaml", SAMPLE + "  odd: 1\n")
    page = f"{DOCS}reference/rules/schema-unknown-key/"
    assert f"\n  {page}\n" in cli("validate").err
    found = cli.json("validate")["diagnostics"]
    assert page in {one["helpUri"] for one in found}
    (run,) = json.loads(cli("validate", "--format", "sarif").out)["runs"]
    assert page in {one["helpUri"] for one in run["tool"]["driver"]["rules"]}
    assert cli("rules", "schema-unknown-key").out.endswith(f"\n{page}\n")
    assert cli("rules", "in_doubt").out.endswith(f"\n{DOCS}reference/reasons/in_doubt/\n")


def test_nothing_at_run_time_names_documentation(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DOCS", "DOCS_BASE", "QFLOW_DOCS"):
        monkeypatch.setenv(name, DOCS)
    assert "https:" not in cli("plan", "--to", "nowhere").err
    assert "helpUri" not in cli("plan", "--to", "nowhere", "--format", "json").out
