"""What `sensitive` and the leak rules mask is in no file that a report writes, as it is typed.

Over real git and the sandbox: each format, the pages, the statements and a deposited anchor, for
values in the midst of what people and Qualys wrote.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import click
import pytest

from qflow_gitops.cli.report import command
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import spec
from tests.helpers.statements import ENDING, sound

REASON = 'Ada "L" and Grace were seen by the guard & co at number 4711'
NESTED = "needle/in-a-haystack"
ECHOED = "the role of the connector may not do this"
"""What the sandbox's failing step says: as if Qualys echoed it."""
NUMBER = 471_147_114
TOKEN = "gh" + "p_" + "a1B2" * 9
SPEC = spec("a", extra=f"""\
  targets:
    - {{name: us, input: {{reason: {json.dumps(REASON)}, deep: [{{er: {NESTED}}}], n: {NUMBER}}}}}
    - {{name: eu, input: {{reason: {json.dumps(ECHOED)}}}}}
  sensitive: [/input/reason, /input/deep, /input/n]
""", metadata=f"""\
  annotations:
    link: https://wiki.example/?q={quote(REASON)}
    where: "{NESTED}, that is {quote(NESTED, safe='')}"
    count: "{NUMBER}"
""")  # fmt: skip
MESSAGE = f"""\
Look for {NESTED}

They said: {REASON.replace("and Grace ", "and Grace{}  ").format(chr(10))}.
> {REASON.replace("by the ", "by the{}> ").format(chr(10))}
{json.dumps({"reason": json.dumps(REASON)})} n={NUMBER} password=hunter2
Pushed with https://robot:{TOKEN}@git.example/x and https://ada:hunter2@git.example/y
"""
WORDS = (
    *("Grace were", "were seen", "4711", "guard", "needle", "haystack", "may not do this"),
    *(str(NUMBER), f"{NUMBER:,}", TOKEN[:12], "hunter2", "Grace%20were", "Grace+were"),
)


@pytest.fixture
def applied(remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer) -> Workspace:
    """A run whose values stand in its commit, its annotations, a reason, and a step's message."""
    workspace.write("runs/a.yaml", SPEC)
    workspace.publish(MESSAGE)
    sandbox.set_faults("fail=resource")
    assert cli("apply", "--yes").code == 1
    sandbox.set_faults()
    assert cli("freeze", "--reason", f"{REASON}; {NESTED}").code == 0
    assert cli("unfreeze", "--reason", quote(REASON)).code == 0
    return workspace


def leaks(content: str) -> list[str]:
    return [word for word in WORDS if word.casefold() in content.casefold()]


def written(folder: Path) -> Mapping[str, str]:
    return {str(path): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


def formats() -> list[str]:
    (option,) = (one for one in command.params if one.name == "format_name")
    assert isinstance(option.type, click.Choice)
    return list(option.type.choices)


def test_nothing_that_is_masked_is_in_anything_that_a_report_writes(
    applied: Workspace, cli: Cli, remote: Remote
) -> None:
    assert leaks(MESSAGE + SPEC)
    for format_name in formats():
        for words in ((), ("--live",), ("prod/a/us", "prod/a/eu", "--live")):
            done = cli("report", "--format", format_name, *words)
            assert done.code == 0, done
            assert leaks(done.out + done.err) == [], (format_name, words)
            if format_name in ("json", "csv", "html", "ocsf"):
                assert "(sensitive)" in done.out
    steps = cli.json("report", "prod/a/eu", "--live")["runs"][0]["attempts"][0]["steps"]
    assert "AccessDenied: (sensitive) in step" in json.dumps(steps)
    for option in ("--output", "--statements"):
        assert cli("report", option, "../out" + option).code == 0
        for path, content in written(applied.path.parent / ("out" + option)).items():
            assert leaks(content) == [], path
            assert not path.endswith(ENDING) or sound(content.encode())
    assert cli("lock", "anchor", "--to", "../anchor.json").code == 0
    assert leaks((applied.path.parent / "anchor.json").read_text("utf-8")) == []


@pytest.mark.parametrize("depth", ["--depth=1", "--filter=blob:none"])
def test_where_the_clone_lacks_its_commit_that_is_said(
    depth: str, applied: Workspace, remote: Remote, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody knows then what is sensitive; of what Qualys said nothing was recorded unmasked."""
    applied.remove("runs/a.yaml")
    applied.publish("It is done")
    clone = remote.clone("partial", depth)
    for format_name in formats():
        done = Cli(clone.path, capfd)("report", "--format", format_name, "prod/a/eu")
        assert done.code == 0, done
        if depth == "--depth=1":
            assert "may not do this" not in done.out
            said = "Nor is what its spec calls sensitive"
            assert said in done.out or format_name in ("markdown", "ocsf")
        else:
            assert leaks(done.out) == [], format_name
