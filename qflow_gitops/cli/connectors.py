"""`qflow-gitops connectors`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.base.times import stamp
from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.groups import Group

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.group("connectors", cls=Group)
def command() -> None:
    """The catalogs of connectors in `connectors/`, which give ids their names."""


@command.command("pull")
@options.environment
@click.option(
    "--api",
    "api",
    type=click.Choice(["v1", "v3"]),
    help="v1: TotalCloud's lists, on the gateway. v3: Connector v3, on Qualys' API server, OCI's "
    "too. Default: v1, and v3 where that has no list and its credentials are set.",
)
@options.output("text", "json")
@click.pass_obj
def pull(
    wiring: Wiring, environment: str, api: str | None, format_name: str, copies: options.Copies
) -> int:
    """Write what Qualys knows of connectors into `connectors/`, to be committed.

    Names are made of Qualys' titles once and stay, as labels do; what is gone is marked. Nothing is
    written unless every list was read to its end.

    The API server is another host than the gateway, and takes QFLOW_API_USERNAME and
    QFLOW_API_PASSWORD; neither gets what the other takes. QFLOW_API_SERVER names it for `platform:
    private` and `platform: sandbox`.
    """

    def work() -> Report:
        from qflow_gitops.commands import connectors
        from qflow_gitops.commands.connectors_listed import Sources

        connections = wiring.connections
        sources = Sources(
            lambda platform: connections.qualys(platform)[0],
            connections.api_server,
            api or "",
            lambda: connections.has_api_password,
        )
        return connectors.pull(
            wiring.git,
            wiring.project(),
            sources,
            environment,
            stamp(SystemClock().now())[:10],
        )

    return run(wiring, "connectors", work, format_name, copies)
