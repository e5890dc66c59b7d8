"""AWS connectors."""

from collections.abc import Iterator

from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, Rule, Severity, warning
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

# As botocore's partitions list them (docs/api.md 9.1; the iso partitions: botocore 1.44.8).
REGIONS = frozenset(
    (
        # aws
        "af-south-1",
        "ap-east-1", "ap-east-2",
        "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
        "ap-south-1", "ap-south-2",
        "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
        "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
        "ca-central-1", "ca-west-1",
        "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
        "eu-west-1", "eu-west-2", "eu-west-3",
        "il-central-1",
        "me-central-1", "me-south-1", "me-west-1",
        "mx-central-1",
        "sa-east-1", "sa-west-1",
        "us-east-1", "us-east-2", "us-west-1", "us-west-2",
        # aws-cn, aws-us-gov, aws-eusc
        "cn-north-1", "cn-northwest-1",
        "us-gov-east-1", "us-gov-west-1",
        "eusc-de-east-1",
        # aws-iso, aws-iso-b, aws-iso-e, aws-iso-f
        "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1",
        "eu-isoe-west-1", "us-isof-east-1", "us-isof-south-1",
    )
)  # fmt: skip


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
