"""Azure connectors."""

from collections.abc import Iterator, Mapping

from qflow_gitops.findings.finding import Diagnostic, Rule
from qflow_gitops.yaml.document import Document

NAME = "azure"
SYSTEM_VARIABLES: tuple[str, ...] = ("resourceGroup",)
LEGACY_VARIABLE = "credentials_azure"
RULES: tuple[Rule, ...] = ()
REGIONS: frozenset[str] = frozenset()
WORDS: Mapping[str, str] = {
    "region": "resourceGroup",
    "project": "resourceGroup",
    "oci_region": "resourceGroup",
    "compartment": "resourceGroup",
}
MISNOMERS: Mapping[str, str] = {
    "resourcegroupname": "resourceGroup",
    "subscription": "connectorId",
    "subscriptionid": "connectorId",
    "azurecredentials": "connectorId",
}


def check(_document: Document) -> Iterator[Diagnostic]:
    """Find nothing: the schema says all there is to say of a resource group (docs/api.md 9.2)."""
    yield from ()
