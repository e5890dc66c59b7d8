"""`qflow-gitops init`."""

import secrets
from pathlib import Path

import click

from qflow_gitops.api.platforms import NAMES
from qflow_gitops.cli.wiring import Wiring, run
from qflow_gitops.report import Report


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--platform",
    type=click.Choice(NAMES),
    default="US1",
    show_default=True,
    help="Your Qualys platform; qualys.com/platform-identification tells which.",
)
@click.pass_obj
def command(wiring: Wiring, folder: Path, platform: str) -> int:
    """Make a repository of run specs ready to use. Never writes over a file."""

    def work() -> Report:
        from qflow_gitops.operations.init import init

        return init(wiring.directory / folder, platform, secrets.token_hex(16))

    return run(wiring, "init", work, "text")
