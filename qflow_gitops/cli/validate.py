"""`qflow-gitops validate`."""

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.wiring import Wiring, existing_paths, run
from qflow_gitops.report import Report


@click.command("validate")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring, paths: tuple[str, ...], format_name: str, copies: tuple[str, ...]
) -> int:
    """Check the settings and the specs of the work tree, offline and without secrets.

    With PATHs only what is found in these files and folders is reported. Exit 3 if there
    is an error; warnings don't fail.
    """

    def work() -> Report:
        from qflow_gitops.operations.validate import validate

        return validate(wiring.git, wiring.platform, existing_paths(wiring, paths))

    return run(wiring, "validate", work, format_name, copies)
