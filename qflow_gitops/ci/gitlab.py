"""GitLab CI (docs.gitlab.com, "Predefined CI/CD variables reference")."""

from collections.abc import Mapping

from qflow_gitops.ci.described import Described


def describe(environ: Mapping[str, str]) -> Described | None:
    """Say what GitLab's variables tell; None elsewhere."""
    if environ.get("GITLAB_CI") != "true":
        return None
    names = ("GITLAB_USER_LOGIN", "CI_JOB_URL", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
    actor, run, target = (environ.get(name, "") for name in names)
    return Described(actor, run, target)
