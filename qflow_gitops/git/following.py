"""Follows a branch of a remote in a clone, which may be bare: its newest commit is fetched.

Only the remote-tracking branch moves, as with any fetch; work tree, index and HEAD stay as they
are. A bare clone gets a work tree beside its own files, in which nothing is checked out: what the
program reads, it reads from commits.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.errors import InvalidInput, UnreachableError
from qflow_gitops.git import push_answers
from qflow_gitops.git.lock_git import safe
from qflow_gitops.git.process import GitProcess, clean, is_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HEADS = "refs/heads/"
_TRIES = 2
"""The other one who fetched into this clone at that moment holds up the first."""
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--refmap=",
          "--no-recurse-submodules", "--no-write-commit-graph")  # fmt: skip
_OURS = re.compile(
    r"^(error|fatal): .*(no space left|disk quota|read-only file system|unable to (write|create)|"
    r"insufficient permission)",
    re.IGNORECASE | re.MULTILINE,
)
"""What git says where it can't write here; what the other side says begins with `remote:`."""
_FOLDER = "qflow-gitops/watch"


class Tips(NamedTuple):
    """What a remote has: its default branch ("" for none), and the commits of its branches."""

    default: str
    commits: Mapping[str, str]


class Following(NamedTuple):
    """A remote's branches, as seen from a clone. `time_left`: the seconds that git may take."""

    git: GitProcess
    remote: str
    time_left: Callable[[], float]

    def ask(self, branch: str = "") -> Tips:
        """Ask for the default branch, and for one more. Raises UnreachableError."""
        wanted = ["HEAD", *([_HEADS + branch] if branch else [])]
        out = self._asked(["ls-remote", "--symref", "--", self.remote, *wanted])
        default, commits, head = "", {}, ""
        for line in out.decode(errors="replace").splitlines():
            what, _, name = line.partition("\t")
            if name == "HEAD" and what.startswith("ref: " + _HEADS):
                default = what.removeprefix("ref: " + _HEADS)
            elif name == "HEAD" and is_id(what):
                head = what
            elif name.startswith(_HEADS) and is_id(what):
                commits[name.removeprefix(_HEADS)] = what
        if default and head:
            commits[default] = head
        return Tips(default if head else "", commits)

    def bring(self, branch: str, commit: str) -> None:
        """Fetch a branch until this clone has its commit. Raises UnreachableError."""
        if self._has(commit) and self._known(branch) == commit:
            return
        seen = f"refs/remotes/{self.remote}/{branch}"
        self._asked([*_FETCH, "--", self.remote, f"+{_HEADS}{branch}:{seen}"])
        if not self._has(commit):
            raise self._unreachable("the commit that it names could not be fetched")

    def tidy(self) -> None:
        """Pack what git says has grown too much; where nobody else works, nobody else does.

        Ended where there is no time for it: the next one goes on.
        """
        self.git.run(
            ["-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"], network=self.time_left
        )

    def _known(self, branch: str) -> str:
        seen = f"refs/remotes/{self.remote}/{branch}"
        status, out, _ = self.git.run(["rev-parse", "--verify", "--quiet", seen])
        return "" if status else out.decode().strip()

    def _has(self, commit: str) -> bool:
        return self.git.run(["cat-file", "-e", f"{commit}^{{commit}}"])[0] == 0

    def _asked(self, command: list[str]) -> bytes:
        """Ask the remote, once more where that may help."""
        for attempt in range(_TRIES):
            status, out, err = self.git.run(command, network=self.time_left)
            if status == 0:
                return out
            said = err.decode(errors="replace")
            if _OURS.search(said):
                raise _unwritable(self.git.common_dir, said)
            if push_answers.is_final(said) or attempt == _TRIES - 1 or self.time_left() <= 0:
                break
        raise self._unreachable(safe(said)[-300:] or "it gave no reason")

    def _unreachable(self, said: str) -> UnreachableError:
        return UnreachableError(
            f"The remote {self.remote} doesn't answer as it should: {said}.",
            where=self.remote,
            not_done="Nothing was fetched, and nothing was sent.",
            hint=f"Check its address and your rights: `git ls-remote {self.remote}`",
            reason="remote_unreachable",
        )


def _unwritable(folder: Path, said: str) -> InvalidInput:
    return InvalidInput(
        f"What is new can't be written into this clone: {safe(said)[-300:]}.",
        where=str(folder),
        not_done="Nothing was sent.",
        hint="Make room, or fix the folder's rights.",
        reason="watch_clone",
    )


def is_bare(directory: Path, environ: Mapping[str, str]) -> bool:
    """Whether a folder is itself a repository without a work tree."""
    command = [f"--git-dir={directory}", "rev-parse", "--is-bare-repository"]
    probe = GitProcess(directory, directory, directory, clean(environ))
    status, out, _ = probe.run(command)
    return status == 0 and out.strip() == b"true"


def folder_beside(bare: Path, environ: Mapping[str, str]) -> Path:
    """Return an empty work tree of a bare repository, made where there is none yet.

    Raises InvalidInput where it can't be made.
    """
    folder = bare.absolute() / _FOLDER
    git = GitProcess(folder.parent, bare, bare, clean(environ))
    if _is_there(folder, git):
        return folder
    add = [f"--git-dir={bare.absolute()}", "worktree", "add", "--quiet", "--force", "--force",
           "--no-checkout", "--detach", "--", str(folder)]  # fmt: skip
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        said = problem.strerror or str(problem)
    else:
        (folder / ".git").unlink(missing_ok=True)
        status, _, err = git.run(add)
        if status == 0:
            return folder
        said = safe(err.decode(errors="replace"))[-300:]
    raise InvalidInput(
        f"The bare repository can't be given a work tree: {said}.",
        where=str(folder),
        not_done="Nothing was fetched, and nothing was sent.",
        hint="Make room or fix the folder's rights, or watch from a clone that has one: "
        "`git clone --no-checkout ADDRESS`",
        reason="watch_clone",
    )


def _is_there(folder: Path, git: GitProcess) -> bool:
    """Whether the work tree is there and belongs to this repository: it may have been copied."""
    if not (folder / ".git").is_file():
        return False
    asked = ["-C", str(folder), "rev-parse", "--path-format=absolute", "--git-common-dir"]
    status, out, _ = git.run(asked)
    return status == 0 and Path(os.fsdecode(out.rstrip(b"\n"))).resolve() == git.git_dir.resolve()
