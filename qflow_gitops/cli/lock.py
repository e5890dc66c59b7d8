"""`qflow-gitops lock`: verify, anchor, push, move."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import lock_anchor, lock_files, options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.groups import Group
from qflow_gitops.errors import AGAIN, UsageProblem

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report
    from qflow_gitops.settings.project import LockSettings, Project


@click.group("lock", cls=Group)
def command() -> None:
    """Look after the lockfile: check, anchor, move it, bring in what a stopped apply saved."""


command.add_command(lock_anchor.command)


@command.command("verify")
@click.option(
    "--signers", metavar="FILE", type=click.Path(exists=True, dir_okay=False),
    help="Every commit of the lockfile's branch has to be signed by one of these (git's allowed-"
    "signers file, from outside the repository).",
)  # fmt: skip
@click.option(
    "--anchor",
    "anchors",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Hold the history against what `lock anchor --to FILE` wrote; repeatable.",
)
@click.option(
    "--certificate", metavar="FILE", type=click.Path(path_type=Path),
    help="Trust these for time stamps (PEM). Usual: the file that the settings name.",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="Leave out the digests: read no spec again.")
@options.output("text", "json")
@click.pass_obj
def verify_(
    wiring: Wiring,
    signers: str | None,
    anchors: tuple[Path, ...],
    certificate: Path | None,
    quick: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Check every version of the lockfile, without trusting it.

    Its form; that each only added to the one before; that no execution is in it twice; that
    each digest is the one of its file, where this clone still has that; that what its anchors
    are of still stands there. A shallow clone fetches what it lacks of the lockfile's branch.
    """

    def work() -> Report:
        from qflow_gitops.commands.verify import verify

        project = wiring.project(wiring.newest())
        store = wiring.store(project)
        given = lock_anchor.given(wiring, anchors, certificate)
        return verify(wiring.git, store, project, signers or "", quick=quick, anchors=given)

    return run(wiring, "lock", work, format_name, copies)


@command.command("move")
@click.option(
    "--to",
    "store",
    required=True,
    type=click.Choice(["branch", "worktree"]),
    help="branch: a git branch of its own, for teams and CI. worktree: the file qflow.lock.",
)
@click.option(
    "--branch",
    metavar="NAME",
    default="",
    callback=options.lock_name,
    help="With --to branch. Usual: the one of the settings, else as `init` names it.",
)
@click.option(
    "--remote", metavar="NAME", default="", callback=options.lock_name,
    help="With --to branch. Usual: the one of the settings, or origin.",
)  # fmt: skip
@options.output("text", "json")
@click.pass_obj
def move_(
    wiring: Wiring,
    store: str,
    branch: str,
    remote: str,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Move the lockfile to another place, and let qflow.yaml name it.

    It is copied, the old place is closed, and the new one opened: at no time are both open.
    Whatever stops it, run it again, and it goes on. Then commit and push, as it says.
    """
    if store != "branch" and (branch or remote):
        raise click.UsageError("--branch and --remote are for --to branch.")

    def work() -> Report:
        from qflow_gitops.commands.move import MoveServices, move

        project = wiring.project(wiring.newest())
        lock = project.lock._replace(store=store)
        if store == "branch":
            lock = _on_a_branch(wiring, project, branch, remote)
        services = MoveServices(
            wiring.git,
            project,
            lambda lock: wiring.store_of(lock, wiring.git, project.folder),
            wiring.git.root / project.folder.settings,
            SystemClock(),
            wiring.author(),
            any(wiring.branches.tracked()),
        )
        return move(lock, services)

    return run(wiring, "lock", work, format_name, copies)


def _on_a_branch(wiring: Wiring, project: Project, branch: str, remote: str) -> LockSettings:
    """Return the settings of the branch to move to. Raises UsageProblem for no such remote."""
    from qflow_gitops.commands.beginning import on_a_branch

    remotes = wiring.git.remotes()
    lock = on_a_branch(project.lock, project.folder, wiring.git, remotes)
    lock = lock._replace(branch=branch or lock.branch, remote=remote or lock.remote)
    if lock.remote in remotes:
        return lock
    raise UsageProblem(
        f"There is no git remote `{lock.remote}` for the lockfile's branch.",
        not_done="Nothing was moved: the lockfile is where it was.",
        hint=f"`git remote add {lock.remote} ADDRESS`, or name one that there is: "
        f"`{AGAIN} --remote NAME`",
        reason="lock_remote",
    )


@command.command("push")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@options.output("text", "json")
@click.pass_obj
def push_(wiring: Wiring, file: Path | None, format_name: str, copies: options.Copies) -> int:
    """Record what a stopped apply saved in FILE (qflow.lock.rescue), then remove FILE.

    `-` reads standard input, for lines taken from a log.
    """

    def work() -> Report:
        from qflow_gitops.commands.rescue import push as bring_in
        from qflow_gitops.commands.verify import read_rescued

        project = wiring.project(wiring.newest())
        kept = wiring.git.root / project.folder.rescue
        path = kept if file is None else wiring.directory / file
        piped = str(file) == "-"
        if not piped:
            lock_files.check_own(wiring, path)
        try:
            content = _piped() if piped else path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as problem:
            none = file is None and isinstance(problem, FileNotFoundError)
            why = getattr(problem, "strerror", None) or "not a text"
            raise UsageProblem(
                "No saved answer waits here." if none else f"It can't be read: {why}.",
                where=str(path),
                not_done="The lockfile is as it was.",
                hint="Name the file that the stopped apply saved: `qflow-gitops lock push FILE`",
                reason="rescue_missing",
            ) from None
        report = bring_in(wiring.store(project), read_rescued(content, str(path)), str(path))
        if not piped:
            path.unlink(missing_ok=True)
        return report

    return run(wiring, "lock", work, format_name, copies)


def _piped() -> str:
    """Read standard input as UTF-8, whatever the terminal's encoding is."""
    raw = getattr(sys.stdin, "buffer", None)  # none where a caller put a stream of texts there
    return raw.read().decode() if raw else sys.stdin.read()
