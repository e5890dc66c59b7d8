"""Documents against the JSON Schemas: every problem as a finding that says how to mend it.

The one place that knows jsonschema, whose errors say best what is wrong, and jsonschema-rs,
which says a hundred times faster that nothing is. What a field may hold is said once, in the
schemas: a field's `errorMessage` is the hint here and the message in an editor.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from qflow_gitops.base import resources
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, error, warning
from qflow_gitops.specs.spec import CONNECTOR_IDS
from qflow_gitops.yaml.document import Document, Path

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

SCHEMAS: tuple[str, ...] = ("workflow-run", "project", "workflow", "lockfile", "plan")
API_VERSION = "qflow-gitops/v1"

_FOR_EDITORS = frozenset(("defaultSnippets", "deprecationMessage", "errorMessage"))
_BY_NAME = frozenset(("properties", "$defs"))  # their keys are names, not words of JSON Schema
_DATA = frozenset(("const", "default", "enum", "examples"))
_KINDS = {"workflow-run": "WorkflowRun", "project": "Project", "workflow": "Workflow"}
_WHAT = {
    "WorkflowRun": "a run spec",
    "Project": "project settings",
    "Workflow": "a workflow of the catalog",
}
_KIND_ADVICE = {
    "Project": "Project settings belong in qflow.yaml; this is a place for run specs.",
    "WorkflowRun": "Run specs belong in the folder `runs`; qflow.yaml holds the settings.",
}
_HEADER = ("apiVersion", "kind")
_SPEC: Path = ("spec",)
_POLICY: Path = ("spec", "policy")
_CONNECTOR_TYPE: Path = ("spec", "connectorType")
_VARIABLES: Path = ("spec", "variables")
_CLOUD_NAMES = {
    "amazon": "aws", "az": "azure", "microsoft": "azure", "google": "gcp", "gcloud": "gcp",
    "oracle": "oci",
}  # fmt: skip
_TYPES = {
    "string": "a string",
    "object": "a mapping (`key: value`)",
    "array": "a list",
    "integer": "a whole number",
    "boolean": "true or false",
}
_POINTERS = {"sensitive": "masked", "notSecret": "allowed"}
_EITHER = "a string or a list"
_TYPE_RULES = ("type", "anyOf")
_KIND_WORDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
}
_SECRET = re.compile(r"token|passw|secret|api.?key|client.?id|user.?name|credential", re.IGNORECASE)
_ADDRESS = re.compile(r"gateway|url|host|endpoint", re.IGNORECASE)

Problem = Any
"""A jsonschema.ValidationError; its fields are typed as if they could be unset."""

# --- the schemas ---------------------------------------------------------------------


def text(name: str) -> str:
    """Give a schema as it is shipped."""
    return resources.text(f"schemas/{name}.schema.json")


def plain(name: str) -> str:
    """Give a schema without the words that only editors know, as strict validators want it."""
    return json.dumps(_plain(load(name)), indent=2, ensure_ascii=False) + "\n"


def _plain(part: Any) -> Any:
    if isinstance(part, list):
        return [_plain(one) for one in part]
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
    """Give a schema as data, shared by all callers: not to be changed."""
    loaded: dict[str, Any] = json.loads(text(name))
    return loaded


@cache
def _validator(name: str) -> "Validator":
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry

    linear: type[Validator] = extend(  # type: ignore[no-untyped-call]  # its stub has no types
        Draft202012Validator, {"uniqueItems": _unique}
    )
    return linear(load(name), registry=Registry())  # empty: nothing is ever fetched


@cache
def _quick(name: str) -> "Callable[[Any], bool] | None":
    """Give what says whether data is valid, without saying why not; None where it can't be had."""
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
        strings = [one for one in items if isinstance(one, str)]
        if len(set(strings)) < len(strings):
            yield ValidationError("a value stands twice")


def _resolved(root: Mapping[str, Any], schema: Any) -> dict[str, Any]:
    """Give a subschema with its `$ref` (always to a neighbour in `$defs`) merged in."""
    if not isinstance(schema, dict):
        return {}
    target = schema.get("$ref", "").removeprefix("#/$defs/")
    return {**root["$defs"][target], **schema} if target else schema


def _at(kind: str, path: Path) -> dict[str, Any]:
    """Give the subschema of the value at `path`, with the nearest `errorMessage` above it."""
    root = load(kind)
    here, said = root, ""
    for part in path:
        inner = here.get("items") if isinstance(part, int) else here.get("properties", {}).get(part)
        here = _resolved(root, here.get("additionalProperties") if inner is None else inner)
        said = here.get("errorMessage", said)
    return {**here, "errorMessage": said}


