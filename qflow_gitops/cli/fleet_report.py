"""Writes the reports of a fleet's members into one folder, with an index beside them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from qflow_gitops.cli import fleet_wiring, report_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.audit.span import Span
    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.results.fleets import FleetReported
    from qflow_gitops.results.report import Report


def made(wiring: Wiring, head: str, inventory: str, span: Span, output: str) -> Report:
    """Have each member report; with `output` all pages are put there at once, or none."""
    from qflow_gitops.fleet.reporting import Wanted, report
    from qflow_gitops.results.fleets import FleetReported

    folder = report_folder.place(wiring.directory, output) if output else None
    services = fleet_wiring.services(wiring, head, inventory)
    with TemporaryDirectory(prefix="qflow-gitops-fleet-") as stage:
        wanted = Wanted(span, Path(stage) if folder else None)
        with wiring.console.progress() as progress:
            found: Report = progress.follow(report(services, wanted))
        if folder and isinstance(found.body, FleetReported):
            count = report_folder.write(folder, _pages(found.body, Path(stage)))
            wiring.console.say(f"Wrote {output}: index.html, and {count - 1:,} more pages.")
    return fleet_wiring.interrupted(services, found)


def _pages(body: FleetReported, stage: Path) -> Iterator[tuple[str, bytes]]:
    """Give the index, and what each member's program wrote; a link among these isn't followed."""
    from qflow_gitops.render import html

    yield "index.html", html.fleet_index(body)
    for one in body.members:
        if one.has_pages:
            for path in sorted((stage / one.name).rglob("*")):
                if path.is_file() and not path.is_symlink() and path.name != report_folder.MARKER:
                    yield path.relative_to(stage).as_posix(), path.read_bytes()
