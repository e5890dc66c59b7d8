"""`report` as an auditor types it: over real git, and the sandbox over HTTP."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.cli import report_folder
from qflow_gitops.errors import UsageProblem
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.ocsf import faults
from tests.helpers.specs import WORKFLOW, spec
from tests.helpers.typed import commands

RUN = "encrypt-prod-buckets"


@pytest.fixture
def applied(project: Workspace, cli: Cli, sandbox: SandboxServer) -> str:
    """The id of the execution of a run that succeeded."""
    project.git("commit", "-q", "--allow-empty", "-m", "Quarter\n\nAsked for by the board.")
    assert cli("apply", "--yes").code == 0
    found: str = sandbox.executions()[0]["id"]
    return found


def test_an_execution_is_told_with_who_asked_and_who_allowed_it(applied: str, cli: Cli) -> None:
    for what in (RUN, f"prod/{RUN}", applied, applied[:8]):
        done = cli("report", what)
        assert done.code == 0
        assert f"prod/{RUN} #1  succeeded" in done.out
        assert applied in done.out
        assert "no approval is recorded" in done.out
    (run,) = cli.json("report", applied)["runs"]
    (attempt,) = run["attempts"]
    assert attempt["executionId"] == applied
    assert attempt["commit"]["message"] == "Quarter\n\nAsked for by the board."
    assert attempt["request"]["input"]["bucketName"] == "test-bucket-1"


def test_without_a_name_all_runs_are_counted(applied: str, project: Workspace, cli: Cli) -> None:
    project.write("runs/b.yaml", spec("b"))
    project.commit()
    assert cli("apply", "--yes").code == 0
    data = cli.json("report")
    assert (data["counts"]["runs"], data["counts"]["succeeded"]) == (2, 2)
    assert applied in {run["attempts"][0]["executionId"] for run in data["runs"]}


def test_only_a_span_is_told(applied: str, cli: Cli) -> None:
    assert applied
    for words in (("--until", "2020-01-01"), ("--since", "2099-01-01")):
        data = cli.json("report", *words)
        assert data["counts"]["attempts"] == 0
        assert data["runs"] == []
    assert cli.json("report", "--since", "2d")["counts"]["attempts"] == 1


def test_a_run_of_an_environment_that_is_no_more_is_told_by_its_name(
    applied: str, project: Workspace, cli: Cli
) -> None:
    settings = project.read("qflow.yaml")
    project.write("qflow.yaml", settings.replace("prod", "stage"))
    project.commit()
    for words in ((f"prod/{RUN}",), (applied,), ("-e", "prod", RUN), ("prod/*",)):
        (run,) = cli.json("report", *words)["runs"]
        assert run["attempts"][0]["executionId"] == applied
    assert applied in cli("show", f"prod/{RUN}").out


def test_a_span_that_ends_before_it_begins_is_no_report_of_nothing(cli: Cli) -> None:
    done = cli("report", "--since", "2026-10-02", "--until", "2026-10-02T01:00:00+01:00")
    assert done.code == 2
    assert "--since 2026-10-02T00:00:00Z isn't before --until 2026-10-02T00:00:00Z" in done.err


def test_each_attempt_tells_how_its_apply_came(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("runs/b.yaml", spec("b"))
    project.commit()
    assert cli("apply", "--yes").code == 0
    first, second = (run["attempts"][0] for run in cli.json("report")["runs"])
    assert first["apply"] == second["apply"]
    assert first["apply"]["installed"].startswith("sha256:")


def test_what_it_says_to_type_works(applied: str, cli: Cli) -> None:
    assert applied
    typed = commands(cli("report").out)
    assert typed
    for words in typed:
        assert cli(*shlex.split(words)[1:]).code == 0


def test_a_siem_is_told_each_event_by_its_schema(applied: str, cli: Cli) -> None:
    def told(*words: str) -> list[dict[str, Any]]:
        done = cli("report", "--format", "ocsf", *words)
        assert done.code == 0
        found = [json.loads(line) for line in done.out.splitlines()]
        assert [fault for each in found for fault in faults(each)] == []
        return found

    found = told()
    states = [each["metadata"]["event_code"] for each in found]
    assert (states[:2], states[-1]) == (["intent", "accepted"], "succeeded")
    (accepted,) = (each for each in found if each["activity_name"] == "Create")
    assert accepted["api"]["response"] == {"code": 200, "data": {"executionId": applied}}
    assert accepted["dst_endpoint"]["hostname"] == "127.0.0.1"
    assert len({each["metadata"]["correlation_uid"] for each in found}) == 1
    assert told("--since", "1d", applied) == found
    assert told("--until", "2020-01-01") == []


# --- as a folder of pages ------------------------------------------------------------


def held(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def stood(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


def test_a_folder_has_an_index_and_a_page_for_each_run(
    applied: str, project: Workspace, cli: Cli
) -> None:
    done = cli("report", "--output", "../evidence")
    assert done.code == 0
    assert "Wrote ../evidence: index.html, and 1 more pages." in done.err
    folder = project.path.parent / "evidence"
    assert held(folder) == {"index.html", f"runs/prod/{RUN}.html", ".qflow-gitops-report"}
    assert applied in (folder / f"runs/prod/{RUN}.html").read_text("utf-8")
    (folder / "index.html").unlink()
    assert cli("report", "--output", "../evidence").code == 0
    assert "index.html" in held(folder)
    assert [each.name for each in folder.parent.iterdir() if ".tmp" in each.name] == []


@pytest.mark.parametrize("form", ["html", "json", "markdown", "csv", "ocsf"])
def test_no_local_path_gets_into_a_report_that_is_sent(form: str, applied: str, cli: Cli) -> None:
    assert applied
    done = cli("report", "--format", form, "--output", "../pages", "--statements", "../stated")
    assert done.code == 0
    assert "../pages" not in done.out
    assert "../stated" not in done.out
    assert "Wrote ../pages" in done.err
    assert "Wrote 1 statement to ../stated" in done.err


@pytest.mark.parametrize("there", ["file", "link", "folder link", "itself a link", "a file"])
def test_nothing_of_anybody_else_is_written_over(
    there: str, applied: str, project: Workspace, cli: Cli
) -> None:
    assert applied
    folder, kept = project.path.parent / "evidence", project.path.parent / "kept"
    kept.mkdir()
    (kept / "index.html").write_text("mine", "utf-8")
    if there == "itself a link":
        folder.symlink_to(kept)
    elif there == "a file":
        folder.write_text("mine", "utf-8")
    else:
        assert cli("report", "--output", "../evidence").code == 0
        match there:
            case "file":
                (folder / "notes.txt").write_text("mine", "utf-8")
            case "link":
                (folder / "index.html").unlink()
                (folder / "index.html").symlink_to(kept / "index.html")
            case "folder link":
                (folder / "runs/prod" / f"{RUN}.html").unlink()
                (folder / "runs/prod").rmdir()
                (folder / "runs/prod").symlink_to(kept)
    before = stood(folder)
    done = cli("report", "--output", "../evidence")
    assert done.code == 2
    assert "The report isn't written there" in done.err
    assert "Nothing was done." in done.err
    assert stood(folder) == before
    assert (kept / "index.html").read_text("utf-8") == "mine"
    assert held(kept) == {"index.html"}


@pytest.mark.parametrize(
    ("pages", "stated"), [("a", "a"), ("a", "./a/b"), ("a/b", "a"), ("a", "b/../a")]
)
def test_two_folders_are_two(pages: str, stated: str, project: Workspace, cli: Cli) -> None:
    (project.path / "a").mkdir()
    done = cli("report", "--output", pages, "--statements", stated)
    assert done.code == 2
    assert "need a folder each" in done.err
    assert [*(project.path / "a").iterdir()] == []


def test_of_two_reports_at_once_the_first_one_stays_and_nothing_is_left_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rename = tmp_path / "evidence", Path.rename
    report_folder.write(folder, [("index.html", b"old")])

    def raced(path: Path, target: Path) -> Path:
        if path.name.endswith(".tmp") and not folder.exists():
            folder.mkdir()
            (folder / "index.html").write_bytes(b"theirs")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", raced)
    with pytest.raises(UsageProblem) as stopped:
        report_folder.write(folder, [("index.html", b"ours")])
    assert stopped.value.reason == "output_refused"
    assert (folder / "index.html").read_bytes() == b"theirs"
    assert [each.name for each in tmp_path.iterdir()] == ["evidence"]


def test_what_is_no_file_is_no_report_whatever_its_name(project: Workspace, cli: Cli) -> None:
    folder = project.path / "a"
    folder.mkdir()
    os.mkfifo(folder / ".qflow-gitops-report")
    assert cli("report", "--output", "a").code == 2
    assert (folder / ".qflow-gitops-report").is_fifo()


def test_without_a_lockfile_nothing_says_to_check_it(project: Workspace, cli: Cli) -> None:
    done = cli("report")
    assert done.code == 0
    assert "lock verify" not in done.out
    for words in commands(done.out):
        assert cli(*shlex.split(words)[1:]).code == 0


# --- against Qualys, git and the policy ----------------------------------------------


def test_a_run_executed_by_hand_in_qualys_is_seen(
    applied: str, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("report").out.count("Qualys shows execution") == 0
    foreign = sandbox.add_foreign(WORKFLOW, {"bucketName": "by-hand"})
    done = cli("report", "--live")
    assert done.code == 0
    assert f"Qualys shows execution {foreign} of workflow {WORKFLOW}" in done.out
    assert "nothing in this lockfile started it" in done.out
    assert cli("report", "--live", "--exit-code").code == 10
    assert cli("report", "--exit-code").code == 0
    (found,) = cli.json("report", "--live")["compared"]["differences"]
    assert (found["kind"], found["executionId"]) == ("foreign", foreign)
    assert found["source"]
    assert applied


def test_an_attempt_written_for_a_run_by_hand_is_seen(
    applied: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Whoever can write the lockfile can claim an execution; what started it Qualys shows."""
    assert cli.json("report", "--live")["compared"]["differences"] == []
    by_hand = sandbox.add_foreign(WORKFLOW, {"bucketName": "by-hand"})
    lockfile = project.path / "qflow.lock"
    data = json.loads(lockfile.read_text().replace(applied, by_hand))
    lockfile.write_text(json.dumps({**data, "serial": data["serial"] + 1}))
    found = {one["kind"]: one for one in cli.json("report", "--live")["compared"]["differences"]}
    found.pop("other_state", None)  # what was begun by hand just now may not have ended yet
    claimed, freed = found.pop("other_request"), found.pop("foreign")
    assert (claimed["executionId"], freed["executionId"]) == (by_hand, applied)
    assert found == {}
    assert "by-hand" not in json.dumps(claimed)
    assert cli("report", "--live", "--exit-code").code == 10
    lines = cli("report", "--live", "--format", "ocsf").out.splitlines()
    assert [fault for line in lines for fault in faults(json.loads(line))] == []
    assert any("other_request" in line for line in lines)


