"""What a CI system's environment says about who runs what: one file a system.

A new system is one file here and one line in `SYSTEMS`.
"""

from collections.abc import Mapping

from qflow_gitops.ci import github, gitlab
from qflow_gitops.ci.described import Described

SYSTEMS = (github.describe, gitlab.describe)


def describe(environ: Mapping[str, str]) -> Described:
    """Say what the environment tells; empty outside a CI that is known here."""
    for one in SYSTEMS:
        found = one(environ)
        if found is not None:
            return found
    return Described()
