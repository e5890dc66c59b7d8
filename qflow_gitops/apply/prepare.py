"""What is known and checked of each run before its intent: workflow, facts, request."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, dropwhile, islice
from typing import TypeVar

from qflow_gitops.apply import events
from qflow_gitops.apply.launch import Job
from qflow_gitops.apply.preconditions import PlannedApply
from qflow_gitops.errors import AuthError, QflowError
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import GitTree
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.specs.spec import body_of, with_key

_FRESH = 60.0  # seconds that a look at a workflow's executions holds for further intents
_BEFORE = timedelta(minutes=10)


@dataclass(slots=True)
class KnownExecutions:
    """The executions of a workflow that were there before a request: they can't be its own.

    Gives None where they may not be listed; doubt then is for a person to settle.
    `upcoming` are the workflows in the order of their turns: whoever looks at one looks at
    those after it as well, `at_once` in all, because each look is a request's time.
    """

    qualys: Qualys
    clock: Clock
    upcoming: Sequence[str] = ()
    at_once: int = 1
    _seen: dict[str, tuple[float, tuple[str, ...] | None]] = field(default_factory=dict)

    def __call__(self, workflow_id: str) -> tuple[str, ...] | None:
        """Return their ids, looked up at most a minute ago."""
        if self._is_old(workflow_id):
            wanted = (workflow_id, *self._after(workflow_id))
            for wanted_id, found in zip(
                wanted, at_once(self._look, wanted, self.at_once), strict=True
            ):
                if not isinstance(found, QflowError):
                    self._seen[wanted_id] = (self.clock.monotonic(), found)
                elif wanted_id == workflow_id:
                    raise found  # of another one it is raised in its own turn, if it stays so
        return self._seen[workflow_id][1]

    def _is_old(self, workflow_id: str) -> bool:
        at, _ = self._seen.get(workflow_id, (float("-inf"), None))
        return self.clock.monotonic() - at > _FRESH

    def _after(self, workflow_id: str) -> Iterator[str]:
        later = dropwhile(lambda other: other != workflow_id, self.upcoming)
        old = (other for other in later if other != workflow_id and self._is_old(other))
        return islice(old, self.at_once - 1)

    def _look(self, workflow_id: str) -> tuple[str, ...] | None:
        ahead = timedelta(seconds=self.qualys.skew or 0)
        try:
            return self.qualys.newest(workflow_id, self.clock.now() + ahead - _BEFORE)
        except AuthError:
            return None


Found = TypeVar("Found")


def at_once(
    look: Callable[[str], Found], ids: Sequence[str], most: int
) -> Iterator[Found | QflowError]:
    """Look at several things at a time, at most `most`; give what was found in their order."""

    def caught(item: str) -> Found | QflowError:
        try:
            return look(item)
        except QflowError as problem:
            return problem

    if len(ids) < 2 or most < 2:
        yield from map(caught, ids)
        return
    with ThreadPoolExecutor(min(most, len(ids))) as pool:
        try:
            yield from pool.map(caught, ids)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def prepare(
    due: Sequence[Change],
    view: PlannedApply,
    git: GitTree,
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
    held = {change.key: _held_workflow(change, revisions, view) for change in due}
    known = [change for change in due if held[change.key] is None]
    yield from (change for change in held.values() if change is not None)
    yield from _other_revisions(known, revisions, view)
    commit = view.planned.commit
    files = git.files(commit, sorted({change.spec.file for change in known if change.spec}))
    for change in known:
        assert change.spec is not None  # noqa: S101  every change that runs has its spec
        entry = files.get(change.spec.file.encode())
        more = _revision_evidence(change, revisions, view)
        facts = {
            "workflowId": change.spec.workflow_id,
            "revision": revisions[change.spec.workflow_id],
            "platform": view.project.environments[view.environment].platform,
            "gateway": gateway,
            "file": change.spec.file,
            "commit": commit,
            "blob": entry.blob if entry else "",
        }
        yield _job(change, facts, {**evidence(change), **more}, view.project.apply.correlation_key)


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
    change: Change, revisions: Mapping[str, str], view: PlannedApply
) -> Change | None:
    """Hold a run whose workflow isn't there, or isn't the one that the policy asks for."""
    workflow_id = _workflow_id(change)
    if workflow_id not in revisions:
        return _held(
            change,
            f"Qualys knows no workflow {workflow_id} (404), or hides it",
            "Correct `workflowId`, or have the workflow's tag added to your role in Qualys.",
        )
    if not any(policy.workflow_revision for policy in view.facts.policies):
        return None
    expected, found = _catalog_revision(change, view), revisions[workflow_id]
    if expected and expected == found:
        return None
    detail = f"its workflow has the revision {found[:12] or 'unknown'}, the catalog says "
    return _held(
        change,
        detail + (expected[:12] or "none"),
        "Look at the workflow in Qualys; then `qflow-gitops workflows pull -e "
        f"{change.environment} "
        f"{workflow_id}`, commit.",
    )


def _held(change: Change, detail: str, hint: str) -> Change:
    return change._replace(action=Action.HOLD, reason=Reason.WORKFLOW, detail=detail, hint=hint)


def _catalog_revision(change: Change, view: PlannedApply) -> str:
    known = view.specs.catalog.get(_workflow_id(change).lower())
    return known.revision if known else ""


def _other_revisions(
    due: Sequence[Change], revisions: Mapping[str, str], view: PlannedApply
) -> Iterator[events.Event]:
    """Warn where a workflow was changed after the catalog was pulled."""
    for change in due:
        expected, found = _catalog_revision(change, view), revisions[_workflow_id(change)]
        if expected and expected != found:
            yield events.Said(
                f"{change.environment}/{change.name}: its workflow was changed since the catalog "
                f"was pulled (revision {found[:12]}, there {expected[:12]}); it is sent all "
                "the same."
            )


def _revision_evidence(
    change: Change, revisions: Mapping[str, str], view: PlannedApply
) -> dict[str, object]:
    expected = _catalog_revision(change, view)
    differs = expected and expected != revisions[_workflow_id(change)]
    return {"catalogRevision": expected} if differs else {}
