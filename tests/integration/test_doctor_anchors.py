"""What a doctor says where the settings name a time-stamp server: it looks, and asks none."""

import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.hints import follow
from tests.helpers.specs import spec
from tests.helpers.stamps import StampServer, certificate, name_server
from tests.helpers.typed import commands

EXTRA, CERTIFICATE, NEWEST = NAMES = ("anchor-extra", "anchor-certificate", "anchors")
DAY = 86_400.0
Lines = Mapping[str, Mapping[str, Any]]


def looked(cli: Cli, *words: str) -> Lines:
    """What is said of anchors, by the checks' names."""
    checks = cli.json("doctor", "repository", *words)["checks"]
    return {check["name"]: check for check in checks if check["name"] in NAMES}


def results(lines: Lines) -> list[str]:
    return [lines[name]["result"] for name in NAMES]


@pytest.fixture
def applied(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, stamps: StampServer
) -> Workspace:
    """A project whose settings name the server, applied once."""
    name_server(workspace, stamps)
    assert cli("apply", "--yes").code == 0
    return workspace


def test_nothing_is_said_where_the_settings_name_no_server(shared: Workspace, cli: Cli) -> None:
    assert looked(cli) == {}


def test_what_a_time_stamp_takes_is_looked_at_and_no_server_is_asked(
    applied: Workspace, cli: Cli, stamps: StampServer
) -> None:
    assert "none yet; what was recorded since 20" in looked(cli)[NEWEST]["found"]
    file = cli.json("lock", "anchor")["file"]
    asked = len(stamps.asked)
    stamps.close()
    for words in ((), ("--offline",)):
        lines = looked(cli, *words)
        assert results(lines) == ["ok"] * 3, lines
        assert lines[CERTIFICATE]["found"].startswith("tsa.pem at commit ")
        assert "3649 days more" in lines[CERTIFICATE]["found"]
        assert lines[NEWEST]["found"].startswith(f"{file} of 20")
    assert len(stamps.asked) == asked


def test_without_the_extra_only_that_is_said(
    applied: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    lines = looked(cli)
    assert results(lines) == ["warning", "unknown", "ok"]
    assert "`pip install 'rfc3161-client" in lines[EXTRA]["hint"]


def test_a_server_that_was_merged_waits_for_an_apply(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, stamps: StampServer
) -> None:
    assert cli("apply", "--yes").code == 0
    name_server(workspace, stamps)
    lines = looked(cli)
    assert results(lines) == ["ok", "warning", "ok"]
    (apply, *_) = commands(lines[CERTIFICATE]["hint"])
    follow(cli, f"{apply} --yes")
    assert results(looked(cli)) == ["ok"] * 3


@pytest.mark.parametrize(
    ("begin", "end", "result"), [(-9, 5, "warning"), (-9, -1, "failed"), (1, 9, "failed")]
)
def test_a_certificate_that_is_over_gets_a_newer_one(
    begin: int, end: int, result: str, applied: Workspace, cli: Cli
) -> None:
    now = datetime.now(UTC)
    days = [now + timedelta(days=each) for each in (begin, end, 900)]
    old = certificate(days[0], days[1])
    applied.write("tsa.pem", old)
    applied.publish("the wrong one")
    assert results(looked(cli)) == ["ok"] * 3, "what counts is what was applied last"
    assert cli("apply", "--yes").code == 0
    lines = looked(cli)
    assert results(lines) == ["ok", result, "ok"]
    applied.write("tsa.pem", old + certificate(now - timedelta(days=1), days[2]))
    applied.publish("a newer one")
    (apply,) = commands(lines[CERTIFICATE]["hint"])
    follow(cli, f"{apply} --yes")
    assert results(looked(cli)) == ["ok"] * 3


@pytest.mark.parametrize(("text", "says"), [(None, "isn't there"), ("a note", "no certificate")])
def test_a_file_that_holds_none(text: str | None, says: str, applied: Workspace, cli: Cli) -> None:
    if text is None:
        applied.remove("tsa.pem")
    else:
        applied.write("tsa.pem", text)
    applied.publish("none")
    assert cli("apply", "--yes").code == 0
    lines = looked(cli)
    assert results(lines) == ["ok", "failed", "ok"]
    assert says in lines[CERTIFICATE]["found"]
    assert "tsa.pem at commit" in lines[CERTIFICATE]["found"]


def test_what_has_no_anchor_for_more_than_a_week_gets_one(
    applied: Workspace, cli: Cli, later: Callable[[float], None]
) -> None:
    assert cli("lock", "anchor").code == 0
    later(60 * DAY)
    assert results(looked(cli)) == ["ok"] * 3, "nothing was recorded since"
    later(0)
    time.sleep(1.1)  # of the anchor's own second nobody can tell what came first
    applied.write("runs/more.yaml", spec("more"))
    applied.publish("more")
    assert cli("apply", "--yes").code == 0
    assert results(looked(cli)) == ["ok"] * 3
    later(9 * DAY)
    lines = looked(cli)
    assert results(lines) == ["ok", "ok", "warning"]
    later(0)
    (command,) = commands(lines[NEWEST]["hint"])
    follow(cli, command)
    later(9 * DAY)
    assert results(looked(cli)) == ["ok"] * 3


def test_a_clone_that_is_cut_off_cant_tell_which_one_counts(
    applied: Workspace, remote: Remote, cli: Cli
) -> None:
    other = Cli(remote.clone("other", "--depth=1").path, cli._capfd)
    assert results(looked(other)) == ["ok", "unknown", "ok"]


def test_a_lockfile_that_cant_be_read_is_said_once(applied: Workspace, cli: Cli) -> None:
    settings = (applied.path / "qflow.yaml").read_text()
    applied.write(
        "qflow.yaml", settings.replace("store: branch", f"store: branch, lineage: '{'0' * 32}'")
    )
    applied.publish("another lockfile's")
    assert results(looked(cli)) == ["ok", "unknown", "unknown"]


def test_a_file_of_the_work_tree_has_no_anchors(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    settings = (project.path / "qflow.yaml").read_text()
    settings += "  anchor: {url: 'https://tsa.example.com/tsr', certificate: tsa.pem}\n"
    project.write("qflow.yaml", settings)
    project.commit("a time-stamp server")
    lines = looked(cli)
    assert [*lines] == [NEWEST]
    assert lines[NEWEST]["result"] == "failed"
    assert "`qflow-gitops lock move --to branch`" in lines[NEWEST]["hint"]
