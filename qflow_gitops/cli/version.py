"""`qflow-gitops version`."""

import click

from qflow_gitops.cli import everywhere
from qflow_gitops.errors import ExitCode


def tell() -> None:
    """Print the version, as the command and the option do."""
    import qflow_gitops

    click.echo(f"qflow-gitops {qflow_gitops.__version__}")


@click.command("version", cls=everywhere.Bare)
def command() -> int:
    """Print the program's version, as --version does."""
    tell()
    return ExitCode.OK
