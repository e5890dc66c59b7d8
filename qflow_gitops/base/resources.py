"""The files that come with the program: in the package, or in a checkout beside it."""

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


@cache
def text(file: str) -> str:
    """Return such a file, named like `schemas/project.schema.json`."""
    shipped = _PACKAGE / file
    return (shipped if shipped.is_file() else _PACKAGE.parent / file).read_text(encoding="utf-8")