@cache
def _places(kind: str) -> dict[str, Path]:
    """Give the mapping that each key of a schema belongs into."""
    places: dict[str, Path] = {}

    def walk(schema: Mapping[str, Any], path: Path) -> None:
        for name, inner in schema.get("properties", {}).items():
            places.setdefault(name, path)
            walk(inner, (*path, name))

    walk(load(kind), ())
    return places


@cache
def _owners() -> dict[str, str]:
    """Give the connector type that each system variable belongs to, as the schema says it."""
    owners: dict[str, str] = {}
    for block in load("workflow-run")["properties"]["spec"]["allOf"]:
        cloud = block["if"].get("$ref", "").rpartition("-")[2]
        if cloud:
            owners |= dict.fromkeys(block["else"]["properties"]["variables"]["properties"], cloud)
    return owners


# --- checking ------------------------------------------------------------------------


def check(document: Document, kind: str) -> list[Diagnostic]:
    """Find everything that the schema `kind` doesn't allow: workflow-run, project, workflow.

    One finding for each cause, in the order of the document. A document of another kind or
    version gives that one finding and no other.
    """
    header, readable = _header(document, _KINDS[kind])
    if not readable:
        return header
    found = header
    if not is_sound(document.data, kind):
        problems = list(_flat(_validator(kind).iter_errors(document.data)))
        found = header + _findings(document, kind, problems)
    if not found and kind == "workflow-run":
        found = list(_pointing_nowhere(document))
    return sorted(found, key=lambda one: one.range.start)


def is_valid(data: Any, kind: str) -> bool:
    """Whether the schema `kind` allows this JSON value, as any validator would say."""
    return _validator(kind).is_valid(data)


def _header(document: Document, kind: str) -> tuple[list[Diagnostic], bool]:
    """Check `apiVersion` and `kind`; whether it makes sense to look any further."""
    data = document.data
    missing = [key for key in _HEADER if key not in data]
    if missing:
        where = next(iter(document.keys.values()), document.value_range(()))
        lines = {"apiVersion": f"`apiVersion: {API_VERSION}`", "kind": f"`kind: {kind}`"}
        mend = f"Begin it with {' and '.join(lines[key] for key in missing)}."
        if close := suggest.near(missing[0], data):
            where, mend = document.key_range((close,)), f"Write `{missing[0]}` for `{close}`."
        message = f"This isn't marked as {_WHAT[kind]}: {suggest.all_of(missing)} missing."
        found = error("schema-kind", message, document.file, where, mend)
        return [found], data.get("kind") == kind
    if data["kind"] != kind:
        wrong, mend = "kind", _KIND_ADVICE.get(str(data["kind"]), _other_kind(kind))
    elif data["apiVersion"] != API_VERSION:
        wrong = "apiVersion"
        mend = f"This version reads `{API_VERSION}`; a later format needs a later qflow-gitops."
    else:
        return [], True
    message = f"`{wrong}` can't be {suggest.quoted(data[wrong])} here."
    where = document.value_range((wrong,))
    return [error("schema-kind", message, document.file, where, mend)], False


def _other_kind(kind: str) -> str:
    move = ", or move the file out of the folders of run specs" if kind == "WorkflowRun" else ""
    return f"Write `kind: {kind}`{move}."


