"""The JSON Schemas as shipped, as editors take them, and as validators read them."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from qflow_gitops.base import resources
from qflow_gitops.yaml.document import Path

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


SCHEMAS: tuple[str, ...] = (
    "workflow-run", "project", "workflow", "connectors", "fleet", "lockfile", "plan", "show",
    "report", "statement", "notice", "fleet-report", "fleet-audit", "fleet-lock",
)  # fmt: skip
API_VERSION = "qflow-gitops/v1"

_FOR_EDITORS = frozenset(("defaultSnippets", "deprecationMessage", "errorMessage"))
_BY_NAME = frozenset(("properties", "$defs"))  # their keys are names, not words of JSON Schema
_DATA = frozenset(("const", "default", "enum", "examples"))

Problem = Any
"""A jsonschema.ValidationError; its fields are typed as if they could be unset."""


def text(name: str) -> str:
    """Return a schema as it is shipped."""
    return resources.text(f"schemas/{name}.schema.json")


def plain(name: str) -> str:
    """Return a schema without the words that only editors know, as strict validators want it."""
    return json.dumps(_plain(load(name)), indent=2, ensure_ascii=False) + "\n"


def _plain(part: Any) -> Any:
    if isinstance(part, list):
        return [_plain(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if key not in _FOR_EDITORS}
    return {
        key: {name: _plain(inner) for name, inner in value.items()}
        if key in _BY_NAME
        else value
        if key in _DATA
        else _plain(value)
        for key, value in kept.items()
    }


@cache
def load(name: str) -> dict[str, Any]:
    """Return a schema as data, shared by all callers: not to be changed."""
    loaded: dict[str, Any] = json.loads(text(name))
    return loaded


@cache
def validator_for(name: str) -> "Validator":
    """Build jsonschema's validator for one of the schemas, with a linear `uniqueItems`."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry

    linear: type[Validator] = extend(  # type: ignore[no-untyped-call]  # its stub has no types
        Draft202012Validator, {"uniqueItems": _unique}
    )
    return linear(load(name), registry=Registry())  # empty: nothing is ever fetched


@cache
def _quick(name: str) -> "Callable[[Any], bool] | None":
    """Return what says whether data is valid, not why; None where it can't be had."""
    try:
        from jsonschema_rs import Draft202012Validator, Registry
    except ImportError:
        return None
    return Draft202012Validator(load(name), registry=Registry([])).is_valid


def is_sound(data: Any, kind: str) -> bool:
    """Whether the data is certainly valid: a quick yes. Anything else is for jsonschema to say."""
    quick = _quick(kind)
    try:
        return quick is not None and quick(data)
    except ValueError:  # a number or a depth that it has no place for
        return False


def _unique(_validator: object, wanted: bool, items: Any, _schema: object) -> Iterator[Problem]:
    """Look for a string that is twice in a list, in one pass.

    jsonschema's own compares each pair of objects (3,000 took 14 s); every list in the
    schemas that has to be unique is one of strings, so anything else fails there anyway.
    """
    from jsonschema import ValidationError

    if wanted and isinstance(items, list):
        strings = [item for item in items if isinstance(item, str)]
        if len(set(strings)) < len(strings):
            yield ValidationError("a value stands twice")


def resolved(root: Mapping[str, Any], schema: Any) -> dict[str, Any]:
    """Return a subschema with its `$ref` (always to a neighbour in `$defs`) merged in.

    Of one that allows null besides something else, that something.
    """
    if not isinstance(schema, dict):
        return {}
    if [*schema.get("anyOf", ())][:1] == [{"type": "null"}]:
        words = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**resolved(root, schema["anyOf"][1]), **words}
    target = schema.get("$ref", "").removeprefix("#/$defs/")
    return {**resolved(root, root["$defs"][target]), **schema} if target else schema


def schema_at(kind: str, path: Path) -> dict[str, Any]:
    """Return the subschema of the value at `path`, with the nearest `errorMessage` above it."""
    root = load(kind)
    here, message = root, ""
    for part in path:
        inner = here.get("items") if isinstance(part, int) else here.get("properties", {}).get(part)
        here = resolved(root, here.get("additionalProperties") if inner is None else inner)
        message = here.get("errorMessage", message)
    return {**here, "errorMessage": message}


@cache
def places_of(kind: str) -> dict[str, Path]:
    """Return the mapping that each key of a schema belongs into."""
    places: dict[str, Path] = {}

    def walk(schema: Mapping[str, Any], path: Path) -> None:
        for name, inner in schema.get("properties", {}).items():
            places.setdefault(name, path)
            walk(inner, (*path, name))

    walk(load(kind), ())
    return places


@cache
def owner_of_keys() -> dict[str, str]:
    """Return the connector type that each system variable belongs to, as the schema says it."""
    owners: dict[str, str] = {}
    for block in load("workflow-run")["properties"]["spec"]["allOf"]:
        cloud = block["if"].get("$ref", "").rpartition("-")[2]
        if cloud:
            owners |= dict.fromkeys(block["else"]["properties"]["variables"]["properties"], cloud)
    return owners
