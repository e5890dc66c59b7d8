"""Jenkins (jenkins.io/doc/book/pipeline/jenkinsfile, "Using environment variables")."""

from collections.abc import Mapping

from qflow_gitops.ci.context import CIContext


def describe(environ: Mapping[str, str]) -> CIContext | None:
    """Say what Jenkins' variables tell; None elsewhere. An agent keeps its workspace."""
    if not environ.get("JENKINS_URL"):
        return None
    return CIContext(
        actor=environ.get("USER", "") or environ.get("LOGNAME", ""),
        run=environ.get("BUILD_URL", ""),
        system="jenkins",
        stays=True,
    )
