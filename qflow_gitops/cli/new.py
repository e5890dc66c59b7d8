"""`qflow-gitops new`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.specs.connectors.registry import CONNECTORS

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("new")
@click.argument("cloud", type=click.Choice(list(CONNECTORS)))
@click.argument("name", default="my-run")
@options.output("text", "json")
@click.pass_obj
def command(wiring: Wiring, cloud: str, name: str, format_name: str, copies: options.Copies) -> int:
    """Print a run spec to fill in: qflow-gitops new aws NAME > runs/NAME.yaml.

    Needs no access to anything. With a catalog, `workflows new ID` knows the variables, too.
    """

    def work() -> Report:
        from qflow_gitops.commands.new import new

        return new(cloud, name)

    return run(wiring, "new", work, format_name, copies)
