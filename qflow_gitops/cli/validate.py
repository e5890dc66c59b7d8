"""`qflow-gitops validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.wiring import Wiring, existing_paths, run

if TYPE_CHECKING:
    from qflow_gitops.report import Report


@click.command("validate")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
@options.output("text", "json", "markdown", "sarif", "junit", "github")
@click.pass_obj
def command(
    wiring: Wiring,
    paths: tuple[str, ...],
    strict: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Check the settings and the specs of the work tree, offline and without secrets.

    With PATHs only what is found in these files and folders is reported. Exit 3 if there
    is an error, with --strict also if there is a warning.
    """

    def work() -> Report:
        from qflow_gitops.forks import spread
        from qflow_gitops.operations.validate import validate

        only = existing_paths(wiring, paths)
        return validate(wiring.git, wiring.platform, wiring.cache, spread, only, strict=strict)

    return run(wiring, "validate", work, format_name, copies)
