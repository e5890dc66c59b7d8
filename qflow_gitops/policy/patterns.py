"""Regular expressions of a team's settings, held against texts that anybody may propose.

The engine is that of jsonschema-rs (Rust's `regex`), which takes time in proportion to the
text, whatever the pattern: Python's own can be kept busy for hours by one annotation. So it
takes neither looking around nor going back to a group. Patterns are JSON Schema's, ECMA 262.
"""

from collections.abc import Callable
from functools import cache

_MAX_SIZE = 1024 * 1024
"""Bytes of a compiled pattern; `(a{0,500}){0,500}` is none."""


@cache
def _matcher(pattern: str) -> Callable[[str], bool] | None:
    from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

    options = RegexOptions(size_limit=_MAX_SIZE)
    try:
        Draft202012Validator({"pattern": pattern}, pattern_options=options)  # `a)|(?:b` is none
        whole = {"type": "string", "pattern": f"^(?:{pattern})$"}
        return Draft202012Validator(whole, pattern_options=options).is_valid
    except ValidationError:
        return None


def is_pattern(pattern: str) -> bool:
    """Whether this is a regular expression that `matches` takes."""
    return _matcher(pattern) is not None


def matches(pattern: str, text: str) -> bool:
    """Whether a whole text matches; no text matches what isn't a pattern."""
    matcher = _matcher(pattern)
    return matcher is not None and matcher(text)