def test_without_credentials_only_qualys_is_left_out(
    applied: str, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = len(sandbox.requests())
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    assert cli("report").code == 0
    done = cli("report", "--live")
    assert done.code == 4
    assert "Qualys wasn't asked: There are no credentials" in done.out
    assert f"{RUN} #1" in done.out
    assert len(sandbox.requests()) == asked
    assert applied


def test_what_was_never_sent_is_told_from_the_branch_of_a_fresh_clone(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The lockfile's branch tells which commits were worked on, whoever asks."""
    workspace.write("runs/a.yaml", spec("a"))
    workspace.write("runs/b.yaml", spec("b", "once"))
    workspace.publish("one")
    assert cli("apply", "--yes", "a").code == 0
    workspace.write("runs/b.yaml", spec("b", "twice"))
    workspace.publish("two")
    assert cli("apply", "--yes", "b").code == 0
    for options in ((), ("--depth=1",), ("--filter=blob:none",)):
        folder = tmp_path / f"clone{'-'.join(options)}"
        workspace.git("clone", "-q", *options, remote.path.as_uri(), str(folder))
        done = Cli(folder, capfd)("report")
        assert done.code == 0, done
        if options != ("--depth=1",):
            assert "prod/b: what runs/b.yaml asked for at commit" in done.out
        else:
            assert "`git fetch --unshallow` gets them" in done.out
            assert "This clone is a shallow one and lacks the commits of " in done.out
    assert len(sandbox.executions()) == 2
