"""What jobs may do, and how long what they say is kept."""

from collections.abc import Iterator

from qflow_gitops.doctor.ci.seen import Seen
from qflow_gitops.results.checks import Check, failed, ok, unknown, warning

_DAYS = 90
"""What hosts keep unless told otherwise; an audit asks for more than that less often."""


def jobs(seen: Seen) -> Iterator[Check]:
    """Say whether jobs run, with the actions that they use, and long enough."""
    about, page = "what jobs may use", seen.host.pages.ci
    found = seen.host.jobs(seen.expected.pipeline.actions)
    timeout, own = seen.expected.timeout, seen.expected.pipeline.seconds
    most = found.seconds if own is None else own
    if found.off:
        yield failed("jobs", about, found.off, f"{page}: switch it on.")
    elif found.refused:
        why = f"not allowed: {', '.join(found.refused)}"
        yield failed("jobs", about, why, f"{page}: allow them.")
    elif most is not None and most < timeout:
        ends, waits = f"{most / 60:,.0f} minutes", f"{timeout / 60:,.0f}"
        why = f"a job ends after {ends}, and apply waits {waits}"
        yield failed("jobs", about, why, f"{page}: let jobs take longer, or lower `apply.timeout`.")
    elif found.unsure:
        why = f"whether these are allowed isn't told: {', '.join(found.unsure)}"
        yield unknown("jobs", about, why, f"{page}: see that they are.")
    elif found.pinned is False:
        why = "actions may be used that no commit is named of"
        yield warning("jobs", about, why, f"{page}: require actions to be pinned to a full commit.")
    else:
        yield ok("jobs", about, "all that they use")


def token(seen: Seen) -> Iterator[Check]:
    """Say what the token of a job may do where the job doesn't say."""
    about, page = "token of a job", seen.host.pages.ci
    found = seen.host.token()
    if found.pushes is False:
        why = "it may not push, so apply can't write the lockfile"
        yield failed("job-token", about, why, f"{page}: let job tokens push to the repository.")
    elif found.writes:
        why = "it may write where a job doesn't say what it may"
        yield warning("job-token", about, why, f"{page}: make it read only by default.")
    else:
        yield ok(
            "job-token", about, "may push" if found.pushes else "reads, unless a job says more"
        )


def policies(seen: Seen) -> Iterator[Check]:
    """Say what no endpoint tells."""
    if page := seen.host.pages.policies:
        names = ", ".join(seen.expected.pipeline.triggers)
        yield unknown(
            "execution-protections",
            "who and what may start workflows",
            "no endpoint that is documented tells it",
            f"{page} → Policies: these have to be allowed: {names}.",
        )


def retention(seen: Seen) -> Iterator[Check]:
    """Say how long logs and artifacts are kept."""
    about, page = "logs and artifacts", seen.host.pages.ci
    days = seen.host.retention()
    if days is None:
        yield ok("retention", about, "kept for ever")
    elif days < _DAYS:
        why = f"kept for {days:,} days; what was sent is in the lockfile for ever"
        yield warning("retention", about, why, f"{page}: keep them for {_DAYS} days.")
    else:
        yield ok("retention", about, f"kept for {days:,} days")
