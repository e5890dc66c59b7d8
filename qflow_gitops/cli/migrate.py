"""`qflow-gitops migrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.given_paths import existing_paths

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("migrate")
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=options.completed("files"))
@click.option("--check", is_flag=True, help="Change nothing; exit 10 if something would change.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring,
    paths: tuple[str, ...],
    check: bool,
    diff: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Rewrite the legacy variables of Qualys Flow 1.18 to connectorId.

    Only the legacy key changes: comments, quotes, order and line endings stay. It runs
    nothing, because the request still means the same.
    """
    if check and diff:
        raise click.UsageError("--check and --diff exclude each other.")

    def work() -> Report:
        from qflow_gitops.commands.migrate import migrate

        only = existing_paths(wiring, paths)
        return migrate(wiring.git, wiring.platform, only, check=check, diff=diff)

    return run(wiring, "migrate", work, format_name, copies)
