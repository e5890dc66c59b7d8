"""What a fault that JSON Schema finds is called, and how it is fixed."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from qflow_gitops.base.pointer import parts
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, error, warning
from qflow_gitops.specs.connectors.registry import own_words
from qflow_gitops.specs.schemas import (
    Problem,
    load,
    owner_of_keys,
    places_of,
    resolved,
    schema_at,
    validator_for,
)
from qflow_gitops.specs.spec import CONNECTOR_IDS
from qflow_gitops.specs.targets import OVERRIDES, SPEC, TARGETS, as_written_out, target_of
from qflow_gitops.specs.value_words import TYPES, as_yaml, kind_of, wanted_type
from qflow_gitops.yaml.document import Document, Path

KINDS = {
    "workflow-run": "WorkflowRun",
    "project": "Project",
    "workflow": "Workflow",
    "connectors": "ConnectorCatalog",
    "fleet": "Fleet",
}
WHAT = {
    "WorkflowRun": "a run spec",
    "Project": "project settings",
    "Workflow": "a workflow of the catalog",
    "ConnectorCatalog": "a catalog of connectors",
    "Fleet": "a fleet",
}
KIND_ADVICE = {
    "Project": "Project settings belong in qflow.yaml; this is a place for run specs.",
    "Fleet": "A fleet belongs in a fleet.yaml outside the folders of run specs.",
    "WorkflowRun": "Run specs belong in the folder `runs`; qflow.yaml holds the settings.",
    "ConnectorCatalog": "Connectors belong in connectors/<environment>/<cloud>.yaml.",
}
HEADER = ("apiVersion", "kind")
MAY_HOLD_SECRETS = ("repository", "credentials")
"""Keys of a fleet's member: an address with a token in it, a value where only a name belongs."""
_POLICY: Path = ("spec", "policy")
CONNECTOR_TYPE: Path = ("spec", "connectorType")
VARIABLES: Path = ("spec", "variables")
_CLOUD_NAMES = {
    "amazon": "aws", "az": "azure", "microsoft": "azure", "google": "gcp", "gcloud": "gcp",
    "oracle": "oci",
}  # fmt: skip
_POINTERS = {"sensitive": "masked", "notSecret": "allowed"}
_LIST_OR_SELECTION = "a list or a selection (`connectors:`)"
SELECTED: Path = (*TARGETS, "connectors")
REGIONS: Path = (*TARGETS, "regions")
TYPE_RULES = ("type", "anyOf")
_SECRET = re.compile(r"token|passw|secret|api.?key|client.?id|user.?name|credential", re.IGNORECASE)
_NAME = re.compile(r"(?=[0-9a-f-]*[g-z])[a-z0-9-]{1,63}")  # and nothing like an id
_MASKED = re.compile(r"[xX]{6}|\.0+$")
_ADDRESS = re.compile(r"gateway|url|host|endpoint", re.IGNORECASE)


def called(path: Path) -> str:
    """Return what to call the place of a key, an entry of a list by its number from 0."""
    *above, key = path
    return suggest.shown(key) if isinstance(key, str) else f"{suggest.shown(above[-1])}[{key}]"


def other_kind(given: object, kind: str) -> str:
    """Say which kind belongs here, and where the one that was given does."""
    if kind != "Fleet" and str(given) in KIND_ADVICE:
        return KIND_ADVICE[str(given)]
    move = ", or move the file out of the folders of run specs" if kind == "WorkflowRun" else ""
    return f"Write `kind: {kind}`{move}."


def missing_keys(document: Document, kind: str, path: Path, keys: list[str]) -> Diagnostic:
    """Report keys that an object has to have."""
    where = document.key_range(path) if path else document.key_range(("kind",))
    if path == SPEC and keys == ["targets"]:  # only a rollout needs them
        message = "`rollout` says how targets are started, and this spec has none."
        fix, where = (
            "Remove it, or give the spec `targets`.",
            document.key_range((*path, "rollout")),
        )
        return error("schema-missing-key", message, document.file, where, fix)
    if path:
        example = schema_at(kind, (*path, keys[0]))["examples"][0]
        fix = f"Add it under `{called(path)}`, like `{keys[0]}: {as_yaml(example)}`."
    else:
        fix = f"Add {' and '.join(_root_key(kind, key) for key in keys)}."
    owner = f"`{called(path)}`" if path else "The document"
    message = f"{owner} has no {' and no '.join(f'`{key}`' for key in keys)}."
    return error("schema-missing-key", message, document.file, where, fix)


def _root_key(kind: str, key: str) -> str:
    inner = schema_at(kind, (key,))
    if "required" in inner:
        return f"`{key}:` with `{inner['required'][0]}`"
    return f"`{key}: {as_yaml(inner['examples'][0])}`"


