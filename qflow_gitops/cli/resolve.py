"""`qflow-gitops resolve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.wiring import Wiring, run
from qflow_gitops.states import State

if TYPE_CHECKING:
    from qflow_gitops.report import Report


@click.command("resolve")
@click.argument("name", metavar="RUN")
@click.option("--adopt", metavar="EXECUTION", default="", help="It ran: this is its execution.")
@click.option("--absent", is_flag=True, help="It did not run: it is due again.")
@click.option("--assume-ran", is_flag=True, help="It ran, without an execution to show.")
@click.option(
    "--not",
    "others",
    multiple=True,
    metavar="EXECUTION",
    help="With --absent: this execution looks like it, but isn't; repeatable.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why; goes into the record.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring,
    name: str,
    adopt: str,
    absent: bool,
    assume_ran: bool,
    others: tuple[str, ...],
    reason: str,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Settle a RUN in doubt by your decision, after a look in Qualys.

    Sends nothing. What Qualys shows is checked first. With --absent the next apply sends the
    run: be sure that it did not run.
    """
    if (bool(adopt), absent, assume_ran).count(True) != 1:
        raise click.UsageError("Say one of --adopt EXECUTION, --absent and --assume-ran.")
    if others and not absent:
        raise click.UsageError("--not belongs to --absent.")
    to = State.ADOPTED if adopt else State.ABSENT if absent else State.ASSUMED

    def work() -> Report:
        from qflow_gitops.operations.resolve import Decision, resolve
        from qflow_gitops.operations.runs import attempts_for

        project = wiring.project()
        return resolve(
            Decision(name, to, adopt, reason, others),
            project,
            wiring.store(project),
            wiring.reconciler(project),
            wiring.author(),
            lambda key, lockfile: attempts_for(key, wiring.git, project, lockfile),
        )

    return run(wiring, "resolve", work, format_name, copies)
