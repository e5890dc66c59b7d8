"""What a person reads, word by word. `python -m pytest --golden` writes it anew, to be read."""

import re
from pathlib import Path

import pytest

from qflow_gitops.sandbox import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.git import Workspace
from tests.helpers.specs import SAMPLE, spec

GOLDEN = Path(__file__).parent / "golden"
FILE = "runs/aws/buckets.yaml"
MADE_UP = (
    (r"v1:sha256:[0-9a-f]{64}", "v1:sha256:<digest>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"(execution |--adopt )[0-9a-f-]{36}", r"\1<execution>"),
    (r"(commit |with |From commit `?|applying )[0-9a-f]{10}\b", r"\1<commit>"),
    (r"/tmp/\S+", "<path>"),
    (r"Success( +)<time>( +)[0-9a-f-]{36}", r"Success\1<time>\2<execution>"),
)


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    def check(name: str, done: Done) -> None:
        text = f"exit {done.code}\n--- stdout\n{done.out}--- stderr\n{done.err}"
        for pattern, word in MADE_UP:
            text = re.sub(pattern, word, text)
        file = GOLDEN / f"{name}.txt"
        if request.config.getoption("--golden"):
            file.write_text(text, encoding="utf-8")
        assert file.read_text(encoding="utf-8") == text

    return check


def test_a_first_plan(project: Workspace, cli: Cli, golden) -> None:
    golden("plan-first", cli("plan"))
    golden("plan-first-markdown", cli("plan", "--format", "markdown"))


def test_a_later_plan(project: Workspace, cli: Cli, sandbox: SandboxServer, golden) -> None:
    """One changed, one moved, one removed, one new, one failed, one renamed."""
    for name in ("moved", "removed", "renamed"):
        project.write(f"runs/{name}.yaml", spec(name, name))
    project.commit("four")
    assert cli("apply", "--yes").code == 0
    sandbox.set_faults("outcome=Exploded")
    project.write("runs/failed.yaml", spec("failed", "failed"))
    project.commit("one that fails")
    assert cli("apply", "--yes").code == 1
    project.write(FILE, SAMPLE.replace("maha2", "maha3") + "  sensitive: [/variables/name]\n")
    project.move("runs/moved.yaml", "runs/elsewhere/moved.yaml")
    project.remove("runs/removed.yaml")
    project.write("runs/renamed.yaml", spec("new-name", "renamed"))
    project.write("runs/new.yaml", spec("new", {"a": [1, None, True]}))
    project.commit("many things")
    golden("plan-later", cli("plan"))
    golden("plan-later-markdown", cli("plan", "--format", "markdown"))
    sandbox.set_faults()
    golden("apply-later", cli("-q", "apply", "--yes"))
    golden("history", cli("history", "encrypt-prod-buckets"))


def test_findings(project: Workspace, cli: Cli, golden) -> None:
    project.write(FILE, SAMPLE.replace("region:", "regoin:"))
    project.write("runs/dup.yaml", spec("a") + "---\n" + spec("a"))
    project.write("runs/broken.yaml", "a: [\n")
    golden("validate", cli("validate"))


def test_doubt(project: Workspace, cli: Cli, sandbox: SandboxServer, golden) -> None:
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    golden("apply-in-doubt", cli("apply", "--yes"))
    golden("apply-still-in-doubt", cli("apply", "--yes"))
    sandbox.set_faults()
    golden("reconcile", cli("reconcile"))


def test_repairs(project: Workspace, cli: Cli, sandbox: SandboxServer, golden) -> None:
    golden("baseline", cli("baseline", "--yes", "--reason", "ran by hand before"))
    golden("lock-verify", cli("lock", "verify"))


def test_errors(project: Workspace, cli: Cli, sandbox: SandboxServer, golden) -> None:
    golden("error-revision", cli("plan", "--to", "nowhere"))
    golden("error-not-confirmed", cli("apply"))
    sandbox.set_faults("403@workflow")
    golden("error-permission", cli("apply", "--yes"))
    project.write("qflow.lock", "{")
    golden("error-lockfile", cli("apply", "--yes"))