def _flat(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Give the problems with each `anyOf` replaced by those of the branch that was meant."""
    for problem in problems:
        if problem.validator != "anyOf":
            yield problem
            continue
        context = list(problem.context or ())
        wrong_type = {one.schema_path[0] for one in context if one.validator == "type"
                      and not one.path}  # fmt: skip
        meant = [one for one in context if one.schema_path[0] not in wrong_type]
        yield from _flat(meant) if meant else (problem,)


def _reach(data: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        data = data[part]
    return data


def _findings(document: Document, kind: str, problems: list[Problem]) -> list[Diagnostic]:
    """Turn problems into findings: one for each value, key, and mapping that lacks some."""
    found: list[Diagnostic] = []
    values: dict[Path, Problem] = {}
    missing: dict[Path, list[str]] = {}
    forbidden: list[str] = []
    mended: set[Path] = set()  # what only seems missing, as another finding says
    for problem in problems:
        path: Path = tuple(problem.absolute_path)
        if "propertyNames" in problem.schema_path:
            found.append(_bad_key(document, kind, path, problem.instance))
        elif problem.validator == "required":
            missing[path] = [key for key in problem.validator_value if key not in problem.instance]
        elif problem.validator == "additionalProperties":
            for key in problem.instance.keys() - problem.schema["properties"].keys():
                finding, instead = _unknown_key(document, kind, (*path, key))
                found.append(finding)
                mended.add(instead)
        elif problem.validator is None:  # the schema `false`; jsonschema doesn't say at which key
            keys = _reach(load(kind), problem.absolute_schema_path)
            forbidden += [key for key in keys if key in _reach(document.data, path)]
        elif path not in values or problem.validator == "type":
            values[path] = problem
    typed = not forbidden or "connectorType" in document.data["spec"]
    elsewhere = {(*_VARIABLES, name) for name in forbidden if typed}  # their form says nothing
    found += [
        _bad_value(document, kind, path, one)
        for path, one in values.items()
        if path[:3] not in elsewhere
    ]
    for path, absent in missing.items():
        left = [one for one in absent if (*path, one) not in mended and one not in _HEADER]
        found += [_missing(document, kind, path, left)] if left else []
    if not any(path[:2] == _CONNECTOR_TYPE for path in (*values, *mended)):
        found += _forbidden(document, list(dict.fromkeys(forbidden)))
    return list({(one.rule, one.range): one for one in reversed(found)}.values())


def _missing(document: Document, kind: str, path: Path, keys: list[str]) -> Diagnostic:
    where = document.key_range(path) if path else document.key_range(("kind",))
    if path:
        example = _at(kind, (*path, keys[0]))["examples"][0]
        mend = f"Add it under `{path[-1]}`, like `{keys[0]}: {example}`."
    else:
        mend = f"Add {' and '.join(_root_key(kind, key) for key in keys)}."
    owner = f"`{suggest.shown(path[-1])}`" if path else "The document"
    message = f"{owner} has no {' and no '.join(f'`{key}`' for key in keys)}."
    return error("schema-missing-key", message, document.file, where, mend)


def _root_key(kind: str, key: str) -> str:
    inner = _at(kind, (key,))
    if "required" in inner:
        return f"`{key}:` with `{inner['required'][0]}`"
    return f"`{key}: {inner['examples'][0]}`"


def _unknown_key(document: Document, kind: str, path: Path) -> tuple[Diagnostic, Path]:
    """Give the finding, and the path that the key was probably meant for."""
    *above, key = path
    siblings = _at(kind, tuple(above)).get("properties", {})
    close, place = suggest.near(str(key), siblings), _places(kind).get(str(key))
    instead: Path = ()
    if close:
        instead = (*above, close)
        mend = f"Did you mean `{close}`?"
        if instead in document.keys:
            mend = f"Remove it; `{close}` is there already."
    elif place is not None:
        instead = (*place, str(key))
        mend = (
            f"It belongs under `{'.'.join(map(str, place))}`."
            if place
            else "It belongs at the root."
        )
    elif _SECRET.search(str(key)):
        mend = "Credentials come from the environment (QFLOW_CLIENT_ID, …), never from a file."
    elif kind == "project" and _ADDRESS.search(str(key)):
        mend = (
            "Name the `platform`: its address is built in. `private` takes it from QFLOW_GATEWAY."
        )
    else:
        mend = f"There are: {suggest.listed(siblings)}."
    owner = f"`{suggest.shown(above[-1])}`" if above else _WHAT[_KINDS[kind]]
    message = f"`{suggest.shown(key)}` isn't a key of {owner}."
    where = document.key_range(path)
    if path[:2] == _POLICY and not instead:
        message = f"`{suggest.shown(key)}` isn't a policy that this version enforces."
        return error("policy-unsupported", message, document.file, where, mend), instead
    return error("schema-unknown-key", message, document.file, where, mend), instead


def _forbidden(document: Document, names: list[str]) -> Iterator[Diagnostic]:
    """Give the system variables that don't belong to the connector type."""
    if not names:
        return
    given = document.data["spec"].get("connectorType")
    if given is None:
        yield _without_type(document, names)
        return
    shown = given if isinstance(given, str) else f"[{', '.join(given or ())}]"
    for name in names:
        owner = _owners()[name]
        yield error(
            "connector-variable",
            f"`{name}` belongs to {owner}; connectorType is {shown}.",
            document.file,
            document.key_range((*_VARIABLES, name)),
            f"Remove it, or name {owner} in `connectorType` if the workflow works there.",
        )


def _without_type(document: Document, names: list[str]) -> Diagnostic:
    """One finding for all system variables of a spec that names no connector type."""
    names.sort(key=lambda one: document.key_range((*_VARIABLES, one)).start)
    clouds = sorted({_owners()[one] for one in names if one in _owners()})
    value = clouds[0] if len(clouds) == 1 else f"[{', '.join(clouds)}]"
    known = f"Add `connectorType: {value}` under `spec`."
    unknown = (
        "Add `connectorType:` under `spec` with the connector's cloud: aws, azure, gcp or oci."
    )
    return error(
        "connector-type-missing",
        f"{suggest.all_of(names, 'is a system variable', 'are system variables')}, "
        "and `connectorType` is missing.",
        document.file,
        document.key_range((*_VARIABLES, names[0])),
        known if clouds else unknown,
    )


def _bad_key(document: Document, kind: str, path: Path, key: str) -> Diagnostic:
    names = _resolved(load(kind), _at(kind, path)["propertyNames"])
    mend = suggest.about_id(key) if path[-1] == "connectors" else suggest.about_name(key)
    rule = "connector-id" if path[-1] == "connectors" else "schema-key"
    message = f"`{suggest.shown(key)}` can't be a key of `{path[-1]}`."
    where = document.key_range((*path, key))
    return error(rule, message, document.file, where, mend or names["errorMessage"])


def _bad_value(document: Document, kind: str, path: Path, problem: Problem) -> Diagnostic:
    value, schema = problem.instance, _at(kind, path)
    name = suggest.shown(next((part for part in reversed(path) if isinstance(part, str)), kind))
    where, mend = document.value_range(path), ""
    if value is None:
        where = document.key_range(path) if where.start == where.end else where
        message = f"`{name}` is empty."
        if path[-1] not in _at(kind, path[:-1]).get("required", ()):
            mend = "Give it a value, or remove the key."
    elif problem.validator in _TYPE_RULES:
        wanted = _TYPES.get(problem.validator_value if problem.validator == "type" else "", _EITHER)
        given = _KIND_WORDS.get(type(value), "a mapping")
        given = "a fraction" if wanted == _TYPES["integer"] and given == "a number" else given
        message = f"`{name}` has to be {wanted}, not {given}."
        mend = _type_advice(value, schema)
    elif problem.validator in ("minItems", "minProperties"):
        message = f"`{name}` is empty."
    elif problem.validator == "uniqueItems":
        message = f"`{name}` holds a value twice."
    else:
        message = f"`{name}` can't be {suggest.quoted(value)}."
        if not _may_be_shown(path):
            message = f"`{name}` doesn't hold what it should."
        mend = _meant(path, value, schema)
    hint = mend or schema["errorMessage"]
    return error(_rule(path, problem), message, document.file, where, hint)


def _rule(path: Path, problem: Problem) -> str:
    if path == (*_SPEC, "workflowId"):
        return "workflow-id"
    if path[:2] == _VARIABLES and len(path) > 2:
        return "connector-id" if path[2] in CONNECTOR_IDS else "connector-value"
    return "schema-type" if problem.validator in _TYPE_RULES else "schema-value"


def _pointing_nowhere(document: Document) -> Iterator[Diagnostic]:
    """Find pointers of `sensitive` and `notSecret` that lead to nothing."""
    spec = document.data["spec"]
    given = [(name, i, one) for name in _POINTERS for i, one in enumerate(spec.get(name, ()))]
    for name, index, pointer in given:
        at: Any = spec
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(at, list) and key.isdecimal() and int(key) < len(at):
                at = at[int(key)]
            elif isinstance(at, dict) and key in at:
                at = at[key]
            else:
                said = f"There is nothing at `{suggest.shown(pointer)}`, so nothing is "
                yield warning(
                    "sensitive-nothing",
                    f"{said}{_POINTERS[name]}.",
                    document.file,
                    document.value_range((*_SPEC, name, index)),
                    "Point at a value of `input` or `variables` that is there.",
                )
                break


def _meant(path: Path, value: Any, schema: Mapping[str, Any]) -> str:
    """Say what was probably meant by a value of the right type."""
    name = path[2] if path[:2] == _VARIABLES else path[-1]
    if not isinstance(value, str):
        return ""
    if path == (*_SPEC, "workflowId") or name in CONNECTOR_IDS:
        return suggest.about_id(value)
    if path[:2] == (*_SPEC, "connectorType"):
        meant = _CLOUD_NAMES.get(value.lower()) or suggest.near(value, _owners().values())
        return f"Did you mean `{meant}`?" if meant else ""
    if name in ("region", "oci_region"):
        return suggest.about_region(str(name), value)
    if name == "compartment" and value.startswith("ocid1.") and value.count(".") > 1:
        return (
            f"This is the OCID of a {suggest.shown(value.split('.')[1])}. {schema['errorMessage']}"
        )
    if "enum" in schema and (close := suggest.near(value, schema["enum"])):
        return f"Did you mean `{close}`?"
    return (
        suggest.about_name(value) if path[0] == "metadata" or name == "defaultEnvironment" else ""
    )


def _type_advice(value: Any, schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "string" and isinstance(value, bool | int | float):
        rules = {key: rule for key, rule in schema.items() if key != "$ref"}
        if _validator("workflow-run").evolve(schema=rules).is_valid(json.dumps(value)):
            return "Put it in quotes."
    return ""


def _may_be_shown(path: Path) -> bool:
    """Whether the value can't be a secret: of what is sent, only the system variables."""
    if path[:2] != _VARIABLES:
        return path[:2] != (*_SPEC, "input")
    name = str(path[-1])
    return name in _owners().keys() | {"connectorId"} and not name.startswith("credentials")
