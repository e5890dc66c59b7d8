"""Read the JSON value of an answer, in which every text can be written and shown."""

import json
import re
from typing import Any

from qflow_gitops.lockfile.codec import MAY_HOLD_HALF

_HALF = re.compile("[\ud800-\udfff]")


def read(content: bytes) -> Any:
    """Return the JSON value, None where it isn't JSON.

    A field that stands twice with two values is null: neither is what it says. Half of a
    surrogate pair, which JSON can spell and no file or terminal takes, is U+FFFD.
    """
    try:
        value = json.loads(content, object_pairs_hook=_agreed)
        return _whole(value) if MAY_HOLD_HALF.search(content) else value
    except (ValueError, RecursionError):
        return None


def _agreed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        found |= {key: None for key, value in pairs if value != found[key]}
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return _agreed([(_whole(name), _whole(item)) for name, item in value.items()])
    return value
