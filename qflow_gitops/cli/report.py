"""`qflow-gitops report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.commands.report import ReportServices
    from qflow_gitops.results.report import Report


@click.command("report")
@click.argument(
    "runs", metavar="[RUN|EXECUTION]...", nargs=-1, shell_complete=options.completed("shown")
)
@options.environment
@click.option(
    "--since",
    metavar="TIME",
    default="",
    callback=options.since,
    help="Only what was under way since: 2026-10-01 (UTC), 12h, 30d, 4w.",
)
@click.option(
    "--until",
    metavar="TIME",
    default="",
    callback=options.since,
    help="Only what was under way before: 2026-11-01 (UTC) for all of October.",
)
@options.output("text", "json", "markdown")
@click.pass_obj
def command(
    wiring: Wiring,
    runs: tuple[str, ...],
    environment: str,
    since: str,
    until: str,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Tell an auditor what ran, what allowed it, and what is missing.

    Of all runs, of some RUNs, or of the run of an EXECUTION. Looks only: writes nothing, sends no
    run.
    """

    def work() -> Report:
        from qflow_gitops.audit.content import Span
        from qflow_gitops.commands.report import Asked, report

        return report(Asked(runs, environment, Span(since, until)), _services(wiring))

    return run(wiring, "report", work, format_name, copies)


def _services(wiring: Wiring) -> ReportServices:
    from qflow_gitops.commands.report import ReportServices

    commit = wiring.newest()
    settings = wiring.settings(commit)
    return ReportServices(
        git=wiring.git,
        commit=commit,
        store=wiring.store_to_look_at(settings.project),
        settings=settings,
        loader=wiring.loader,
        clock=SystemClock(),
        platform=wiring.platform,
        pages=wiring.ci.pages,
    )
