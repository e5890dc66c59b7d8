"""Nothing is loaded that the command at hand doesn't use: each module costs every start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.stores.branch import BranchStore
from tests.contract.test_lockstores import opening
from tests.helpers.clones import BRANCH, BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, spec

LISTED = """\
import sys
from qflow_gitops.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print("\\nexit", end.code, *sorted(sys.modules))
"""
LIBRARIES = {
    "attrs", "cronsim", "flask", "git", "jsonschema", "jsonschema_rs", "multiprocessing",
    "referencing", "requests", "rfc8785", "rich", "ruamel.yaml", "sqlite3", "urllib3", "yaml",
    "zoneinfo",
}  # fmt: skip
STARTED = {
    "qflow_gitops",
    "qflow_gitops.cli",
    "qflow_gitops.cli.everywhere",
    "qflow_gitops.cli.groups",
    "qflow_gitops.cli.main",
    "qflow_gitops.cli.streams",
    "qflow_gitops.errors",
}


def loaded(workspace: Workspace, *arguments: str) -> set[str]:
    """Run a command in a process of its own; give the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", LISTED, "-C", str(workspace.path), *arguments],
        capture_output=True, text=True,
    )  # fmt: skip
    word, code, *modules = done.stdout.splitlines()[-1].split(" ")
    assert (word, code) == ("exit", "0"), done.stdout + done.stderr
    return set(modules)


def own(modules: set[str]) -> set[str]:
    return {one for one in modules if one.startswith("qflow_gitops")}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path)
    made.git("init", "--quiet")
    made.git("config", "user.email", "ada@example.com")
    made.git("config", "user.name", "Ada")
    made.write("qflow.yaml", SANDBOX_PROJECT)
    made.write("runs/a.yaml", spec("a"))
    made.commit()
    return made


@pytest.mark.parametrize("asked", ["--version", "--help", "version"])
def test_the_program_itself(workspace: Workspace, asked: str) -> None:
    modules = loaded(workspace, asked)
    more = {"qflow_gitops.cli.version"} if "version" in asked else set()
    assert own(modules) == STARTED | more
    assert modules & LIBRARIES == set()


def test_validate_where_nothing_has_changed(workspace: Workspace) -> None:
    loaded(workspace, "validate")
    modules = loaded(workspace, "validate")
    assert modules & LIBRARIES == {"sqlite3"}
    assert own(modules) == STARTED | {
        f"qflow_gitops.{one}"
        for one in (
            "base", "base.forks", "base.paths", "base.printable", "base.resources", "cache",
            "cache.loading", "cache.database",
            "cache.verdicts", "cli.clock", "cli.connections", "cli.console", "cli.context",
            "cli.given_paths", "cli.options", "cli.validate",
            "commands", "commands.validate", "findings", "findings.finding", "git",
            "git.child", "git.disk", "git.listings", "git.process", "git.repository",
            "git.revisions", "git.worktree",
            "render", "render.escape", "render.explained", "render.formats",
            "render.layout", "render.marks",
            "render.text", "results", "results.report", "sources", "sources.found",
            "sources.loader",
            "sources.lostsettings",
            "sources.place",
        )
    }  # fmt: skip


def test_validate_of_a_plain_valid_file(workspace: Workspace) -> None:
    """What explains errors isn't loaded where there are none."""
    assert loaded(workspace, "validate") & LIBRARIES == {"jsonschema_rs", "sqlite3", "yaml"}


def test_plan_of_what_is_known_to_be_valid(workspace: Workspace) -> None:
    loaded(workspace, "plan")
    modules = loaded(workspace, "plan")
    assert modules & LIBRARIES == {"sqlite3", "yaml"}
    for folder in (
        "qualys", "http", "github", "sandbox", "stores.branch", "git.lock_branch",
        "results.reviews",
    ):  # fmt: skip
        assert not any(one.startswith(f"qflow_gitops.{folder}") for one in modules), folder


@pytest.fixture
def recorded(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A clone of a remote with the lockfile's branch, on which something was recorded."""
    remote = Remote(tmp_path_factory.mktemp("remote") / "remote.git")
    workspace.git("remote", "add", "origin", remote.path.as_uri())
    workspace.write("qflow.yaml", BRANCH_PROJECT)
    workspace.publish()
    branch = GitBranch(GitRepo.open(workspace.path, os.environ), "origin", BRANCH, lambda: 30.0)
    with BranchStore(branch, lineage="", author={}).session() as session:
        session.record([opening("a")])
    return workspace


def test_gitpython_is_not_loaded_for_a_look(recorded: Workspace) -> None:
    looked = (["validate"], ["plan"], ["plan", "--full"], ["status"], ["history"])
    for command in (*looked, ["lock", "verify"]):
        assert "git" not in loaded(recorded, *command), command


SELDOM = """\
import gc
from qflow_gitops.cli import main
main._leave = lambda *_, **__: print(gc.get_threshold()[0])
main.main({given})
"""


def test_a_process_of_its_own_looks_for_garbage_seldom() -> None:
    usual, own = (
        subprocess.check_output([sys.executable, "-c", SELDOM.format(given=given), "--version"])
        for given in ("['--version']", "")
    )
    assert int(usual.split()[-1]) * 10 < int(own.split()[-1])


ENDED = """\
import atexit, sys, threading
from qflow_gitops.cli import main
atexit.register(print, "taken apart")
wait, kinds = threading.Event(), sys.argv[1:]
for kind in kinds:
    threading.Thread(target=wait.wait, args=(0.2,), daemon=kind == "daemon").start()
print("over", end="")
main._leave(7, at_once=True)
"""


@pytest.mark.parametrize(
    ("threads", "end"),
    [
        ((), ""),
        (("daemon", "daemon"), ""),
        (("worker",), "taken apart\n"),
        (("daemon", "worker"), "taken apart\n"),
    ],
)
def test_the_end_takes_nothing_apart_where_no_thread_is_waited_for(
    threads: tuple[str, ...], end: str
) -> None:
    command = [sys.executable, "-c", ENDED, *threads]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (7, "over" + end, "")