def unknown_key(document: Document, kind: str, path: Path) -> tuple[Diagnostic, Path]:
    """Return the finding, and the path that the key was probably meant for."""
    *above, key = path
    siblings = schema_at(kind, tuple(above)).get("properties", {})
    close, place = suggest.near(str(key), siblings), places_of(kind).get(str(key))
    instead: Path = ()
    if tuple(above[:-1]) == OVERRIDES and key == "connector":
        fix = "Remove it: another account is another target."
    elif close:
        instead = (*above, close)
        fix = f"Did you mean `{close}`?"
        if instead in document.keys:
            fix = f"Remove it; `{close}` is there already."
    elif tuple(above) == TARGETS and key in schema_at(kind, SELECTED)["properties"]:
        instead, fix = SELECTED, "It belongs under `connectors`."
    elif tuple(above) == TARGETS and SELECTED not in document.keys:
        instead = SELECTED
        fix = "Write a list of targets (`- name: …`), or select them with `connectors:`."
    elif place is not None:
        inside = target_of(tuple(above)) if place[:1] == SPEC else ()
        place = place[1:] if inside else place
        instead = (*inside, *place, str(key))
        fix = (
            f"It belongs under `{'.'.join(map(str, place))}`."
            if place
            else "It belongs at the root."
        )
    elif _SECRET.search(str(key)):
        fix = "Credentials come from the environment (QFLOW_CLIENT_ID, …), never from git."
    elif kind == "project" and _ADDRESS.search(str(key)):
        fix = "Name the `platform`: its address is built in. `private` takes it from QFLOW_GATEWAY."
    else:
        fix = f"Valid keys: {suggest.listed(siblings)}."
    owner = f"`{called(tuple(above))}`" if above else WHAT[KINDS[kind]]
    message = f"`{suggest.shown(key)}` isn't a key of {owner}."
    where = document.key_range(path)
    if path[:2] == _POLICY and not instead:
        message = f"`{suggest.shown(key)}` isn't a policy that this version enforces."
        return error("policy-unsupported", message, document.file, where, fix), instead
    return error("schema-unknown-key", message, document.file, where, fix), instead


def forbidden_keys(document: Document, names: list[str]) -> Iterator[Diagnostic]:
    """Return the system variables that don't belong to the connector type."""
    if not names:
        return
    given, variables = (document.data["spec"].get(key) for key in ("connectorType", "variables"))
    if given is None:
        yield without_type(document, names)
        return
    shown = given if isinstance(given, str) else f"[{', '.join(given or ())}]"
    for name in names:
        owner = owner_of_keys()[name]
        words = own_words(name, [given] if isinstance(given, str) else given or (), variables)
        meant = f"Did you mean {' or '.join(f'`{word}`' for word in words)}? Otherwise remove it"
        yield error(
            "connector-variable",
            f"`{name}` belongs to {owner}; connectorType is {shown}.",
            document.file,
            document.key_range((*VARIABLES, name)),
            f"{meant if words else 'Remove it'}, or name {owner} in `connectorType` if the "
            "workflow works there.",
        )


def without_type(document: Document, names: list[str]) -> Diagnostic:
    """One finding for all system variables of a spec that names no connector type."""
    places = {name: (*SPEC, name) if name == "connector" else (*VARIABLES, name) for name in names}
    names.sort(key=lambda name: document.key_range(places[name]).start)
    says = ("is a system variable", "are system variables")
    if "connector" in names:
        says = ("is for a cloud", "are for a cloud")
    clouds = sorted({owner_of_keys()[name] for name in names if name in owner_of_keys()})
    value = clouds[0] if len(clouds) == 1 else f"[{', '.join(clouds)}]"
    known = f"Add `connectorType: {value}` under `spec`."
    unknown = (
        "Add `connectorType:` under `spec` with the connector's cloud: aws, azure, gcp or oci."
    )
    return error(
        "connector-type-missing",
        f"{suggest.all_of(names, *says)}, and `connectorType` is missing.",
        document.file,
        document.key_range(places[names[0]]),
        known if clouds else unknown,
    )


def bad_key(document: Document, kind: str, path: Path, key: str) -> Diagnostic:
    """Report a key of which the form is wrong."""
    names = resolved(load(kind), schema_at(kind, path)["propertyNames"])
    is_id = kind == "project" and path[-1] == "connectors"
    fix = suggest.about_id(key) if is_id else suggest.about_name(key)
    rule = "connector-id" if is_id else "schema-key"
    message = f"`{suggest.shown(key)}` can't be a key of `{path[-1]}`."
    where = document.key_range((*path, key))
    return error(rule, message, document.file, where, fix or names["errorMessage"])


def bad_value(document: Document, kind: str, path: Path, problem: Problem) -> Diagnostic:
    """Report a value that the schema refuses."""
    if problem.validator == "not" and not problem.validator_value:
        return _out_of_place(document, path, problem)
    value, schema = problem.instance, schema_at(kind, path)
    name = suggest.shown(next((part for part in reversed(path) if isinstance(part, str)), kind))
    where, fix = document.value_range(path), ""
    if value is None:
        where = document.key_range(path) if where.start == where.end else where
        message = f"`{name}` is empty."
        if path[-1] not in schema_at(kind, path[:-1]).get("required", ()):
            fix = "Give it a value, or remove the key."
    elif problem.validator in TYPE_RULES:
        wanted = wanted_type(problem.validator_value)
        wanted = _LIST_OR_SELECTION if path == TARGETS else wanted
        given = kind_of(value)
        given = "a fraction" if wanted == TYPES["integer"] and given == "a number" else given
        message = f"`{name}` has to be {wanted}, not {given}."
        fix = _type_advice(value, schema)
    elif path[:-1] == REGIONS:
        return _bad_region(document, path, problem)
    elif problem.validator in ("minItems", "minProperties"):
        message = f"`{name}` is empty."
    elif problem.validator == "uniqueItems":
        message = f"`{name}` holds a value twice."
    else:
        message = f"`{name}` can't be {suggest.quoted(value)}."
        if not _may_be_shown(path) or (kind == "fleet" and path[-1] in MAY_HOLD_SECRETS):
            message = f"`{name}` doesn't hold what it should."
        fix = _meant(path, value, schema)
    hint = fix or schema["errorMessage"]
    return error(_rule(path, problem), message, document.file, where, hint)


