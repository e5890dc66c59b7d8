"""`qflow-gitops freeze`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.commands.freeze import FreezeServices
    from qflow_gitops.results.report import Report


@click.command("freeze")
@click.option("--reason", required=True, metavar="TEXT", help="Why; goes into the lockfile.")
@options.output("text", "json")
@click.pass_obj
def command(wiring: Wiring, reason: str, format_name: str, copies: options.Copies) -> int:
    """Hold every run until somebody unfreezes, in an apply that runs too.

    Writes the reason to the lockfile, and needs no credentials of Qualys. An apply that runs,
    on whatever machine, stops before its next wave; what it has sent goes on.
    """

    def work() -> Report:
        from qflow_gitops.commands.freeze import freeze

        return freeze(reason, services(wiring))

    return run(wiring, "freeze", work, format_name, copies)


def services(wiring: Wiring) -> FreezeServices:
    """What both commands need: the lockfile that the settings of the newest commit name."""
    from qflow_gitops.commands.freeze import FreezeServices

    project = wiring.project(wiring.newest())
    return FreezeServices(
        wiring.git, project, wiring.store(project), SystemClock(), wiring.author(), wiring.freezes()
    )
