"""JSON that may be printed on the log of a CI runner."""

import json
from collections.abc import Iterator

from qflow_gitops.base import jsontext


def dumps(data: object, *, lines: bool = False) -> str:
    r"""Return JSON in ASCII in which nothing moves a cursor and no runner finds a command.

    On one line, or on several as `json` indents it.
    GitHub's runner looks for `::name …::` at the start of a line and for its old form `##[name]`
    anywhere in one (`ActionCommand.TryParseV2`, `TryParse`). Both stand in strings only, where
    `\u003a` and `\u0023` are read as the same characters.
    """
    return "".join(pieces(data)) if lines else _without_commands(json.dumps(data))


def pieces(data: object) -> Iterator[str]:
    """Return the same on several lines, bit by bit, as `base.jsontext` does."""
    return map(_without_commands, jsontext.pieces(data, ascii_only=True))


def _without_commands(text: str) -> str:
    return text.replace("::", ":\\u003a").replace("##[", "#\\u0023[")
