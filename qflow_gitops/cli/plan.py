"""`qflow-gitops plan`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from qflow_gitops.base.times import stamp
from qflow_gitops.cli import lock_files, options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.commands.plan_request import PlanRequest
    from qflow_gitops.results.report import Report
    from qflow_gitops.sources.found import Settings


@click.command("plan")
@options.runs
@options.revision("--from", "base", default="", text="Only changes since this commit.")
@options.revision("--to", "head", default="HEAD", text="The commit.")
@click.option("--full", is_flag=True, help="Look at every spec, not only at what changed.")
@click.option("--worktree", is_flag=True, help="Plan the work tree, uncommitted changes too.")
@options.environment
@options.labels
@click.option("--exit-code", is_flag=True, help="Exit 10 if something would run.")
@options.output("text", "json", "markdown")
@click.pass_obj
def command(
    wiring: Wiring,
    runs: tuple[str, ...],
    base: str,
    head: str,
    full: bool,
    worktree: bool,
    environment: str,
    labels: dict[str, str],
    exit_code: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Show what would run, and why; and why everything else would not.

    Desired (the specs of a commit) minus recorded (the lockfile); of RUNs only what they name.
    Needs no secret and opens no connection.
    """
    _check(base, head, full=full, worktree=worktree)

    def work() -> Report:
        from qflow_gitops.commands.plan_request import PlanRequest

        commit = wiring.git.resolve(head)
        request = PlanRequest(
            platform=wiring.platform,
            base=base,
            head=commit,
            full=full,
            worktree=worktree,
            environment=environment,
            runs=runs,
            labels=labels,
            freezes=wiring.freezes(),
            exit_code=exit_code,
            target=wiring.ci.target,
            pages=wiring.ci.pages,
        )
        return _made(wiring, request)

    return run(wiring, "plan", work, format_name, copies)


def _made(wiring: Wiring, request: PlanRequest) -> Report:
    from qflow_gitops.commands.plan import make_plan
    from qflow_gitops.git.remotes import AskedOnce

    disk = request.worktree
    settings = _on_disk(wiring) if disk else wiring.settings(request.head, wiring.loader)
    store, now = wiring.store_to_look_at(settings.project), stamp(SystemClock().now())
    others = partial(wiring.store_of, repo=wiring.git, folder=settings.project.folder)
    branches = AskedOnce(wiring.branches)
    about = (request, wiring.git, settings, store, now, wiring.loader, branches, others)
    return lock_files.noted(wiring, settings.project, make_plan(*about))


def _check(base: str, head: str, *, full: bool, worktree: bool) -> None:
    """Refuse options that exclude each other."""
    if full and base:
        raise click.UsageError("--full looks at every spec; --from at some. Choose one.")
    if worktree and head != "HEAD":
        raise click.UsageError("--worktree plans the work tree; --to a commit. Choose one.")


def _on_disk(wiring: Wiring) -> Settings:
    """Return the settings of the work tree; what a commit of it would be refused for, is here."""
    from qflow_gitops.sources.settings import check_alone_on_disk

    settings = wiring.settings("", wiring.loader)
    check_alone_on_disk(wiring.git, settings.project, wiring.loader)
    return settings