def _out_of_place(document: Document, path: Path, problem: Problem) -> Diagnostic:
    """Report what nothing may stand for, beside something else."""
    rule = "schema-value" if path == REGIONS else "connector-twice"
    message = f"`{called(path)}` can't stand here."
    hint = str(problem.schema["errorMessage"])
    return error(rule, message, document.file, document.key_range(path), hint)


def _bad_region(document: Document, path: Path, problem: Problem) -> Diagnostic:
    """Report an entry of `regions`, which are those of the cloud that is selected."""
    value = problem.instance
    is_of_oci = document.data["spec"]["targets"]["connectors"]["cloud"] == "oci"
    name = "oci_region" if is_of_oci else "region"
    meant = suggest.about_region(name, value) or _region_called(name, value)
    message, where = f"`regions` can't hold {suggest.quoted(value)}.", document.value_range(path)
    hint = meant or str(problem.schema["errorMessage"])
    return error("schema-value", message, document.file, where, hint)


def _rule(path: Path, problem: Problem) -> str:
    path = as_written_out(path)
    if path == (*SPEC, "workflowId"):
        return "workflow-id"
    if path[:2] == VARIABLES and len(path) > 2:
        return "connector-id" if path[2] in CONNECTOR_IDS else "connector-value"
    return "schema-type" if problem.validator in TYPE_RULES else "schema-value"


def pointing_nowhere(document: Document) -> Iterator[Diagnostic]:
    """Find pointers of `sensitive` and `notSecret` that lead to nothing."""
    spec = document.data["spec"]
    given = [(name, i, item) for name in _POINTERS for i, item in enumerate(spec.get(name, ()))]
    for name, index, pointer in given:
        at: Any = spec
        for key in parts(pointer):
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
                    document.value_range((*SPEC, name, index)),
                    "Point at a value of `input` or `variables` that is there.",
                )
                break


def _meant(path: Path, value: Any, schema: Mapping[str, Any]) -> str:
    """Say what was probably meant by a value of the right type."""
    path = as_written_out(path)
    name = path[2] if path[:2] == VARIABLES else path[-1]
    if not isinstance(value, str):
        return ""
    if template := suggest.about_template(value):
        return template
    if path == (*SPEC, "workflowId") or name in CONNECTOR_IDS:
        fix = suggest.about_id(value, offered=_may_be_shown(path))
        is_name = name == "connectorId" and _NAME.fullmatch(value) and _may_be_shown(path)
        by_name = f"A name stands beside `variables`, as `connector: {value}`." if is_name else ""
        return fix or by_name
    if path[:2] == (*SPEC, "connectorType"):
        meant = _CLOUD_NAMES.get(value.lower()) or suggest.near(value, owner_of_keys().values())
        return f"Did you mean `{meant}`?" if meant else ""
    if name in ("region", "oci_region"):
        return suggest.about_region(str(name), value) or _region_called(str(name), value)
    if name == "compartment" and _MASKED.search(value):
        return "This OCID is masked, as in documentation; use the full one."
    if name == "compartment" and value.startswith("ocid1.") and value.count(".") > 1:
        return (
            f"This is the OCID of a {suggest.shown(value.split('.')[1])}. {schema['errorMessage']}"
        )
    words = (word for word in schema.get("enum", ()) if isinstance(word, str))
    if close := suggest.near(value, words):
        return f"Did you mean `{close}`?"
    return (
        suggest.about_name(value) if path[0] == "metadata" or name == "defaultEnvironment" else ""
    )


def _region_called(name: str, value: str) -> str:
    from qflow_gitops.specs.connectors import region_words  # not loaded where all are known

    return region_words.advice(name, value)


def _type_advice(value: Any, schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "string" and isinstance(value, bool | int | float):
        rules = {key: rule for key, rule in schema.items() if key != "$ref"}
        if validator_for("workflow-run").evolve(schema=rules).is_valid(json.dumps(value)):
            return "Put it in quotes."
    return ""


def _may_be_shown(path: Path) -> bool:
    """Whether the value can't be a secret: of what is sent, only the system variables."""
    path = as_written_out(path)
    if path[:2] != VARIABLES:
        return path[:2] != (*SPEC, "input")
    name = str(path[-1])
    return name in owner_of_keys().keys() | {"connectorId"} and not name.startswith("credentials")
