"""Nothing that files or servers say becomes a command of the Actions runner.

The parser is a replica of the runner's own (`ActionCommand.TryParseV2`, `TryParse`): the new
form at the start of a line after trimming, the old one anywhere in it.
"""

import json
import re

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.git import Workspace
from tests.helpers.specs import CONNECTOR, SANDBOX_PROJECT, WORKFLOW, spec

COMMANDS = (
    "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group",
    "internal-set-repo-path", "notice", "remove-matcher", "save-state", "set-env", "set-output",
    "stop-commands", "warning",
)  # fmt: skip
HOSTILE = (
    "::error::x", "x\n::set-env name=A::b", "##[add-matcher]x", "a ##[set-output name=a]b",
    "\r::warning::x", "\u2028::notice::x", "\x85::group::x", "  ::debug::x", "\u200b::error::x",
    "::::error::x", "####[[error]x", "##[##[error]]", "\x1b[2J\x1b[1A::error::x", "\u202e::rorre",
    "@octocat <img src=x> |`x`| <!-- x --> [a](b)", "`::error::`",
)  # fmt: skip


def commands(text: str) -> list[str]:
    """What the runner would take for commands."""
    found = []
    for line in re.split(r"\r\n|\n|\r", text):
        trimmed = line.lstrip()
        if trimmed.startswith("::"):
            end = trimmed.find("::", 2)
            if end > 0 and trimmed[2:end].split(" ")[0].lower() in COMMANDS:
                found.append(line)
        at = line.find("##[")
        if at >= 0:
            end = line.find("]", at)
            if end > at and line[at + 3 : end].split(" ")[0].lower() in COMMANDS:
                found.append(line)
    return found


def test_the_replica_finds_commands() -> None:
    for line in ("::error::x", "  ::set-env name=A::b", "log ##[add-matcher]x", "##[group]"):
        assert commands(line), line
    assert commands("a ::error::x") == []
    assert commands(":\u200b:error::x") == []


def harmless(done: Done) -> None:
    text = done.out + done.err
    assert commands(text) == []
    assert not {"\x1b", "\u202e", "\u2028", "\x85", "\r"} & set(text)


@pytest.fixture
def hostile(workspace: Workspace) -> Workspace:
    """A repository full of hostile words: names, keys, values, labels, settings."""
    connectors = {CONNECTOR: HOSTILE[1]}
    project = SANDBOX_PROJECT.replace(
        "{platform: sandbox}", json.dumps({"platform": "sandbox", "connectors": connectors})
    )
    workspace.write("qflow.yaml", project)
    for number, words in enumerate(HOSTILE):
        quoted = json.dumps(words)
        workspace.write(
            f"runs/valid-{number}.yaml",
            spec(
                f"valid-{number}",
                words,
                metadata=f"  annotations: {{{quoted}: {quoted}}}\n  labels: {{a: {quoted}}}\n",
                extra=f"  connectorType: aws\n"
                f"  variables: {{connectorId: {CONNECTOR}, {quoted}: {quoted}}}\n",
            ),
        )
    catalog = {
        "apiVersion": "qflow-gitops/v1", "kind": "Workflow", "id": WORKFLOW, "name": HOSTILE[0],
        "variables": {HOSTILE[2]: "string"},
    }  # fmt: skip
    workspace.write(f"workflows/{WORKFLOW}.json", json.dumps(catalog))
    workspace.commit(HOSTILE[1])
    return workspace


def test_plans_and_findings(hostile: Workspace, cli: Cli) -> None:
    for arguments in (
        ("validate",), ("-v", "validate"), ("plan",), ("plan", "--full"), ("workflows", "list"),
        ("plan", "--format", "markdown"), ("validate", "--format", "markdown"), ("status",),
        ("workflows", "show", WORKFLOW), ("workflows", "new", WORKFLOW),
    ):  # fmt: skip
        harmless(cli(*arguments))


