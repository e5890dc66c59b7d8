"""`qflow-gitops show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.commands.show import Show, ShowServices
    from qflow_gitops.results.report import Report


@click.command("show")
@click.argument("what", metavar="RUN|EXECUTION", shell_complete=options.completed("shown"))
@options.environment
@click.option("--steps", is_flag=True, help="Only the execution's steps, in full.")
@click.option(
    "--raw",
    is_flag=True,
    help="Only the JSON that Qualys shows, without secrets; outputs may be confidential.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Look again until the execution has ended; half of the calls that Qualys' rate headers "
    "leave stays for others.",
)
@click.option(
    "--timeout",
    metavar="DURATION",
    callback=options.seconds,
    help="How long to watch, such as 45m; default: the settings' apply.timeout. Then exit 8.",
)
@options.output("text", "json", "markdown")
@click.pass_obj
def command(
    wiring: Wiring,
    what: str,
    environment: str,
    steps: bool,
    raw: bool,
    watch: bool,
    timeout: float | None,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Show the whole story of a RUN, or of an EXECUTION by its id or the first eight of it.

    What was sent, by whom, from which commit, how it ended and what to do next. With Qualys'
    credentials in the environment its steps, too: which of them failed, and what it says. Looks
    only: writes nothing, sends no run.
    """

    def work() -> Report:
        from qflow_gitops.commands.show import Show, show
        from qflow_gitops.results.stories import Depth

        asked = Show(what, environment, Depth(steps, raw))
        services = _services(wiring)
        if watch:
            return _watched(wiring, asked, services, timeout)
        return show(asked, services)

    return run(wiring, "show", work, format_name, copies)


def _watched(wiring: Wiring, asked: Show, services: ShowServices, timeout: float | None) -> Report:
    from qflow_gitops.commands.show_watch import watch

    seconds = services.project.apply.timeout if timeout is None else timeout
    with wiring.console.progress() as progress:
        return progress.follow(watch(asked, services, seconds))


def _services(wiring: Wiring) -> ShowServices:
    from qflow_gitops.commands.show import ShowServices

    commit = wiring.newest()
    settings = wiring.settings(commit)
    return ShowServices(
        git=wiring.git,
        commit=commit,
        store=wiring.store_to_look_at(settings.project),
        settings=settings,
        loader=wiring.loader,
        connect=wiring.connections.qualys,
        clock=SystemClock(),
        platform=wiring.platform,
    )
