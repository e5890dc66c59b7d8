"""`qflow-gitops fleet`: many projects, wave by wave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import fleet_wiring, options
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.groups import Group

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.group("fleet", cls=Group)
def command() -> None:
    """Many projects in repositories of their own, worked on wave by wave (`fleet.yaml`)."""


_INVENTORY = click.option(
    "--inventory",
    metavar="COMMAND",
    default="",
    help="A command that prints more members, as a JSON list. It runs without credentials.",
)
_REASON = click.option("--reason", default="", metavar="TEXT", help="Why; goes into fleet.lock.")


@command.command("plan")
@options.revision("--to", "head", default="HEAD", text="The commit that fleet.yaml is read from.")
@click.option("--worktree", is_flag=True, help="Read fleet.yaml as it is on disk.")
@_INVENTORY
@click.option("--exit-code", is_flag=True, help="Exit 10 if any member is to be worked on.")
@options.output("text", "json", "markdown")
@click.pass_obj
def plan_(
    wiring: Wiring,
    head: str,
    worktree: bool,
    inventory: str,
    exit_code: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Plan all members side by side: what would run, what waits, what is held. Looks only."""

    def work() -> Report:
        from qflow_gitops.fleet.planning import plan

        services = fleet_wiring.services(wiring, "" if worktree else head, inventory)
        with wiring.console.progress() as progress:
            return progress.follow(plan(services, exit_code=exit_code))

    return run(wiring, "fleet plan", work, format_name, copies)


@command.command("apply")
@options.revision("--to", "head", default="HEAD", text="The commit that fleet.yaml is read from.")
@_INVENTORY
@click.option(
    "--ack",
    "acks",
    multiple=True,
    metavar="NAME=N",
    callback=options.counts,
    help="Release what is held: wave=N, a wave that is stopped; credentials=N, so many members "
    "whose credentials would go to another address; unmerged=1. Needs --reason.",
)
@_REASON
@click.option(
    "--timeout",
    callback=options.seconds,
    metavar="DURATION",
    help="How long to wait for a soak to end: 30m, 1h30m. Without it the next apply goes on.",
)
@options.output("text", "json", "markdown")
@click.pass_obj
def apply_(
    wiring: Wiring,
    head: str,
    inventory: str,
    acks: dict[str, int],
    reason: str,
    timeout: float | None,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Apply all members, wave by wave, each by its own program, clone and credentials.

    `apply --unattended` is what each is given. A wave begins when the one before it is over and
    soaked, and none does once one is stopped. Whatever ends this, the next one goes on.
    """

    def work() -> Report:
        from qflow_gitops.fleet.applying import Asked, apply
        from qflow_gitops.fleet.engines.local import Local

        services = fleet_wiring.services(wiring, head, inventory)
        fleet_wiring.check_commit(wiring, services, acks)
        engine = Local(services.fleet.at_once)
        held = {name: number for name, number in acks.items() if name != "unmerged"}
        asked = Asked(held, reason, timeout or 0.0)
        present = fleet_wiring.presence(wiring).shown()
        with present as name, wiring.console.progress() as progress:
            report: Report = progress.follow(apply(replace(services, id=name), engine, asked))
        return fleet_wiring.interrupted(services, report)

    return run(wiring, "fleet apply", work, format_name, copies)


@command.command("status")
@click.option("--exit-code", is_flag=True, help="Exit with the worst of the members' codes.")
@options.output("text", "json", "markdown")
@click.pass_obj
def status_(wiring: Wiring, exit_code: bool, format_name: str, copies: options.Copies) -> int:
    """Show how each member was seen last, by fleet.lock, without a look at any."""

    def work() -> Report:
        from qflow_gitops.fleet.planning import status

        return status(fleet_wiring.services(wiring, "HEAD"), exit_code=exit_code)

    return run(wiring, "fleet status", work, format_name, copies)


@command.command("freeze")
@click.option("--reason", required=True, metavar="TEXT", help="Why; goes into fleet.lock.")
@options.output("text", "json")
@click.pass_obj
def freeze_(wiring: Wiring, reason: str, format_name: str, copies: options.Copies) -> int:
    """Begin no member until somebody unfreezes, in a fleet's apply that runs too."""

    def work() -> Report:
        from qflow_gitops.fleet.freezing import freeze

        return freeze(reason, fleet_wiring.services(wiring, "HEAD"))

    return run(wiring, "fleet freeze", work, format_name, copies)


@command.command("unfreeze")
@click.option("--reason", required=True, metavar="TEXT", help="Why; goes into fleet.lock.")
@options.output("text", "json")
@click.pass_obj
def unfreeze_(wiring: Wiring, reason: str, format_name: str, copies: options.Copies) -> int:
    """Lift every freeze of fleet.lock."""

    def work() -> Report:
        from qflow_gitops.fleet.freezing import unfreeze

        return unfreeze(reason, fleet_wiring.services(wiring, "HEAD"))

    return run(wiring, "fleet unfreeze", work, format_name, copies)
