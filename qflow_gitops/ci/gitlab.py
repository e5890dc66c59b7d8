"""GitLab CI (docs.gitlab.com, "Predefined CI/CD variables reference")."""

from collections.abc import Mapping

from qflow_gitops.ci.context import CIContext, commit_id, number
from qflow_gitops.results.pages import pages_of


def describe(environ: Mapping[str, str]) -> CIContext | None:
    """Say what GitLab's variables tell; None elsewhere."""
    if environ.get("GITLAB_CI") != "true":
        return None
    # Only set where GitLab merged the branch to test it; else CI_COMMIT_SHA is the branch's own.
    head = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA")
    file = environ.get("CI_CONFIG_PATH", "")
    file = "" if "://" in file else file  # the address of another host, which may hold a secret
    elsewhere = not file or "@" in file  # in another project, whose commit isn't told
    return CIContext(
        actor=environ.get("GITLAB_USER_LOGIN", ""),
        run=environ.get("CI_JOB_URL", ""),
        target=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""),
        system="gitlab",
        pull_request=number(environ.get("CI_MERGE_REQUEST_IID", "")),
        commit=commit_id(head),
        stays=environ.get("CI_SHARED_ENVIRONMENT") == "true",  # the executors shell and ssh
        pages=pages_of(environ.get("CI_SERVER_URL", ""), environ.get("CI_PROJECT_PATH", ""), "/-"),
        workflow=file,
        workflow_commit="" if elsewhere else commit_id(environ.get("CI_COMMIT_SHA")),
    )
