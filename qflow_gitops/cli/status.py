"""`qflow-gitops status`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.errors import QflowError

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("status")
@options.runs
@options.environment
@click.option(
    "--refresh", is_flag=True, help="Look at executions that are under way first, and record."
)
@click.option("--exit-code", is_flag=True, help="Exit 9, 1 or 8: in doubt, failed, under way.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring,
    runs: tuple[str, ...],
    environment: str,
    refresh: bool,
    exit_code: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Show every run, its last attempt and its execution, and what is frozen.

    With RUN (`name`, `environment/name`, `*` stands for any) only these runs.
    """

    def work() -> Report:
        from qflow_gitops.apply.platforms import Gateways
        from qflow_gitops.commands import status

        commit = wiring.newest()
        settings = wiring.settings(commit)
        project = settings.project
        store = wiring.store(project)
        problems: tuple[QflowError, ...] = ()
        if refresh:
            gateways = Gateways(wiring.connections.qualys, project)
            problems = status.refresh(store, project, environment, gateways, SystemClock())
        report = status.status(
            wiring.git,
            commit,
            store,
            settings,
            environment,
            wiring.freezes(),
            runs=runs,
            loader=wiring.loader,
            platform=wiring.platform,
            exit_code=exit_code,
        )
        for error in problems:
            return replace(report, exit_code=error.exit_code, reason=error.reason, error=error)
        return report

    return run(wiring, "status", work, format_name, copies)
