"""`qflow-gitops notify`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("notify")
@click.option(
    "--timeout",
    callback=options.seconds,
    default="60s",
    show_default=True,
    metavar="DURATION",
    help="How long it tries, like 90s or 5m.",
)
@options.revision(
    "--to", "head", default="", text="The commit that settings are read from; default: HEAD."
)
@click.option("--test", "trying", is_flag=True, help="Only send a test notice to each receiver.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring,
    timeout: float,
    head: str,
    trying: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Tell others what is still to be told, and record that.

    An apply tells it while it works; this tells what was left. Receivers are set up by
    QFLOW_NOTIFY_URL and QFLOW_NOTIFY_KEY, QFLOW_NOTIFY_SLACK_URL and QFLOW_NOTIFY_TEAMS_URL;
    `notify` in qflow.yaml says which events are told. Where QFLOW_TICKET_URL or
    QFLOW_TICKET_COMMAND is set, what became of runs is noted on their tickets as well. Needs no
    credentials of Qualys. Exit 12: something is left, and stays for the next time.
    """
    work = _tried if trying else lambda wiring: _told(wiring, timeout, head)
    return run(wiring, "notify", lambda: work(wiring), format_name, copies)


def _tried(wiring: Wiring) -> Report:
    from qflow_gitops.base.times import stamp
    from qflow_gitops.cli.clock import SystemClock
    from qflow_gitops.commands.notify import try_out
    from qflow_gitops.notify.telling import a_test

    told = a_test(stamp(SystemClock().now()), secrets.token_hex(16))
    return try_out(wiring.connections.receivers(), told)


def _told(wiring: Wiring, seconds: float, head: str) -> Report:
    from qflow_gitops.cli.clock import SystemClock
    from qflow_gitops.commands.notify import NotifyServices, notify

    courier = wiring.connections.courier()
    project = wiring.project(wiring.git.resolve(head) if head else wiring.newest())
    there = any(map(wiring.environ.get, ("QFLOW_TICKET_URL", "QFLOW_TICKET_COMMAND")))
    tickets = wiring.connections.tickets if there else None
    services = NotifyServices(project, wiring.store(project), courier, SystemClock(), tickets)
    return notify(services, seconds)
