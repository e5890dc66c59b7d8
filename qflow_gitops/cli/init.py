"""`qflow-gitops init`."""

from __future__ import annotations

import os
import re
import secrets
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qflow_gitops.base.paths import PROJECT_FILE, ROOT, ProjectFolder
from qflow_gitops.base.times import stamp
from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.errors import UsageProblem
from qflow_gitops.git.remotes import GitRemotes
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.qualys.platforms import NAMES

if TYPE_CHECKING:
    from qflow_gitops.commands.beginning import Beginning, Target
    from qflow_gitops.commands.workflow_files import Workflows
    from qflow_gitops.results.report import Report
    from qflow_gitops.settings.project import LockSettings


_USUAL = "US1"


def _action(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if value and not re.fullmatch(r"[\w.-]+/[\w.-]+(/[\w.-]+)*@[0-9a-f]{40}", value, re.ASCII):
        raise click.BadParameter("it isn't OWNER/NAME@COMMIT with the commit's 40 characters")
    return value


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--platform",
    type=click.Choice(NAMES),
    metavar="PLATFORM",
    help=f"Your Qualys platform, one of {', '.join(NAMES)}; qualys.com/platform-identification "
    "tells which. Usual: that of QFLOW_PLATFORM, else it is asked for; where nobody can be asked, "
    "US1.",
)
@click.option(
    "--store",
    type=click.Choice(["branch", "worktree"]),
    help="Where the lockfile lives. Usual: branch where there is a git remote, else worktree.",
)
@click.option(
    "--branch",
    metavar="NAME",
    default="",
    callback=options.lock_name,
    help="The lockfile's branch, to go on with the one that is there, too. Usual: qflow-lock, in "
    "a folder qflow-lock-FOLDER.",
)
@click.option(
    "--github",
    is_flag=True,
    help="Write the workflows for GitHub Actions, too; the lockfile is on a branch then.",
)
@click.option(
    "--action",
    metavar="REF",
    default="",
    callback=_action,
    help="With --github: the action they use, OWNER/NAME@COMMIT with the commit's full id.",
)
@click.pass_obj
def command(
    wiring: Wiring,
    folder: Path,
    platform: str | None,
    store: str | None,
    branch: str,
    github: bool,
    action: str,
) -> int:
    """Make a repository of run specs ready to use. Never writes over a file.

    In a folder of a repository (DIR, or where you are) it begins a project there.
    """
    _check(store or "", branch, action, github=github)

    def work() -> Report:
        from qflow_gitops.commands.beginning import (
            Wanted,
            check_place,
            left_as_it_is,
            lock_settings,
        )
        from qflow_gitops.commands.init import Asked, init

        chosen, guessed = _platform(wiring, wiring.directory / folder, platform or "")
        repo, target = _target(wiring, folder, chosen)
        remotes = repo.remotes() if repo else ()
        wanted = Wanted(store or "", branch, ci=github)
        lock = lock_settings(target, wanted, repo, remotes)
        if repo and target.is_new:
            check_place(repo, target.at, lock, target.init)
        opened = None
        if repo and remotes and lock.store == "branch":
            opened = partial(wiring.store_of, lock, repo, target.at)
        workflows = _workflows(repo, lock.remote, action) if github else None
        begun = _beginning(wiring, repo, target.at, lock, named=bool(branch))
        left = left_as_it_is(target, platform or "", wanted)
        asked = Asked(chosen, workflows, bool(remotes), begun, left, guessed)
        return init(target, asked, lock._replace(lineage=secrets.token_hex(16)), opened)

    return run(wiring, "init", work, "text")


def _check(store: str, branch: str, action: str, *, github: bool) -> None:
    """Refuse options that contradict each other."""
    if action and not github:
        raise click.UsageError("--action is for the workflows that --github writes.")
    if store == "worktree" and (github or branch):
        raise click.UsageError(
            "--github has a CI apply, which throws its work tree away, with the lockfile in it. "
            "Leave out --store worktree: the lockfile goes on a branch."
            if github
            else "--branch is for a lockfile on a branch, --store worktree for one that is a file."
        )


def _platform(wiring: Wiring, path: Path, named: str) -> tuple[str, str]:
    """Return the platform of new settings, and in a sentence why it is a guess, "" where it isn't.

    A gateway's credentials work on no other, so a person is asked.
    """
    if named or (path / PROJECT_FILE).exists():
        return named, ""
    if wiring.platform in NAMES:
        return wiring.platform, ""
    if wiring.console.interactive:
        question = f"Your Qualys platform ({', '.join(NAMES)}; qualys.com/platform-identification):"
        while (answer := wiring.console.answer(question)) not in NAMES:
            wiring.console.say(f"`{answer}` is none of them.")
        return answer, ""
    return _USUAL, f"its platform is {_USUAL} as --platform named none; it may not be yours"


def _workflows(repo: GitRepo | None, remote: str, action: str) -> Workflows:
    """Return what the workflows are told, as far as it is known here."""
    from qflow_gitops.commands.workflow_files import Workflows, repository_of

    if repo is None:
        return Workflows(action)
    remotes = GitRemotes(repo)
    return Workflows(action, repository_of(remotes.address(remote)), remotes.default_of(remote))


def _beginning(
    wiring: Wiring, repo: GitRepo | None, at: ProjectFolder, lock: LockSettings, *, named: bool
) -> Beginning:
    """Say when and by whom a lockfile begins, and how it is found out whether one was left."""
    from qflow_gitops.commands.beginning import Beginning
    from qflow_gitops.settings.project import without_file
    from qflow_gitops.sources.lostsettings import head_of
    from qflow_gitops.sources.orphans import orphans

    if repo is None:
        return Beginning(named)
    project = without_file("", at)._replace(lock=lock)
    left = partial(
        orphans, repo, GitRemotes(repo), lambda lock: wiring.store_of(lock, repo, at), project,
        head_of(repo),
    )  # fmt: skip
    return Beginning(named, stamp(SystemClock().now()), wiring.author(repo), left)


def _target(wiring: Wiring, folder: Path, platform: str) -> tuple[GitRepo | None, Target]:
    """Return the repository that a folder belongs to or would, and what to begin there."""
    from qflow_gitops.commands.beginning import Target

    path = wiring.directory / folder
    repo, at = _repository(wiring, path)
    root, typed = repo.root if repo else path, folder.as_posix()
    called = shlex.join(
        ["qflow-gitops", *(["-C", str(wiring.directory)] if wiring.directory != Path() else [])]
    )
    begins = f"{called} init {'' if typed == '.' else shlex.quote(typed) + ' '}"
    about = called if typed == "." else f"qflow-gitops -C {shlex.quote(str(path))}"
    return repo, Target(
        path, root, at, repo is not None, typed, f"{begins}--platform {platform}", about
    )


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
