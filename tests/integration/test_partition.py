"""The network is cut, for real: before the send, and between a request and its answer.

`.ci/run` cuts it with the work tree's store, `.ci/nightly` with the branch's as well.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import matrix
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.netns import NotPermittedError, Partition, partition
from tests.helpers.partners import nightly

Attempts = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Partition]:
    """The sandbox, behind a link; a POST run takes it a second before it executes anything."""
    try:
        with partition(tmp_path, "latency=1@run") as made:
            yield made
    except NotPermittedError as problem:
        pytest.skip(f"network namespaces need root and iproute2: {problem}")


@pytest.fixture(
    params=[
        pytest.param("project", id="worktree"),
        pytest.param("remote", id="branch", marks=nightly),
    ]
)
def attempts(request: pytest.FixtureRequest, cli: Cli) -> Attempts:
    """The run's attempts, as the lock store of this test records them."""
    made = request.getfixturevalue(request.param)
    if request.param == "remote":
        return lambda: matrix.branch(made)
    return lambda: matrix.worktree(cli)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit code, and what was said."""
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    return process.returncode, out + err


def apply(link: Partition, workspace: Workspace, *, cut: str = "") -> "subprocess.Popen[str]":
    return link.program(workspace.path, "apply", "--yes", cut=cut)


def until_posted(link: Partition) -> None:
    """Wait until the server has the whole request."""
    deadline = time.monotonic() + 30
    while not link.posts():
        assert time.monotonic() < deadline, "no POST arrived"
        time.sleep(0.02)


def test_cut_before_anything(attempts: Attempts, link: Partition, workspace: Workspace) -> None:
    """Nothing is recorded and nothing sent."""
    link.cut()
    code, said = ended(apply(link, workspace))
    assert (code, attempts(), link.posts()) == (12, [], 0), said
    link.mend()
    code, said = ended(apply(link, workspace))
    assert (code, attempts()[0]["state"], link.posts()) == (0, "succeeded", 1), said


def test_cut_between_the_intent_and_the_send(
    attempts: Attempts, link: Partition, workspace: Workspace
) -> None:
    """No byte left: proven not sent, and due again."""
    code, said = ended(apply(link, workspace, cut="before-the-send"))
    assert (code, attempts()[0]["state"], link.posts()) == (12, "unsent", 0), said
    link.mend()
    code, said = ended(apply(link, workspace))
    assert code == 0, said
    assert [one["state"] for one in attempts()] == ["unsent", "succeeded"]
    assert (link.posts(), len(link.ran())) == (1, 1)


def test_cut_between_the_request_and_its_answer(
    attempts: Attempts, link: Partition, workspace: Workspace
) -> None:
    """In doubt while the link is down; then the execution is found, and nothing is sent twice."""
    process = apply(link, workspace)
    until_posted(link)
    link.cut()
    code, said = ended(process)
    assert (code, attempts()[0]["state"]) == (9, "in_doubt"), said
    code, said = ended(apply(link, workspace))
    assert (code, attempts()[0]["state"]) == (9, "in_doubt"), said
    link.mend()
    code, said = ended(link.program(workspace.path, "reconcile"))
    assert (code, attempts()[0]["state"]) == (0, "adopted"), said
    code, said = ended(apply(link, workspace))
    assert (code, attempts()[0]["state"]) == (0, "succeeded"), said
    (execution,) = link.ran()
    assert (attempts()[0]["executionId"], link.posts()) == (execution["id"], 1)


def test_a_link_that_comes_back_in_time_is_no_doubt(
    attempts: Attempts, link: Partition, workspace: Workspace
) -> None:
    process = apply(link, workspace)
    until_posted(link)
    link.cut()
    time.sleep(0.5)
    link.mend()
    code, said = ended(process)
    assert (code, attempts()[0]["state"]) == (0, "succeeded"), said
    assert (link.posts(), len(link.ran())) == (1, 1)
