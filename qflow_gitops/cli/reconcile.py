"""`qflow-gitops reconcile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("reconcile")
@options.environment
@options.output("text", "json")
@click.pass_obj
def command(wiring: Wiring, environment: str, format_name: str, copies: options.Copies) -> int:
    """Settle runs in doubt by looking their executions up. Sends nothing.

    An apply begins with the same. Exit 9: a run is still in doubt, and a person has to decide.
    """

    def work() -> Report:
        from qflow_gitops.commands.reconcile import reconcile

        project = wiring.project(wiring.newest())
        steps = reconcile(project, wiring.store(project), wiring.reconciler(project), environment)
        with wiring.console.progress() as progress:
            report: Report = progress.follow(steps)
        return report

    return run(wiring, "reconcile", work, format_name, copies)
