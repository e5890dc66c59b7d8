"""The workflows for GitHub Actions, as they are shipped, for one project of one repository."""

import json

from qflow_gitops.base import resources
from qflow_gitops.base.paths import ROOT, ProjectFolder

WORKFLOWS = ("qflow.yml", "qflow-operations.yml")
"""The workflows for GitHub Actions; `examples/github` holds them."""
PLACEHOLDER = "your-organization/qflow-gitops@0000000000000000000000000000000000000000 # replace"
"""What stands in the workflows for the address and the commit of the action."""


def workflow(name: str, action: str = "", at: ProjectFolder = ROOT) -> str:
    """Return a workflow as it is shipped, for the project in a folder."""
    text = resources.text(f"examples/github/{name}")
    if at.name:
        with_ = "        with:\n          command:"
        folder = f"        with:\n          working-directory: {json.dumps(at.name)}\n"
        text = text.replace(with_, f"{folder}          command:")
    return text.replace(PLACEHOLDER, action) if action else text


def to_settle(action: str | None) -> tuple[str, ...]:
    """Say what only a person can do about the workflows."""
    if action is None:
        return ()
    replacing = (
        f"replace `{PLACEHOLDER.partition('@')[0]}@0000…` in .github/workflows by your copy of it"
    )
    settings = "set up environments, secrets and rules on GitHub: README, In GitHub Actions"
    return (settings,) if action else (replacing, settings)