@pytest.mark.fault(42)
def test_json_and_sarif_hold_the_words_and_no_command(hostile: Workspace, cli: Cli) -> None:
    """Of both forms: on a runner's log a line of a report is a line like any other."""
    words = "a ##[set-output name=a]b ##[add-matcher]c"
    hostile.write("runs/bad.yaml", spec("x", extra=f"  {json.dumps(words)}: 1\n"))
    for arguments in (("validate", "--format", "json"), ("validate", "--format", "sarif")):
        done = cli(*arguments)
        harmless(done)
        assert words in json.dumps(json.loads(done.out))
    hostile.remove("runs/bad.yaml")
    done = cli("plan", "--full", "--format", "json")
    harmless(done)
    assert all(json.dumps(one)[1:-1] in json.dumps(json.loads(done.out)) for one in HOSTILE)


def test_findings_about_hostile_files(hostile: Workspace, cli: Cli) -> None:
    for number, words in enumerate(HOSTILE):
        quoted = json.dumps(words)
        hostile.write(f"runs/bad-{number}.yaml", spec("x", extra=f"  {quoted}: {quoted}\n"))
        hostile.write(f"runs/raw-{number}.yaml", f"a: [{words}\n")
        hostile.write(
            f"runs/name-{number}.yaml", spec(quoted, metadata=f"  environment: {quoted}\n")
        )
        name = words.replace("/", "").replace("\n", "").replace("\r", "")
        hostile.write(f"runs/{name[:60]}.yaml", spec(f"file-{number}"))
    for arguments in (
        ("validate",),
        ("-v", "validate"),
        ("migrate", "--diff"),
        ("plan", "--worktree"),
    ):
        harmless(cli(*arguments))
    annotations = cli("validate", "--format", "github").out
    lines = annotations.splitlines()
    assert len(lines) == 21
    assert all(re.match(r"::(error|warning|notice) ", line) for line in lines)
    assert not any("##[" in line for line in lines)


def test_an_apply_and_its_record(hostile: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    harmless(cli("apply", "--yes"))
    harmless(cli("status"))
    harmless(cli("history"))
    for number, words in enumerate(HOSTILE):
        hostile.write(f"runs/valid-{number}.yaml", spec(f"valid-{number}", ["changed", words]))
    hostile.commit()
    harmless(cli("plan"))
    harmless(cli("plan", "--format", "markdown"))


def test_errors_quote_nothing_raw(hostile: Workspace, cli: Cli) -> None:
    for words in HOSTILE:
        for arguments in (
            ("plan", "--from", words), ("plan", "-e", words), ("history", words), ("rules", words),
            ("validate", words), ("workflows", "show", words), (words,), ("plan", f"--{words}"),
            ("plan", "--ack", words), ("validate", "--report", words),
        ):  # fmt: skip
            done = cli(*arguments)
            assert done.code != 0
            harmless(done)


def test_a_rerun_for_a_hostile_reason_in_a_hostile_file(hostile: Workspace, cli: Cli) -> None:
    name = "runs/::error::a ##[add-matcher]b.yaml"
    hostile.write(name, spec("odd"))
    for number, words in enumerate(HOSTILE):
        harmless(cli("rerun", "odd", "--reason", words))
        harmless(cli("rerun", f"valid-{number}", "--reason", words))
        harmless(cli("rerun", words, "--reason", words))
    assert "  rerun: " in hostile.read(name)


def test_markdown_keeps_words_in_code(hostile: Workspace, cli: Cli) -> None:
    text = cli("plan", "--format", "markdown").out
    outside = re.sub(
        r"(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"(?ms)^(`{3,})\w+\n.*?^\1$", "", text)
    )
    assert "octocat" in text
    assert "octocat" not in outside
    assert "<img" not in outside
    assert "<!--" not in outside
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert len(rows) == len(HOSTILE) + 2
    assert widths == {6}
