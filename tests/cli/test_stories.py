"""A run's story on a screen, as a person reads it; `--golden` writes the texts anew."""

import re

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.cli.test_golden import GOLDEN, MADE_UP
from tests.helpers.cli import Cli, Done
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, spec

_MORE = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>"),
    (r'"(createdAt|updatedAt|startDate|endDate|executionEndDate)": \d+', r'"\1": <milliseconds>'),
    (r"(commit +)[0-9a-f]{10}", r"\1<commit>"),
    (r"(queued|running|in all) [0-9.]+ s", r"\1 <seconds>"),
    (r"01JT[0-9A-Z]{22}", "<ulid>"),
    (r"\d{4}-\d\d-\d\dT00:00:00.000Z", "<day>"),
)


def check(name: str, done: Done, request: pytest.FixtureRequest) -> None:
    text = f"exit {done.code}\n--- stdout\n{done.out}--- stderr\n{done.err}"
    for pattern, word in (*MADE_UP, *_MORE):
        text = re.sub(pattern, word, text)
    file = GOLDEN / f"{name}.txt"
    if request.config.getoption("--golden"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def test_stories(
    project: Workspace, cli: Cli, sandbox: SandboxServer, request: pytest.FixtureRequest
) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT + "  statuses: {Failed: failed}\n")
    project.write("runs/a.yaml", spec("a", extra="  sensitive: [/input/value]\n"))
    project.commit("a run of mine")
    check("show-never-sent", cli("show", "a"), request)
    sandbox.set_faults("fail=resource")
    cli("-q", "apply", "--yes", "a")
    project.write("runs/a.yaml", spec("a", "other", extra="  sensitive: [/input/value]\n"))
    project.commit("another value")
    cli("-q", "apply", "--yes", "a")
    cli("-q", "apply", "--yes", "a", "--retry", "a", "--reason", "the bucket is there now")
    check("show-failed", cli("show", "a"), request)
    check("show-steps", cli("show", "a", "--steps"), request)
    check("show-raw", cli("show", "a", "--raw"), request)


def test_a_screen_is_80_columns_wide(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    """But for commands, digests, and what a message says."""
    assert project
    sandbox.set_faults("fail=filter")
    cli("apply", "--yes")
    for line in cli("show", "encrypt-prod-buckets").out.splitlines():
        long = any(word in line for word in ("`", "sha256", "AccessDenied"))
        assert len(line) <= 80 or long, line
