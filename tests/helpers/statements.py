"""Statements, each held against its schema before a test looks at it."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry

from qflow_gitops.specs import schemas

ENDING = ".intoto.json"


def sound(content: bytes) -> Any:
    """Return what a statement says; AssertionError where it isn't as the schema has it."""
    data = json.loads(content)
    Draft202012Validator(schemas.load("statement"), registry=Registry()).validate(data)
    return data


def all_sound(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return files as they are, the statements among them looked at."""
    for name, content in files.items():
        if name.endswith(ENDING):
            sound(content)
    return files
