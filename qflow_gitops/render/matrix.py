"""The members whose turn it is, as matrices of GitHub's: several, where one takes too few."""

import json
from collections.abc import Mapping, Sequence

from qflow_gitops.results.fleets import FleetTold, MemberTold
from qflow_gitops.results.report import Report

MOST = 256
"""So many jobs a matrix may have (docs.github.com, "Running variations of jobs in a workflow")."""


def render(report: Report) -> str:
    """Return all matrices on one line; `[]` where it is nobody's turn."""
    return matrices(report.body.jobs if isinstance(report.body, FleetTold) else ()) + "\n"


def matrices(jobs: Sequence[MemberTold]) -> str:
    """Return them as JSON. What is in it has a closed form: names, and numbers."""
    chunks = [jobs[at : at + MOST] for at in range(0, len(jobs), MOST)]
    found = [{"include": [_job(one) for one in chunk]} for chunk in chunks]
    return json.dumps(found, separators=(",", ":"))


def _job(one: MemberTold) -> Mapping[str, object]:
    return {"member": one.name, "credentials": one.credentials, "wave": one.wave}
