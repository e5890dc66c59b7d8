"""`qflow-gitops status`."""

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.wiring import Wiring, run
from qflow_gitops.project import LOCK_FILE
from qflow_gitops.report import Report


@click.command("status")
@options.environment
@click.option("--exit-code", is_flag=True, help="Exit 9, 1 or 8: in doubt, failed, under way.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring, environment: str, exit_code: bool, format_name: str, copies: options.Copies
) -> int:
    """Show every run, its last attempt and its execution, as the record has them."""

    def work() -> Report:
        from qflow_gitops.operations.status import status

        project = wiring.project()
        store = wiring.store(project)
        return status(wiring.git, store, project, LOCK_FILE, environment, exit_code=exit_code)

    return run(wiring, "status", work, format_name, copies)
