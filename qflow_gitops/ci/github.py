"""GitHub Actions (docs.github.com, "Variables reference")."""

from collections.abc import Mapping

from qflow_gitops.ci.described import Described


def describe(environ: Mapping[str, str]) -> Described | None:
    """Say what GitHub's variables tell; None elsewhere."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return None
    parts = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY")]
    run = environ.get("GITHUB_RUN_ID", "")
    address = f"{parts[0]}/{parts[1]}/actions/runs/{run}" if all((*parts, run)) else ""
    target = environ.get("GITHUB_BASE_REF", "")
    return Described(environ.get("GITHUB_ACTOR", ""), address, target)
