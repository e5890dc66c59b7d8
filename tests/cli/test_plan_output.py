"""What a plan looks like: the JSON fits its schema, hostile text stays where it is put."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.specs import schemas
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import SAMPLE, spec

VALIDATOR = Draft202012Validator(schemas.load("plan"), registry=Registry())
FILE = "runs/aws/buckets.yaml"


def test_every_kind_of_plan_fits_its_schema(
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Added, modified, held, skipped, invalid and impossible plans."""
    VALIDATOR.validate(cli.json("plan"))
    VALIDATOR.validate(cli.json("plan", "--worktree"))
    sandbox.set_faults("outcome=Failed#1")
    assert cli("apply", "--yes").code == 1
    project.write("runs/more.yaml", spec("more"))
    project.write(FILE, SAMPLE.replace("maha2", "maha3"))
    project.commit("more")
    VALIDATOR.validate(cli.json("plan"))
    VALIDATOR.validate(cli.json("plan", "--full"))
    VALIDATOR.validate(cli.json("plan", "--from", "HEAD~1"))
    assert cli("freeze", "--reason", "incident 42").code == 0
    frozen = cli.json("plan")
    VALIDATOR.validate(frozen)
    assert frozen["frozen"]
    assert set(frozen["frozen"][0]) == set(
        schemas.load("plan")["properties"]["frozen"]["items"]["properties"]
    )
    project.write("runs/broken.yaml", "a: [")
    project.commit("broken")
    VALIDATOR.validate(cli.json("plan"))
    VALIDATOR.validate(Cli(tmp_path, capfd).json("plan"))
    VALIDATOR.validate(cli.json("plan", "--to", "nowhere"))


def test_exit_code_says_that_something_is_pending(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("plan").code == 0
    assert cli("plan", "--exit-code").code == 10
    assert cli("apply", "--yes").code == 0
    assert cli("plan", "--exit-code").code == 0


def test_a_pull_requests_plan_shows_its_own_changes(project: Workspace, cli: Cli) -> None:
    """What was due before stays out; the base is the merge base with the target branch."""
    project.git("switch", "--quiet", "-c", "feature")
    project.write("runs/feature.yaml", spec("feature"))
    project.commit("feature")
    done = cli.json("plan", "--from", "main")
    assert [one["name"] for one in done["changes"]] == ["feature"]
    assert {one["name"] for one in cli.json("plan")["changes"]} == {
        "feature",
        "encrypt-prod-buckets",
    }


def test_in_a_ci_the_merge_base_is_the_default(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.git("switch", "--quiet", "-c", "feature")
    project.write("runs/feature.yaml", spec("feature"))
    project.commit("feature")
    project.git("switch", "--quiet", "main")
    project.write("runs/later.yaml", spec("later"))
    project.commit("main went on")
    project.git("update-ref", "refs/remotes/origin/main", "main")
    project.git("switch", "--quiet", "feature")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    done = cli.json("plan")
    assert [one["name"] for one in done["changes"]] == ["feature"]
    assert done["base"] == project.git("merge-base", "main", "feature")


def test_hostile_values_start_nothing(project: Workspace, cli: Cli) -> None:
    """No escape sequence, no runner command, no mention, no way out of a code span or table."""
    hostile = "\x1b[2J::error::x ##[command]rm @everyone `|` <b> \u202e"
    project.write(
        FILE, spec("hostile", hostile, metadata=f"  labels: {{a: {json.dumps(hostile)}}}\n")
    )
    project.commit("hostile")
    for form in ("text", "markdown"):
        out = cli("plan", "--format", form).out
        assert "\x1b" not in out
        assert "::error" not in out
        assert "##[" not in out
        assert "\u202e" not in out
    for line in cli("plan", "--format", "json").out.splitlines():
        assert line.isascii()


def test_plan_reads_no_secret_and_opens_no_connection(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The modules that could do either are not even loaded."""
    import subprocess
    import sys

    code = (
        "import sys\nfrom qflow_gitops.cli.main import main\n"
        f"arguments = ['-C', {str(project.path)!r}, 'plan']\n"
        "try: main(arguments)\nexcept SystemExit: pass\n"
        "print([m for m in ('requests', 'qflow_gitops.qualys.token', 'urllib3', 'flask') "
        "if m in sys.modules])"
    )
    monkeypatch.setenv("QFLOW_TOKEN", "canary")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "canary" not in done.stdout + done.stderr
