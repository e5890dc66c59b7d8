"""A repository on GitHub that is set up as README asks, as the API's documentation shows it.

`guarded` gives what GET answers below the repository's address; a test breaks one thing of it.
Shapes: docs.github.com, REST API 2022-11-28, the example of each endpoint.
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import qflow_gitops
from tests.helpers.github_api import REPOSITORY

COMMIT = "a" * 40
TOOL = "octo/qflow-gitops"
GATE, PRODUCTION = "production-approval", "production"
MAIN, LOCK = "main", "qflow-lock"
FLOW, OPERATIONS = "qflow.yml", "qflow-operations.yml"

OWNERS = ".github/CODEOWNERS"
OWNED = "/.github/  @octo/security\n/qflow.yaml  @octo/security\n/connectors/  @octo/security\n"

Answers = dict[str, Any]
"""Path below the repository's address -> JSON; a path with `/` first is one of the API."""


def guarded(now: datetime | None = None) -> Answers:
    """Everything as it should be."""
    ran = (now or datetime.now(UTC)) - timedelta(minutes=20)
    return {
        "": {
            "full_name": REPOSITORY, "default_branch": MAIN, "archived": False, "disabled": False,
            "fork": False, "private": True,
        },
        f"environments/{GATE}": environment(reviewers=2),
        f"environments/{PRODUCTION}": environment(
            policy={"protected_branches": False, "custom_branch_policies": True}
        ),
        f"environments/{PRODUCTION}/deployment-branch-policies": named("branch_policies", MAIN),
        f"environments/{PRODUCTION}/secrets": named(
            "secrets", "QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"
        ),
        "actions/secrets": named("secrets", "OTHER"),
        "actions/organization-secrets": named("secrets"),
        "actions/organization-variables": named("variables"),
        f"rules/branches/{MAIN}": [rule("deletion"), rule("non_fast_forward"), reviews(), checks()],
        f"rules/branches/{LOCK}": [rule("deletion"), rule("non_fast_forward")],
        f"branches/{MAIN}": {"name": MAIN, "protected": True},
        f"branches/{LOCK}": {"name": LOCK, "protected": True},
        "codeowners/errors": {"errors": []},
        f"actions/workflows/{FLOW}": {"state": "active"},
        f"actions/workflows/{OPERATIONS}": {"state": "active"},
        f"actions/workflows/{FLOW}/runs": runs(ran),
        "actions/permissions": {
            "enabled": True, "allowed_actions": "selected", "sha_pinning_required": True,
        },
        "actions/permissions/selected-actions": {
            "github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": [],
        },
        "actions/permissions/workflow": {"default_workflow_permissions": "read"},
        "actions/permissions/artifact-and-log-retention": {"days": 90, "maximum_allowed_days": 400},
        f"/repos/{TOOL}/contents/qflow_gitops/__init__.py": tool(qflow_gitops.__version__),
    }  # fmt: skip


def environment(
    reviewers: int = 0, *, by_oneself: bool = False, policy: dict[str, bool] | None = None
) -> dict[str, Any]:
    """An environment; `policy` says from which branches it is used, None from all."""
    people = [{"type": "User", "reviewer": {"login": f"person-{n}"}} for n in range(reviewers)]
    required = {
        "id": 1, "type": "required_reviewers", "prevent_self_review": not by_oneself,
        "reviewers": people,
    }  # fmt: skip
    return {
        "id": 56_780_428,
        "protection_rules": [required] if reviewers else [],
        "deployment_branch_policy": policy,
    }


def named(key: str, *names: str) -> dict[str, Any]:
    """A list under a key."""
    return {"total_count": len(names), key: [{"name": name, "value": "x"} for name in names]}


def rule(kind: str, ruleset: int = 42, **parameters: Any) -> dict[str, Any]:
    """A rule of a ruleset, as GET rules/branches shows it."""
    found: dict[str, Any] = {
        "type": kind, "ruleset_source_type": "Repository", "ruleset_source": REPOSITORY,
        "ruleset_id": ruleset,
    }  # fmt: skip
    return found | ({"parameters": parameters} if parameters else {})


def reviews(**changes: Any) -> dict[str, Any]:
    """The rule that asks for a pull request."""
    usual: dict[str, Any] = {
        "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": True,
        "require_code_owner_review": True, "require_last_push_approval": False,
        "required_review_thread_resolution": False,
    }  # fmt: skip
    return rule("pull_request", **usual | changes)


def checks(*names: str) -> dict[str, Any]:
    """The rule that asks for checks."""
    asked = [{"context": name, "integration_id": 15_368} for name in names or ("qflow check",)]
    return rule(
        "required_status_checks",
        strict_required_status_checks_policy=False,
        required_status_checks=asked,
    )


def protection(**changes: Any) -> dict[str, Any]:
    """Branch protection of the older kind, with everything that README asks for."""
    usual: dict[str, Any] = {
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": True, "require_code_owner_reviews": True,
            "required_approving_review_count": 1, "require_last_push_approval": False,
        },
        "required_status_checks": {"strict": False, "contexts": ["qflow check"], "checks": []},
        "enforce_admins": {"enabled": True}, "restrictions": None,
        "allow_force_pushes": {"enabled": False}, "allow_deletions": {"enabled": False},
    }  # fmt: skip
    return usual | changes


def runs(*at: datetime, conclusion: str | None = "success") -> dict[str, Any]:
    """Runs of a workflow, newest first."""
    page = f"https://github.example/{REPOSITORY}/actions/runs/1"
    listed = [
        {"created_at": f"{one:%Y-%m-%dT%H:%M:%SZ}", "conclusion": conclusion, "html_url": page}
        for one in at
    ]
    return {"total_count": len(listed), "workflow_runs": listed}


def tool(version: str) -> dict[str, Any]:
    """The file that says which version of this program an action's commit holds."""
    text = f'"""Runs."""\n\n__version__ = "{version}"\n'
    return {"encoding": "base64", "content": base64.encodebytes(text.encode()).decode()}
