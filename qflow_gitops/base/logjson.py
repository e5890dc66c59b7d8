"""JSON that may be printed on the log of a CI runner."""

import json

from qflow_gitops.base.jsontext import pieces


def dumps(data: object, *, lines: bool = False) -> str:
    r"""Return JSON in ASCII in which nothing moves a cursor and no runner finds a command.

    On one line, or on several as `json` indents it.
    GitHub's runner looks for `::name …::` at the start of a line and for its old form `##[name]`
    anywhere in one (`ActionCommand.TryParseV2`, `TryParse`). Both stand in strings only, where
    `\u003a` and `\u0023` are read as the same characters.
    """
    parts = pieces(data, ascii_only=True) if lines else (json.dumps(data),)
    return "".join(_without_commands(part) for part in parts)


def _without_commands(text: str) -> str:
    return text.replace("::", ":\\u003a").replace("##[", "#\\u0023[")
