"""JSON that may be printed on the log of a CI runner."""

import json


def dumps(data: object, indent: int | None = None) -> str:
    r"""Return JSON in ASCII in which nothing moves a cursor and no runner finds a command.

    GitHub's runner looks for `::name …::` at the start of a line and for its old form `##[name]`
    anywhere in one (`ActionCommand.TryParseV2`, `TryParse`). Both stand in strings only, where
    `\u003a` and `\u0023` are read as the same characters.
    """
    text = json.dumps(data, indent=indent)
    return text.replace("::", ":\\u003a").replace("##[", "#\\u0023[")
