"""`qflow-gitops init`."""

from __future__ import annotations

import os
import re
import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qflow_gitops.base.paths import PROJECT_FILE, ROOT, ProjectFolder
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.errors import UsageProblem
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.qualys.platforms import NAMES
from qflow_gitops.settings.project import LockSettings

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


def _action(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if value and not re.fullmatch(r"[\w.-]+/[\w.-]+(/[\w.-]+)*@[0-9a-f]{40}", value, re.ASCII):
        raise click.BadParameter("it isn't OWNER/NAME@COMMIT with the commit's 40 characters")
    return value


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--platform",
    type=click.Choice(NAMES),
    default="US1",
    show_default=True,
    help="Your Qualys platform; qualys.com/platform-identification tells which.",
)
@click.option(
    "--store",
    type=click.Choice(["branch", "worktree"]),
    help="Where the lockfile lives. Usual: branch where there is a git remote, else worktree.",
)
@click.option("--github", is_flag=True, help="Write the workflows for GitHub Actions, too.")
@click.option(
    "--action",
    metavar="REF",
    default="",
    callback=_action,
    help="With --github: the action they use, OWNER/NAME@COMMIT with the commit's full id.",
)
@click.pass_obj
def command(
    wiring: Wiring, folder: Path, platform: str, store: str | None, github: bool, action: str
) -> int:
    """Make a repository of run specs ready to use. Never writes over a file.

    In a folder of a repository (DIR, or where you are) it begins a project there.
    """
    if action and not github:
        raise click.UsageError("--action is for the workflows that --github writes.")

    def work() -> Report:
        from qflow_gitops.commands.init import Target, check_place, init

        path = wiring.directory / folder
        repo, at = _repository(wiring, path)
        remote = _remote(repo, path, store)
        lock = LockSettings("branch", remote=remote) if remote else LockSettings()
        if repo and not (path / PROJECT_FILE).exists():
            check_place(repo, at, lock)
        branch = partial(wiring.store_of, lock, repo, at) if repo and remote else None
        target = Target(path, repo.root if repo else path, at, repo is not None, folder.as_posix())
        asked = action if github else None
        return init(target, platform, secrets.token_hex(16), branch, asked)

    return run(wiring, "init", work, "text")


def _repository(wiring: Wiring, path: Path) -> tuple[GitRepo | None, ProjectFolder]:
    """Return the repository that a folder belongs to or would, and the folder from its root."""
    there = path = Path(os.path.abspath(path))  # noqa: PTH100  links stay as they are
    while not there.is_dir():
        there = there.parent
    try:
        repo = GitRepo.open(there, wiring.environ)
    except UsageProblem as problem:
        if problem.reason != "no_repository":
            raise  # there may be one, and a project in it
        return None, ROOT
    inside = path.relative_to(there).as_posix()
    return repo, ProjectFolder(ProjectFolder(repo.prefix).path(inside).removeprefix("."))


def _remote(repo: GitRepo | None, target: Path, store: str | None) -> str:
    """Name the remote that the lockfile's branch belongs to, "" where it is to be a file."""
    if store == "worktree":
        return ""
    remotes = repo.remotes() if repo else ()
    if store == "branch" and not remotes:
        raise UsageProblem(
            "There is no git remote for the lockfile's branch.",
            where=str(target),
            not_done="Nothing was written.",
            hint="`git remote add origin ADDRESS`, or `qflow-gitops init --store worktree`",
            reason="lock_remote",
        )
    return "origin" if "origin" in remotes else next(iter(remotes), "")
