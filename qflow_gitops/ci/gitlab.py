"""GitLab CI (docs.gitlab.com, "Predefined CI/CD variables reference")."""

from collections.abc import Mapping

from qflow_gitops.ci.described import Described


def describe(environ: Mapping[str, str]) -> Described | None:
    """Say what GitLab's variables tell; None elsewhere."""
    if environ.get("GITLAB_CI") != "true":
        return None
    return Described(environ.get("GITLAB_USER_LOGIN", ""), environ.get("CI_JOB_URL", ""))
