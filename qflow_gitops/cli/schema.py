"""`qflow-gitops schema`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qflow_gitops import schema
from qflow_gitops.cli.wiring import Wiring, run

if TYPE_CHECKING:
    from qflow_gitops.report import Report


@click.group("schema")
def command() -> None:
    """Print or export the JSON Schemas (2020-12) of the files and outputs."""


@command.command("list")
def list_() -> None:
    """Name the schemas."""
    for name in schema.SCHEMAS:
        click.echo(f"{name:14}{schema.load(name).get('title', '')}")


@command.command("show")
@click.argument("name", type=click.Choice(schema.SCHEMAS))
def show(name: str) -> None:
    """Print one schema."""
    click.echo(schema.text(name), nl=False)


@command.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_obj
def export(wiring: Wiring, folder: Path) -> int:
    """Write every schema to a folder, which is made if need be."""

    def work() -> Report:
        from qflow_gitops.operations.init import export_schemas

        return export_schemas(wiring.directory / folder)

    return run(wiring, "schema", work, "text")
