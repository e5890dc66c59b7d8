"""`qflow-gitops rerun`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("rerun")
@click.argument("name", metavar="RUN", shell_complete=options.completed("runs"))
@click.option("--reason", required=True, metavar="TEXT", help="Why; goes into the annotations.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring, name: str, reason: str, format_name: str, copies: options.Copies
) -> int:
    """Raise a spec's rerun, so that the request of RUN is sent once more.

    The new number is above every one that any run on the same platform has used for this
    request. Changes only the spec's file in the work tree, and in it nothing but `rerun` and
    the annotation rerunReason. It runs nothing: commit the change, have it reviewed, apply it.
    """

    def work() -> Report:
        from qflow_gitops.commands.rerun import rerun

        project = wiring.project()
        return rerun(wiring.git, wiring.store(project), project, name, reason)

    return run(wiring, "rerun", work, format_name, copies)
