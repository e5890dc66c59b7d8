"""`qflow-gitops history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("history")
@click.argument("name", metavar="[RUN]", default="", shell_complete=options.completed("runs"))
@options.environment
@click.option(
    "--since",
    metavar="TIME",
    default="",
    callback=options.since,
    help="Only attempts to which something happened since: 2026-10-06 (UTC), 12h, 2d, 1w.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the newest N attempts.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring,
    name: str,
    environment: str,
    since: str,
    limit: int | None,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Show all attempts of a RUN (`name` or `environment/name`), or of all runs.

    Those of all targets of a spec in brief, by its name; `name/target` shows one of them in full.
    """

    def work() -> Report:
        from qflow_gitops.commands.history import history

        commit = wiring.newest()
        project = wiring.project(commit)
        about = (wiring.git, commit, wiring.store(project), project, name, environment)
        return history(*about, since=since, limit=limit or 0)

    return run(wiring, "history", work, format_name, copies)
