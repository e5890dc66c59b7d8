"""What is known and checked of each run before its intent: workflow, facts, request."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from qflow_gitops.apply import events
from qflow_gitops.apply.job import Job
from qflow_gitops.apply.known_executions import at_once
from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.errors import QflowError
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.specs.spec import body_of, with_key


def prepare(
    due: Sequence[Change],
    planned: PlannedApply,
    qualys: Qualys,
    gateway: str,
    evidence: Callable[[Change], Mapping[str, object]],
    most: int,
) -> Iterator[events.Event | Job | Change]:
    """Look at the workflow of each due run; give its job, or its change where it is held.

    `evidence` says what allowed a run. `most` is how many workflows are asked for at a time.
    Raises AuthError or UnreachableError; nothing was sent then.
    """
    revisions = _revisions(qualys, due, most)
    held = {change.key: _held_workflow(change, revisions, planned) for change in due}
    known = [change for change in due if held[change.key] is None]
    yield from (change for change in held.values() if change is not None)
    yield from _other_revisions(known, revisions, planned)
    source, key = planned.source, planned.source.project.apply.correlation_key
    for change in known:
        assert change.spec is not None  # noqa: S101  every change that runs has its spec
        expected = _catalog_revision(change, planned)
        more = {"catalogRevision": expected} if expected else {}
        facts = {
            "workflowId": change.spec.workflow_id,
            "revision": revisions[change.spec.workflow_id],
            "platform": source.project.environments[source.environment].platform,
            "gateway": gateway,
            "file": change.spec.file,
            "commit": source.commit,
            "blob": source.specs.blobs.get(change.spec.file, ""),
        }
        yield _job(change, facts, {**evidence(change), **more}, key)


def _job(
    change: Change, facts: Mapping[str, object], evidence: Mapping[str, object], key: str
) -> Job:
    spec = change.spec
    assert spec is not None  # noqa: S101  every change that runs has its spec
    nonce = secrets.token_hex(16)
    body = body_of(with_key(spec.request, key, nonce))
    more = {
        "bodySha256": hashlib.sha256(body).hexdigest(),
        "nonce": nonce,
        "correlationKey": key,
        "annotations": dict(spec.annotations),
        "evidence": evidence,
    }
    known = {name: value for name, value in {**facts, **more}.items() if value}
    return Job(change, spec.digest, known, body)


def _workflow_id(change: Change) -> str:
    return change.spec.workflow_id if change.spec else ""


def _revisions(qualys: Qualys, due: Sequence[Change], most: int) -> dict[str, str]:
    """Look at each workflow once, before anything is recorded; leave out the unknown ones.

    The first alone: a token that Qualys refuses is shown to it once.
    """
    ids = sorted({_workflow_id(change) for change in due})
    looks = chain(at_once(qualys.workflow, ids[:1], most), at_once(qualys.workflow, ids[1:], most))
    revisions = {}
    for workflow_id, details in zip(ids, looks, strict=True):
        if isinstance(details, QflowError):
            raise details
        if details is not None:
            revisions[workflow_id] = details.revision
    return revisions


def _held_workflow(
    change: Change, revisions: Mapping[str, str], planned: PlannedApply
) -> Change | None:
    """Hold a run whose workflow isn't there, or isn't the one that the policy asks for."""
    workflow_id = _workflow_id(change)
    if workflow_id not in revisions:
        return _held(
            change,
            f"Qualys knows no workflow {workflow_id} (404), or hides it",
            "Correct `workflowId`, or have the workflow's tag added to your role in Qualys.",
        )
    if not any(policy.workflow_revision for policy in planned.source.facts.policies):
        return None
    expected, found = _catalog_revision(change, planned), revisions[workflow_id]
    if expected and expected == found:
        return None
    detail = f"its workflow has the revision {found[:12] or 'unknown'}, the catalog says "
    return _held(
        change,
        detail + (expected[:12] or "none"),
        "Look at the workflow in Qualys; then `qflow-gitops workflows pull -e "
        f"{change.environment} {workflow_id}`, commit.",
    )


def _held(change: Change, detail: str, hint: str) -> Change:
    return change._replace(action=Action.HOLD, reason=Reason.WORKFLOW, detail=detail, hint=hint)


def _catalog_revision(change: Change, planned: PlannedApply) -> str:
    known = planned.source.specs.catalog.get(_workflow_id(change).lower())
    return known.revision if known else ""


def _other_revisions(
    due: Sequence[Change], revisions: Mapping[str, str], planned: PlannedApply
) -> Iterator[events.Event]:
    """Warn where a workflow was changed after the catalog was pulled."""
    for change in due:
        expected, found = _catalog_revision(change, planned), revisions[_workflow_id(change)]
        if expected and expected != found:
            yield events.Said(
                f"{change.environment}/{change.name}: its workflow was changed since the catalog "
                f"was pulled (revision {found[:12]}, there {expected[:12]}); it is sent all "
                "the same."
            )
