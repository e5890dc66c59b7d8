"""A run spec to begin with, for a cloud; nothing is asked and nothing is read."""

import re

from qflow_gitops.errors import UsageProblem
from qflow_gitops.results.files import Draft
from qflow_gitops.results.report import Report
from qflow_gitops.specs.connectors.registry import CONNECTORS

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SAYS = {
    "region": "an AWS region, like us-east-1",
    "resourceGroup": "the name of a resource group",
    "project": "the id of a project, not its name or number",
    "oci_region": "an OCI region, like ap-hyderabad-1",
    "compartment": "the OCID of a compartment, or of the tenancy",
}
"""What to write for each system variable (docs/api.md 1.4 [D RUN])."""

_PLACES = {
    "aws": ("region", "us-east-1", "eu-central-1"),
    "azure": ("resourceGroup", "machines-1", "machines-2"),
    "gcp": ("project", "machines-1", "machines-2"),
    "oci": ("oci_region", "us-ashburn-1", "eu-frankfurt-1"),
}
"""A variable of each cloud that says where, and two values of it."""


def new(cloud: str, name: str) -> Report:
    """Return a spec to fill in. Raises UsageProblem for what is no name of a run."""
    if not _NAME.fullmatch(name):
        raise UsageProblem(
            f"`{name[:80]}` is no name of a run: it has small letters, digits and hyphens, at most "
            "63, and a letter or digit at both ends.",
            not_done="Nothing was written.",
            hint=f"For instance: `qflow-gitops new {cloud} my-first-run`",
            reason="name_odd",
        )
    lines = [
        "apiVersion: qflow-gitops/v1",
        "kind: WorkflowRun",
        "metadata:",
        f"  name: {name}   # the run's identity: it stays, wherever the file goes",
        "spec:",
        "  workflowId:   # the workflow's UUID; Qualys: Workflows → your workflow",
        f"  connectorType: {cloud}",
        f"  # connector: NAME   # of connectors/<environment>/{cloud}.yaml, instead of the id",
        "  variables:",
        "    connectorId:   # the connector's UUID; Qualys: Connectors → your account",
        *(
            f"    {variable}:   # {_SAYS[variable]}; take the line out if the workflow has its own"
            for variable in CONNECTORS[cloud].SYSTEM_VARIABLES
        ),
        "    # and the workflow's own variables; one that is left out keeps the workflow's value",
        "  input: {}   # what the workflow's trigger takes",
        *in_several_places(cloud),
    ]
    return Report("new", body=Draft("\n".join(lines) + "\n"))


def in_several_places(cloud: str) -> tuple[str, ...]:
    """Return the targets of a spec, in a comment that is valid where its `# ` are taken out."""
    variable, *places = _PLACES[cloud]
    return (
        "  # In several accounts or places: one run for each, with what differs there.",
        "  # targets:",
        *(f"  #   - {{name: {place}, variables: {{{variable}: {place}}}}}" for place in places),
    )
