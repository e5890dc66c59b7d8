"""What stands for something else and was left: ids of examples, templates that nothing fills in."""

from collections.abc import Iterator
from typing import Any

from qflow_gitops.base.pointer import pointer_to
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, warning
from qflow_gitops.settings.project import Project
from qflow_gitops.specs import targets
from qflow_gitops.specs.spec import CONNECTOR_IDS
from qflow_gitops.yaml.document import Document, Path

EXAMPLES = frozenset(
    (
        # Qualys' documentation: workflows, connectors, an execution, a customer, a user, places
        "6cad21c8-4405-4517-beb9-7372feafb5b4", "f516bcf4-f6fb-46ac-a54f-ddbcf2a2d24a",
        "aa70acae-6ea8-3acf-b504-f327855b316a", "0e72b4a1-abea-45b2-9ae9-91cd87506404",
        "54f50897-26f3-c9af-83f9-e71459be70d9", "0ffaf046-768b-79fc-83f6-aa25be52c2a1",
        "ocid1.compartment.oc1..aaaaaaaadrzbutdzkqdhjyyf7cf2ywlzv5pdqgakqwbtmszmzhw5gkhpsbga",
        "gcp-qualys-demo",
        # this project's own examples
        "9f2f6d0e-7a3f-4b35-8d1c-2c6f0f5f7b21", "3d7f9a34-1c55-4b8e-a0f7-6a0d2f1c9e55",
        "5e0c1f7a-88aa-4c0e-8f0b-7f4b5f1f2a90", "1b0c6a52-53f7-4c0b-9d43-0d8a4a2f6e11",
        "c3c7f2a0-4f0e-4a53-9d7e-5b6c3a1d2e4f", "b4d9e1c7-5a3f-4e60-8b2d-1f6c7a9e0d35",
        "ocid1.compartment.oc1..aaaaaaaadr7qmdx5tq4zmzq2vzn4ubfnvxyb3nfh5wq2zv6k4ypldd3sxq2a",
    )
)  # fmt: skip
"""Ids that are printed where people copy from (docs/api.md 9.5)."""

_IDS = frozenset((*CONNECTOR_IDS, "compartment", "project"))
_TOLD: tuple[tuple[str, str], ...] = (
    ("metadata", "labels"), ("metadata", "annotations"), ("spec", "variables"), ("spec", "input"),
)  # fmt: skip


def ids(document: Document, settings: Project) -> list[Diagnostic]:
    """Warn of ids of examples, but in a sandbox; of a spec without targets, or of one target.

    Here and in `templates`, only for a document in which the schema found no error.
    """
    spec = document.data["spec"]
    variables = spec.get("variables", {})
    found = [name for name in variables if name in _IDS and variables[name].lower() in EXAMPLES]
    if not found and spec["workflowId"].lower() not in EXAMPLES:
        return []
    name = document.data["metadata"].get("environment", settings.default_environment)
    environment = settings.environments.get(name)
    if environment is None or environment.platform == "sandbox":
        return []
    paths: list[Path] = [("variables", name) for name in found]
    if spec["workflowId"].lower() in EXAMPLES:
        paths.append(("workflowId",))
    return [
        warning(
            "id-of-an-example",
            f"`{path[-1]}` holds an id from Qualys' documentation, or from an example.",
            document.file,
            document.value_range(("spec", *path)),
            "Put your own: this one leads nowhere.",
        )
        for path in paths
    ]


def templates(document: Document, content: bytes) -> Iterator[Diagnostic]:
    """Warn of templates, but those of `notSecret`, also in all targets; `content` is the file."""
    if not (b"{" in content and (b"$" in content or b"{{" in content)):  # one byte is found fast
        return
    for top, value in targets.parts(document, _TOLD):
        for path in _held(value, top):
            if targets.is_excused(document, path):
                continue
            hint = "Nothing is interpolated: write the value itself"
            written = targets.as_written_out(path)
            if written[0] == "spec":
                hint += ", or if the workflow fills it in, add `notSecret: "
                hint += f"[{pointer_to(written[1:])}]` under `spec`"
            key = next(part for part in reversed(path) if isinstance(part, str))
            sent = "sent" if written[0] == "spec" else "recorded"
            yield warning(
                "not-interpolated",
                f"`{suggest.shown(key)}` holds a template, which is {sent} as it stands.",
                document.file,
                document.value_range(path),
                f"{hint}.",
            )


def _held(value: Any, path: Path) -> Iterator[Path]:
    """Return where a text with a template in it is."""
    if isinstance(value, str) and suggest.TEMPLATE.search(value):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _held(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _held(inner, (*path, index))
