"""What stops git itself: no repository, no trust in it, a configuration that it can't read."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from qflow_gitops.base import printable
from qflow_gitops.errors import QflowError, UsageProblem

if TYPE_CHECKING:
    from pathlib import Path


def not_usable(directory: Path, err: bytes) -> QflowError:
    """Return what is told of it; `err` is what git, or the system, says."""
    said, where = _said(err), str(directory.absolute())
    not_done = "Nothing was planned and nothing was sent."
    if b"dubious ownership" in err:
        return UsageProblem(
            "The repository belongs to another user, so git doesn't read it.",
            where=where,
            not_done=not_done,
            hint="If you trust it: `git config --global --add safe.directory "
            f"{shlex.quote(str(directory.resolve()))}`",
            reason="git_ownership",
        )
    if b"bare repository" in err:
        return _bare(directory, not_done)
    if b"not a git repository" in err or b"work tree" in err:
        return _none(where, not_done)
    if b"command-line config" in err:
        return UsageProblem(
            f"git can't read the configuration that variables hold: {said[:300]}",
            where="GIT_CONFIG_COUNT, GIT_CONFIG_PARAMETERS",
            not_done=not_done,
            hint="Fix what set them, or do without: `unset GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS`",
            reason="git_configuration",
        )
    if b"bad config" in err or b"configuration file" in err or b"unable to access" in err:
        return UsageProblem(
            f"git can't read its configuration: {said[:300]}",
            where=where,
            not_done=not_done,
            hint="Fix the file that git names, or its rights. Where it is one of your own, this "
            "does without it: `export GIT_CONFIG_GLOBAL=/dev/null`",
            reason="git_configuration",
        )
    return UsageProblem(
        f"git can't be used here: {said[:300]}",
        where=where,
        not_done=not_done,
        hint="git has to be installed (2.31 or newer) and on the PATH.",
        reason="git_unusable",
    )


def _bare(directory: Path, not_done: str) -> UsageProblem:
    bare = directory.resolve()
    command = ("git", "-C", str(bare), "worktree", "add", "--detach", f"{bare}.work")
    return UsageProblem(
        "This is a bare repository, which has no work tree.",
        where=str(directory.absolute()),
        not_done=not_done,
        hint=f"Make one, and work there: `{shlex.join(command)}`",
        reason="no_repository",
    )


def _none(where: str, not_done: str) -> UsageProblem:
    return UsageProblem(
        "This is not the work tree of a git repository.",
        where=where,
        not_done=not_done,
        hint="Go to your repository, name it with -C DIR, or make one: `git init`",
        reason="no_repository",
    )


def _said(err: bytes) -> str:
    return printable.shown(err.decode(errors="replace").strip("\n"))
