"""`qflow-gitops doctor`."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.doctor.checklist import Part
    from qflow_gitops.doctor.machine import Machine
    from qflow_gitops.results.report import Report

PARTS = ("machine",)
"""What can be looked at, in the order in which it is."""


@click.command("doctor")
@click.argument("parts", metavar="[PART]...", nargs=-1, type=click.Choice(PARTS))
@options.output("text", "json", "markdown")
@click.pass_obj
def command(
    wiring: Wiring,
    parts: tuple[str, ...],
    format_name: str,
    copies: options.Copies,
) -> int:
    """Find out what works here and what doesn't, each with the next command.

    Looks only: nothing is written and no run is sent. Exit 1 where a check failed.
    """

    def work() -> Report:
        from qflow_gitops.commands.doctor import doctor

        return doctor(_parts(parts or PARTS))

    return run(wiring, "doctor", work, format_name, copies)


def _parts(wanted: tuple[str, ...]) -> Iterator[Part]:
    """Build what is looked at; each edge when its part's turn has come."""
    from qflow_gitops.doctor import machine
    from qflow_gitops.doctor.checklist import Part

    looks = {"machine": lambda: machine.checks(_machine())}
    for name in PARTS:
        if name in wanted:
            yield Part(name.capitalize(), looks[name])


def _machine() -> Machine:
    from qflow_gitops.doctor.machine import Machine

    return Machine(python=f"{platform.python_implementation()} {platform.python_version()}")
