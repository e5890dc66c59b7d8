"""`sandbox executions` tells what a running sandbox executed, and what to do where none runs."""

from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.cli.test_golden import Golden, golden
from tests.helpers.cli import Cli
from tests.helpers.github_api import GitHubApi
from tests.helpers.specs import CONNECTOR, WORKFLOW

__all__ = ["golden"]
BODY: dict[str, Any] = {"input": {"bucketName": "one"}, "variables": {"region": "us-east-1"}}


def begun(sandbox: SandboxServer) -> None:
    """Two executions of long ago, one of which is another's."""
    sandbox.add_foreign(WORKFLOW, BODY, source="PUBLIC_API", created=1_700_000_000.0)
    sandbox.add_foreign(CONNECTOR, {"input": {"text": "x" * 1000}}, created=1_700_000_060.0)


def test_it_tells_what_was_executed(sandbox: SandboxServer, cli: Cli, golden: Golden) -> None:
    done = cli("sandbox", "executions")
    assert done.out == f"Nothing was executed at {sandbox.url} yet.\n"
    begun(sandbox)
    done = cli("sandbox", "executions")
    ids = [one["id"] for one in sandbox.executions(foreign=True)]
    text = done.out.replace(sandbox.url, "<url>")
    for number, one in enumerate(ids, 1):
        text = text.replace(one, f"<execution {number}>")
    golden("sandbox-executions", type(done)(done.code, text, done.err))
    said = cli("sandbox", "executions", "--limit", "1").out.splitlines()[-1]
    assert cli(*said.split("`")[1].split()[1:]).out == done.out
    data = cli.json("sandbox", "executions", "--limit", "1")
    (newest,) = data["executions"]
    assert (data["total"], newest["execution"], newest["source"]) == (2, ids[1], "WORKFLOW_TRIGGER")
    assert len(newest["request"]["input"]["text"]) == 1000
    assert (newest["begun"], newest["ended"]) == ("2023-11-14T22:14:20Z",) * 2


def test_hostile_requests_are_made_safe(sandbox: SandboxServer, cli: Cli) -> None:
    hostile = "\x1b[2J\u202e::error::x"
    sandbox.add_foreign(WORKFLOW, {"input": {hostile: hostile}}, source=hostile)
    done = cli("sandbox", "executions")
    assert done.code == 0
    assert not {"\x1b", "\u202e"} & {*done.out}
    assert "::error" not in done.out


@pytest.mark.parametrize(
    ("url", "code", "reason", "way"),
    [
        ("http://10.0.0.1:80", 2, "gateway_form", "http://127.0.0.1:8080"),
        ("https://gateway.qg1.apps.qualys.com", 2, "gateway_form", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:9", 12, "sandbox_unreachable", "`qflow-gitops sandbox --port 8080`"),
    ],
)
def test_where_there_is_none(url: str, code: int, reason: str, way: str, cli: Cli) -> None:
    data = cli.json("sandbox", "executions", "--url", url)
    assert (data["exitCode"], data["reason"]) == (code, reason)
    assert way in data["error"]["hint"]


def test_without_an_address_it_asks_for_one(cli: Cli) -> None:
    done = cli("sandbox", "executions")
    assert (done.code, "export QFLOW_GATEWAY=" in done.err) == (2, True)


def test_another_server_is_no_sandbox(cli: Cli, api: GitHubApi) -> None:
    data = cli.json("sandbox", "executions", "--url", api.environ["GITHUB_API_URL"])
    assert data["reason"] == "sandbox_other"


def test_what_an_older_data_file_holds_is_told(tmp_path: Path, cli: Cli) -> None:
    """A body that is no object, which only another program can have put there."""
    with SandboxServer(data=tmp_path / "data") as server:
        server.add_foreign(WORKFLOW, [1])  # type: ignore[arg-type]
        assert cli("sandbox", "executions", "--url", server.url).code == 0


@pytest.mark.parametrize("words", [("--port", "0"), ("--data", "x"), ("--fault", "400")])
def test_options_of_a_start_are_refused_before_it(
    words: tuple[str, str], sandbox: SandboxServer, cli: Cli
) -> None:
    done = cli("sandbox", *words, "executions")
    assert (done.code, f"{words[0]} is for starting a sandbox" in done.err) == (2, True)


def test_help_still_starts_it_and_names_the_command(cli: Cli) -> None:
    said = cli("sandbox", "--help").out
    assert "--port" in said
    assert "executions" in said
