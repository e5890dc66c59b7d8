"""Declare specs as done before the tool came: recorded, never sent."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from qflow_gitops import plan
from qflow_gitops.diagnostics import has_errors
from qflow_gitops.errors import BusyError, UsageProblem
from qflow_gitops.interfaces import Clock, GitTree, LockSession, LockStore, LostRace
from qflow_gitops.lockfile import Attempt, Event, Lockfile, Transition
from qflow_gitops.moments import stamp
from qflow_gitops.operations import projectfile
from qflow_gitops.operations.plan import all_specs, chosen, seen
from qflow_gitops.plan import Action, Change, Context
from qflow_gitops.project import Project
from qflow_gitops.report import InvalidFiles, Report
from qflow_gitops.report.records import History
from qflow_gitops.spec import RunSpec
from qflow_gitops.states import State

_TRIES = 20


@dataclass(frozen=True, slots=True)
class BaselineRequest:
    """Which specs to declare as done, and why."""

    platform: str
    reason: str
    environment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BaselineEdges:
    """What it needs from outside. `confirm` shows a person what would be declared."""

    git: GitTree
    store: LockStore
    clock: Clock
    author: Mapping[str, str]
    confirm: Callable[[tuple[Change, ...]], bool]


def baseline(request: BaselineRequest, edges: BaselineEdges) -> Report:
    """Record every due spec of the newest commit as `baselined`. Sends nothing.

    Raises QflowError for what stops it before anything was written.
    """
    if not request.reason.strip():
        raise UsageProblem(
            "--reason is empty.", not_done="Nothing was recorded.", reason="reason_missing"
        )
    head = edges.git.resolve("HEAD")
    project = projectfile.settings(edges.git, head, request.platform)
    names = chosen(project, request.environment)
    specs = all_specs(edges.git, head, project)
    if has_errors(specs.diagnostics):
        raise InvalidFiles(specs.diagnostics, not_done="Nothing was recorded.")
    first = edges.store.read().lockfile or Lockfile(project.lock.lineage)

    def due(lockfile: Lockfile) -> tuple[Change, ...]:
        context = Context(project, lockfile, names, labels=request.labels)
        return plan.compute(specs, context).of(Action.RUN)

    shown = due(first)
    if shown and not edges.confirm(shown):
        raise UsageProblem(
            "It was not confirmed.", not_done="Nothing was recorded.", reason="not_confirmed"
        )
    rows: list[tuple[str, str, Attempt]] = []
    with edges.store.session() as session:
        for _ in range(_TRIES):
            now = [one for one in due(session.lockfile) if one.key in {each.key for each in shown}]
            with contextlib.suppress(LostRace):
                _record(now, session, edges, project, head, request.reason)
                rows = [(*one.key, session.lockfile.attempts(*one.key)[-1]) for one in now]
                break
        else:
            raise BusyError(
                "Other processes write the record all the time.",
                not_done="Nothing was recorded.",
                hint="Say it again when no apply is at work.",
            )
    body = History(tuple(rows), seen(edges.store.read()))
    return Report("baseline", body=body)


def _record(
    changes: list[Change],
    session: LockSession,
    edges: BaselineEdges,
    project: Project,
    head: str,
    reason: str,
) -> None:
    files = edges.git.files(head, sorted({one.spec.file for one in changes if one.spec}))
    at = stamp(edges.clock.now())
    extra = {"by": dict(edges.author), "detail": reason}
    transitions = []
    for one in changes:
        assert one.spec is not None  # noqa: S101  every change that would run has its spec
        entry = files.get(one.spec.file.encode())
        facts = _facts(one.spec, project, head, entry.blob if entry else "")
        event = Event(at, State.BASELINED, extra)
        number = len(session.lockfile.attempts(*one.key)) + 1
        attempt = Attempt(number, State.BASELINED, one.spec.digest, (event,), facts=facts)
        transitions.append(Transition(*one.key, number, event, opens=attempt))
    session.record(transitions)  # no commit is marked as worked on: none was applied


def _facts(spec: RunSpec, project: Project, head: str, blob: str) -> dict[str, object]:
    facts = {
        "workflowId": spec.workflow_id,
        "platform": project.environments[spec.environment].platform,
        "file": spec.file,
        "commit": head,
        "blob": blob,
        "bodySha256": spec.body_sha256,
        "annotations": dict(spec.annotations),
    }
    return {name: value for name, value in facts.items() if value}
