"""`qflow-gitops report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from qflow_gitops.cli import options, report_folder, report_statements
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.commands.report import Asked, ReportServices
    from qflow_gitops.results.report import Report


@click.command("report")
@click.argument(
    "runs", metavar="[RUN|EXECUTION]...", nargs=-1, shell_complete=options.completed("shown")
)
@options.environment
@options.span
@click.option(
    "--live",
    is_flag=True,
    help="Also ask Qualys, with its credentials: which executions of the last 30 days nobody "
    "started from here, which aren't shown, and the steps of RUNs.",
)
@click.option(
    "--exit-code", is_flag=True, help="Exit 10 if the sources differ in anything; 0 without this."
)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Also write HTML there: an index, and a page for each run. A folder that isn't there yet, "
    "or that a report made.",
)
@click.option(
    "--statements",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Also write an in-toto statement of each attempt that is over there, as a file each.",
)
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    default="",
    help="Sign them with this Ed25519 key, PEM or OpenSSH's (QFLOW_STATEMENT_KEY).",
)
@options.output("text", "json", "markdown", "csv", "html", "ocsf")
@click.pass_obj
def command(
    wiring: Wiring,
    runs: tuple[str, ...],
    environment: str,
    since: str,
    until: str,
    live: bool,
    exit_code: bool,
    output: str | None,
    statements: str | None,
    key: str,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Tell an auditor what ran, what allowed it, and what is missing.

    Of all runs, of some RUNs, or of the run of an EXECUTION. Looks only: sends no run, and writes
    nothing but what --output, --statements and --report name.
    """

    def work() -> Report:
        from qflow_gitops.commands.report import Asked

        asked_span = options.span_of(since, until)
        if (
            statements
            and output
            and _meet(wiring.directory / statements, wiring.directory / output)
        ):
            raise click.UsageError(
                "--statements and --output need a folder each, and none within the other."
            )
        if key and not statements:
            raise click.UsageError("--key signs statements: it goes with --statements DIR.")
        asked = Asked(runs, environment, asked_span, live, exit_code)
        return _made(wiring, asked, _Folders(output or "", statements or "", key))

    return run(wiring, "report", work, format_name, copies)


def _meet(one: Path, other: Path) -> bool:
    """Whether two folders are one, or one lies within the other."""
    one, other = one.resolve(), other.resolve()
    return one.is_relative_to(other) or other.is_relative_to(one)


class _Folders(NamedTuple):
    """Where pages and statements go, "" for nowhere, and the key that signs these."""

    output: str
    statements: str
    key: str


def _made(wiring: Wiring, asked: Asked, to: _Folders) -> Report:
    """Make the report, and write what goes into folders; these are looked at first."""
    from qflow_gitops.commands.report import report
    from qflow_gitops.commands.statements import Statements
    from qflow_gitops.lockfile.ledger import Lockfile

    stated = report_statements.place(wiring, to.statements) if to.statements else None
    signer = report_statements.signer(wiring, to.key) if to.statements else None
    folder = report_folder.place(wiring.directory, to.output) if to.output else None
    services = _services(wiring)
    recorded = services.store.read()
    made = report(asked, services, recorded)
    if stated:
        its = Statements(asked, services, recorded.lockfile or Lockfile(""), signer)
        report_statements.write(wiring, its, stated, to.statements)
    if folder:
        _write(wiring, made, folder, to.output)
    return made


def _write(wiring: Wiring, made: Report, folder: Path, named: str) -> None:
    """Write the pages of a report, and say so on stderr: a local path is no part of a report."""
    from qflow_gitops.render import html

    count = report_folder.write(folder, html.pages(made))
    wiring.console.say(f"Wrote {named}: index.html, and {count - 1:,} more pages.")


def _services(wiring: Wiring) -> ReportServices:
    from qflow_gitops.commands.report import ReportServices

    commit = wiring.newest()
    settings = wiring.settings(commit)
    return ReportServices(
        git=wiring.git,
        commit=commit,
        store=wiring.store_to_look_at(settings.project),
        settings=settings,
        loader=wiring.loader,
        clock=SystemClock(),
        connect=wiring.connections.qualys,
        pages=wiring.ci.pages,
    )
