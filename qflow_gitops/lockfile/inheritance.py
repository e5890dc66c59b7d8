"""Whose attempts count for a run: its own, and those carried over from a name that it had before.

A name is carried over by `previousName` of a spec, or by `previousNames` of an environment.
The next apply records that as an event of the run (`notes.CARRIED`), once: from then on the
words in the files may stay or go, and the old name is free for something new. An event names
every run that attempts are taken from, so that no chain of them has to be followed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import CARRIED, LedgerEvent, Note
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.spec import RunSpec


class Origin(NamedTuple):
    """Attempts 1 to `through` of another run."""

    environment: str
    run: str
    through: int

    @property
    def key(self) -> RunKey:
        """The run that they were made for."""
        return (self.environment, self.run)


class Placed(NamedTuple):
    """An attempt, and the run that the lockfile has it under."""

    environment: str
    run: str
    attempt: Attempt

    @property
    def key(self) -> RunKey:
        """That run."""
        return (self.environment, self.run)


def predecessors(project: Project, environment: str) -> tuple[str, ...]:
    """Name the environments that this one was called before, and that exist no more."""
    known = project.environments
    names = known[environment].previous_names if environment in known else ()
    return tuple(name for name in names if name not in known)


def names_of(lockfile: Lockfile, project: Project, environment: str) -> tuple[str, ...]:
    """Name an environment and those that it was called before, and that exist no more.

    Also where only the lockfile remembers: what is open under the old name stays open when the
    word goes. What settings say of a name counts before what was recorded of it.
    """
    claimed = {
        each for environment in project.environments.values() for each in environment.previous_names
    }
    recorded = {
        origin.environment
        for run in lockfile.environment(environment).events
        for origin in recorded_origins(lockfile, (environment, run))
    }
    left = sorted(recorded - claimed - set(project.environments))
    return (environment, *predecessors(project, environment), *left)


def successor(lockfile: Lockfile, project: Project, environment: str) -> str:
    """Name the environment that one is called now: itself, "" where it exists no more."""
    if environment in project.environments:
        return environment
    names = project.environments
    return next((name for name in names if environment in names_of(lockfile, project, name)), "")


def left_behind(lockfile: Lockfile, project: Project) -> tuple[str, ...]:
    """Name the recorded environments that exist no more, by whatever name."""
    known = {name for each in project.environments for name in names_of(lockfile, project, each)}
    return tuple(sorted(set(lockfile.environments) - known))


def heirs_of(lockfile: Lockfile, environment: str) -> tuple[str, ...]:
    """Name the environments that runs of this one were carried over to, as the lockfile has it."""
    return tuple(
        name
        for name, record in lockfile.environments.items()
        if name != environment
        and any(
            origin.environment == environment
            for run in record.events
            for origin in recorded_origins(lockfile, (name, run))
        )
    )


def recorded_origins(lockfile: Lockfile, key: RunKey) -> tuple[Origin, ...]:
    """Return whose attempts were carried over to a run, as the lockfile has it, oldest first."""
    events = lockfile.events(*key)
    if not events:  # of nearly every run
        return ()
    return tuple(
        Origin(environment, run, int(event.extra["through"]))
        for event in events
        if event.event == CARRIED
        for environment, _, run in (event.text("from").partition("/"),)
    )


def attempts_of(lockfile: Lockfile, key: RunKey, origins: Collection[Origin]) -> tuple[Placed, ...]:
    """Return the attempts of a run and those that were carried over to it, oldest first."""
    own = tuple(Placed(*key, attempt) for attempt in lockfile.attempts(*key))
    if not origins:
        return own
    through: dict[RunKey, int] = {}
    for origin in origins:
        through[origin.key] = max(origin.through, through.get(origin.key, 0))
    found = [
        Placed(*other, attempt)
        for other, last in through.items()
        if other != key
        for attempt in lockfile.attempts(*other)[:last]
    ]
    return tuple(sorted([*found, *own], key=lambda placed: placed.attempt.opened_at))


def recorded_attempts(lockfile: Lockfile, key: RunKey) -> tuple[Placed, ...]:
    """Return a run's attempts by what the lockfile alone says."""
    return attempts_of(lockfile, key, recorded_origins(lockfile, key))


def inherits(lockfile: Lockfile, project: Project, key: RunKey) -> bool:
    """Whether attempts of other runs may count for a run, apart from its `previousName`."""
    environment, run = key
    return bool(recorded_origins(lockfile, key)) or any(
        run in lockfile.environment(predecessor).runs
        for predecessor in predecessors(project, environment)
    )


