"""What only a project's settings, or all specs together, can tell of a spec."""

from collections.abc import Iterable, Mapping, Sequence

from qflow_gitops.findings.finding import Diagnostic, Range, error, warning
from qflow_gitops.settings.project import Project
from qflow_gitops.specs import spec
from qflow_gitops.specs.spec import RunSpec
from qflow_gitops.yaml.document import Document
from qflow_gitops.yaml.parse import place

SAME_REQUEST = "same-request"
"""The rule about specs that ask for the same: it shows only when all of them are seen."""


def in_project(document: Document, settings: Project) -> list[Diagnostic]:
    """Find what only the project's settings can tell."""
    name = document.data["metadata"].get("environment", settings.default_environment)
    return in_environment(document, settings) or list(_connector_listed(document, settings, name))


def in_environment(document: Document, settings: Project) -> list[Diagnostic]:
    """Find that a spec is of no environment of the project."""
    found = []
    metadata = document.data["metadata"]
    name = metadata.get("environment", settings.default_environment)
    known = ", ".join(settings.environments)
    if not name:
        found.append(
            error(
                "environment-missing",
                "The spec names no environment, and the project has no default one.",
                document.file,
                document.key_range(("metadata",)),
                f"Add `environment:` under `metadata`; there are: {known}.",
            )
        )
    elif name not in settings.environments:
        found.append(
            error(
                "environment-unknown",
                f"There is no environment `{name}`; there are: {known}.",
                document.file,
                document.value_range(("metadata", "environment")),
                f"Name one of them, or add it to {settings.folder.settings}.",
            )
        )
    return found


def _connector_listed(document: Document, settings: Project, name: str) -> Iterable[Diagnostic]:
    environment = settings.environments[name]
    if environment.connectors is None:
        return
    variables = document.data["spec"].get("variables", {})
    listed = {connector.lower() for connector in environment.connectors}
    for variable in ("connectorId", *spec.LEGACY_VARIABLES):
        value = variables.get(variable)
        if isinstance(value, str) and value.removeprefix("@").lower() not in listed:
            yield error(
                "connector-not-listed",
                f"The connector {value} isn't one of those listed for `{environment.name}`.",
                document.file,
                document.value_range(("spec", "variables", variable)),
                f"Use a listed one, or add it to `connectors` in {settings.folder.settings}.",
            )


def duplicate_names(specs: Iterable[RunSpec], files: Mapping[str, bytes]) -> Iterable[Diagnostic]:
    """Find specs with the name of another one in their environment."""
    first: dict[tuple[str, str], RunSpec] = {}
    for run_spec in specs:
        other = first.setdefault(run_spec.key, run_spec)
        if other is run_spec:
            continue
        for this, that in ((run_spec, other), (other, run_spec)):
            yield error(
                "duplicate-name",
                f"The run `{this.environment}/{this.name}` stands here and in "
                f"{that.file}:{_name_place(that, files).start.line}.",
                this.file,
                _name_place(this, files),
                "A name is a run's identity in its environment: rename or remove one of them.",
            )


def same_requests(
    specs: Sequence[RunSpec], files: Mapping[str, bytes], settings: Project
) -> Iterable[Diagnostic]:
    """Warn of specs that ask for the same on one platform: only the first would be sent."""
    alike: dict[tuple[str, str], list[RunSpec]] = {}
    for run_spec in specs:
        platform = settings.environments[run_spec.environment].platform
        alike.setdefault((platform, run_spec.digest), []).append(run_spec)
    for group in alike.values():
        first, *others = sorted(group, key=lambda spec: spec.key)
        for this in group if others else ():
            that = others[0] if this is first else first
            yield warning(
                SAME_REQUEST,
                f"`{this.environment}/{this.name}` asks for the same as "
                f"`{that.environment}/{that.name}` "
                f"({that.file}:{_name_place(that, files).start.line}), on the same platform.",
                this.file,
                _name_place(this, files),
                "Only one of them is sent. If both are meant, set another `rerun:` in one of them.",
            )


def same_targets(specs: Sequence[RunSpec], content: bytes) -> Iterable[Diagnostic]:
    """Find targets of one spec in a file that ask for the same."""
    alike: dict[tuple[int, str], list[RunSpec]] = {}
    for run_spec in specs:
        if run_spec.within:
            alike.setdefault((run_spec.index, run_spec.digest), []).append(run_spec)
    for group in alike.values():
        for this in group[1:]:
            yield error(
                "target-request-twice",
                f"`{this.name}` asks for the same as `{group[0].name}`.",
                this.file,
                place(content, this.file, this.index, this.path_of("name")),
                "Only one of them would be sent: give it a connector or a place of its own, or "
                "another `rerun`, or remove it.",
            )


def _name_place(spec: RunSpec, files: Mapping[str, bytes]) -> Range:
    return place(files[spec.file], spec.file, spec.index, spec.path_of("name"))
