"""`qflow-gitops connectors`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.base.times import stamp
from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.group("connectors")
def command() -> None:
    """The catalogs of connectors in `connectors/`, which give ids their names."""


@command.command("pull")
@options.environment
@options.output("text", "json")
@click.pass_obj
def pull(wiring: Wiring, environment: str, format_name: str, copies: options.Copies) -> int:
    """Write what Qualys knows of connectors into `connectors/`, to be committed.

    Names are made of Qualys' titles once and stay, as labels do; what is gone is marked. Nothing is
    written unless every list was read to its end.
    """

    def work() -> Report:
        from qflow_gitops.commands import connectors

        return connectors.pull(
            wiring.git,
            wiring.project(),
            lambda platform: wiring.connections.qualys(platform)[0],
            environment,
            stamp(SystemClock().now())[:10],
        )

    return run(wiring, "connectors", work, format_name, copies)
