"""In what a change's own policy holds less than the one that it replaces, for those who review it.

Pure. It changes nothing for the change itself, which the stricter of both holds.
"""

from collections.abc import Iterator, Mapping

from qflow_gitops.policy.limits import Limits
from qflow_gitops.policy.rollout import Rollout, Share
from qflow_gitops.policy.rules import Approvals, Policy, Scope
from qflow_gitops.policy.tickets import TicketRule


def loosened(old: Policy, new: Policy) -> list[str]:
    """Name each rule of `old` that holds less by `new`, or may; [] where none does.

    Windows, patterns and tickets are not compared by what they let through: another one is named.
    """
    return [
        *_limits(old.limits, new.limits),
        *(["windows: others than before"] if old.windows and old.windows != new.windows else []),
        *_rollout(old.rollout, new.rollout),
        *_approvals(old.approvals, new.approvals),
        *_workflows(old, new),
        *_annotations(old.annotations, new.annotations),
        *_ticket(old.ticket, new.ticket),
        *(["require.signedCommits: no more"] if old.signed_commits > new.signed_commits else []),
        *(
            ["require.workflowRevision: no more"]
            if old.workflow_revision > new.workflow_revision
            else []
        ),
        *(
            ["apply.approvals: github → elsewhere"]
            if new.approvals_elsewhere > old.approvals_elsewhere
            else []
        ),
    ]


def _limits(old: Limits, new: Limits) -> Iterator[str]:
    if new.runs > old.runs:
        yield f"limits.runs: {old.runs} → {new.runs}"
    if old.share is not None and (new.share is None or new.share > old.share):
        yield f"limits.share.percent: {old.share:g} → {_shown(new.share)}"
    elif old.share is not None and new.share_from > old.share_from:
        yield f"limits.share: from {old.share_from} specs on → from {new.share_from}"
    yield from _counts("limits.connectorTypes", old.connector_types, new.connector_types)
    yield from _counts("limits.workflows", old.workflows, new.workflows)


def _counts(rule: str, old: Mapping[str, int], new: Mapping[str, int]) -> Iterator[str]:
    for name, count in old.items():
        now = new.get(name)
        if now is None or now > count:
            yield f"{rule}.{name}: {count} → {_shown(now)}"


def _shown(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:g}"


def _rollout(old: Rollout | None, new: Rollout | None) -> Iterator[str]:
    """Compare failures and pause as they are, and batches by whether they are the same."""
    if old is None:
        return
    if new is None:
        yield "rollout: no more"
        return
    if old.batches != new.batches:
        yield f"rollout.batches: {_listed(old.batches)} → {_listed(new.batches)}"
    same_kind = old.max_failures.percent == new.max_failures.percent
    if old.max_failures != new.max_failures and not (
        same_kind and new.max_failures < old.max_failures
    ):
        yield f"rollout.maxFailures: {old.max_failures} → {new.max_failures}"
    if new.pause < old.pause:
        yield f"rollout.pause: {old.pause:g} s → {new.pause:g} s"


def _listed(batches: tuple[Share, ...]) -> str:
    return ", ".join(map(str, batches)) or "all"


def _approvals(old: tuple[Approvals, ...], new: tuple[Approvals, ...]) -> Iterator[str]:
    asked: dict[str, int] = {}
    for approvals in new:
        asked[str(approvals.scope)] = max(asked.get(str(approvals.scope), 0), approvals.count)
    everywhere = asked.get(str(Scope()), 0)
    for approvals in old:
        now = max(asked.get(str(approvals.scope), 0), everywhere)
        if now < approvals.count:
            yield f"approvals: {approvals.count} → {now}"


def _workflows(old: Policy, new: Policy) -> Iterator[str]:
    if old.allowed is not None:
        if new.allowed is None:
            yield "workflows.allow: all are allowed now"
        elif more := len(new.allowed - old.allowed):
            yield f"workflows.allow: {more} more"
    if fewer := len(old.denied - new.denied):
        yield f"workflows.deny: {fewer} fewer"


def _annotations(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name, pattern in old.items():
        if name not in new:
            yield f"require.annotations.{name}: no more"
        elif new[name] != pattern:
            yield f"require.annotations.{name}: another pattern"


def _ticket(old: TicketRule | None, new: TicketRule | None) -> Iterator[str]:
    if old is not None and old != new:
        yield f"require.ticket: {'others than before' if new else 'no more'}"
