"""`qflow-gitops baseline`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import lock_files, options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.errors import AGAIN, UsageProblem
from qflow_gitops.plan.change import Change
from qflow_gitops.render.escape import clean, count

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("baseline")
@options.runs
@options.environment
@options.labels
@click.option("--reason", required=True, metavar="TEXT", help="Why; goes into the lockfile.")
@click.option("--yes", is_flag=True, help="Don't ask; needed where there is no terminal.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring,
    runs: tuple[str, ...],
    environment: str,
    labels: dict[str, str],
    reason: str,
    yes: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Declare specs of the newest commit as already run. Sends nothing.

    Without a RUN, all that is due: for a repository of runs that were started by other means
    before. With RUN (`name`, `environment/name`, `*` stands for any) also what is held because
    another run sent the same request, or because it failed and was done by hand.
    """

    def work() -> Report:
        from qflow_gitops.commands.baseline import BaselineRequest, BaselineServices, baseline
        from qflow_gitops.results.records import RunHistory

        head = wiring.git.resolve("HEAD")
        settings = wiring.settings(head, fetch=True)
        project = settings.project
        services = BaselineServices(
            git=wiring.git,
            store=wiring.store(project),
            clock=SystemClock(),
            author=wiring.author(),
            confirm=lambda changes: yes or _confirmed(wiring, changes),
        )
        request = BaselineRequest(wiring.platform, reason, runs, environment, labels, head)
        report = baseline(request, services, settings)
        if isinstance(report.body, RunHistory):
            lock_files.pin_lineage(wiring, report.body.lock.lineage, project)
        return report

    return run(wiring, "baseline", work, format_name, copies)


def _confirmed(wiring: Wiring, changes: tuple[Change, ...]) -> bool:
    for change in changes:
        wiring.console.say(f"  {change.environment}/{change.name}")
    if not wiring.console.interactive:
        raise UsageProblem(
            f"Somebody has to confirm that {count(len(changes), 'run')} ran already, and there is "
            "no terminal to ask at.",
            not_done="Nothing was recorded.",
            hint=f"If they did: `{AGAIN} --yes`",
            reason="not_confirmed",
        )
    what = f"these {len(changes)} runs" if len(changes) > 1 else "this run"
    where = ", ".join(sorted({clean(change.environment) for change in changes}))
    return wiring.console.ask(f"Record {what} in {where} as done, never to be sent?")
