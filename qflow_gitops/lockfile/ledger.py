"""The lockfile of all attempts: the value of the lockfile, and how it grows.

A ledger: attempts and events are only ever added. Pure; its bytes are the business of
`codec`, where they live that of a lock store.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, AttemptKey, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.notes import OF_PLACES, LedgerEvent, Note, freezes_of
from qflow_gitops.lockfile.outbox import NOTHING_TO_TELL, Notice, Outbox, of_attempt, of_the_head
from qflow_gitops.lockfile.runs import bring, overview_of, with_changed
from qflow_gitops.lockfile.states import State
from qflow_gitops.lockfile.summary import EnvironmentSummary
from qflow_gitops.lockfile.transitions import conflict, extended, name_of


class EnvironmentRecord(NamedTuple):
    """What is recorded of one environment; commits are "" where none was worked on yet.

    `folder` is where the project lay at `applied_through`, "." for the root, "" where that isn't
    recorded. `last_apply` is when an apply got through last, as far as the settings ask for it,
    `held` which holds were told last, `missed` after which apply it was told that none came. `runs`
    are those with attempts. `events` are those of runs, by the run's name, with or without
    attempts; `notes` those of the environment itself.
    """

    latest: str = ""
    applied_through: str = ""
    runs: Mapping[str, tuple[Attempt, ...]] = {}
    events: Mapping[str, tuple[LedgerEvent, ...]] = {}
    notes: tuple[LedgerEvent, ...] = ()
    extra: Mapping[str, Any] = {}
    folder: str = ""
    last_apply: str = ""
    held: str = ""
    missed: str = ""


_NOTHING = EnvironmentRecord()


class _Seen(NamedTuple):
    """The overview of an environment's runs; true of that one mapping of runs alone."""

    of: Mapping[str, tuple[Attempt, ...]]
    overview: EnvironmentSummary


class _Owners(NamedTuple):
    """Which attempt has which execution; true of that one mapping of environments alone."""

    of: Mapping[str, EnvironmentRecord]
    by: Mapping[str, AttemptKey | None]


