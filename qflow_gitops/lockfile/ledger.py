"""The record of all attempts: the value of the lockfile, and how it grows.

A ledger: attempts and events are only ever added. Pure; its bytes are the business of
`codec`, where they live that of a lock store.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from qflow_gitops.base.times import BELIEVED, moment, stamp
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.growing import grown
from qflow_gitops.lockfile.notes import LedgerEvent, Mark, Note, freezes_of
from qflow_gitops.lockfile.states import (
    DOUBTFUL,
    EXECUTED,
    REOPENED,
    RESULTS,
    SETTLED,
    TRANSITIONS,
    UNCOUNTED,
    State,
)


class Event(NamedTuple):
    """One step in the life of an attempt. `at` is RFC 3339 in UTC; `extra` what else it says."""

    at: str
    to: State
    extra: Mapping[str, Any] = {}

    @property
    def is_decision(self) -> bool:
        """Whether a person decided it, and nobody saw it: then it says by whom."""
        return self.to in REOPENED and "by" in self.extra and "reopens" not in self.extra

    @property
    def lets_go(self) -> str:
        """The execution that isn't its attempt's any more from here on, "" for none."""
        value = self.extra.get("letGo", "") if "reopens" in self.extra else ""
        return value if isinstance(value, str) else ""


def decision_in(events: Sequence[Event]) -> Event | None:
    """Give the decision of a person that an attempt with these events rests on, None for none.

    What was seen of an execution rests on its adoption, a note on what was assumed on the
    assumption. A decision that was put back doesn't count, nor one that was overtaken by what
    a machine saw for itself.
    """
    put_back = 0
    for place in range(len(events) - 1, 0, -1):
        event, before = events[place], events[place - 1]
        if "reopens" in event.extra:
            if event.to is State.IN_DOUBT:
                return None
            put_back += 1
        elif event.is_decision:
            if not put_back:
                return event
            put_back -= 1
        elif event.to not in RESULTS and not (event.to is before.to is State.ASSUMED):
            return None
    return None


def may_follow(events: Sequence[Event], event: Event) -> bool:
    """Whether an attempt with these events may come to this one.

    What puts a decision back (`reopens`) may do so only with the one that stands.
    """
    if "reopens" in event.extra:
        decision = decision_in(events)
        told = (event.extra["reopens"], event.to)
        return decision is not None and told == (decision.to, REOPENED[decision.to])
    return event.to in TRANSITIONS.get(events[-1].to if events else None, frozenset())


class Attempt(NamedTuple):
    """One try to start a run.

    `state`, `execution_id` and `status` (Qualys' word) are those of the last event, ""
    where not known. `facts` holds what was known when it was opened, under the lockfile's
    own names: `workflowId`, `platform`, `file`, `commit`, `bodySha256`, …
    """

    number: int
    state: State
    digest: str
    events: tuple[Event, ...]
    execution_id: str = ""
    status: str = ""
    facts: Mapping[str, Any] = {}

    @property
    def evidence(self) -> Mapping[str, Any]:
        """What allowed it (`planDigest`, `pullRequest`, `released`, …), {} where none is kept."""
        found = self.facts.get("evidence")
        return found if isinstance(found, Mapping) else {}

    @property
    def counted(self) -> bool:
        """Whether its digest is spent."""
        return self.state not in UNCOUNTED

    @property
    def decision(self) -> Event | None:
        """The decision of a person that it rests on and that can be put back, None for none."""
        return decision_in(self.events)

    @property
    def let_go(self) -> frozenset[str]:
        """The executions that were its own until a person put that back, in lower case."""
        return frozenset(one.lets_go.lower() for one in self.events) - {""}

    @property
    def opened_at(self) -> str:
        """When it began, as RFC 3339."""
        return self.events[0].at

    @property
    def changed_at(self) -> str:
        """When its state last changed, as RFC 3339."""
        return self.events[-1].at

    def fact(self, name: str) -> str:
        """Give a fact as text, "" where it isn't recorded."""
        value = self.facts.get(name, "")
        return value if isinstance(value, str) else str(value)


Key = tuple[str, str, int]
"""An attempt's place in the record: environment, run, number."""


class Transition(NamedTuple):
    """One thing to record: an attempt that opens (`opens` is set) or one that moves on.

    `execution_id` and `status` replace those of the attempt where they aren't "".
    """

    environment: str
    run: str
    number: int
    event: Event
    opens: Attempt | None = None
    execution_id: str = ""
    status: str = ""

    @property
    def key(self) -> Key:
        """The place of its attempt."""
        return (self.environment, self.run, self.number)

    @property
    def brings(self) -> str:
        """The execution that it names, "" for none."""
        return self.execution_id or (self.opens.execution_id if self.opens else "")


def telling(attempts: Sequence[Attempt]) -> Attempt:
    """Give the attempt by which a run stands: one that may have run, else the last."""
    return next((one for one in reversed(attempts) if one.state in DOUBTFUL), attempts[-1])


class Glance(NamedTuple):
    """What a plan has to know of every run: of most of them, that is all.

    `file` is that of the last attempt, `settled` whether all attempts are, `sent` the digests
    that are spent.
    """

    file: str
    settled: bool
    sent: tuple[str, ...]


def glance(attempts: tuple[Attempt, ...]) -> Glance:
    """Look at a run's attempts."""
    return Glance(
        attempts[-1].fact("file"),
        all(one.state in SETTLED for one in attempts),
        tuple(one.digest for one in attempts if one.counted),
    )


class Overview(Protocol):
    """What can be asked about the runs of an environment without reading their attempts."""

    @property
    def platforms(self) -> frozenset[str]:
        """The platforms of all attempts, "" for one without."""

    def glance(self, run: str) -> Glance | None:
        """Look at a run, None for one that isn't recorded."""

    def unsettled(self) -> Mapping[str, str]:
        """Give the file of each run that isn't settled."""

    def of_files(self, files: frozenset[str]) -> Sequence[str]:
        """Name the runs of which the last attempt came from one of these files."""

    def senders(self, digest: str) -> Sequence[str]:
        """Name the runs by which a digest is spent."""


class Looked:
    """Implements `Overview` of runs whose attempts have been read."""

    def __init__(self, runs: Mapping[str, tuple[Attempt, ...]]) -> None:
        """Look at every run."""
        self._runs = runs
        self._glances = {run: glance(attempts) for run, attempts in runs.items()}

    @cached_property
    def platforms(self) -> frozenset[str]:
        """The platforms of all attempts, "" for one without."""
        return frozenset(one.fact("platform") for some in self._runs.values() for one in some)

    def glance(self, run: str) -> Glance | None:
        """Look at a run, None for one that isn't recorded."""
        return self._glances.get(run)

    def unsettled(self) -> Mapping[str, str]:
        """Give the file of each run that isn't settled."""
        return {run: one.file for run, one in self._glances.items() if not one.settled}

    def of_files(self, files: frozenset[str]) -> Sequence[str]:
        """Name the runs of which the last attempt came from one of these files."""
        return [run for run, one in self._glances.items() if one.file in files]

    def senders(self, digest: str) -> Sequence[str]:
        """Name the runs by which a digest is spent."""
        return list(self._senders.get(digest, ()))

    @cached_property
    def _senders(self) -> Mapping[str, Sequence[str]]:
        senders: dict[str, list[str]] = {}
        for run, one in self._glances.items():
            for digest in dict.fromkeys(one.sent):
                senders.setdefault(digest, []).append(run)
        return senders


class EnvironmentRecord(NamedTuple):
    """What is recorded of one environment; commits are "" where none was worked on yet.

    `runs` are those with attempts. `events` are those of runs, by the run's name, with or
    without attempts; `notes` those of the environment itself.
    """

    latest: str = ""
    applied_through: str = ""
    runs: Mapping[str, tuple[Attempt, ...]] = {}
    events: Mapping[str, tuple[LedgerEvent, ...]] = {}
    notes: tuple[LedgerEvent, ...] = ()
    extra: Mapping[str, Any] = {}


class _Seen(NamedTuple):
    """The overview of an environment's runs; true of that one mapping of runs alone."""

    of: Mapping[str, tuple[Attempt, ...]]
    overview: Overview


class _Owners(NamedTuple):
    """Which attempt has which execution; true of that one mapping of environments alone."""

    of: Mapping[str, EnvironmentRecord]
    by: Mapping[str, Key | None]


@dataclass(frozen=True, slots=True)
class Lockfile:
    """The whole record. `serial` counts its written versions, 0 for one never written.

    `notes` are the events of its head: when it was frozen, and when no longer.
    """

    lineage: str
    serial: int = 0
    environments: Mapping[str, EnvironmentRecord] = field(default_factory=dict)
    notes: tuple[LedgerEvent, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    _owners: _Owners | None = field(default=None, compare=False, repr=False)
    _overviews: dict[str, _Seen] = field(default_factory=dict, compare=False, repr=False)

    def environment(self, name: str) -> EnvironmentRecord:
        """The environment's record, an empty one where there is none."""
        return self.environments.get(name) or EnvironmentRecord()

    def attempts(self, environment: str, run: str) -> tuple[Attempt, ...]:
        """All attempts of a run, oldest first."""
        return self.environment(environment).runs.get(run, ())

    def events(self, environment: str, run: str) -> tuple[LedgerEvent, ...]:
        """All events of a run itself, oldest first."""
        return self.environment(environment).events.get(run, ())

    @property
    def freezes(self) -> tuple[LedgerEvent, ...]:
        """The freezes that hold everything, oldest first; none for none."""
        return freezes_of(self.notes)

    def overview(self, environment: str) -> Overview:
        """What can be told of an environment's runs at a glance. Fast after the first call.

        Runs that were read by an index bring theirs along.
        """
        runs, seen = self.environment(environment).runs, self._overviews.get(environment)
        if seen is None or seen.of is not runs:
            seen = _Seen(runs, getattr(runs, "overview", None) or Looked(runs))
            self._overviews[environment] = seen
        return seen.overview

    def owner(self, execution_id: str) -> Key | None:
        """Say which attempt has this execution, None for none. Fast after the first call.

        An id in capitals is the same id.
        """
        return self._owned().get(execution_id.lower())

    def _owned(self) -> Mapping[str, Key | None]:
        """Index the executions once; records that grow from this one take the index along."""
        if self._owners is None or self._owners.of is not self.environments:
            by: dict[str, Key | None] = {
                attempt.execution_id.lower(): (environment, run, attempt.number)
                for environment, record in self.environments.items()
                for run, attempts in record.runs.items()
                for attempt in attempts
                if attempt.execution_id
            }
            object.__setattr__(self, "_owners", _Owners(self.environments, by))
            return by
        return self._owners.by

    def recorded(self, transitions: Iterable[Transition]) -> "Lockfile":
        """Give the record with these transitions added, in their order.

        Raises LockError for one that the ledger doesn't allow, and (reason `lock_conflict`)
        for one that gives an execution to a second attempt, or an attempt a second execution.
        """
        changed: dict[str, dict[str, tuple[Attempt, ...]]] = {}
        brought: dict[str, Key | None] = {}
        for one in transitions:
            runs = changed.setdefault(one.environment, {})
            if execution_id := one.brings.lower():
                known_owner = execution_id not in brought
                holder = self.owner(execution_id) if known_owner else brought[execution_id]
                if holder not in (None, one.key):
                    raise owned(self, one, one.brings, holder)
                if holder is None:
                    brought[execution_id] = one.key
            known = runs.get(one.run) or self.attempts(one.environment, one.run)
            runs[one.run] = _extended(known, one)
            if one.event.lets_go:
                brought[one.event.lets_go.lower()] = None
        environments = dict(self.environments)
        for name, runs in changed.items():
            record = self.environment(name)
            environments[name] = record._replace(runs=grown(record.runs, runs))
        return self._moved_to(environments, brought)

    def marked(self, mark: Mark) -> "Lockfile":
        """Give the record with the commits of an environment moved on, and with new events."""
        marked = self
        if mark.environment:
            record = self.environment(mark.environment)
            record = record._replace(latest=mark.latest or record.latest)
            if mark.applied_through is not None:
                record = record._replace(applied_through=mark.applied_through)
            marked = self._moved_to({**self.environments, mark.environment: record}, {})
        for note in mark.notes:
            marked = marked._noted(note)
        return marked

    def _noted(self, note: Note) -> "Lockfile":
        if not note.environment:
            return replace(self, notes=(*self.notes, note.event))
        record = self.environment(note.environment)
        if note.run:
            known = record.events.get(note.run, ())
            record = record._replace(events=grown(record.events, {note.run: (*known, note.event)}))
        else:
            record = record._replace(notes=(*record.notes, note.event))
        return self._moved_to({**self.environments, note.environment: record}, {})

    def _moved_to(
        self, environments: Mapping[str, EnvironmentRecord], brought: Mapping[str, Key | None]
    ) -> "Lockfile":
        """Give this record with other environments: only `brought` executions have new owners."""
        owners = self._owners
        if owners is not None and owners.of is self.environments:
            owners = _Owners(environments, grown(owners.by, brought))
        return replace(self, environments=environments, _owners=owners)


def is_leased(attempt: Attempt, now: str) -> bool:
    """Whether an intent's own process may still be at it at this time (RFC 3339)."""
    return attempt.state is State.INTENT and now <= lease_end(attempt, now)


def lease_end(attempt: Attempt, now: str) -> str:
    """Say until when its own process may be at it (RFC 3339), "" where that isn't known.

    A clock that was more than a day ahead of this one said nothing: nobody waits for it.
    """
    until = attempt.events[0].extra.get("leaseUntil", "")
    if not isinstance(until, str) or until > stamp(moment(now) + timedelta(seconds=BELIEVED)):
        return ""
    return until


def _extended(attempts: tuple[Attempt, ...], one: Transition) -> tuple[Attempt, ...]:
    if one.opens is not None:
        if one.number != len(attempts) + 1 or one.event.to not in TRANSITIONS[None]:
            raise LockError(
                f"The attempt {name_of(one.key)} can't be opened: {len(attempts)} are recorded.",
                not_done=NOT_WRITTEN,
                hint=_look_at(one),
            )
        return (*attempts, one.opens)
    attempt = numbered(attempts, one)
    check_execution(attempt, one)
    if not may_follow(attempt.events, one.event):
        raise not_allowed(attempt, one)
    moved = attempt._replace(
        state=one.event.to,
        events=(*attempt.events, one.event),
        execution_id=attempt.execution_id or one.execution_id,  # in the spelling that is known
        status=one.status or attempt.status,
    )
    if one.event.lets_go != ("" if one.event.to in EXECUTED else attempt.execution_id):
        raise not_allowed(attempt, one)
    if one.event.lets_go:
        moved = moved._replace(execution_id="", status="")
    return (*attempts[: one.number - 1], moved, *attempts[one.number :])


# --- what rebasing asks as well ------------------------------------------------------

NOT_WRITTEN = "Nothing was written."


def numbered(attempts: tuple[Attempt, ...], one: Transition) -> Attempt:
    """Give the attempt that a transition is about; LockError where there is none."""
    if not 1 <= one.number <= len(attempts):
        raise LockError(
            f"There is no attempt {name_of(one.key)}.",
            not_done=NOT_WRITTEN,
            hint="The lockfile is another one than this was meant for: `qflow-gitops lock verify`",
        )
    return attempts[one.number - 1]


def check_execution(attempt: Attempt, one: Transition) -> None:
    """Refuse a second execution for one attempt, and an execution that isn't named."""
    known = attempt.execution_id
    if one.execution_id and known and one.execution_id.lower() != known.lower():
        said = f"it has the execution {known}, and {one.execution_id} came"
        raise conflict(one, said, one.key, attempt)
    if one.event.to in EXECUTED and not (one.execution_id or known):
        raise LockError(
            f"The attempt {name_of(one.key)} can't become {one.event.to}: no execution is named.",
            not_done=NOT_WRITTEN,
            hint=_look_at(one),
        )


def name_of(key: Key) -> str:
    """Say which attempt a place is: `<environment>/<run> #<number>`."""
    environment, run, number = key
    return f"{environment}/{run} #{number}"


def _look_at(one: Transition) -> str:
    return f"`qflow-gitops history {one.environment}/{one.run}`, and `qflow-gitops lock verify`"


def not_allowed(attempt: Attempt, one: Transition) -> LockError:
    """Say that an attempt can't come to that from where it is."""
    return LockError(
        f"The attempt {name_of(one.key)} is {attempt.state} and can't become {one.event.to}.",
        not_done=NOT_WRITTEN,
        hint=_look_at(one) + _way_back(one.key, attempt),
    )


def owned(lockfile: Lockfile, one: Transition, execution_id: str, holder: Key) -> LockError:
    """Say that an execution belongs to another attempt."""
    environment, run, number = holder
    known = lockfile.attempts(environment, run)
    attempt = known[number - 1] if number <= len(known) else None  # or opened along with this one
    return conflict(
        one, f"the execution {execution_id} is that of {name_of(holder)}", holder, attempt
    )


def conflict(one: Transition, said: str, key: Key, attempt: Attempt | None) -> LockError:
    """Say what speaks against a transition: what the attempt at `key` has already."""
    return LockError(
        f"The attempt {name_of(one.key)} can't become {one.event.to}: {said}.",
        not_done=NOT_WRITTEN,
        hint=f"Look at both in Qualys, and at `qflow-gitops history {one.environment}/{one.run}`"
        + (_way_back(key, attempt) if attempt else ""),
        reason="lock_conflict",
    )


def _way_back(key: Key, attempt: Attempt) -> str:
    """Name the command that puts back what a person decided about it, "" for no such thing."""
    if decision_in(attempt.events) is None:
        return ""
    environment, run, number = key
    command = next_steps.reopen(f"{environment}/{run}", number)
    return f". If what a person decided about #{number} is wrong: {command}"
