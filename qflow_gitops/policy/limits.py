"""How many runs one apply may start, and which of these limits are broken. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from qflow_gitops.policy.governed import Governed

RUNS = 25
"""So many runs an apply may start where the settings say nothing."""
SHARE_FROM = 10  # specs; below, a share of them says little


class Limits(NamedTuple):
    """How many runs one apply may start; None where there is no limit.

    `share` is in percent of the environment's specs, looked at where these are at least
    `share_from`. `connector_types` and `workflows` (ids in lower case) are limits of their own.
    """

    runs: int = RUNS
    share: float | None = None
    share_from: int = SHARE_FROM
    connector_types: Mapping[str, int] = {}
    workflows: Mapping[str, int] = {}


class Broken(NamedTuple):
    """A limit that is broken: its name, the runs that it counts, and what it says."""

    name: str
    runs: Sequence[Governed]
    rule: str


def broken(
    limits: Limits, but: Callable[[str], Sequence[Governed]], total: int
) -> Iterator[Broken]:
    """Find the limits that more runs break than may; `but` gives those that count for a name."""
    due = but("limit:runs")
    if len(due) > limits.runs:
        yield Broken("limit:runs", due, f"at most {limits.runs} runs an apply")
    due = but("limit:share")
    shares = limits.share is not None and total >= limits.share_from
    if shares and len(due) * 100 > (limits.share or 0) * total:
        rule = f"at most {limits.share:g} % of {total} specs an apply"
        yield Broken("limit:share", due, rule)
    for name, most in limits.connector_types.items():
        some = [run for run in but(f"limit:{name}") if name in run.connector_types]
        if len(some) > most:
            rule = f"at most {most} runs an apply with connector type {name}"
            yield Broken(f"limit:{name}", some, rule)
    for workflow, most in limits.workflows.items():
        due = but(f"limit:{workflow}")
        some = [run for run in due if run.workflow_id.lower() == workflow]
        if len(some) > most:
            rule = f"at most {most} runs an apply of workflow {workflow}"
            yield Broken(f"limit:{workflow}", some, rule)
