"""Environments, variables and names of secrets.

docs.github.com, "REST API endpoints for deployment environments" and "… for deployment branch
policies" (Actions: read), "… for GitHub Actions variables" (Variables: read, of an environment
Environments: read), "… for GitHub Actions Secrets" (Secrets: read, of an environment Environments:
read), which never give what a secret is.
"""

from collections.abc import Collection, Iterator
from urllib.parse import quote

from qflow_gitops.errors import QflowError
from qflow_gitops.http.asking import Asking
from qflow_gitops.http.fields import Fields
from qflow_gitops.ports.governance import HostedEnvironment, Secrets, Variable

_ACTIONS, _ENVIRONMENTS = "Actions", "Environments"
_SECRETS, _VARIABLES = "Secrets", "Variables"


def environment(asking: Asking, name: str) -> HostedEnvironment | None:
    """Return an environment, None where there is none of that name."""
    path = f"environments/{quote(name, safe='')}"
    found = asking.fields(path, _ACTIONS)
    if found is None:
        return None
    reviews = [
        rule
        for rule in found.items("protection_rules")
        if rule.text("type") == "required_reviewers"
    ]
    reviewers = sum(len(rule.items("reviewers")) for rule in reviews)
    policy = found.under("deployment_branch_policy")
    branches: tuple[str, ...] | None = None
    if policy.flag("custom_branch_policies"):
        listed = asking.items(f"{path}/deployment-branch-policies", _ACTIONS, "branch_policies")
        branches = tuple(each.text("name") for each in listed)
    return HostedEnvironment(
        reviewers=reviewers,
        approvals=min(reviewers, 1),  # one of them suffices (docs, "Reviewing deployments")
        by_oneself=not any(rule.flag("prevent_self_review") for rule in reviews),
        branches=branches,
        kept="used from protected branches" if policy.flag("protected_branches") else "",
    )


def variables(asking: Asking, name: str, environments: Collection[str]) -> list[Variable]:
    """Say where a variable is set. Raises only where it was found nowhere that can be seen."""
    found, problems = [], []
    for where, look in _places(asking, name, environments):
        try:
            found += [Variable(each.text("value"), where) for each in look]
        except QflowError as problem:
            problems.append(problem)
    if problems and not found:
        raise problems[0]
    return found


def _places(
    asking: Asking, name: str, environments: Collection[str]
) -> Iterator[tuple[str, Iterator[Fields]]]:
    """Each place of a variable, and what has its name there, asked when it is looked at."""
    yield "the repository", _single(asking, f"actions/variables/{quote(name)}", _VARIABLES)
    for environment_name in environments:
        path = f"environments/{quote(environment_name, safe='')}/variables/{quote(name)}"
        yield f"the environment {environment_name}", _single(asking, path, _ENVIRONMENTS)
    yield "the organization", _of_organization(asking, name)


def _single(asking: Asking, path: str, right: str) -> Iterator[Fields]:
    found = asking.fields(path, right)
    if found is not None:
        yield found


def _of_organization(asking: Asking, name: str) -> Iterator[Fields]:
    listed = asking.items("actions/organization-variables", _VARIABLES, "variables")
    yield from (each for each in listed if each.text("name") == name)


def secrets(asking: Asking, name: str) -> Secrets:
    """Name the secrets of an environment, and those that every job gets.

    Raises AuthError also where there is no such environment.
    """
    path = f"environments/{quote(name, safe='')}/secrets"
    own = asking.items(path, _ENVIRONMENTS, "secrets", certain=True)
    shared = asking.items("actions/secrets", _SECRETS, "secrets")
    shared += asking.items("actions/organization-secrets", _SECRETS, "secrets")
    return Secrets(
        frozenset(each.text("name") for each in own),
        frozenset(each.text("name") for each in shared),
    )
