"""Faults of the field as a user meets them, through the command line alone.

So each can be held against any earlier program (`tests/helpers/faults.py`), which hasn't got the
modules that their siblings are tested in. The kind stands at each mark, or beside the test; what
other readers make of a text is in `tests/unit/test_other_readers.py`.
"""

import json
import subprocess
import sys
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, WORKFLOW, spec

HEAD = f"""\
apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata: {{name: a}}
spec:
  workflowId: {WORKFLOW}
"""
COLON, LAST, NUMBER = "yaml-syntax", "yaml-last-line", "yaml-number"
DIGITS = "yaml-integer-range"


def said(cli: Cli, workspace: Workspace, text: str) -> list[tuple[str, str, int, str]]:
    """Give rule, severity, line and message of each finding of a spec."""
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    workspace.write("runs/a.yaml", text)
    found = cli.json("validate", "runs/a.yaml")["diagnostics"]
    return [
        (one["rule"], one["severity"], one["range"]["start"]["line"], one["message"])
        for one in found
    ]


@pytest.mark.parametrize(
    ("rest", "rule", "severity"),
    [
        pytest.param("  input: {a:, b: 1}\n", COLON, "error", marks=pytest.mark.fault(1)),
        pytest.param("  input: {a:}\n", COLON, "error", marks=pytest.mark.fault(1)),
        pytest.param("  input: {a: [:]}\n", COLON, "error", marks=pytest.mark.fault(1)),
        pytest.param("  input:\n    a: |\n      b", LAST, "error", marks=pytest.mark.fault(2)),
        pytest.param("  input:\n    a: >+\n      b", LAST, "error", marks=pytest.mark.fault(2)),
        pytest.param("  input: {a: 12345678901234567890.0}\n", DIGITS, "error",
                     marks=pytest.mark.fault(3)),
        pytest.param("  input: {a: 9007199254740993.0}\n", DIGITS, "error",
                     marks=pytest.mark.fault(3)),
        pytest.param("  input: {a: 1_000}\n", NUMBER, "warning", marks=pytest.mark.fault(4)),
        pytest.param("  input: {a: 0b11}\n", NUMBER, "warning", marks=pytest.mark.fault(4)),
        pytest.param("  input: {a: 12:30}\n", NUMBER, "warning", marks=pytest.mark.fault(4)),
        pytest.param("  input:\n    a: [1,\n2]\n", "yaml-syntax", "error",
                     marks=pytest.mark.fault(6)),
        pytest.param("  input:\n    a: 'b\n  c'\n", "yaml-syntax", "error",
                     marks=pytest.mark.fault(6)),
        pytest.param("  input:\n    b:\n    |\n      c\n", "yaml-syntax", "error",
                     marks=pytest.mark.fault(6)),
    ],
)  # fmt: skip
def test_what_another_reader_makes_something_else_of_is_said(
    rest: str, rule: str, severity: str, workspace: Workspace, cli: Cli
) -> None:
    found = [(one[0], one[1]) for one in said(cli, workspace, HEAD + rest)]
    assert found == [(rule, severity)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param(f"%YAML 1.2\n---\n{HEAD}", ("yaml-directive", 1), marks=pytest.mark.fault(5)),
        pytest.param(f"%FOO bar\n---\n{HEAD}", ("yaml-directive", 1), marks=pytest.mark.fault(44)),
        pytest.param(f"{HEAD}<<<<<<< HEAD\n  input: {{a: 1}}\n", ("yaml-syntax", 6),
                     marks=pytest.mark.fault(5)),
        pytest.param("apiVersion: qflow-gitops/v1\nkind: WorkflowRun\nmetadata:\n  name\n"
                     "  labels: {a: b}\n", ("yaml-syntax", 4), marks=pytest.mark.fault(5)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_stands(
    text: str, place: tuple[str, int], workspace: Workspace, cli: Cli
) -> None:
    assert [(one[0], one[2]) for one in said(cli, workspace, text)] == [place]


@pytest.mark.fault(5)
@pytest.mark.parametrize("line", ["input: {a: 1}\t# c", "rerun:\t1"])
def test_a_tab_within_a_line_is_no_matter_of_indentation(
    line: str, workspace: Workspace, cli: Cli
) -> None:
    ((_, _, at, message),) = said(cli, workspace, f"{HEAD}  {line}\n")
    assert (at, "tab" in message, "indent" in message) == (6, True, False)


@pytest.mark.fault(5)
def test_a_conflict_marker_is_called_one(workspace: Workspace, cli: Cli) -> None:
    ((_, _, _, message),) = said(cli, workspace, f"{HEAD}>>>>>>> topic\n")
    assert "conflict marker" in message


@pytest.mark.fault(5)
@pytest.mark.parametrize("line", ["input: *x", "input:\n  input: {a: 1}"])
def test_one_cause_is_one_finding(line: str, workspace: Workspace, cli: Cli) -> None:
    assert len(said(cli, workspace, f"{HEAD}  {line}\n")) == 1


@pytest.mark.fault(8)
@pytest.mark.parametrize("region", ["us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1"])
def test_a_region_that_the_cloud_lists_is_one(region: str, workspace: Workspace, cli: Cli) -> None:
    text = f"{HEAD}  connectorType: aws\n  variables:\n    region: {region}\n"
    text += "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a\n"
    assert said(cli, workspace, text) == []


@pytest.mark.fault(9)
@pytest.mark.parametrize("name", ["workflow-run", "project"])
def test_no_schema_has_words_that_only_an_editor_knows(name: str, cli: Cli) -> None:
    """What loads in ajv's strict mode: `tests/contract/test_second_validator.py`."""
    shown = cli("schema", "show", name)
    assert shown.code == 0
    for word in ("defaultSnippets", "errorMessage", "markdownDescription"):
        assert f'"{word}"' not in shown.out


@pytest.mark.fault(11)
def test_a_window_that_is_wider_than_it_looks_is_warned_of(workspace: Workspace, cli: Cli) -> None:
    window = "{windows: [{allow: '0 2 1-7 * SUN', duration: 1h, timezone: UTC}]}"
    workspace.write("qflow.yaml", SANDBOX_PROJECT + f"  policy: {window}\n")
    workspace.write("runs/a.yaml", spec("a"))
    (found,) = cli.json("validate")["diagnostics"]
    assert (found["severity"], "cron" in found["rule"]) == ("warning", True)


def ran(folder: Path, *words: str, seconds: float) -> dict[str, Any]:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "qflow-gitops"), *words, "--format", "json"],
        cwd=folder, capture_output=True, timeout=seconds,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.fault(13)
