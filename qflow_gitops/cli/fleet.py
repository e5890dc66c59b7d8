"""`qflow-gitops fleet`: many projects, wave by wave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import fleet_engines, fleet_wiring, options
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.groups import Group

if TYPE_CHECKING:
    from qflow_gitops.fleet.applying import Asked
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


def _refuse(ctx: click.Context, _param: click.Parameter, command: str) -> None:
    """Say why jobs and workers take no inventory, which stands in no commit.

    Each of them would ask for a list of its own. In a shorter one, waves are over sooner: it would
    begin members whose turn it isn't.
    """
    if command and not ctx.resilient_parsing:
        raise click.UsageError(
            "Members of an inventory stand in no commit, so jobs and workers could each read "
            f"another list of them, and `{ctx.command.name}` takes none. Work on them from one "
            "machine (`qflow-gitops fleet apply --inventory COMMAND`), or write them into "
            "fleet.yaml.",
            ctx,
        )


_NO_INVENTORY = click.option("--inventory", hidden=True, expose_value=False, callback=_refuse)
_REASON = click.option("--reason", default="", metavar="TEXT", help="Why; goes into fleet.lock.")

_ACKS = click.option(
    "--ack",
    "acks",
    multiple=True,
    metavar="NAME=N",
    callback=options.counts,
    shell_complete=options.completed("releases"),
    help="Release what is held: wave=N, a wave that is stopped; credentials=N, so many members "
    "whose credentials would go to another address; unmerged=1; rewritten=1, where history was "
    "rewritten; moved=1, where fleet.yaml was elsewhere. Needs --reason.",
)


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
@_ACKS
@_REASON
@click.option(
    "--engine",
    type=click.Choice(["local", "celery"]),
    default="local",
    help="Where members are worked on: by this machine, or by the workers (`fleet worker`) that "
    "are told of them by the broker at QFLOW_FLEET_BROKER.",
)
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
    engine: str,
    timeout: float | None,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Apply all members, wave by wave, each by its own program, clone and credentials.

    `apply --unattended` is what each is given. A wave begins when the one before it is over and
    soaked, and none does once one is stopped. Whatever ends this, the next one goes on.
    """

    def work() -> Report:
        from qflow_gitops.fleet.applying import apply

        chosen = fleet_engines.engine(wiring, engine, inventory, acks)
        services = fleet_wiring.services(
            wiring, head, inventory, acks=acks, merged=engine != "local"
        )
        asked = _asked(acks, reason, timeout)
        typed = "" if engine == "local" else f"--engine {engine}"
        present = fleet_wiring.presence(wiring).shown()
        with present as name, wiring.console.progress() as progress:
            report: Report = progress.follow(
                apply(replace(services, id=name, engine=typed), chosen(services.fleet), asked)
            )
        return fleet_wiring.interrupted(services, report)

    return run(wiring, "fleet apply", work, format_name, copies)


