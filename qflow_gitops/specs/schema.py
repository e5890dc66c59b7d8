"""Documents against the JSON Schemas: every problem as a finding that says how to fix it.

The one place that knows jsonschema, whose errors say best what is wrong, and jsonschema-rs,
which says a hundred times faster that nothing is. What a field may hold is said once, in the
schemas: a field's `errorMessage` is the hint here and the message in an editor.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, error
from qflow_gitops.specs.schema_messages import (
    CONNECTOR_TYPE,
    HEADER,
    KINDS,
    VARIABLES,
    WHAT,
    bad_key,
    bad_value,
    forbidden_keys,
    missing_keys,
    other_kind,
    pointing_nowhere,
    unknown_key,
)
from qflow_gitops.specs.schemas import API_VERSION, Problem, is_sound, load, validator_for
from qflow_gitops.yaml.document import Document, Path

_LATER = frozenset(("targets", "connector"))  # keys of a spec that isn't written out yet


def check(document: Document, kind: str) -> list[Diagnostic]:
    """Find everything that the schema `kind` doesn't allow: workflow-run, project, workflow.

    One finding for each cause, in the order of the document. A document of another kind or
    version gives that one finding and no other.
    """
    header, readable = _header(document, KINDS[kind])
    if not readable:
        return header
    found = header
    if not is_sound(document.data, kind):
        problems = list(_flat(validator_for(kind).iter_errors(document.data)))
        found = header + _findings(document, kind, problems)
    if not found and kind == "workflow-run" and not _LATER & document.data["spec"].keys():
        found = list(pointing_nowhere(document))
    return sorted(found, key=lambda finding: finding.range.start)


def check_target(document: Document) -> list[Diagnostic]:
    """Find what is wrong with a target laid over its spec, each of which is sound by itself.

    Its input is left out where that will do: nothing is wrong with any, and it may be large.
    """
    spec = {key: value for key, value in document.data["spec"].items() if key != "input"}
    if is_sound({**document.data, "spec": spec}, "workflow-run"):
        return list(pointing_nowhere(document))
    return check(document, "workflow-run")


def is_valid(data: Any, kind: str) -> bool:
    """Whether the schema `kind` allows this JSON value, as any validator would say."""
    return is_sound(data, kind) or validator_for(kind).is_valid(data)


def _header(document: Document, kind: str) -> tuple[list[Diagnostic], bool]:
    """Check `apiVersion` and `kind`; whether it makes sense to look any further."""
    data = document.data
    missing = [key for key in HEADER if key not in data]
    if missing:
        where = next(iter(document.keys.values()), document.value_range(()))
        lines = {"apiVersion": f"`apiVersion: {API_VERSION}`", "kind": f"`kind: {kind}`"}
        fix = f"Begin it with {' and '.join(lines[key] for key in missing)}."
        if close := suggest.near(missing[0], data):
            where, fix = document.key_range((close,)), f"Write `{missing[0]}` for `{close}`."
        message = f"This isn't marked as {WHAT[kind]}: {suggest.all_of(missing)} missing."
        found = error("schema-kind", message, document.file, where, fix)
        return [found], data.get("kind") == kind
    if data["kind"] != kind:
        wrong, fix = "kind", other_kind(data["kind"], kind)
    elif data["apiVersion"] != API_VERSION:
        wrong = "apiVersion"
        fix = f"This version reads `{API_VERSION}`; a later format needs a later qflow-gitops."
    else:
        return [], True
    message = f"`{wrong}` can't be {suggest.quoted(data[wrong])} here."
    where = document.value_range((wrong,))
    return [error("schema-kind", message, document.file, where, fix)], False


def _flat(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Return the problems with each `anyOf` replaced by those of the branch that was meant."""
    for problem in problems:
        if problem.validator != "anyOf":
            yield problem
            continue
        context = list(problem.context or ())
        wrong_type = {error.schema_path[0] for error in context if error.validator == "type"
                      and not error.path}  # fmt: skip
        meant = [error for error in context if error.schema_path[0] not in wrong_type]
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
    meant: set[Path] = set()  # what only seems missing, as another finding says
    for problem in problems:
        path: Path = tuple(problem.absolute_path)
        if "propertyNames" in problem.schema_path:
            found.append(bad_key(document, kind, path, problem.instance))
        elif problem.validator == "required" and problem.validator_value == ["connectorType"]:
            forbidden.append("connector")  # it stands for a variable
        elif problem.validator == "required":
            missing[path] = [key for key in problem.validator_value if key not in problem.instance]
        elif problem.validator == "additionalProperties":
            for key in problem.instance.keys() - problem.schema["properties"].keys():
                finding, instead = unknown_key(document, kind, (*path, key))
                found.append(finding)
                meant.add(instead)
        elif problem.validator is None:  # the schema `false`; jsonschema doesn't say at which key
            keys = _reach(load(kind), problem.absolute_schema_path)
            forbidden += [key for key in keys if key in _reach(document.data, path)]
        elif path not in values or problem.validator == "type":
            values[path] = problem
    typed = not forbidden or "connectorType" in document.data["spec"]
    elsewhere = {(*VARIABLES, name) for name in forbidden if typed}  # their form says nothing
    found += [
        bad_value(document, kind, path, item)
        for path, item in values.items()
        if path[:3] not in elsewhere
    ]
    for path, absent in missing.items():
        left = [name for name in absent if (*path, name) not in meant and name not in HEADER]
        found += [missing_keys(document, kind, path, left)] if left else []
    if not any(path[:2] == CONNECTOR_TYPE for path in (*values, *meant)):
        found += forbidden_keys(document, list(dict.fromkeys(forbidden)))
    return list({(finding.rule, finding.range): finding for finding in reversed(found)}.values())
