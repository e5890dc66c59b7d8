"""The connectors that a spec names, against the catalogs of its environment: offline."""

from collections.abc import Iterator
from typing import NamedTuple

from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, error, warning
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.connector_catalogs import Connector, Connectors, path_of
from qflow_gitops.specs.spec import LEGACY_VARIABLES
from qflow_gitops.specs.targets import catalog_of
from qflow_gitops.yaml.document import Document

_LIKENESS = 0.85
_MOST = 5


class _Use(NamedTuple):
    """A connector that a spec names: in which variable, and for which clouds."""

    id: str
    variable: str
    clouds: tuple[str, ...]
    environment: str
    by_name: bool


def check(document: Document, known: Connectors, settings: Project) -> Iterator[Diagnostic]:
    """Hold a valid spec against the catalogs; what an environment has none of isn't judged."""
    environment = document.data["metadata"].get("environment", settings.default_environment)
    catalogs = known.clouds(environment)
    for use in _uses(document, environment) if catalogs else ():
        where = document.value_range(("spec", "variables", use.variable))
        connector = known.by_id(environment, use.id)
        if connector is None:
            if use.clouds and catalogs.issuperset(use.clouds):
                message, hint = _unknown(use, known, settings)
                yield error("connector-unknown", message, document.file, where, hint)
        elif use.clouds and connector.cloud not in use.clouds:
            message, hint = _elsewhere(use, connector, known, settings)
            yield error("connector-of-another-cloud", message, document.file, where, hint)
        elif wrong := connector.trouble:
            message = f"The connector `{suggest.shown(connector.shown)}` {wrong}."
            hint = f"Look at it in Qualys, then pull: `{_pull(environment)}`"
            yield warning("connector-unusable", message, document.file, where, hint)


def _uses(document: Document, environment: str) -> Iterator[_Use]:
    """Return those that count: beside `connectorId` Qualys ignores the legacy variables."""
    spec = document.data["spec"]
    variables, given = spec.get("variables", {}), spec.get("connectorType", ())
    types = (given,) if isinstance(given, str) else tuple(given)
    own = {"connectorId": types}
    legacy = {variable: (cloud,) for variable, cloud in LEGACY_VARIABLES.items()}
    for variable, clouds in (own if "connectorId" in variables else legacy).items():
        value = variables.get(variable)
        if isinstance(value, str):
            yield _Use(value, variable, clouds, environment, bool(catalog_of(document)))


def _unknown(use: _Use, known: Connectors, settings: Project) -> tuple[str, str]:
    files = [f"`{path_of(use.environment, cloud, settings.folder)}`" for cloud in use.clouds]
    message = f"This connector isn't in {' or '.join(files)}."
    there = {one.id: one for one in known.of(use.environment) if one.cloud in use.clouds}
    near = suggest.nearest(use.id.lower(), there, _LIKENESS)
    if near:
        return message, f"Did you mean {near}, `{suggest.shown(there[near].shown)}`?"
    others = (
        f"`{one.name}` of `{other}`"
        for other in settings.environments
        if (one := known.by_id(other, use.id))
    )
    found = next(others, "")
    start = f"It is {found}. " if found else ""
    return message, f"{start}Correct the id, or fetch it: `{_pull(use.environment)}`"


def _elsewhere(
    use: _Use, connector: Connector, known: Connectors, settings: Project
) -> tuple[str, str]:
    clouds = " and ".join(use.clouds)
    what = f"connectorType is {clouds}"
    if use.variable != "connectorId":
        what = f"`{use.variable}` is for {clouds}"
    message = f"`{suggest.shown(connector.shown)}` is a connector of {connector.cloud}; {what}."
    names = [
        one.name for one in known.of(use.environment) if one.cloud in use.clouds and not one.gone
    ]
    if not names:
        return message, f"Use one of {clouds}, or name {connector.cloud} in `connectorType`."
    if use.by_name and (near := suggest.near(connector.name, names)):
        return message, f"Did you mean `{near}`?"
    cloud = min(known.clouds(use.environment).intersection(use.clouds))
    file = path_of(use.environment, cloud, settings.folder)
    some = f"{suggest.listed(names[:_MOST])}{', …' if len(names) > _MOST else ''}"
    if use.by_name:
        return message, f"Use one of {clouds}: {some}."
    return message, f"Use one of {clouds}; {file} has the ids: {some}."


def _pull(environment: str) -> str:
    return f"qflow-gitops connectors pull -e {environment}"
