"""The report for an audit as a person reads it; `--golden` writes the texts anew."""

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.cli.test_stories import check
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, spec

POLICY = "  statuses: {Failed: failed}\n  policy: {limits: {runs: 1}}\n"


def test_an_auditor_reads_all_in_a_screen(
    project: Workspace, cli: Cli, sandbox: SandboxServer, request: pytest.FixtureRequest
) -> None:
    """Released by hand, failed and sent again, asked for and never sent, in doubt for a while."""
    check("report-none", cli("report"), request)
    project.write("qflow.yaml", SANDBOX_PROJECT + POLICY)
    project.write("runs/a.yaml", spec("a", extra="  sensitive: [/input/value]\n"))
    project.commit("Two of mine")
    released = ("--ack", "limit:runs=2", "--reason", "the audit's date")
    cli("-q", "apply", "--yes", *released)
    project.write("runs/a.yaml", spec("a", "other"))
    project.commit("Another value")
    sandbox.set_faults("fail=resource")
    cli("-q", "apply", "--yes")
    sandbox.set_faults("accept-then-drop@run", "list-lag=60")
    cli("-q", "apply", "--yes", "--retry", "a", "--reason", "the bucket is there now")
    sandbox.set_faults()
    project.write("runs/b.yaml", spec("b", "once"))
    project.commit("Something else")
    cli("-q", "apply", "--yes", "a")
    project.write("runs/b.yaml", spec("b", "twice"))
    project.commit("Something better")
    cli("-q", "freeze", "--reason", "an incident")
    cli("-q", "apply", "--yes", "b")
    check("report", cli("report"), request)
    check("report-run", cli("report", "a"), request)
    check("report-markdown", cli("report", "--format", "markdown"), request)