@dataclass(frozen=True, slots=True)
class Lockfile:
    """The whole record. `serial` counts its written versions, 0 for one never written.

    `notes` are the events of its head: when it was frozen, and when no longer. `places` are
    those that say where it belongs, and of its moves (`lockfile.places`). `outbox` is what others
    are still to be told.
    """

    lineage: str
    serial: int = 0
    environments: Mapping[str, EnvironmentRecord] = field(default_factory=dict)
    notes: tuple[LedgerEvent, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    places: tuple[LedgerEvent, ...] = ()
    outbox: Outbox = NOTHING_TO_TELL
    _owners: _Owners | None = field(default=None, compare=False, repr=False)
    _overviews: dict[str, _Seen] = field(default_factory=dict, compare=False, repr=False)

    def environment(self, name: str) -> EnvironmentRecord:
        """The environment's record, an empty one where there is none."""
        return self.environments.get(name) or _NOTHING

    def attempts(self, environment: str, run: str) -> tuple[Attempt, ...]:
        """All attempts of a run, oldest first."""
        return self.environment(environment).runs.get(run, ())

    def count(self, environment: str, run: str) -> int:
        """How many attempts a run has; none of them is read for it."""
        seen = self.overview(environment).glance(run)
        return seen.attempts if seen else 0

    def events(self, environment: str, run: str) -> tuple[LedgerEvent, ...]:
        """All events of a run itself, oldest first."""
        return self.environment(environment).events.get(run, ())

    @property
    def freezes(self) -> tuple[LedgerEvent, ...]:
        """The freezes that hold everything, oldest first; none for none."""
        return freezes_of(self.notes)

    def overview(self, environment: str) -> EnvironmentSummary:
        """What can be told of an environment's runs at a glance. Fast after the first call."""
        runs, seen = self.environment(environment).runs, self._overviews.get(environment)
        if seen is None or seen.of is not runs:
            seen = _Seen(runs, overview_of(runs))
            self._overviews[environment] = seen
        return seen.overview

    def bring(self, keys: Iterable[RunKey]) -> None:
        """Read at once the attempts of these runs, where they aren't at hand."""
        wanted: dict[str, list[str]] = {}
        for environment, run in keys:
            wanted.setdefault(environment, []).append(run)
        for environment, runs in wanted.items():
            bring(self.environment(environment).runs, runs)

    def runs_in_states(
        self, environment: str, states: Collection[State]
    ) -> Iterator[tuple[str, tuple[Attempt, ...]]]:
        """Go through the runs of which an attempt is in one of these states, by name."""
        runs = self.environment(environment).runs
        found = self.overview(environment).in_states(states)
        bring(runs, found)
        return ((run, runs[run]) for run in found)

    def owner(self, execution_id: str) -> AttemptKey | None:
        """Say which attempt has this execution, None for none. Fast after the first call.

        An id in capitals is the same id.
        """
        return self._owned().get(execution_id.lower())

    def owners(self, beginning: str) -> dict[str, AttemptKey]:
        """Return the executions whose id begins so, in lower case, and whose they are."""
        text = beginning.lower()
        return {
            each: owner for each, owner in self._owned().items() if owner and each.startswith(text)
        }

    @property
    def executions(self) -> int:
        """How many executions are known."""
        return len(self._owned())

    def _owned(self) -> Mapping[str, AttemptKey | None]:
        """Index the executions once; records that grow from this one take the index along."""
        if self._owners is None or self._owners.of is not self.environments:
            by: dict[str, AttemptKey | None] = {
                execution_id: (environment, run, number)
                for environment in self.environments
                for run, summary in self.overview(environment).summaries.items()
                for execution_id, number in summary.executions
            }
            object.__setattr__(self, "_owners", _Owners(self.environments, by))
            return by
        return self._owners.by

    def recorded(self, transitions: Iterable[Transition]) -> "Lockfile":
        """Return the lockfile with these transitions added, in their order.

        Raises LockError for one that the ledger doesn't allow, and (reason `lock_conflict`)
        for one that gives an execution to a second attempt, or an attempt a second execution.
        """
        changed: dict[str, dict[str, tuple[Attempt, ...]]] = {}
        brought: dict[str, AttemptKey | None] = {}
        told: list[Notice] = []
        for transition in transitions:
            runs = changed.setdefault(transition.environment, {})
            if execution_id := transition.brings.lower():
                known_owner = execution_id not in brought
                holder = self.owner(execution_id) if known_owner else brought[execution_id]
                if holder not in (None, transition.key):
                    raise owned(self, transition, transition.brings, holder)
                if holder is None:
                    brought[execution_id] = transition.key
            known = runs.get(transition.run) or self.attempts(
                transition.environment, transition.run
            )
            runs[transition.run] = extended(known, transition)
            if transition.event.lets_go:
                brought[transition.event.lets_go.lower()] = None
            attempt = runs[transition.run][transition.number - 1]
            told += of_attempt(self.lineage, transition.key, attempt, self.outbox.tells)
        environments = dict(self.environments)
        for name, runs in changed.items():
            record = self.environment(name)
            environments[name] = record._replace(runs=with_changed(record.runs, runs))
        return self._moved_to(environments, brought)._told(told)

    def marked(self, mark: Checkpoint) -> "Lockfile":
        """Return the lockfile with the commits of an environment moved on, and with new events."""
        marked = self
        if mark.environment:
            record = self.environment(mark.environment)
            record = record._replace(
                latest=mark.latest or record.latest,
                last_apply=mark.last_apply or record.last_apply,
                held=record.held if mark.held is None else mark.held,
                missed=mark.missed or record.missed,
            )
            if mark.applied_through is not None:
                record = record._replace(applied_through=mark.applied_through)
                record = record._replace(folder=mark.folder or record.folder)
            marked = self._moved_to({**self.environments, mark.environment: record}, {})
        marked = replace(marked, outbox=marked.outbox.changed(mark.outbox))
        for note in mark.notes:
            marked = marked._noted(note)
        return marked

    def _told(self, notices: Sequence[Notice]) -> "Lockfile":
        return replace(self, outbox=self.outbox.with_notices(notices)) if notices else self

    def _noted(self, note: Note) -> "Lockfile":
        if note.event.event in OF_PLACES:
            return replace(self, places=(*self.places, note.event))
        if not note.environment:
            told = of_the_head(self.lineage, note.event, self.outbox.tells)
            return replace(self, notes=(*self.notes, note.event))._told(told)
        record = self.environment(note.environment)
        if note.run:
            known = record.events.get(note.run, ())
            record = record._replace(events={**record.events, note.run: (*known, note.event)})
        else:
            record = record._replace(notes=(*record.notes, note.event))
        return self._moved_to({**self.environments, note.environment: record}, {})

    def with_runs_of(
        self,
        before: "Lockfile",
        environments: Mapping[str, EnvironmentRecord],
        brought: Mapping[str, AttemptKey | None],
    ) -> "Lockfile":
        """Return this head with environments in which, since `before`, some runs changed.

        `brought` are the executions that have other owners than then, None for none.
        """
        moved = before._moved_to(environments, brought)
        return replace(self, environments=environments, _owners=moved._owners)

    def _moved_to(
        self,
        environments: Mapping[str, EnvironmentRecord],
        brought: Mapping[str, AttemptKey | None],
    ) -> "Lockfile":
        """Return this record with other environments: only `brought` executions have new owners."""
        owners = self._owners
        if owners is not None and owners.of is self.environments:
            owners = _Owners(environments, {**owners.by, **brought})
        return replace(self, environments=environments, _owners=owners)


def owned(
    lockfile: Lockfile, transition: Transition, execution_id: str, holder: AttemptKey
) -> LockError:
    """Say that an execution belongs to another attempt."""
    environment, run, number = holder
    known = lockfile.attempts(environment, run)
    attempt = known[number - 1] if number <= len(known) else None  # or opened along with this one
    return conflict(
        transition, f"the execution {execution_id} is that of {name_of(holder)}", holder, attempt
    )
