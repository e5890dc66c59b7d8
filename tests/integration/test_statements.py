"""`report --statements` as it is typed: files that public tools verify, and nothing that leaks."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import click
import pytest

from qflow_gitops.cli.console import Console
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.runner import parsed
from tests.helpers.specs import spec
from tests.helpers.statements import all_sound
from tests.picture import ROOT

RUN = "encrypt-prod-buckets"
PAGE = ROOT / "docs" / "predicate.md"


@pytest.fixture
def applied(project: Workspace, cli: Cli, sandbox: SandboxServer) -> Workspace:
    """Two runs that succeeded."""
    project.write("runs/b.yaml", spec("b"))
    project.commit()
    assert cli("apply", "--yes").code == 0
    return project


def files(folder: Path) -> Mapping[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return all_sound({path.relative_to(folder).as_posix(): path.read_bytes() for path in found})


def key(folder: Path, passphrase: str = "") -> str:
    """A key outside of the repository."""
    path = folder / "signer"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    return str(path)


def test_each_finished_attempt_has_a_statement(applied: Workspace, cli: Cli) -> None:
    done = cli("report", "--statements", "out")
    assert done.code == 0
    assert "Wrote 2 statements to out, not signed." in done.out + done.err
    found = files(applied.path / "out")
    names = {f"prod/{RUN}/1.intoto.json", "prod/b/1.intoto.json"}
    assert set(found) - {".qflow-gitops-report"} == names
    told = json.loads(found[f"prod/{RUN}/1.intoto.json"])
    record = json.loads(applied.read("qflow.lock"))["environments"]["prod"]["runs"][RUN]
    (attempt,) = record["attempts"]
    assert told["predicate"]["execution"]["id"] == attempt["executionId"]
    assert told["subject"][0]["digest"]["sha256"] == attempt["digest"].removeprefix("v1:sha256:")
    body = {"input": told_request(cli)["input"], "variables": told_request(cli)["variables"]}
    sent = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    assert told["subject"][1]["digest"]["sha256"] == sha256(sent).hexdigest()


def told_request(cli: Cli) -> dict[str, object]:
    (run,) = cli.json("report", RUN)["runs"]
    found: dict[str, object] = run["attempts"][0]["request"]
    return found


def test_it_is_the_same_bytes_each_time_and_only_of_what_is_asked_for(
    applied: Workspace, cli: Cli
) -> None:
    assert cli("report", "--statements", "out").code == 0
    first = files(applied.path / "out")
    assert cli("report", "--statements", "out").code == 0
    assert files(applied.path / "out") == first
    assert cli("report", "b", "--statements", "one").code == 0
    name = "prod/b/1.intoto.json"
    assert files(applied.path / "one")[name] == first[name]
    assert cli("report", "--until", "2020-01-01", "--statements", "none").code == 0
    assert set(files(applied.path / "none")) == {".qflow-gitops-report"}


def test_the_page_s_python_verifies_them(applied: Workspace, cli: Cli, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    named = Path(key(applied.path.parent))
    assert cli("report", "--statements", "statements", "--key", str(named)).code == 0
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=applied.path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "'outcome': 'succeeded'" in done.stdout
    (tmp_path / "other").mkdir()
    another = key(tmp_path / "other")
    named.with_suffix(".pub").write_bytes(Path(f"{another}.pub").read_bytes())
    done = subprocess.run(command, cwd=applied.path, capture_output=True, text=True)
    assert "VerificationError" in done.stderr


def test_what_is_not_over_has_none(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    assert cli("apply", "--yes", "--no-wait").code == 0
    done = cli("report", "--statements", "out")
    said = "Wrote 0 statements to out, not signed; 1 attempt not over, or without a digest."
    assert said in done.out + done.err


@pytest.mark.parametrize("by", ["option", "variable"])
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_a_key_signs_them(
    by: str, passphrase: str, applied: Workspace, cli: Cli, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    named = key(tmp_path, passphrase)
    if passphrase:
        monkeypatch.setenv("QFLOW_STATEMENT_KEY_PASSPHRASE", passphrase)
    if by == "variable":
        monkeypatch.setenv("QFLOW_STATEMENT_KEY", named)
    done = cli("report", "--statements", "out", *(["--key", named] if by == "option" else []))
    assert done.code == 0, done
    assert "Wrote 2 statements to out, signed." in done.out + done.err
    assert passphrase not in done.out + done.err or not passphrase
    found = files(applied.path / "out")
    plain = f"prod/{RUN}/1.intoto.json"
    assert {plain, f"{plain}.sig", f"prod/{RUN}/1.dsse.json"} <= set(found)
    assert len(found) == 7
    (tmp_path / "allowed").write_text("auditor " + Path(f"{named}.pub").read_text())
    verify = [
        "ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "auditor",
        "-n", "qflow-gitops", "-s", f"{plain}.sig",
    ]  # fmt: skip
    signed = subprocess.run(
        verify, cwd=applied.path / "out", input=found[plain], capture_output=True
    )
    assert signed.returncode == 0, signed


def test_a_key_that_does_not_do_is_refused(
    applied: Workspace, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = key(tmp_path, "open sesame")
    pem = applied.path / "kept.pem"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(pem)], check=True,
        capture_output=True,
    )  # fmt: skip
    applied.commit()
    for named, words in {
        str(tmp_path / "nowhere"): "can't be read",
        f"{locked}.pub": "no Ed25519 private key",
        locked: "has a passphrase.",
        "kept.pem": "Git keeps this key",
        "qflow.yaml": "Git keeps this key",
    }.items():
        done = cli.json("report", "--statements", "out", "--key", named)
        assert (done["exitCode"], done["reason"]) == (2, "statement_key"), named
        assert words in done["error"]["message"]
        assert not os.path.lexists(applied.path / "out")
    monkeypatch.setenv("QFLOW_STATEMENT_KEY_PASSPHRASE", "another")
    done = cli.json("report", "--statements", "out", "--key", locked)
    assert "isn't this one" in done["error"]["message"]
    assert cli("report", "--key", locked).code == 2
    assert cli("report", "--statements", "out", "--output", "out").code == 2


def test_others_who_may_read_the_key_are_told_of(
    applied: Workspace, cli: Cli, tmp_path: Path
) -> None:
    named = key(tmp_path)
    Path(named).chmod(0o644)
    done = cli("report", "--statements", "out", "--key", named)
    assert "mode 644" in done.err


def test_a_folder_with_anything_else_is_left_alone(applied: Workspace, cli: Cli) -> None:
    done = cli.json("report", "--statements", "runs")
    assert (done["exitCode"], done["reason"]) == (2, "output_refused")
    assert "--statements DIR" in done["error"]["hint"]


def test_nothing_sensitive_is_in_them(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    canary = "a-canary-that-nobody-may-see"
    text = spec("secret-run", canary, metadata=f"  annotations: {{ticket: {canary}}}\n")
    project.write("runs/secret.yaml", text + "  sensitive: [/input/bucket]\n")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", canary)
    assert cli("apply", "--yes").code == 0
    assert canary in json.dumps(sandbox.requests("POST", "/run"))
    assert cli("report", "--statements", "out").code == 0
    found = files(project.path / "out")
    assert "prod/secret-run/1.intoto.json" in found
    assert not any(canary.encode() in content for content in found.values())


def test_at_a_terminal_the_passphrase_is_asked_for(
    applied: Workspace, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = key(tmp_path, "open sesame")
    monkeypatch.setattr(Console, "interactive", True)
    for typed, code in (("open sesame", 0), ("another", 2)):
        asked: list[dict[str, object]] = []

        def answer(_text: str, typed: str = typed, **options: object) -> str:
            asked.append(options)  # noqa: B023  it is called before the next one
            return typed

        monkeypatch.setattr(click, "prompt", answer)
        assert cli("report", "--statements", "out", "--key", named).code == code
        assert asked == [{"hide_input": True, "err": True}]


def test_without_the_extra_only_signing_is_refused(
    applied: Workspace, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = key(tmp_path)
    monkeypatch.setitem(sys.modules, "securesystemslib.signer", None)
    done = cli.json("report", "--statements", "out", "--key", named)
    assert (done["exitCode"], done["reason"]) == (2, "statement_key")
    assert "securesystemslib" in done["error"]["hint"]
    assert cli("report", "--statements", "out").code == 0


def test_the_shipped_workflow_s_step_writes_what_the_next_one_signs(
    applied: Workspace, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "examples/audit/qflow-attest.yml").read_text("utf-8")
    (job,) = parsed(text, "qflow-attest.yml")["jobs"].values()
    _, made, signed = job["steps"]
    given = made["with"]["arguments"].replace("${{ inputs.since || '2d' }}", "2d")
    for name, value in {**made["with"], "arguments": given}.items():
        monkeypatch.setenv(f"INPUT_{name.upper()}", value)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.chdir(applied.path)
    assert cli("action").code == 0
    assert len(list(applied.path.glob(signed["with"]["subject-path"]))) == 2
    assert "exit-code=0" in (tmp_path / "output").read_text()
    assert not (tmp_path / "summary").exists()
