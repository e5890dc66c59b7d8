"""The colours of what a terminal shows."""

import re

import click

_COLOURS = {
    "+": "green", "✓": "green", "~": "green", "↻": "green", "!": "yellow", "?": "magenta",
    "✗": "red", "-": "red", "·": "bright_black", "…": "blue", "→": "cyan", "Error:": "red",
    "Frozen:": "red",
}  # fmt: skip


_STARTS = frozenset("+~↻-")
"""What begins a run that starts, or a value that differs."""
_FINDING = re.compile(r"(\S.*?:\d+:\d+: )(error|warning)( \[.*)")
_MARKS = re.compile(r" +\| +\^+|  +\| \^+")


class Painter:
    """Colours lines, each part as the whole line; in what is held nothing is green."""

    def __init__(self, *, colour: bool) -> None:
        """Take whether there are colours."""
        self._colour = colour
        self._held = False

    def __call__(self, line: str, part: str) -> str:
        """Colour a part of a line."""
        if not self._colour or not part:
            return part
        is_title = not line.startswith(" ") and line.endswith(")")
        self._held = line.startswith("Held (") if is_title else self._held
        found = _FINDING.match(part)
        if found:
            place, severity, rest = found.groups()
            colour = "red" if severity == "error" else "yellow"
            return (
                click.style(place, bold=True) + click.style(severity, fg=colour, bold=True) + rest
            )
        if _MARKS.fullmatch(line):
            return click.style(part, fg="red")
        sign = line.lstrip().split(" ", 1)[0]
        colour = "" if self._held and sign in _STARTS else _COLOURS.get(sign, "")
        if is_title and not colour:
            return click.style(part, bold=True)
        return click.style(part, fg=colour) if colour else part
