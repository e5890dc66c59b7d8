"""OCI connectors."""

from collections.abc import Iterator, Mapping

from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, Rule, Severity, warning
from qflow_gitops.specs.connectors import regions
from qflow_gitops.yaml.document import Document

NAME = "oci"
SYSTEM_VARIABLES: tuple[str, ...] = ("oci_region", "compartment")
LEGACY_VARIABLE = ""  # OCI came with connectorId, in QFlow 1.19 (docs/api.md 2 [D RN119])
RULES: tuple[Rule, ...] = (
    Rule(
        "oci-region-unknown",
        Severity.WARNING,
        "A misspelt region looks like a new one; a run finds nothing there.",
        "spec:\n  connectorType: oci\n  variables: {oci_region: us-ashburm-1}",
        "spec:\n  connectorType: oci\n  variables: {oci_region: us-ashburn-1}",
    ),
    Rule(
        "oci-compartment-tenancy",
        Severity.WARNING,
        "A tenancy is the root compartment: the run reaches everything.",
        "spec:\n  connectorType: oci\n  variables: {compartment: ocid1.tenancy.oc1..aaaaaaaadrzb}",
        "spec:\n  connectorType: oci\n"
        "  variables: {compartment: ocid1.compartment.oc1..aaaaaaaadrzb}",
    ),
)

REGIONS = regions.OCI
WORDS: Mapping[str, str] = {
    "region": "oci_region",
    "resourceGroup": "compartment",
    "project": "compartment",
}
MISNOMERS: Mapping[str, str] = {
    "regions": "oci_region",
    "compartmentocid": "compartment",
    "compartmentid": "compartment",
    "ocicredentials": "connectorId",
}
_COMPARTMENT = ("spec", "variables", "compartment")


def check(document: Document) -> Iterator[Diagnostic]:
    """Warn of an unknown region and of a compartment that is a tenancy."""
    variables = document.data["spec"].get("variables", {})
    region, compartment = variables.get("oci_region"), variables.get("compartment", "")
    if region is not None and region not in REGIONS:
        close = suggest.nearest(region, sorted(REGIONS), 0.8)
        guess = f"Did you mean `{close}`? " if close else ""
        yield warning(
            "oci-region-unknown",
            f"`{region}` isn't an OCI region that this version knows.",
            document.file,
            document.value_range(("spec", "variables", "oci_region")),
            f"{guess}If it is a new region, this is fine.",
        )
    if compartment.startswith("ocid1.tenancy."):
        yield warning(
            "oci-compartment-tenancy",
            "`compartment` is a tenancy, which stands for the root compartment.",
            document.file,
            document.value_range(_COMPARTMENT),
            "Name the compartment itself, unless the whole tenancy is meant.",
        )
