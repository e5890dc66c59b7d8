"""What the API said about workflows, as files under `workflows/` that are committed.

With them `validate` knows offline which workflows and variables there are. Only kinds of
values are kept, never values, and nothing of the credentials variables.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from qflow_gitops.base.paths import CATALOG_FOLDER, ROOT, ProjectFolder
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, error, has_errors, warning
from qflow_gitops.specs import schema, schemas
from qflow_gitops.specs.connectors.registry import CONNECTORS
from qflow_gitops.specs.spec import CONNECTOR_IDS
from qflow_gitops.yaml.document import Document
from qflow_gitops.yaml.parse import parse_json

UNKNOWN = "unknown"

_SYSTEM = CONNECTOR_IDS.union(*(connector.SYSTEM_VARIABLES for connector in CONNECTORS.values()))


class Workflow(NamedTuple):
    """One workflow as Qualys described it.

    `name` and `revision` are "" where Qualys didn't say them. `variables` gives the kind of
    each variable's value (`string`, `list of string`, …), None where they aren't known.
    """

    id: str
    name: str = ""
    revision: str = ""
    variables: Mapping[str, str] | None = None

    @property
    def own_variables(self) -> Mapping[str, str]:
        """The variables that aren't the system's."""
        known = self.variables or {}
        return {name: kind for name, kind in known.items() if name not in _SYSTEM}


Catalog = Mapping[str, Workflow]
"""Workflows by id in lower case; empty where the repository has no catalog."""


def kind_of(value: Any) -> str:
    """Say what kind of JSON value this is, for a list also of what."""
    if isinstance(value, list):
        kinds = {kind_of(item) for item in value}
        return f"list of {kinds.pop()}" if len(kinds) == 1 and UNKNOWN not in kinds else "list"
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else "number"


def kinds_in(definition: Any) -> dict[str, str] | None:
    """Take the variables out of a workflow's definition; None where it shows none.

    `definition` is the decoded one: `{"variables": [{"key": …, "value": …}]}` (docs/api.md
    1.3 [D WFDET]). Credentials are left out.
    """
    listed = definition.get("variables") if isinstance(definition, dict) else None
    if not isinstance(listed, list):
        return None
    return {
        item["key"]: kind_of(item.get("value"))
        for item in listed
        if isinstance(item, dict)
        and isinstance(item.get("key"), str)
        and item["key"] not in CONNECTOR_IDS
    }


def path_of(workflow_id: str, folder: ProjectFolder) -> str:
    """Return the file of a workflow, from the repository's root."""
    return f"{folder.catalog}/{workflow_id.lower()}.json"


def to_bytes(workflow: Workflow) -> bytes:
    """Return the file's content: the same knowledge is always the same bytes."""
    data: dict[str, Any] = {
        "apiVersion": schemas.API_VERSION,
        "kind": "Workflow",
        "id": workflow.id.lower(),
    }
    if workflow.name:
        data["name"] = workflow.name
    if workflow.revision:
        data["revision"] = workflow.revision
    if workflow.variables is not None:
        data["variables"] = dict(sorted(workflow.variables.items()))
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def load(
    files: Mapping[str, bytes], folder: ProjectFolder = ROOT
) -> tuple[Catalog, list[Diagnostic]]:
    """Read the catalog's files; what is wrong with one leaves it out, with a finding."""
    catalog: dict[str, Workflow] = {}
    found: list[Diagnostic] = []
    for file in sorted(files):
        parsed = parse_json(files[file], file)
        problems = list(parsed.diagnostics)
        for document in parsed.documents:
            problems += schema.check(document, "workflow")
            if not has_errors(problems):
                problems += _misnamed(document, folder)
        found += problems
        if parsed.documents and not has_errors(problems):
            data = parsed.documents[0].data
            catalog[data["id"].lower()] = Workflow(
                data["id"].lower(),
                data.get("name", ""),
                data.get("revision", ""),
                data.get("variables"),
            )
    return catalog, found


def _misnamed(document: Document, folder: ProjectFolder) -> Iterator[Diagnostic]:
    wanted = path_of(document.data["id"], folder)
    if document.file != wanted:
        yield error(
            "catalog-name",
            "A workflow's file is named after its id.",
            document.file,
            document.value_range(("id",)),
            f"Rename it to {wanted}, or remove it and pull: `qflow-gitops workflows pull`",
        )


# --- specs against the catalog -------------------------------------------------------


def listed(document: Document, catalog: Catalog) -> Collection[str]:
    """Return the variables that the spec's workflow is known to have."""
    workflow = catalog.get(document.data["spec"]["workflowId"].lower()) if catalog else None
    return (workflow.variables or ()) if workflow else ()


def check(document: Document, catalog: Catalog) -> Iterator[Diagnostic]:
    """Compare a run spec, in which the schema found no error, with what is known."""
    if not catalog:
        return
    spec = document.data["spec"]
    workflow = catalog.get(spec["workflowId"].lower())
    if workflow is None:
        yield error(
            "workflow-unknown",
            f"The catalog in `{CATALOG_FOLDER}` doesn't know this workflow.",
            document.file,
            document.value_range(("spec", "workflowId")),
            f"Correct the id, or fetch it: `qflow-gitops workflows pull {spec['workflowId']}`",
        )
    elif workflow.variables is not None:
        yield from _variables(document, spec.get("variables", {}), workflow)


def _variables(
    document: Document, variables: Mapping[str, Any], workflow: Workflow
) -> Iterator[Diagnostic]:
    """Warn only: what Qualys does with such variables isn't documented (docs/api.md 6.3 [I])."""
    known, title = workflow.variables or {}, workflow.name or workflow.id
    unknown = lacking(workflow, variables)
    for name, value in variables.items():
        path = ("spec", "variables", name)
        if name in unknown:
            meant = suggest.near(name, workflow.own_variables)
            hint = f"Did you mean `{meant}`?" if meant else _there_are(workflow.own_variables)
            yield warning(
                "workflow-variable-unknown",
                f"The workflow `{suggest.shown(title)}` has no variable `{suggest.shown(name)}`.",
                document.file,
                document.key_range(path),
                hint,
            )
        elif name in known and not fits(value, known[name]):
            yield warning(
                "workflow-variable-kind",
                f"`{suggest.shown(name)}` holds {_a(kind_of(value))}; in the workflow it is "
                f"{_a(known[name])}.",
                document.file,
                document.value_range(path),
                f"Write {_wanted(known[name])}.",
            )


def lacking(workflow: Workflow, names: Iterable[str]) -> list[str]:
    """Return those of some variables that a workflow is known not to have."""
    known = workflow.variables
    return [name for name in names if known is not None and name not in {*known, *_SYSTEM}]


def _there_are(names: Iterable[str]) -> str:
    listed = suggest.listed(map(suggest.shown, names))
    return f"It has: {listed}." if listed else "It has none of its own."


def _wanted(kind: str) -> str:
    inner = kind.removeprefix("list of ")
    return f"{_a(inner)}, or {_a(kind)}" if inner != kind else _a(kind)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of the workflow's kind; a definition may wrap a scalar in a list."""
    given = kind_of(value)
    if UNKNOWN in (given, kind) or kind == "list" or given == kind:
        return True
    return (given == "list" and kind.startswith("list")) or f"list of {given}" == kind
