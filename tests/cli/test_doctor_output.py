"""`doctor qualys` as a person reads it: all is well, a first 403, and little that is right."""

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.cli.test_golden import Golden, golden
from tests.helpers.cli import Cli, Done
from tests.helpers.git import Workspace
from tests.helpers.specs import WORKFLOW, spec

__all__ = ["golden"]
LOOK = ("doctor", "qualys")


@pytest.fixture
def tenant(
    project: Workspace, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> SandboxServer:
    """A sandbox on a clock that doesn't wait, with one execution and an API server."""
    monkeypatch.setenv("QFLOW_API_SERVER", sandbox.url)
    monkeypatch.setenv("QFLOW_API_USERNAME", "ada")
    monkeypatch.setenv("QFLOW_API_PASSWORD", "test-canary-secret")
    sandbox.add_foreign(WORKFLOW, {"input": {}})
    return sandbox


def plain(done: Done, sandbox: SandboxServer) -> Done:
    """Without what differs each time: the port, how long it took, and to the minute until when."""
    out = done.out.replace(sandbox.url.removeprefix("http://"), "127.0.0.1:<port>")
    for said in ("they agree", "this one is 1 seconds behind", "this one is 1 seconds ahead"):
        out = out.replace(said, "they agree")
    for took in ("0.0 s", "0.1 s", "0.2 s"):
        out = out.replace(f"it answers in {took}", "it answers in 0.0 s")
    return Done(done.code, out.replace("lasts 239 minutes", "lasts 240 minutes"), done.err)


def test_all_is_well(project: Workspace, cli: Cli, tenant: SandboxServer, golden: Golden) -> None:
    golden("doctor-qualys", plain(cli(*LOOK), tenant))
    golden("doctor-qualys-markdown", plain(cli(*LOOK, "--format", "markdown"), tenant))


def test_a_first_403(project: Workspace, cli: Cli, tenant: SandboxServer, golden: Golden) -> None:
    tenant.set_faults("rights=none")
    golden("doctor-qualys-no-access", plain(cli(*LOOK), tenant))


def test_little_is_right(
    project: Workspace, cli: Cli, tenant: SandboxServer, golden: Golden
) -> None:
    project.write("runs/b.yaml", spec("b", extra="  variables: {nmae: x}\n"))
    tenant.set_connectors("aws", [])
    tenant.set_faults(
        "rights=read", "skew=-5000", "version=1.18.2", "rate-headers=300/299/3600",
    )  # fmt: skip
    golden("doctor-qualys-broken", plain(cli(*LOOK), tenant))
