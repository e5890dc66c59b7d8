"""What is known and checked of each run before its intent: workflow, facts, request."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from qflow_gitops.errors import AuthError
from qflow_gitops.interfaces import Clock, GitTree, Qualys
from qflow_gitops.operations import events
from qflow_gitops.operations.checks import View
from qflow_gitops.operations.launch import Job
from qflow_gitops.plan import Action, Change, Reason
from qflow_gitops.spec import body_of, with_key

_FRESH = 60.0  # seconds that a look at a workflow's executions holds for further intents
_BEFORE = timedelta(minutes=10)


@dataclass(slots=True)
class Before:
    """The executions of a workflow that were there before a request: they can't be its own.

    Gives None where they may not be listed; doubt then is for a person to settle.
    """

    qualys: Qualys
    clock: Clock
    _seen: dict[str, tuple[float, tuple[str, ...] | None]] = field(default_factory=dict)

    def __call__(self, workflow_id: str) -> tuple[str, ...] | None:
        """Give their ids, looked up at most a minute ago."""
        at, found = self._seen.get(workflow_id, (float("-inf"), None))
        if self.clock.monotonic() - at > _FRESH:
            found = self._look(workflow_id)
            self._seen[workflow_id] = (self.clock.monotonic(), found)
        return found

    def _look(self, workflow_id: str) -> tuple[str, ...] | None:
        ahead = timedelta(seconds=self.qualys.skew or 0)
        try:
            return self.qualys.newest(workflow_id, self.clock.now() + ahead - _BEFORE)
        except AuthError:
            return None


def prepare(
    due: Sequence[Change],
    view: View,
    git: GitTree,
    qualys: Qualys,
    gateway: str,
    evidence: Mapping[str, object],
) -> Iterator[events.Event | Job | Change]:
    """Look at the workflow of each due run; give its job, or its change where it is held.

    Raises AuthError or UnreachableError; nothing was sent then.
    """
    revisions = _revisions(qualys, due)
    held = {one.key: _held_workflow(one, revisions, view) for one in due}
    known = [one for one in due if held[one.key] is None]
    yield from (one for one in held.values() if one is not None)
    yield from _other_revisions(known, revisions, view)
    commit = view.planned.commit
    files = git.files(commit, sorted({one.spec.file for one in known if one.spec}))
    for one in known:
        assert one.spec is not None  # noqa: S101  every change that runs has its spec
        entry = files.get(one.spec.file.encode())
        more = _revision_evidence(one, revisions, view)
        facts = {
            "workflowId": one.spec.workflow_id,
            "revision": revisions[one.spec.workflow_id],
            "platform": view.project.environments[view.environment].platform,
            "gateway": gateway,
            "file": one.spec.file,
            "commit": commit,
            "blob": entry.blob if entry else "",
        }
        yield _job(one, facts, {**evidence, **more}, view.project.apply.correlation_key)


def _job(one: Change, facts: Mapping[str, object], evidence: Mapping[str, object], key: str) -> Job:
    spec = one.spec
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
    return Job(one, spec.digest, known, body)


def _workflow_id(one: Change) -> str:
    return one.spec.workflow_id if one.spec else ""


def _revisions(qualys: Qualys, due: Sequence[Change]) -> dict[str, str]:
    """Look at each workflow once, before anything is recorded; leave out the unknown ones."""
    revisions = {}
    for workflow_id in sorted({_workflow_id(one) for one in due}):
        details = qualys.workflow(workflow_id)
        if details is not None:
            revisions[workflow_id] = details.revision
    return revisions


def _held_workflow(one: Change, revisions: Mapping[str, str], view: View) -> Change | None:
    """Hold a run whose workflow isn't there, or isn't the one that the policy asks for."""
    workflow_id = _workflow_id(one)
    if workflow_id not in revisions:
        return _held(
            one,
            f"Qualys knows no workflow {workflow_id} (404), or hides it",
            "Mend `workflowId`, or have the workflow's tag added to your role in Qualys.",
        )
    if not view.project.policy.workflow_revision:
        return None
    expected, found = _catalog_revision(one, view), revisions[workflow_id]
    if expected and expected == found:
        return None
    detail = f"its workflow has the revision {found[:12] or 'unknown'}, the catalog says "
    return _held(
        one,
        detail + (expected[:12] or "none"),
        f"Look at the workflow in Qualys; then: qflow-gitops workflows pull {workflow_id}, commit.",
    )


def _held(one: Change, detail: str, hint: str) -> Change:
    return replace(one, action=Action.HOLD, reason=Reason.WORKFLOW, detail=detail, hint=hint)


def _catalog_revision(one: Change, view: View) -> str:
    known = view.specs.catalog.get(_workflow_id(one).lower())
    return known.revision if known else ""


def _other_revisions(
    due: Sequence[Change], revisions: Mapping[str, str], view: View
) -> Iterator[events.Event]:
    """Warn where a workflow was changed after the catalog was pulled."""
    for one in due:
        expected, found = _catalog_revision(one, view), revisions[_workflow_id(one)]
        if expected and expected != found:
            yield events.Said(
                f"{one.environment}/{one.name}: its workflow was changed since the catalog was "
                f"pulled (revision {found[:12]}, there {expected[:12]}); it is sent all the same."
            )


def _revision_evidence(one: Change, revisions: Mapping[str, str], view: View) -> dict[str, object]:
    expected = _catalog_revision(one, view)
    differs = expected and expected != revisions[_workflow_id(one)]
    return {"catalogRevision": expected} if differs else {}
