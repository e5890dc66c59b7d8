"""Declare specs as done already, before the tool came or by another run: recorded, never sent."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from qflow_gitops.apply import belonging
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import BusyError, UsageProblem
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan import decide
from qflow_gitops.plan.change import Change, Plan, Reason
from qflow_gitops.plan.context import Context
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockSession, LockStore, LostRace, Snapshot
from qflow_gitops.results.records import RunHistory
from qflow_gitops.results.report import InvalidFiles, Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.inputs import Inputs, lockfile_of, read_inputs
from qflow_gitops.sources.lockseen import held, seen
from qflow_gitops.sources.reasons import refuse_secret
from qflow_gitops.sources.runs import run_key, run_keys
from qflow_gitops.sources.settings import chosen
from qflow_gitops.specs.spec import RunSpec

_TRIES = 20


@dataclass(frozen=True, slots=True)
class BaselineRequest:
    """Which specs of which commit to declare as done, and why.

    `runs` are RUNs of the command line; without any, all that is due is meant.
    """

    platform: str
    reason: str
    runs: tuple[str, ...] = ()
    environment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    head: str = "HEAD"


@dataclass(frozen=True, slots=True)
class BaselineServices:
    """What it needs from outside. `confirm` shows a person what would be declared."""

    git: Repository
    store: LockStore
    clock: Clock
    author: Mapping[str, str]
    confirm: Callable[[tuple[Change, ...]], bool]


def baseline(request: BaselineRequest, services: BaselineServices, settings: Settings) -> Report:
    """Record specs of a commit, whose settings were read, as `baselined`. Sends nothing.

    An attempt that did the same already is pointed at. Raises QflowError for what stops it
    before anything was written.
    """
    if not request.reason.strip():
        raise UsageProblem(
            "--reason is empty.", not_done="Nothing was recorded.", reason="reason_missing"
        )
    refuse_secret(request.reason, "Nothing was recorded.")
    head = services.git.resolve(request.head)
    names = chosen(settings.project, request.environment)
    inputs = read_inputs(services.git, head, settings, services.store.read())
    if has_errors(inputs.specs.diagnostics):
        raise InvalidFiles(inputs.specs.diagnostics, not_done="Nothing was recorded.")
    declare = _Declaring(request, services, inputs, names)
    shown = declare.chosen(inputs.lockfile)
    if shown and not services.confirm(shown):
        raise UsageProblem(
            "It was not confirmed.", not_done="Nothing was recorded.", reason="not_confirmed"
        )
    rows, left = declare.record(shown)
    return Report("baseline", body=RunHistory(rows, seen(left), written=bool(rows)))


@dataclass(frozen=True, slots=True)
class _Declaring:
    request: BaselineRequest
    services: BaselineServices
    inputs: Inputs
    environments: tuple[str, ...]

    def chosen(self, lockfile: Lockfile) -> tuple[Change, ...]:
        """Return what is to be declared, as things stand in a lockfile."""
        project, labels = self.inputs.project, self.request.labels
        context = Context(project, lockfile, self.environments, labels=labels)
        return _chosen(self.request, project, decide.compute(self.inputs.specs, context))

    def record(
        self, shown: tuple[Change, ...]
    ) -> tuple[tuple[tuple[str, str, Attempt], ...], Snapshot]:
        """Record those of the runs that are still to be declared: environment, name, attempt.

        Gives the lockfile as well, as it is then.
        """
        where = self.services.store.where
        with self.services.store.session() as session:
            for _ in range(_TRIES):
                now = self._still(shown, held(session, where))
                with contextlib.suppress(LostRace):
                    _record(now, session, self.services, self.inputs, self.request.reason)
                    break
            else:
                raise BusyError(
                    "Other processes write the lockfile all the time.",
                    not_done="Nothing was recorded.",
                    hint="Run the command again when no apply is at work.",
                )
        attempts = session.lockfile.attempts
        rows = tuple((*change.key, attempts(*change.key)[-1]) for change in now)
        return rows, held(session, where)

    def _still(self, shown: tuple[Change, ...], recorded: Snapshot) -> tuple[Change, ...]:
        """Return those of the runs that are still to be declared, as things stand there."""
        if recorded.lockfile == self.inputs.recorded.lockfile:
            return shown
        keys = {change.key for change in shown}
        newer = self.chosen(lockfile_of(recorded, self.inputs.project))
        return tuple(change for change in newer if change.key in keys)


_DECLARED = frozenset(
    {
        Reason.SAME_REQUEST, Reason.RENAMED, Reason.PLATFORM, Reason.FAILED, Reason.REFUSED,
        Reason.ROLLOUT, Reason.AFTER,
    }
)  # fmt: skip
"""Holds that may be declared as done; doubt is settled by `resolve`, which looks first."""


def _chosen(request: BaselineRequest, project: Project, made: Plan) -> tuple[Change, ...]:
    """Return the runs asked for, in the plan's order: all that is due, or those named.

    Of due runs with one request the others are meant with the first. Raises UsageProblem for
    one that is named and can't be declared.
    """
    due = {change.key: change for change in made.due}
    if not request.runs:
        return tuple(change for change in made.changes if change.key in due or _is_double(change))
    known = {change.key: change for change in made.changes if change.spec}
    wanted = run_keys(request.runs, project, request.environment, known, "Nothing was recorded.")
    found = [known[key] for key in sorted(wanted)]
    named = {run_key(run, project, request.environment) for run in request.runs}
    for change in found:
        waits = _is_double(change) and not any(
            _is_first(other, change, wanted) for other in due.values()
        )
        if change.key in named and (waits or not (change.key in due or change.reason in _DECLARED)):
            raise _not_declared(change, waits=waits)
    return tuple(change for change in found if change.key in due or change.reason in _DECLARED)


def _is_double(change: Change) -> bool:
    """Whether it is held because another one, which is due as well, asks for the same."""
    return change.reason is Reason.SAME_REQUEST and change.owner is None


def _is_first(other: Change, change: Change, wanted: Collection[RunKey]) -> bool:
    same = other.spec and change.spec and other.spec.digest == change.spec.digest
    return bool(same) and other.key in wanted


def _not_declared(change: Change, *, waits: bool) -> UsageProblem:
    who = f"{change.environment}/{change.name}"
    hint = change.hint or "Nothing needs to be declared."
    if waits:
        hint = f"Declare both, or apply first: `qflow-gitops apply -e {change.environment}`"
    return UsageProblem(
        f"{who} can't be declared as done: {change.detail}.",
        where=who,
        not_done="Nothing was recorded.",
        hint=hint,
        reason="baseline_not_held",
    )


def _record(
    changes: Sequence[Change],
    session: LockSession,
    services: BaselineServices,
    inputs: Inputs,
    reason: str,
) -> None:
    at = stamp(services.clock.now())
    extra = {"by": dict(services.author), "detail": reason}
    transitions, known = [], session.lockfile  # a session may make it anew each time
    for change in changes:
        assert change.spec is not None  # noqa: S101  every change that would run has its spec
        facts = {**_facts(change.spec, inputs), **_pointing_at(change)}
        event = Event(at, State.BASELINED, extra)
        number = len(known.attempts(*change.key)) + 1
        attempt = Attempt(number, State.BASELINED, change.spec.digest, (event,), facts=facts)
        transitions.append(Transition(*change.key, number, event, opens=attempt))
    here = belonging.first_place(services.store, known, at, services.author)
    mark = Checkpoint(notes=here) if here and transitions else None
    session.record(transitions, mark)  # no commit is marked as worked on: none was applied


def _pointing_at(change: Change) -> dict[str, object]:
    """Name the attempt that did the same already."""
    if change.attempt is None or change.spec is None or change.attempt.digest != change.spec.digest:
        return {}
    run = "/".join(change.owner or change.key)
    return {"sameAs": f"{run} #{change.attempt.number}"}


def _facts(spec: RunSpec, inputs: Inputs) -> dict[str, object]:
    facts = {
        "workflowId": spec.workflow_id,
        "platform": inputs.project.environments[spec.environment].platform,
        "file": spec.file,
        "commit": inputs.commit,
        "blob": inputs.specs.blobs.get(spec.file, ""),
        "bodySha256": spec.body_sha256,
        "annotations": dict(spec.annotations),
    }
    return {name: value for name, value in facts.items() if value}
