"""Which CI system this runs in.

A new system is one file here and one line in `SYSTEMS`.
"""

from collections.abc import Callable, Mapping

from qflow_gitops.ci import fleet, github, gitlab, jenkins, shell
from qflow_gitops.ci.context import CIContext

SYSTEMS: Mapping[str, Callable[[Mapping[str, str]], CIContext | None]] = {
    "github": github.describe,
    "gitlab": gitlab.describe,
    "jenkins": jenkins.describe,
    "fleet": fleet.describe,
    "": shell.describe,
}
"""Each by the name it gives as `system`; the first that knows the environment describes it."""


def describe(environ: Mapping[str, str]) -> CIContext:
    """Say what the environment tells."""
    for detect in SYSTEMS.values():
        found = detect(environ)
        if found is not None:
            return found
    return CIContext()