class Inheritance:
    """Whose attempts count, by the lockfile and by what specs and settings say.

    `specs` are the valid ones, `invalid` the runs that have one with an error.
    """

    def __init__(
        self,
        lockfile: Lockfile,
        project: Project,
        specs: Mapping[RunKey, RunSpec],
        invalid: Collection[RunKey] = (),
    ) -> None:
        """Take the values; nothing is looked at yet."""
        self._lockfile = lockfile
        self._project = project
        self._specs = specs
        self._invalid = invalid

    def has_spec(self, key: RunKey) -> bool:
        """Whether there is a spec of this run, if only one with an error."""
        return key in self._specs or key in self._invalid

    def attempts(self, key: RunKey) -> tuple[Placed, ...]:
        """Return the attempts that count for a run, oldest first."""
        return attempts_of(self._lockfile, key, self.origins(key))

    def origins(self, key: RunKey) -> tuple[Origin, ...]:
        """Return whose attempts count for a run beside its own, oldest first."""
        return (*recorded_origins(self._lockfile, key), *self.pending(key))

    def bring(self, keys: Iterable[RunKey]) -> None:
        """Read at once what counts for these runs, where it isn't at hand."""
        self._lockfile.bring(
            each for key in keys for each in (key, *(origin.key for origin in self.origins(key)))
        )

    def pending(self, key: RunKey) -> tuple[Origin, ...]:
        """Return what is to be carried over to a run and isn't recorded yet, oldest first."""
        spec = self._specs.get(key)
        sources = tuple(self._sources(key, spec.previous_name if spec else ""))
        return self._taken_from(sources, key) if sources else ()

    def _taken_from(self, sources: Iterable[RunKey], key: RunKey) -> tuple[Origin, ...]:
        known = {origin.key for origin in recorded_origins(self._lockfile, key)} | {key}
        found: dict[RunKey, Origin] = {}
        for source in sources:
            if source in known or not self._may_go(source, key):
                continue
            count = self._lockfile.count(*source)
            before = recorded_origins(self._lockfile, source)
            if count or before:
                for origin in (*before, Origin(*source, count)):
                    if origin.key not in known:
                        found.setdefault(origin.key, origin)
        return tuple(found.values())

    def heir(self, key: RunKey) -> RunKey | None:
        """Return the run that this one's attempts were carried over to, None for none."""
        return self._heirs.get(key)

    def heirs(self, other: Placed) -> tuple[RunKey, ...]:
        """Return the other runs for which an attempt counts, recorded or said by a file only."""
        takers, number = self._takers.get(other.key, ()), other.attempt.number
        return tuple(dict.fromkeys(key for key, through in takers if number <= through))

    @cached_property
    def _takers(self) -> Mapping[RunKey, list[tuple[RunKey, int]]]:
        """Each run's heirs, and through which attempt.

        Those in environments that exist no more are known by what is recorded only.
        """
        runs = {
            (name, run)
            for name, record in self._lockfile.environments.items()
            for run in record.events
        }
        found: dict[RunKey, list[tuple[RunKey, int]]] = {}
        for key in sorted(runs | self._specs.keys()):
            pending = self.pending(key) if key[0] in self._project.environments else ()
            for origin in (*recorded_origins(self._lockfile, key), *pending):
                found.setdefault(origin.key, []).append((key, origin.through))
        return found

    @cached_property
    def _heirs(self) -> Mapping[RunKey, RunKey]:
        return {
            origin.key: (environment, run)
            for environment, record in self._lockfile.environments.items()
            for run in record.events
            for origin in recorded_origins(self._lockfile, (environment, run))
        }

    def contradicted(self, spec: RunSpec) -> bool:
        """Whether a spec's `previousName` names a run that goes on under that name.

        Not where it is recorded already: then the word is only a memory.
        """
        source = (spec.environment, spec.previous_name)
        known = {each.key for each in recorded_origins(self._lockfile, spec.key)}
        return (
            bool(spec.previous_name) and source not in known and not self._may_go(source, spec.key)
        )

    def would_count(self, other: Placed, key: RunKey, called: RunKey) -> bool:
        """Whether an attempt would count for a run if a file said that it was `called` so before.

        By `previousName`, or by `previousNames` of its environment. Not where another environment
        says that already, nor where the attempt came after what was carried over once.
        """
        environment, name = called
        environments, previous = self._project.environments, name
        if environment != key[0]:
            claimed = {each for place in environments.values() for each in place.previous_names}
            if name != key[1] or environment in {*environments, *claimed}:
                return False
            previous = self._specs[key].previous_name
        pending = self._taken_from((*self._sources(key, previous), called), key)
        origins = (*recorded_origins(self._lockfile, key), *pending)
        return other in attempts_of(self._lockfile, key, origins)

    def notes(self, environment: str, at: str, by: Mapping[str, str]) -> tuple[Note, ...]:
        """Return the events to record for an environment, so that what is pending no longer is.

        `at` is RFC 3339 in UTC, `by` who does it as the lockfile has it.
        """
        runs = {key for key, spec in self._specs.items() if key[0] == environment}
        for before in predecessors(self._project, environment):
            record = self._lockfile.environment(before)
            runs |= {(environment, run) for run in (*record.runs, *record.events)}
        return tuple(
            Note(*key, LedgerEvent(at, CARRIED, _carried(origin, by)))
            for key in sorted(runs)
            for origin in self.pending(key)
        )

    def _sources(self, key: RunKey, previous: str) -> Iterator[RunKey]:
        """Return the runs that this one was, by what the files say; the oldest names first.

        `previous` is its `previousName`, "" for none.
        """
        environment, name = key
        names = [previous, name] if previous else [name]
        for before in predecessors(self._project, environment):
            for each in names:
                yield (before, each)
        if len(names) > 1:
            yield (environment, names[0])

    def _may_go(self, source: RunKey, to: RunKey) -> bool:
        """Whether a run's attempts may go to another name: nothing goes on under its own.

        A run that itself takes over another's in the same change has moved on, as when names
        are swapped or pushed along.
        """
        if not self.has_spec(source):
            return True
        spec = self._specs.get(source)
        if source == to or spec is None or not spec.previous_name:
            return False
        theirs = (spec.environment, spec.previous_name)
        recorded = {origin.key for origin in recorded_origins(self._lockfile, source)}
        known = self._lockfile.count(*theirs) or recorded_origins(self._lockfile, theirs)
        return theirs != source and theirs not in recorded and bool(known)


def _carried(origin: Origin, by: Mapping[str, str]) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "from": f"{origin.environment}/{origin.run}",
        "through": origin.through,
    }
    return extra | ({"by": dict(by)} if by else {})
