"""The members whose turn it is, as a child pipeline of GitLab's: a job for each.

What a job does is in a file of the fleet's repository, which the pipeline includes.
"""

from collections.abc import Iterator

from qflow_gitops.results.fleets import FleetTold, MemberTold
from qflow_gitops.results.report import Report

FILE = "qflow-member.yml"
"""The file with the hidden job `.member`, which works on `$MEMBER`."""


def render(report: Report) -> str:
    """Return the pipeline; where it is nobody's turn it has one job that says so."""
    jobs = report.body.jobs if isinstance(report.body, FleetTold) else ()
    lines = [*_jobs(jobs)] if jobs else ["nobody:", "  script: [echo It is nobody\\'s turn.]"]
    return "".join(f"{line}\n" for line in lines)


def _jobs(jobs: tuple[MemberTold, ...]) -> Iterator[str]:
    """Write them by hand: a name holds letters, digits and hyphens only.

    `member` stands before it, as a member may be called `image` or `default`.
    """
    yield f"include: [{{local: {FILE}}}]"
    for one in jobs:
        yield f'"member {one.name}":'
        yield "  extends: .member"
        yield f'  variables: {{MEMBER: "{one.name}"}}'
        if one.credentials:
            yield f'  environment: {{name: "{one.credentials}"}}'
