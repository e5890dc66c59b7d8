"""`qflow-gitops validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.given_paths import existing_paths

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


@click.command("validate")
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=options.completed("files"))
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
@click.option(
    "--hook",
    is_flag=True,
    help="PATHs are those of a commit: what is no spec is passed over.",
)
@options.output("text", "json", "markdown", "sarif", "junit", "github")
@click.pass_obj
def command(
    wiring: Wiring,
    paths: tuple[str, ...],
    strict: bool,
    hook: bool,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Check settings, specs and a fleet.yaml of the work tree, offline and without secrets.

    With PATHs only what is found in these files and folders is reported; with the settings or
    a file of the catalog among them, all that it breaks. Exit 3 if there is an error, with
    --strict also if there is a warning.
    """
    if hook and not paths:
        raise click.UsageError("--hook is for the paths that a hook gives.")

    def work() -> Report:
        from qflow_gitops.commands.validate import validate, validate_staged

        only = existing_paths(wiring, paths)
        check = validate_staged if hook else validate
        return check(
            wiring.git, wiring.platform, wiring.loader, wiring.at_hand, only, strict=strict
        )

    return run(wiring, "validate", work, format_name, copies)
