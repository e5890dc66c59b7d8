"""`qflow-gitops watch`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.errors import AGAIN

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from qflow_gitops.commands.watch import Event, Pace
    from qflow_gitops.results.report import Report

_SHORTEST, _LONGEST = 1.0, 86_400.0


def _interval(ctx: click.Context, param: click.Parameter, value: str) -> float:
    found = options.seconds(ctx, param, value) or 0.0
    if not _SHORTEST <= found <= _LONGEST:
        raise click.BadParameter(f"{value!r} isn't from 1s to 24h")
    return found


def _share(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    number = value.removesuffix("%")
    if not (number.isascii() and number.isdecimal() and int(number[:4]) <= 50):
        raise click.BadParameter(f"{value!r} isn't from 0% to 50%")
    return int(number) / 100


@click.command("watch")
@options.environment
@click.option(
    "--branch",
    metavar="NAME",
    default="",
    help="The remote's branch to apply. Without it the only one that `branches` of the "
    "environment names, else the remote's default branch.",
)
@click.option(
    "--every",
    metavar="DURATION",
    default="5m",
    show_default=True,
    callback=_interval,
    help="How long from the beginning of a round to that of the next: 30s, 5m, 1h.",
)
@click.option(
    "--jitter",
    metavar="PERCENT",
    default="20%",
    show_default=True,
    callback=_share,
    help="By how much that varies, so that many watches don't begin at the same time.",
)
@click.option(
    "--health",
    metavar="FILE",
    default="",
    type=click.Path(dir_okay=False),
    help="After each round, write there as JSON how it ended and when the next one begins.",
)
@click.option(
    "--listen",
    metavar="[HOST:]PORT",
    default="",
    help="Answer /healthz and /metrics there; without a HOST on 127.0.0.1 alone.",
)
@click.option(
    "--rounds",
    metavar="N",
    type=click.IntRange(1),
    help="End after so many rounds, with the exit code of the last one.",
)
@click.pass_obj
def command(
    wiring: Wiring,
    environment: str,
    branch: str,
    every: float,
    jitter: float,
    health: str,
    listen: str,
    rounds: int | None,
) -> int:
    """Fetch a branch and apply it, again and again, until SIGTERM: where no CI does it.

    Each round is `apply --unattended` of the branch's newest commit in one environment, in a
    process of its own. The lockfile has to be on a branch; work tree, index and HEAD of the clone
    stay as they are. Credentials are those of `apply`.
    """
    from qflow_gitops.commands.watch import Pace

    pace = Pace(every, jitter, rounds or 0)
    file = (wiring.directory / health).absolute() if health else None
    return run(
        wiring, "watch", lambda: _watch(wiring, environment, branch, pace, file, listen), "text"
    )


def _watch(
    wiring: Wiring, environment: str, branch: str, pace: Pace, file: Path | None, listen: str
) -> Report:
    from random import Random

    from qflow_gitops.cli import watch_wiring
    from qflow_gitops.cli.clock import SystemClock
    from qflow_gitops.commands.watch import watch

    with (
        watch_wiring.Waiter() as stopper,
        watch_wiring.showing(file, listen, pace.every, wiring.console.say) as publish,
    ):
        rounds = watch_wiring.rounds(wiring, environment, branch, pace.every, stopper)
        wiring.console.say(watch_wiring.begins(pace.every, pace.rounds))
        work = watch(rounds, SystemClock(), stopper, Random(), pace, publish)  # noqa: S311  no secret
        report = _followed(wiring, work)
    if stopper() and pace.rounds:
        return replace(report, exit_code=stopper.exit_code)
    return report


def _followed(wiring: Wiring, work: Generator[Event, None, Report]) -> Report:
    """Show every event of a watch, and give what it returns at its end."""
    from qflow_gitops.commands.watch import Alarm

    while True:
        try:
            event = next(work)
        except StopIteration as end:
            report: Report = end.value
            return report
        if isinstance(event, Alarm):
            event.problem.hint = event.problem.hint.replace(AGAIN, wiring.typed)
            wiring.console.error(event.problem)
        else:
            wiring.console.say(event.text)
