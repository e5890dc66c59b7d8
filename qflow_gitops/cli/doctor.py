"""`qflow-gitops doctor`."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.cli.doctor_ground import Ground
    from qflow_gitops.doctor.checklist import Part
    from qflow_gitops.results.report import Report


class _Looked(NamedTuple):
    """A part that can be looked at: its title, and the file beside this one that builds it.

    There, `look(ground)` gives the checks one by one.
    """

    title: str
    file: str


PARTS = {
    "machine": _Looked("Machine", "doctor_machine"),
    "repository": _Looked("Repository", "doctor_repository"),
    "qualys": _Looked("Qualys", "doctor_qualys"),
    "ci": _Looked("CI", "doctor_ci"),
}
"""What can be looked at, in the order in which it is."""


@click.command("doctor")
@click.argument("parts", metavar="[PART]...", nargs=-1, type=click.Choice(list(PARTS)))
@options.environment
@click.option(
    "--offline", is_flag=True, help="Leave out what needs a network, and say what that is."
)
@click.option(
    "--all", "everything", is_flag=True, help="Make as many calls to Qualys as it takes, not 20."
)
@click.option(
    "--facts",
    is_flag=True,
    help="Show what this subscription's answers look like where Qualys' documentation is silent, "
    "to be attached to an issue: no id, value or text in it.",
)
@options.output("text", "json", "markdown")
@click.pass_obj
def command(
    wiring: Wiring,
    parts: tuple[str, ...],
    environment: str,
    offline: bool,
    everything: bool,
    facts: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Find out what works here and what doesn't, each with the next command.

    Looks only: nothing is written and no run is sent. Exit 1 where a check failed.
    """
    if facts and (offline or set(parts) - {"qualys"}):
        raise click.UsageError("--facts looks at Qualys alone, and needs a network.")

    def work() -> Report:
        from qflow_gitops.cli.doctor_ground import Asked, Ground
        from qflow_gitops.commands.doctor import doctor

        wanted = tuple(name for name in PARTS if name in parts or not parts)
        ground = Ground(wiring, Asked(environment, wanted, offline=offline, everything=everything))
        ground.check_environment()
        if facts:
            from qflow_gitops.cli import doctor_qualys

            return doctor_qualys.facts(ground)
        return doctor(_parts(ground))

    return run(wiring, "doctor", work, format_name, copies)


def _parts(ground: Ground) -> Iterator[Part]:
    """Build what is looked at; each edge when its part's turn has come."""
    from qflow_gitops.doctor.checklist import Part

    for part in map(PARTS.__getitem__, ground.asked.parts):
        look = import_module(f"qflow_gitops.cli.{part.file}").look
        yield Part(part.title, partial(look, ground))
