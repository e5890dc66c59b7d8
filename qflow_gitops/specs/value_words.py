"""The words for kinds of values, those of JSON Schema and those of Python."""

import json
from typing import Any

TYPES = {
    "string": "a string",
    "object": "a mapping (`key: value`)",
    "array": "a list",
    "integer": "a whole number",
    "boolean": "true or false",
}
_EITHER = "a string or a list"
_KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
}


def wanted_type(types: Any) -> str:
    """Say what a value has to be, by the `type` of a schema, or by what any of several takes."""
    if isinstance(types, list) and all(isinstance(each, str) for each in types):
        return " or ".join(TYPES[each] for each in types)
    return TYPES.get(str(types), _EITHER)


def kind_of(value: Any) -> str:
    """Say what a value is."""
    return _KINDS.get(type(value), "a mapping")


def as_yaml(value: Any) -> str:
    """Write an example as it can stand in a file, on one line."""
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
