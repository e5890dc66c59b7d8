"""Anchors: what stood in the lockfile then stands there now; a server says when."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.stamps import Authority, StampServer, name_server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A root and its time-stamp server's certificate."""
    return Authority(tmp_path_factory.mktemp("authority") / "a")


@pytest.fixture
def stamps(authority: Authority) -> Iterator[StampServer]:
    """A running time-stamp server."""
    server = StampServer(authority)
    yield server
    server.close()


@pytest.fixture
def applied(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, stamps: StampServer
) -> Workspace:
    """A project whose settings name the server, applied once."""
    name_server(workspace, stamps)
    assert cli("apply", "--yes").code == 0
    return workspace


def on_branch(remote: Remote, path: str) -> Any:
    return json.loads(remote.git("show", f"{BRANCH}:{path}"))


def paths(remote: Remote) -> list[str]:
    listed = remote.git("ls-tree", "-r", "--name-only", BRANCH, "anchors/")
    return listed.splitlines()


def test_a_time_stamp_is_kept_and_held_against_the_history(
    applied: Workspace, remote: Remote, cli: Cli, stamps: StampServer
) -> None:
    """It is of a text that a person makes again with git and sha256sum, and openssl agrees."""
    before = remote.tip()
    done = cli.json("lock", "anchor")
    assert (done["exitCode"], done["commit"], done["new"]) == (0, before, True)
    (path,) = paths(remote)
    kept = on_branch(remote, path)
    assert path == f"anchors/{kept['serial']}.json" == done["file"]
    assert kept["commit"] == before
    assert remote.git("diff", "--name-status", before, BRANCH).split() == ["A", path]
    response = base64.b64decode(kept["timeStamp"]["response"])
    stamps.authority.check(response, kept["contents"].removeprefix("v1:sha256:"))
    ((headers, _),) = stamps.asked
    assert headers["Content-Type"] == "application/timestamp-query"
    assert not {"authorization", "cookie"} & {name.lower() for name in headers}

    checked = cli.json("lock", "verify")
    assert (checked["exitCode"], checked["problems"]) == (0, [])
    (held,) = checked["anchors"]
    assert (held["file"], held["stands"], held["stamped"]) == (path, True, True)
