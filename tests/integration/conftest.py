"""The sandbox over HTTP, and a workspace that is set up for it."""

from collections.abc import Iterator

import pytest

from qflow_gitops.sandbox import SandboxServer
from tests.helpers.git import Workspace
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A running sandbox that the environment points at."""
    with SandboxServer(duration=0.05) as server:
        monkeypatch.setenv("QFLOW_GATEWAY", server.url)
        monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
        monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
        yield server


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    """A repository with the settings for the sandbox and the release note's sample."""
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    workspace.write("runs/aws/buckets.yaml", SAMPLE)
    workspace.commit("the release note's sample")
    return workspace
