"""GCP connectors."""

from collections.abc import Iterator, Mapping

from qflow_gitops.diagnostics import Diagnostic, warning
from qflow_gitops.document import Document

NAME = "gcp"
SYSTEM_VARIABLES: tuple[str, ...] = ("project",)
LEGACY_VARIABLE = "credentials_gcp"
RULES: Mapping[str, str] = {
    "gcp-project-domain": "Project ids of a domain are old; whether Qualys takes them is unknown.",
    "gcp-project-word": "Google gives out no new project ids with these words.",
}
REGIONS: frozenset[str] = frozenset()

_RESTRICTED = ("google", "null", "ssl", "undefined")


def check(document: Document) -> Iterator[Diagnostic]:
    """Warn of project ids that exist only as leftovers (qflow-api 9.3)."""
    project = document.data["spec"].get("variables", {}).get("project", "")
    where = document.value_range(("spec", "variables", "project"))
    domain, _, name = project.rpartition(":")
    if domain:
        yield warning(
            "gcp-project-domain",
            f"`{project}` is a project id of the domain {domain}.",
            document.file,
            where,
            "Make sure that the connector shows it in this form.",
        )
    for word in _RESTRICTED:
        if word in name:
            yield warning(
                "gcp-project-word",
                f"`{name}` holds `{word}`, which Google doesn't allow in new project ids.",
                document.file,
                where,
                "Make sure that it is the project's id and not its name.",
            )