@command.command("matrix")
@options.revision("--to", "head", default="HEAD", text="The commit that fleet.yaml is read from.")
@click.option("--wave", type=click.IntRange(1), metavar="N", help="Only members of this wave.")
@click.option(
    "--no-retry",
    is_flag=True,
    help="What failed stays so until its ref moves: for every round of a run after its first.",
)
@_NO_INVENTORY
@_ACKS
@_REASON
@options.output("matrix", "gitlab", "text", "json", "markdown")
@click.pass_obj
def matrix_(
    wiring: Wiring,
    head: str,
    wave: int | None,
    no_retry: bool,
    acks: dict[str, int],
    reason: str,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Open the wave whose turn it is, and print a job for each of its members.

    `matrix`: a list of GitHub's matrices of at most 256 jobs each; `gitlab`: a child pipeline. Each
    job is a `fleet work`. After all of them, this command says whose turn it is then.
    """

    def work() -> Report:
        from qflow_gitops.fleet.matrix import matrix

        services = fleet_wiring.services(wiring, head, acks=acks)
        with wiring.console.progress() as progress:
            asked = _asked(acks, reason)
            report: Report = progress.follow(matrix(services, asked, wave or 0, retry=not no_retry))
        return fleet_wiring.told_beside(wiring, report, format_name)

    return run(wiring, "fleet matrix", work, format_name, copies)


@command.command("work")
@click.argument(
    "names",
    metavar="MEMBER...",
    nargs=-1,
    required=True,
    shell_complete=options.completed("members"),
)
@options.revision("--to", "head", default="HEAD", text="The commit that fleet.yaml is read from.")
@click.option(
    "--one-set",
    is_flag=True,
    help="QFLOW_*, GITHUB_TOKEN and GIT_TOKEN are the members' set of credentials, without its "
    "name before them: for a job that holds no other.",
)
@_NO_INVENTORY
@options.output("text", "json", "markdown")
@click.pass_obj
def work_(
    wiring: Wiring,
    names: tuple[str, ...],
    head: str,
    one_set: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Apply exactly these members, each if it is its turn; their wave has to be open.

    For a CI's job: `fleet matrix` opens a wave and says whose turn it is.
    """

    def work() -> Report:
        from qflow_gitops.fleet import working

        one_set_of = names if one_set else ()
        services = fleet_wiring.services(wiring, head, one_set_of=one_set_of, acks={})
        with fleet_wiring.presence(wiring).shown() as name, wiring.console.progress() as progress:
            report = progress.follow(working.work(replace(services, id=name), names))
        return fleet_wiring.interrupted(services, report)

    return run(wiring, "fleet work", work, format_name, copies)


@command.command("worker")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=4,
    metavar="N",
    help="How many members are worked on at once: 4 unless given.",
)
@_NO_INVENTORY
@click.pass_obj
def worker_(wiring: Wiring, concurrency: int) -> int:
    """Work on members that `fleet apply --engine celery` publishes, until SIGTERM.

    It runs in a clone of the fleet's repository, with the members' credentials in its environment
    and the broker's address in QFLOW_FLEET_BROKER. What it is to do it reads in fleet.yaml and
    fleet.lock, at the remote.
    """
    return fleet_engines.serve(wiring, concurrency)


@command.command("status")
@_INVENTORY
@click.option("--exit-code", is_flag=True, help="Exit with the worst of the members' codes.")
@options.output("text", "json", "markdown")
@click.pass_obj
def status_(
    wiring: Wiring, inventory: str, exit_code: bool, format_name: str, copies: options.Copies
) -> int:
    """Show how each member was seen last, by fleet.lock, without a look at any."""

    def work() -> Report:
        from qflow_gitops.fleet.planning import status

        services = fleet_wiring.services(wiring, "HEAD", inventory)
        return status(services, exit_code=exit_code)

    return run(wiring, "fleet status", work, format_name, copies)


@command.command("report")
@options.revision("--to", "head", default="HEAD", text="The commit that fleet.yaml is read from.")
@_INVENTORY
@options.span
@click.option(
    "--output",
    metavar="DIR",
    default="",
    type=click.Path(file_okay=False),
    help="Write HTML there: an index, and each member's report in a folder of its own. A folder "
    "that isn't there yet, or that a report made.",
)
@options.output("text", "json", "markdown")
@click.pass_obj
def report_(
    wiring: Wiring,
    head: str,
    inventory: str,
    since: str,
    until: str,
    output: str,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Tell an auditor what ran in each member, by its own `report`. Looks only."""

    def work() -> Report:
        from qflow_gitops.cli import fleet_report

        span = options.span_of(since, until)
        return fleet_report.made(wiring, head, inventory, span, output)

    return run(wiring, "fleet report", work, format_name, copies)


@command.command("freeze")
@click.option("--reason", required=True, metavar="TEXT", help="Why; goes into fleet.lock.")
@options.output("text", "json")
@click.pass_obj
def freeze_(wiring: Wiring, reason: str, format_name: str, copies: options.Copies) -> int:
    """Begin no member until somebody unfreezes, in a fleet's apply that runs too."""

    def work() -> Report:
        from qflow_gitops.fleet.freezing import freeze

        return freeze(reason, fleet_wiring.brakes(wiring))

    return run(wiring, "fleet freeze", work, format_name, copies)


@command.command("unfreeze")
@click.option("--reason", required=True, metavar="TEXT", help="Why; goes into fleet.lock.")
@options.output("text", "json")
@click.pass_obj
def unfreeze_(wiring: Wiring, reason: str, format_name: str, copies: options.Copies) -> int:
    """Lift every freeze of fleet.lock."""

    def work() -> Report:
        from qflow_gitops.fleet.freezing import unfreeze

        return unfreeze(reason, fleet_wiring.brakes(wiring))

    return run(wiring, "fleet unfreeze", work, format_name, copies)


def _asked(acks: dict[str, int], reason: str, patience: float | None = None) -> Asked:
    from qflow_gitops.fleet.applying import Asked

    return Asked(acks, reason, patience or 0.0)
