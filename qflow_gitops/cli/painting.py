"""The colours of what a terminal shows."""

from collections.abc import Mapping
from typing import Any

import click

from qflow_gitops.render.marks import Mark, pieces

_COLOURS: Mapping[Mark, Mapping[str, Any]] = {
    Mark.TITLE: {"bold": True},
    Mark.PLACE: {"bold": True},
    Mark.ADDED: {"fg": "green"},
    Mark.MODIFIED: {"fg": "yellow"},
    Mark.AGAIN: {"fg": "blue"},
    Mark.REMOVED: {"fg": "red"},
    Mark.HELD: {"fg": "red"},
    Mark.WARNING: {"fg": "yellow", "bold": True},
    Mark.DONE: {"fg": "green"},
    Mark.FAILED: {"fg": "red", "bold": True},
    Mark.DOUBT: {"fg": "magenta", "bold": True},
    Mark.UNDER_WAY: {"fg": "blue"},
    Mark.QUIET: {"fg": "bright_black"},
    Mark.HINT: {"fg": "cyan"},
    Mark.ID: {"fg": "bright_black"},
}
"""Of the sixteen that each terminal has fit for its own background."""


def painted(line: str) -> str:
    """Colour a line by what its words mean."""
    return "".join(
        click.style(words, **_COLOURS[mark]) if mark else words for words, mark in pieces(line)
    )
