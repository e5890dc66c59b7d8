"""`validate`'s formats, copies and strictness, as a CI job uses them."""

import json
import os
from pathlib import Path

import pytest

from qflow_gitops.base.forks import spread
from qflow_gitops.cache.database import SqliteCache
from qflow_gitops.cache.loading import CachedLoader
from qflow_gitops.commands.validate import validate
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.specs.filenames import spec_name
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.node import NODE, requires_node

WARNED = """\
apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata: {name: b}
spec:
  workflowId: 6cad21c8-4405-4517-beb9-7372feafb5b4
  connectorType: aws
  variables: {region: us-eats-1}
"""


def test_strict_fails_on_warnings_alone(project: Workspace, cli: Cli) -> None:
    project.write("runs/b.yaml", WARNED)
    assert cli("validate").code == 0
    assert cli("validate", "--strict").code == 3
    assert cli.json("validate", "--strict")["reason"] == "warnings"


def test_copies_are_written_beside_the_text(project: Workspace, cli: Cli, tmp_path: Path) -> None:
    project.write("runs/b.yaml", WARNED.replace("region", "regoin"))
    copies = {name: tmp_path / name for name in ("json", "sarif", "junit", "github", "markdown")}
    done = cli("validate", *(f"--report={name}={file}" for name, file in copies.items()))
    assert done.code == 0
    assert "variable-near-miss" in done.out
    for file in copies.values():
        assert "variable-near-miss" in file.read_text(encoding="utf-8")


def test_a_copy_that_cannot_be_written_hides_nothing(project: Workspace, cli: Cli) -> None:
    done = cli("validate", "--report", "json=/dev/full")
    assert (done.code, "No problem found" in done.out) == (2, True)
    assert "/dev/full: The report can't be written" in done.err
    project.write("runs/b.yaml", WARNED.replace("name: b", "name: B"))
    assert cli("validate", "--report", "json=/dev/full").code == 3


@pytest.mark.fault(18)
@pytest.mark.parametrize("place", ["gone/report.json", "", "file/report.json"])
@pytest.mark.parametrize(
    "words", [("apply", "--yes"), ("baseline", "encrypt-prod-buckets", "--reason", "x"), ("plan",)]
)
def test_a_report_without_a_place_is_found_out_before_anything_is_sent(
    words: tuple[str, ...],
    place: str,
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    tmp_path: Path,
) -> None:
    """The kind: what can only go wrong after the deed, and could be seen before."""
    (tmp_path / "file").touch()
    other = tmp_path / "other.json"
    done = cli(*words, f"--report=json={tmp_path / place}", f"--report=json={other}")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("The report can't be written") == 1
    assert "Nothing was done." in done.err
    assert json.loads(other.read_bytes())["error"]["notDone"] == "Nothing was done."
    assert not sandbox.requests()
    assert not (project.path / "qflow.lock").exists()


@pytest.mark.fault(18)
def test_a_report_into_a_folder_that_nobody_may_write_to(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write anywhere, so it is asked as somebody who may not."""
    monkeypatch.setattr(os, "access", lambda _path, mode, **_: mode != os.W_OK)
    done = cli("apply", "--yes", "--report", "json=report.json")
    assert (done.code, sandbox.executions()) == (2, [])
    assert "Permission denied" in done.err


def test_a_slip_in_report_is_found_before_anything_is_done(project: Workspace, cli: Cli) -> None:
    for wrong in ("sarif", "xml=a", "json="):
        done = cli("validate", "--report", wrong)
        assert (done.code, done.out) == (2, "")
        assert "FORMAT=FILE" in done.err


def test_reports_hold_the_findings_also_where_the_settings_are_broken(
    project: Workspace, cli: Cli, tmp_path: Path
) -> None:
    project.write("qflow.yaml", "kind: nonsense\n")
    done = cli("validate", f"--report=sarif={tmp_path / 'a'}", f"--report=junit={tmp_path / 'b'}")
    assert done.code == 3
    (result,) = json.loads((tmp_path / "a").read_text())["runs"][0]["results"]
    assert result["ruleId"] == "schema-kind"
    assert 'failures="1"' in (tmp_path / "b").read_text()


def test_a_file_that_may_not_be_read_is_a_finding(
    project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.access

    def access(path: bytes, mode: int) -> bool:  # root may read everything, so it is acted here
        return not os.fsencode(path).endswith(b"closed.yaml") and real(path, mode)

    project.write("runs/closed.yaml", WARNED)
    monkeypatch.setattr(os, "access", access)
    loader = CachedLoader(SqliteCache(project.path / "cache"), spread)
    report = validate(GitRepo.open(project.path, os.environ), "EU2", loader, lambda _: None)
    (one,) = [one for one in report.diagnostics if one.rule == "file-unreadable"]
    assert (one.file, int(report.exit_code)) == ("runs/closed.yaml", 3)
    assert spec_name(b"runs/notes.txt", "unreadable") == (None, None)


def test_settings_that_are_a_link_are_refused(project: Workspace, cli: Cli) -> None:
    (project.path / "qflow.yaml").rename(project.path / "other.yaml")
    (project.path / "qflow.yaml").symlink_to("other.yaml")
    done = cli("validate")
    assert (done.code, "[file-kind]" in done.out) == (3, True)


@requires_node
def test_sarif_is_accepted_by_its_own_validator(
    project: Workspace, cli: Cli, tmp_path: Path
) -> None:
    import subprocess

    project.write("runs/b.yaml", WARNED.replace("name: b", "name: B"))
    project.write("runs/c.yaml", WARNED.replace("workflowId", "workflow-id"))
    project.write("runs/ü x.yaml", "a: [")
    file = tmp_path / "report.sarif"
    assert cli("validate", "--report", f"sarif={file}").code == 3
    tool = NODE / "@microsoft/sarif-multitool-linux/Sarif.Multitool"
    tool.chmod(0o755)
    done = subprocess.run(
        [tool, "validate", file, "--level", "Error;Warning;Note"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    complaints = [line for line in done.stdout.splitlines() if ": error " in line]
    assert (done.returncode, complaints) == (0, []), done.stdout
    assert "Analysis completed successfully" in done.stdout


def test_a_migration_shows_nothing_sensitive(project: Workspace, cli: Cli) -> None:
    legacy = (
        "  connectorType: aws\n  input: {reason: kanarienvogel}\n  sensitive: [/input/reason]\n"
        "  variables: {credentials: aa70acae-6ea8-3acf-b504-f327855b316a}\n"
    )
    project.write("runs/b.yaml", "".join(WARNED.partition("  connectorType")[:1]) + legacy)
    done = cli("migrate", "--diff")
    assert "+  variables: {connectorId: aa70acae" in done.out
    assert "kanarienvogel" not in done.out


@pytest.mark.parametrize(
    ("taken", "said"), [(0, "text\n"), (1024 * 1024 - 100, "No more fits"), (1024 * 1024 - 5, "")]
)
def test_several_results_in_one_summary_are_no_more_than_github_takes(
    taken: int,
    said: str,
    project: Workspace,
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of more than 1 MiB it takes nothing at all."""
    file = tmp_path / "summary"
    file.write_bytes(b"x" * taken)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    assert cli("validate", f"--report=markdown={file}").code == 0
    content = file.read_bytes()
    assert len(content) <= 1024 * 1024
    assert said in content[taken:].decode()
    assert bool(content[taken:]) == bool(said)
