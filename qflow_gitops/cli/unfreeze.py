"""`qflow-gitops unfreeze`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.freeze import services

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("unfreeze")
@click.option(
    "--reason", required=True, metavar="TEXT", help="Why it is over; goes into the lockfile."
)
@options.output("text", "json")
@click.pass_obj
def command(wiring: Wiring, reason: str, format_name: str, copies: options.Copies) -> int:
    """Lift every freeze that the lockfile holds; the next apply sends what is due.

    A freeze by QFLOW_FREEZE or QFLOW_FREEZE_FILE stays until that is taken away.
    """

    def work() -> Report:
        from qflow_gitops.commands.freeze import unfreeze

        return unfreeze(reason, services(wiring))

    return run(wiring, "unfreeze", work, format_name, copies)
