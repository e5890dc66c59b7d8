"""An answer is the same in each form that it may have: hints before it, compressed, in pages.

The kind: forms that are always allowed, and that nobody asked for.
"""

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.relay import relay
from tests.helpers.specs import WORKFLOW


@pytest.mark.parametrize(
    "codes",
    [
        pytest.param((102,), marks=pytest.mark.fault(28)),
        pytest.param((103,), marks=pytest.mark.fault(28)),
        pytest.param((100, 103, 103), marks=pytest.mark.fault(28)),
    ],
)
def test_what_is_said_before_an_answer_is_no_answer(
    codes: tuple[int, ...],
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with relay(sandbox.url, informational=codes) as address:
        monkeypatch.setenv("QFLOW_GATEWAY", address)
        done = cli("apply", "--yes")
    assert done.code == 0, done
    assert len(sandbox.executions()) == 1


@pytest.mark.fault(38)
def test_an_answer_that_is_compressed_unasked_is_the_answer(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay(sandbox.url, packed=True) as address:
        monkeypatch.setenv("QFLOW_GATEWAY", address)
        done = cli("apply", "--yes")
    assert done.code == 0, done
    assert len(sandbox.executions()) == 1


@pytest.mark.fault(36)
def test_a_list_in_short_pages_is_read_to_its_end(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on its last page exists, and is not called absent."""
    with relay(sandbox.url, page=1) as address:
        monkeypatch.setenv("QFLOW_GATEWAY", address)
        for _ in range(2):
            sandbox.add_foreign(WORKFLOW, {"input": {"a": 1}})
        sandbox.set_faults("accept-then-drop", "list-lag=3600")
        assert cli("apply", "--yes").code == 9
        sandbox.set_faults()
        refused = cli("resolve", "encrypt-prod-buckets", "--absent", "--reason", "x")
        assert refused.code != 0
        assert cli("reconcile").code == 0, refused
    assert "adopted" in project.read("qflow.lock")
