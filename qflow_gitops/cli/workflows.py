"""`qflow-gitops workflows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.groups import Group

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.group("workflows", cls=Group)
def command() -> None:
    """The catalog of workflows in `workflows/`, against which specs are checked offline."""


@command.command("pull")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=options.completed("workflows"))
@click.option("--all", "everything", is_flag=True, help="Every workflow that your user may see.")
@options.environment
@options.output("text", "json")
@click.pass_obj
def pull(
    wiring: Wiring,
    ids: tuple[str, ...],
    everything: bool,
    environment: str,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Write what Qualys knows of workflows into `workflows/`, to be committed.

    Without an ID: those that specs name, and those that are there already. Names,
    revisions and kinds of variables are kept; values and credentials aren't.
    """
    if ids and everything:
        raise click.UsageError("Name workflows, or say --all.")

    def work() -> Report:
        from qflow_gitops.commands import workflows

        return workflows.pull(
            wiring.git,
            wiring.project(),
            lambda platform: wiring.connections.qualys(platform)[0],
            environment,
            ids,
            everything=everything,
        )

    return run(wiring, "workflows", work, format_name, copies)


@command.command("list")
@options.output("text", "json")
@click.pass_obj
def list_(wiring: Wiring, format_name: str, copies: options.Copies) -> int:
    """List the catalog."""

    def work() -> Report:
        from qflow_gitops.commands import workflows

        return workflows.listed(workflows.read(wiring.git, wiring.folder))

    return run(wiring, "workflows", work, format_name, copies)


@command.command("show")
@click.argument("workflow_id", metavar="ID", shell_complete=options.completed("workflows"))
@options.output("text", "json")
@click.pass_obj
def show(wiring: Wiring, workflow_id: str, format_name: str, copies: options.Copies) -> int:
    """Show a workflow of the catalog and its variables."""

    def work() -> Report:
        from qflow_gitops.commands import workflows

        return workflows.shown(workflows.read(wiring.git, wiring.folder), workflow_id)

    return run(wiring, "workflows", work, format_name, copies)


@command.command("new")
@click.argument("workflow_id", metavar="ID", shell_complete=options.completed("workflows"))
@options.output("text", "json")
@click.pass_obj
def new(wiring: Wiring, workflow_id: str, format_name: str, copies: options.Copies) -> int:
    """Print a run spec to fill in: `workflows new ID > runs/NAME.yaml`."""

    def work() -> Report:
        from qflow_gitops.commands import workflows

        return workflows.draft(workflows.read(wiring.git, wiring.folder), workflow_id)

    return run(wiring, "workflows", work, format_name, copies)
