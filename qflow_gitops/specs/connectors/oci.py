"""OCI connectors."""

import re
from collections.abc import Iterator

from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, Rule, Severity, warning
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
    Rule(
        "oci-compartment-masked",
        Severity.WARNING,
        "An OCID from documentation or a screenshot leads nowhere.",
        "spec:\n  connectorType: oci\n  variables: {compartment: ocid1.compartment.oc1..xxxxxxxx}",
        "spec:\n  connectorType: oci\n"
        "  variables: {compartment: ocid1.compartment.oc1..aaaaaaaadrzb}",
    ),
)

# As OCI's SDK lists them (docs/api.md 9.4), one realm a paragraph.
REGIONS = frozenset(
    (
        # oc1
        "af-casablanca-1", "af-johannesburg-1",
        "ap-batam-1", "ap-chuncheon-1", "ap-delhi-1", "ap-hyderabad-1", "ap-kulai-2",
        "ap-melbourne-1", "ap-mumbai-1", "ap-osaka-1", "ap-seoul-1", "ap-singapore-1",
        "ap-singapore-2", "ap-sydney-1", "ap-tokyo-1",
        "ca-montreal-1", "ca-toronto-1",
        "eu-amsterdam-1", "eu-frankfurt-1", "eu-madrid-1", "eu-madrid-3", "eu-marseille-1",
        "eu-milan-1", "eu-paris-1", "eu-stockholm-1", "eu-turin-1", "eu-zurich-1",
        "il-jerusalem-1",
        "me-abudhabi-1", "me-dubai-1", "me-jeddah-1", "me-riyadh-1",
        "mx-monterrey-1", "mx-queretaro-1",
        "sa-bogota-1", "sa-santiago-1", "sa-saopaulo-1", "sa-valparaiso-1", "sa-vinhedo-1",
        "uk-cardiff-1", "uk-london-1",
        "us-ashburn-1", "us-chicago-1", "us-phoenix-1", "us-saltlake-2", "us-sanjose-1",
        # oc2, oc3, oc4: government
        "us-langley-1", "us-luke-1",
        "us-gov-ashburn-1", "us-gov-chicago-1", "us-gov-phoenix-1",
        "uk-gov-cardiff-1", "uk-gov-london-1",
        # oc8 and later: dedicated and sovereign
        "ap-chiyoda-1", "ap-ibaraki-1",
        "me-dcc-muscat-1", "me-ibri-1",
        "ap-dcc-canberra-1",
        "eu-dcc-dublin-1", "eu-dcc-dublin-2", "eu-dcc-milan-1", "eu-dcc-milan-2",
        "eu-dcc-rating-1", "eu-dcc-rating-2",
        "ap-dcc-gazipur-1",
        "eu-frankfurt-2", "eu-madrid-2",
        "eu-jovanovac-1",
        "me-alrayyan-1", "me-dcc-doha-1",
        "us-somerset-1", "us-thames-1",
        "eu-crissier-1", "eu-dcc-zurich-1",
        "me-abudhabi-3", "me-alain-1",
        "me-abudhabi-2", "me-abudhabi-4",
        "ap-chuncheon-2", "ap-seoul-2", "ap-suwon-1",
        "us-ashburn-2", "us-newark-1",
        "eu-budapest-1",
        "sa-riodejaneiro-1",
    )
)  # fmt: skip


_COMPARTMENT = ("spec", "variables", "compartment")


def check(document: Document) -> Iterator[Diagnostic]:
    """Warn of an unknown region and of a compartment that is a tenancy or masked."""
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
    if re.search(r"[xX]{6}", compartment):
        yield warning(
            "oci-compartment-masked",
            "`compartment` looks masked, as in documentation.",
            document.file,
            document.value_range(_COMPARTMENT),
            "Put the whole OCID.",
        )
