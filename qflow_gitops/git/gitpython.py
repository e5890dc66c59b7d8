"""GitPython, which here starts git as `process` does: with its options and its environment.

Loading it takes 50 ms, so whoever wants it loads this where it is asked for something. By itself
it would give every git all of this process's variables, secrets among them.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from qflow_gitops.git.child import ended, given_input
from qflow_gitops.git.process import GitProcess, clean

if TYPE_CHECKING:
    from collections.abc import Sequence


def _load() -> None:
    """Load the package; it starts `git version` meanwhile, which gets a clean environment, too.

    What starts its processes is replaced before the package itself is run, and put back then:
    `os.environ` stays as it is, since other threads read it. Nothing is written of what it logs,
    which may be a stranger's words, of a commit. Raises ImportError, and AttributeError for a
    release that is made in another way.
    """
    logging.getLogger("git").addHandler(logging.NullHandler())
    if "git" in sys.modules:
        return
    spec = importlib.util.find_spec("git")
    if spec is None or spec.loader is None:
        raise ImportError("GitPython isn't installed")
    package = importlib.util.module_from_spec(spec)
    sys.modules["git"] = package
    try:
        commands: Any = importlib.import_module("git.cmd")
        start = commands.safer_popen
        variables = clean(os.environ)

        def started(command: Sequence[str], **how: Any) -> Any:
            return start(["git", *command[1:]], **{**how, "env": variables})

        commands.safer_popen = started
        try:
            spec.loader.exec_module(package)
        finally:
            commands.safer_popen = start
    except BaseException:
        del sys.modules["git"]
        raise


_load()

from git import Commit, Git, GitCommandError, Repo  # noqa: E402  it is loaded now


class CleanGit(Git):
    """Starts every git for GitPython."""

    process: GitProcess | None = None

    def execute(  # type: ignore[override]  # of its many ways to call a git, those in use here
        self,
        command: Sequence[str],
        *,
        istream: int | None = None,
        as_process: bool = False,
    ) -> str | Git.AutoInterrupt:
        """Run a git, or start one that GitPython talks to and ends (`as_process`)."""
        assert self.process is not None  # noqa: S101  `CleanRepo` begins with it
        with given_input(b"") as nothing:
            process = self.process.started(
                command[1:],
                nothing if istream is None else istream,
                self.process.environ,
                silent=as_process,
            )
        if as_process:
            return self.AutoInterrupt(process, command)
        status, out, err = ended(process, None)
        if status:
            raise GitCommandError(list(command), status, err, out)
        return out.decode().removesuffix("\n")


class CleanRepo(Repo):
    """A repository that git itself found. For one thread: what is read of it goes one way."""

    GitCommandWrapperType = CleanGit
    git: CleanGit

    def __init__(self, process: GitProcess) -> None:
        """Open it; ValueError where GitPython would open another one than git did."""
        super().__init__(process.root, expand_vars=False)
        self.git.process = process
        found = (self.git_dir, self.common_dir)
        if any(
            os.path.realpath(mine) != os.path.realpath(its)
            for mine, its in zip((process.git_dir, process.common_dir), found, strict=True)
        ):
            self.close()
            raise ValueError("GitPython takes another folder for the repository")

    def named(self, commit: str) -> Commit:
        """Return the commit with this full id, without asking whether it is there."""
        return Commit(self, bytes.fromhex(commit))
