"""What an attempt records about who allowed it: the plan, the pull request, what was released."""

from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.apply.planner import Planner
from qflow_gitops.apply.preconditions import PLACE, REWRITTEN
from qflow_gitops.base import timezones
from qflow_gitops.plan import context
from qflow_gitops.plan.change import Change, Reason
from qflow_gitops.policy.approvals import Approval, Given
from qflow_gitops.sources.policies import NEW_RECORD


def evidence_of(
    planner: Planner, planned: PlannedApply, digest: str, change: Change
) -> dict[str, object]:
    """Say what allowed a run. `digest` is the plan's, taken once: it is over all that runs."""
    request, services, facts = planner.request, planner.services, planned.source.facts
    found = {"planDigest": request.digest or digest, **services.evidence}
    if any(policy.windows for policy in facts.policies):
        found["timeZones"] = timezones.version()
    approval = (facts.approvals or {}).get(change.key)
    if approval and approval.pull_request:
        found["pullRequest"] = approval.pull_request
        found["approvers"] = list(approval.approvers)
        found |= _told_of(approval)
    names = (*change.released, *({NEW_RECORD, REWRITTEN, PLACE} & set(request.acks)))
    said = {"by": services.author.get("actor", ""), "reason": request.reason}
    more = {name: value for name, value in said.items() if value}
    released = [
        {"hold": name, "count": request.acks[name], **more}
        if name in request.acks
        else {"hold": name}  # for the rest of its rollout: an event of its spec's run says by whom
        for name in names
    ]
    if change.reason is Reason.RETRY and context.RETRY not in change.released:
        released.append({"hold": context.RETRY, **more})
    return {**found, **({"released": released} if released else {})}


def _told_of(approval: Approval) -> dict[str, object]:
    """Say what the host tells of the approvals and of the merge."""
    given = [_given(each) for each in approval.given]
    found = {"approvals": given, "mergedBy": approval.merged_by}
    return {name: value for name, value in found.items() if value}


def _given(given: Given) -> dict[str, object]:
    told = {"by": given.by, "review": given.review, "commit": given.commit}
    return {name: value for name, value in told.items() if value}
