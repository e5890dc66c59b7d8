"""`qflow-gitops status`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from qflow_gitops.base.times import stamp
from qflow_gitops.cli import lock_files, options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.states import NEVER_SENT, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qflow_gitops.apply.overdue import Overdue
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.results.report import Report
    from qflow_gitops.settings.project import Project
    from qflow_gitops.specs.load import SpecSet


STATES = (*sorted(state.value for state in State), NEVER_SENT)
_EVERY = "10"


def _pause(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """Read the seconds between two looks, at least one."""
    if value is None:
        return None
    if not value.isdecimal() or not 1 <= int(value[:6]) <= _LONGEST:
        said = f"{value!r} is no number of seconds from 1 to {_LONGEST}; RUN comes before --watch"
        raise click.BadParameter(said)
    return float(value)


_LONGEST = 3600


@click.command("status")
@options.runs
@options.environment
@click.option(
    "--refresh", is_flag=True, help="Look at executions that are under way first, and record."
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    metavar="STATE",
    help=f"Only runs in this state; repeatable. {', '.join(STATES)}.",
)
@options.labels
@click.option(
    "--watch",
    is_flag=False,
    flag_value=_EVERY,
    metavar="[SECONDS]",
    callback=_pause,
    help=f"Look again every {_EVERY} (or so many) seconds as long as anything is under way; with "
    "--refresh at Qualys, too. RUN comes before it.",
)
@click.option(
    "--timeout",
    metavar="DURATION",
    callback=options.seconds,
    help="How long to --watch, such as 45m; default: the settings' apply.timeout. Then exit 8.",
)
@click.option("--exit-code", is_flag=True, help="Exit 9, 1 or 8: in doubt, failed, under way.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring,
    runs: tuple[str, ...],
    environment: str,
    refresh: bool,
    states: tuple[str, ...],
    labels: dict[str, str],
    watch: float | None,
    timeout: float | None,
    exit_code: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Show every run, its last attempt and its execution, and what is frozen.

    With RUN (`name`, `environment/name`, `*` stands for any) only these runs.
    """

    def look() -> Report:
        return _look(wiring, (runs, states, labels), environment, refresh, exit_code)

    def work() -> Report:
        if watch is None:
            return look()
        from qflow_gitops.commands.status_watch import watch as watched

        longest = wiring.project(wiring.newest()).apply.timeout if timeout is None else timeout
        with wiring.console.progress() as progress:
            return progress.follow(watched(look, SystemClock(), watch, longest))

    return run(wiring, "status", work, format_name, copies)


def _look(
    wiring: Wiring,
    only: tuple[tuple[str, ...], tuple[str, ...], dict[str, str]],
    environment: str,
    refresh: bool,
    exit_code: bool,
) -> Report:
    """Look once; `only` is what of all runs is shown, as in `commands.status.Only`."""
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
        only=status.Only(*only),
        now=stamp(SystemClock().now()),
        loader=wiring.loader,
        platform=wiring.platform,
        late=_late(wiring, project, environment),
        exit_code=exit_code,
    )
    for error in problems:
        report = replace(report, exit_code=error.exit_code, reason=error.reason, error=error)
    return lock_files.noted(wiring, project, report)


def _late(
    wiring: Wiring, project: Project, environment: str
) -> Callable[[Lockfile, SpecSet], Iterator[Overdue]]:
    """Return what says what no apply did."""
    from qflow_gitops.commands import schedules
    from qflow_gitops.sources.settings import chosen

    def late(lockfile: Lockfile, specs: SpecSet) -> Iterator[Overdue]:
        about = (wiring.git, wiring.branches, project, lockfile, chosen(project, environment))
        return schedules.late(*about, SystemClock().now(), specs, wiring.freezes())

    return late
