"""AWS connectors."""

from collections.abc import Iterator, Mapping

from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, Rule, Severity, warning
from qflow_gitops.specs.connectors import regions
from qflow_gitops.yaml.document import Document

NAME = "aws"
SYSTEM_VARIABLES: tuple[str, ...] = ("region",)
LEGACY_VARIABLE = "credentials"
RULES: tuple[Rule, ...] = (
    Rule(
        "aws-region-unknown",
        Severity.WARNING,
        "A misspelt region looks like a new one; a run finds nothing there.",
        "spec:\n  connectorType: aws\n  variables: {region: us-eats-1}",
        "spec:\n  connectorType: aws\n  variables: {region: us-east-1}",
    ),
)

REGIONS = regions.AWS
WORDS: Mapping[str, str] = {"oci_region": "region", "resourceGroup": "region", "project": "region"}
MISNOMERS: Mapping[str, str] = {
    "awsregion": "region",
    "regions": "region",
    "awscredentials": "connectorId",
}


def check(document: Document) -> Iterator[Diagnostic]:
    """Warn of a region that looks right but isn't a known one."""
    region = document.data["spec"].get("variables", {}).get("region")
    if region is None or region in REGIONS:
        return
    close = suggest.nearest(region, sorted(REGIONS), 0.8)
    guess = f"Did you mean `{close}`? " if close else ""
    yield warning(
        "aws-region-unknown",
        f"`{region}` isn't an AWS region that this version knows.",
        document.file,
        document.value_range(("spec", "variables", "region")),
        f"{guess}If it is a new region, this is fine.",
    )
