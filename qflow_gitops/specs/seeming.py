"""The runs that a file with errors seems to hold."""

from collections.abc import Iterable
from contextlib import suppress

from qflow_gitops.settings.project import Project
from qflow_gitops.specs import by_catalog
from qflow_gitops.specs.connector_catalogs import Connectors
from qflow_gitops.yaml.document import Document


def seeming(
    documents: Iterable[Document], settings: Project, known: Connectors
) -> tuple[tuple[str, str], ...]:
    """Name the runs of a file that can't be used, as far as they can be read."""
    names = []
    for document in documents:
        metadata = document.data.get("metadata")
        if isinstance(metadata, dict):
            environment = metadata.get("environment", settings.default_environment)
            name = metadata.get("name")
            if isinstance(environment, str) and isinstance(name, str):
                spec = _expanded(document, settings, known)
                names += [(environment, each) for each in _names(name, spec)]
    return tuple(names)


def _expanded(document: Document, settings: Project, known: Connectors) -> object:
    """Return the spec with a selection as the list that it stands for, if it can be one."""
    with suppress(KeyError, TypeError, AttributeError, ValueError):
        document, _ = by_catalog.resolved(document, known, settings)
    return document.data.get("spec")


def _names(run: str, spec: object) -> list[str]:
    """Name the run of a spec, and its targets where it seems to have some."""
    given = spec.get("targets") if isinstance(spec, dict) else None
    some = (
        [target for target in given if isinstance(target, dict)] if isinstance(given, list) else []
    )
    return [run, *(f"{run}/{each['name']}" for each in some if isinstance(each.get("name"), str))]
