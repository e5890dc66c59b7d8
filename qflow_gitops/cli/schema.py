"""`qflow-gitops schema`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.groups import Group
from qflow_gitops.specs import schemas

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report

_editor = click.option(
    "--editor",
    is_flag=True,
    help="With the messages and snippets that VS Code's YAML extension shows; strict validators "
    "refuse a schema that has them.",
)


@click.group("schema", cls=Group)
def command() -> None:
    """Print or export the JSON Schemas (2020-12) of the files and outputs."""


@command.command("list")
def list_() -> None:
    """Name the schemas."""
    for name in schemas.SCHEMAS:
        click.echo(f"{name:14}{schemas.load(name).get('title', '')}")


@command.command("show")
@click.argument("name", metavar="NAME", type=click.Choice(schemas.SCHEMAS))
@_editor
def show(name: str, editor: bool) -> None:
    """Print one schema; `schema list` names them."""
    click.echo(schemas.text(name) if editor else schemas.plain(name), nl=False)


@command.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_editor
@click.pass_obj
def export(wiring: Wiring, folder: Path, editor: bool) -> int:
    """Write every schema to a folder, which is made if need be."""

    def work() -> Report:
        from qflow_gitops.commands.init import export_schemas

        return export_schemas(wiring.directory / folder, editor=editor)

    return run(wiring, "schema", work, "text")
