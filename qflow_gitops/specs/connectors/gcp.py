"""GCP connectors."""

from collections.abc import Iterator, Mapping

from qflow_gitops.findings.finding import Diagnostic, Rule, Severity, warning
from qflow_gitops.yaml.document import Document

NAME = "gcp"
SYSTEM_VARIABLES: tuple[str, ...] = ("project",)
LEGACY_VARIABLE = "credentials_gcp"
RULES: tuple[Rule, ...] = (
    Rule(
        "gcp-project-domain",
        Severity.WARNING,
        "Project ids of a domain are old; whether Qualys takes them is unknown.",
        "spec:\n  connectorType: gcp\n  variables: {project: 'example.com:payments'}",
        "spec:\n  connectorType: gcp\n  variables: {project: payments-prod}",
    ),
    Rule(
        "gcp-project-word",
        Severity.WARNING,
        "Google gives out no new project ids with these words.",
        "spec:\n  connectorType: gcp\n  variables: {project: my-google-project}",
        "spec:\n  connectorType: gcp\n  variables: {project: payments-prod}",
    ),
)
REGIONS: frozenset[str] = frozenset()
WORDS: Mapping[str, str] = {
    "region": "project",
    "resourceGroup": "project",
    "oci_region": "project",
    "compartment": "project",
}
MISNOMERS: Mapping[str, str] = {
    "projectid": "project",
    "gcpproject": "project",
    "gcpprojectid": "project",
    "gcpcredentials": "connectorId",
}

_PROJECT = ("spec", "variables", "project")
_RESTRICTED = ("google", "null", "ssl", "undefined")


def check(document: Document) -> Iterator[Diagnostic]:
    """Warn of project ids that exist only as leftovers (docs/api.md 9.3)."""
    project = document.data["spec"].get("variables", {}).get("project", "")
    domain, _, name = project.rpartition(":")
    if domain:
        yield warning(
            "gcp-project-domain",
            f"`{project}` is a project id of the domain {domain}.",
            document.file,
            document.value_range(_PROJECT),
            "Make sure that the connector shows it in this form.",
        )
    for word in _RESTRICTED:
        if word in name:
            yield warning(
                "gcp-project-word",
                f"`{name}` holds `{word}`, which Google doesn't allow in new project ids.",
                document.file,
                document.value_range(_PROJECT),
                "Make sure that it is the project's id and not its name.",
            )