def test_no_text_of_a_change_keeps_a_policy_busy(project: Workspace) -> None:
    """What takes a backtracking engine longer than anybody waits."""
    rule = "{require: {annotations: {ticket: '(a|aa)+'}}}"
    project.write("qflow.yaml", SANDBOX_PROJECT + f"  policy: {rule}\n")
    metadata = f"  annotations: {{ticket: {'a' * 80}b}}\n"
    project.write("runs/a.yaml", spec("a", metadata=metadata))
    project.commit()
    changes = {one["name"]: one for one in ran(project.path, "plan", seconds=60)["changes"]}
    assert changes["a"]["reason"] == "policy"


@pytest.mark.fault(40)
@pytest.mark.parametrize("words", ["012", "{a: 1}"])
def test_thousands_of_findings_on_a_line_are_bounded(words: str, project: Workspace) -> None:
    """2,000 of them took 25 s, and four times as many sixteen times as long."""
    place = "connectorType" if "{" in words else "input: {x"
    end = "" if "{" in words else "}"
    many = ", ".join([words] * 8_000)
    project.write("runs/a.yaml", f"{HEAD}  {place}: [{many}]{end}\n")
    assert len(ran(project.path, "validate", seconds=60)["diagnostics"]) < 200


@pytest.mark.fault(44)
def test_what_git_takes_for_a_range_is_no_revision(project: Workspace, cli: Cli) -> None:
    project.commit("two")
    done = cli("plan", "--from", "^HEAD")
    assert done.code == 2, done


@pytest.mark.fault(44)
@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "http://127.0.0.1:x"])
def test_a_port_that_cant_be_is_a_usage_error(
    address: str, project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFLOW_GATEWAY", address)
    monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
    monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
    assert cli("apply", "--yes").code == 2


@pytest.mark.fault(10)
def test_a_window_is_held_against_the_newer_of_two_installed_zones(
    project: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system whose New York has the clocks of UTC, as old as the oldest data can be."""
    (tmp_path / "America").mkdir()
    utc = files("tzdata").joinpath("zoneinfo", "UTC").read_bytes()
    (tmp_path / "America" / "New_York").write_bytes(utc)
    (tmp_path / "tzdata.zi").write_text("# version 2000a\n")
    monkeypatch.setenv("PYTHONTZPATH", str(tmp_path))
    there = datetime.now(ZoneInfo("America/New_York"))
    begins = f"{there.minute} {there.hour} * * *"
    window = f"{{allow: '{begins}', duration: 1h, timezone: America/New_York}}"
    project.write("qflow.yaml", SANDBOX_PROJECT + f"  policy: {{windows: [{window}]}}\n")
    project.commit()
    (change,) = ran(project.path, "plan", seconds=60)["changes"]
    assert change["action"] == "run", change
