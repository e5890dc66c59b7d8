"""A process that a fleet started for a member: what that was told of who works on the fleet.

It says no more than a shell does, who somebody says to be and where that is on record.
"""

from collections.abc import Mapping

from qflow_gitops.base.printable import is_hidden
from qflow_gitops.ci.context import CIContext


def describe(environ: Mapping[str, str]) -> CIContext | None:
    """Say who works on the fleet, and in which run of a CI; None elsewhere."""
    actor, run = environ.get("QFLOW_FLEET_ACTOR", ""), environ.get("QFLOW_FLEET_RUN", "")
    if not actor or is_hidden(actor):
        return None
    address = run.startswith(("https://", "http://")) and not is_hidden(run)
    return CIContext(actor=actor, run=run if address else "", system="fleet")
