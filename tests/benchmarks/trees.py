"""Source trees of the program, side by side: each command a whole process, in a fresh clone."""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.processes import Used, measured
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.storm import PROGRAM, TREE, environment, sandbox_process


class Tree(NamedTuple):
    """A checkout: what it is called in a table, where it is, and the form of its lockfile."""

    name: str
    path: Path
    form: int

    def environ(self, folder: Path, url: str = "") -> dict[str, str]:
        """What its processes see; `folder` has their home."""
        return environment(folder, url, self.path)

    def has(self, *words: str) -> bool:
        """Whether a command's help names the last of these words."""
        with tempfile.TemporaryDirectory() as name:
            command, environ = [*PROGRAM, *words[:-1], "--help"], self.environ(Path(name))
            shown = subprocess.run(command, cwd=name, env=environ, check=True, capture_output=True)
        return words[-1].encode() in shown.stdout


def tree(path: Path, name: str = "") -> Tree:
    """Look at a checkout of the program, and compile it as an installed one is."""
    texts = (one.read_text("utf-8") for one in sorted((path / "qflow_gitops").rglob("*.py")))
    found = re.search(r"(?m)^LOCKFILE_VERSION = (\d+)$", "\n".join(texts))
    assert found, f"{path} holds no qflow_gitops that knows a version of the lockfile"
    command = [sys.executable, "-m", "compileall", "-q", str(path / "qflow_gitops")]
    subprocess.run(command, check=True)
    made = Tree(name or Workspace(path).git("rev-parse", "--short", "HEAD"), path, int(found[1]))
    _check(made)
    return made


def here() -> Tree:
    """Return the tree that this benchmark belongs to."""
    return tree(TREE, "this tree")


def _check(one: Tree) -> None:
    """See that a process runs this tree, and not what is installed."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-c", "import qflow_gitops as it; print(it.__file__)"]
        environ = one.environ(Path(name))
        done = subprocess.run(command, cwd=name, env=environ, check=True, capture_output=True)
    assert Path(done.stdout.decode()).is_relative_to(one.path), done.stdout


class Desk(NamedTuple):
    """A clone for one tree's commands, beside a remote of its own; gone afterwards."""

    tree: Tree
    folder: Path
    clone: Workspace

    def run(self, *words: str, url: str = "") -> Used:
        """Measure a command that has to succeed."""
        return measured(
            [*PROGRAM, "-q", *words], self.clone.path, self.tree.environ(self.folder, url)
        )

    def sent(self, *words: str, count: int) -> Used:
        """Measure a command that sends so many runs to a sandbox of its own."""
        with sandbox_process(self.folder) as sandbox:
            used = self.run(*words, url=sandbox.url)
            executed = len(sandbox.executions())
        assert executed == count, (words, executed)
        return used


@contextlib.contextmanager
def desk(one: Tree, template: Path, options: Sequence[str] = ()) -> Iterator[Desk]:
    """Copy a bare repository, and clone the copy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        remote = folder / "remote.git"
        shutil.copytree(template, remote)
        yield Desk(one, folder, Remote(remote).clone("clone", *options))
