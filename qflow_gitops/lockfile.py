"""The record of all attempts: the value of the lockfile, and how it grows.

A ledger: attempts and events are only ever added. Pure; its bytes are the business of
`lockformat`, where they live that of a lock store.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from qflow_gitops.errors import LockError
from qflow_gitops.growing import grown
from qflow_gitops.notes import LedgerEvent, Mark, Note, freezes_of
from qflow_gitops.states import (
    DOUBTFUL,
    EXECUTED,
    FINAL,
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
    def counted(self) -> bool:
        """Whether its digest is spent."""
        return self.state not in UNCOUNTED

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
    by: Mapping[str, Key]


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
        """Say which attempt has this execution, None for none. Fast after the first call."""
        return self._owned().get(execution_id)

    def _owned(self) -> Mapping[str, Key]:
        """Index the executions once; records that grow from this one take the index along."""
        if self._owners is None or self._owners.of is not self.environments:
            by = {
                attempt.execution_id: (environment, run, attempt.number)
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
        brought: dict[str, Key] = {}
        for one in transitions:
            runs = changed.setdefault(one.environment, {})
            if execution_id := one.brings:
                holder = self.owner(execution_id) or brought.setdefault(execution_id, one.key)
                if holder != one.key:
                    raise _conflict(one, f"the execution {execution_id} is that of {_name(holder)}")
            known = runs.get(one.run) or self.attempts(one.environment, one.run)
            runs[one.run] = _extended(known, one)
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
        self, environments: Mapping[str, EnvironmentRecord], brought: Mapping[str, Key]
    ) -> "Lockfile":
        """Give this record with other environments, in which only `brought` are new executions."""
        owners = self._owners
        if owners is not None and owners.of is self.environments:
            owners = _Owners(environments, grown(owners.by, brought))
        return replace(self, environments=environments, _owners=owners)


def is_leased(attempt: Attempt, now: str) -> bool:
    """Whether an intent's own process may still be at it at this time (RFC 3339)."""
    until = attempt.events[0].extra.get("leaseUntil", "")
    return attempt.state is State.INTENT and isinstance(until, str) and now <= until


def _extended(attempts: tuple[Attempt, ...], one: Transition) -> tuple[Attempt, ...]:
    if one.opens is not None:
        if one.number != len(attempts) + 1 or one.event.to not in TRANSITIONS[None]:
            raise LockError(
                f"The attempt {_name(one.key)} can't be opened: {len(attempts)} are recorded.",
                not_done="Nothing was written.",
                hint=_look_at(one),
            )
        return (*attempts, one.opens)
    attempt = _numbered(attempts, one)
    _check_execution(attempt, one)
    if one.event.to not in TRANSITIONS.get(attempt.state, frozenset()):
        raise _not_allowed(attempt, one)
    moved = attempt._replace(
        state=one.event.to,
        events=(*attempt.events, one.event),
        execution_id=one.execution_id or attempt.execution_id,
        status=one.status or attempt.status,
    )
    return (*attempts[: one.number - 1], moved, *attempts[one.number :])


def _numbered(attempts: tuple[Attempt, ...], one: Transition) -> Attempt:
    if not 1 <= one.number <= len(attempts):
        raise LockError(
            f"There is no attempt {_name(one.key)}.",
            not_done="Nothing was written.",
            hint="The lockfile is another one than this was meant for: `qflow-gitops lock verify`",
        )
    return attempts[one.number - 1]


def _check_execution(attempt: Attempt, one: Transition) -> None:
    """Refuse a second execution for one attempt, and an execution that isn't named."""
    known = attempt.execution_id
    if one.execution_id and known and one.execution_id != known:
        raise _conflict(one, f"it has the execution {known}, and {one.execution_id} came")
    if one.event.to in EXECUTED and not (one.execution_id or known):
        raise LockError(
            f"The attempt {_name(one.key)} can't become {one.event.to}: no execution is named.",
            not_done="Nothing was written.",
            hint=_look_at(one),
        )


def _name(key: Key) -> str:
    environment, run, number = key
    return f"{environment}/{run} #{number}"


def _look_at(one: Transition) -> str:
    return f"`qflow-gitops history {one.environment}/{one.run}`, and `qflow-gitops lock verify`"


def _not_allowed(attempt: Attempt, one: Transition) -> LockError:
    return LockError(
        f"The attempt {_name(one.key)} is {attempt.state} and can't become {one.event.to}.",
        not_done="Nothing was written.",
        hint=_look_at(one),
    )


def _conflict(one: Transition, said: str) -> LockError:
    return LockError(
        f"The attempt {_name(one.key)} can't become {one.event.to}: {said}.",
        not_done="Nothing was written.",
        hint=f"Look at both in Qualys, and at `qflow-gitops history {one.environment}/{one.run}`",
        reason="lock_conflict",
    )


# --- on top of what others wrote -----------------------------------------------------


def rebased(lockfile: Lockfile, one: Transition) -> Transition | None:
    """Say how a transition is recorded on top of a record that others may have written to.

    For a transition that doesn't open an attempt; it was made for an older version of the
    record. None means that it says nothing new.

    ============================  =========================  ===============================
    the attempt is                what arrives               what is recorded
    ============================  =========================  ===============================
    any                           what TRANSITIONS allows    as it is
    `in_doubt`, `expired`         `accepted`                 `adopted`: it came late
    `in_doubt`, `expired`         `refused`, `unsent`        `absent`: its sender proved it
    `absent`, `assumed`           `accepted`                 `adopted`: against the decision
    `assumed`                     `refused`, `unsent`        `assumed`, with what its sender proved
    under way or final            `accepted`, `adopted`      None
    `running`                     `running`, the same word   None
    final                         `running`, another end     None
    `absent`                      `refused`, `unsent`        None
    `refused`, `unsent`           `adopted`                  None: its own sender knows better
    anything sent                 `in_doubt`                 None
    no longer doubtful            a decision on its doubt    None
    `absent`, and sent again,     `adopted`                  LockError, `lock_conflict`: whose
    in doubt so far                                          execution it is can't be told
    any                           another execution          LockError, `lock_conflict`
    any                           another's execution        LockError, `lock_conflict`
    any                           anything else              LockError
    ============================  =========================  ===============================

    A decision on a doubt is `absent`, `assumed` or `expired`. An `adopted` on top of `absent`
    or `assumed` is one of the moves that TRANSITIONS allows: an execution was found.

    Raises LockError for what can't be recorded; its caller rescues the transition, since
    what it says about an execution may not be lost.
    """
    attempts = lockfile.attempts(one.environment, one.run)
    attempt = _numbered(attempts, one)
    holder = lockfile.owner(one.execution_id)
    if holder not in (None, one.key):
        raise _conflict(one, f"the execution {one.execution_id} is that of {_name(holder)}")
    _check_execution(attempt, one)
    if _says_nothing_new(attempt, one):
        return None
    _check_later(attempts, one)
    one = _as_of_now(attempt, one)
    if one.opens is not None or one.event.to not in TRANSITIONS.get(attempt.state, frozenset()):
        raise _not_allowed(attempt, one)
    return one


_PROVED = "Its own sender proved that it did not run"
_DECISIONS = frozenset({State.ABSENT, State.ASSUMED, State.EXPIRED})
_ANSWERS_NO = frozenset({State.REFUSED, State.UNSENT})


def _says_nothing_new(attempt: Attempt, one: Transition) -> bool:
    state, to = attempt.state, one.event.to
    if to is State.RUNNING and state is State.RUNNING:
        return one.status in ("", attempt.status)
    if state in (State.INTENT, State.BASELINED):
        return False
    if state is State.ASSUMED and _is_proof(one):
        return _as_of_now(attempt, one).event in attempt.events
    if to is State.IN_DOUBT or to is state:
        return True
    if state in EXECUTED:
        known = to in (State.ACCEPTED, State.ADOPTED) or to in _DECISIONS
        return known or (state in FINAL and to in RESULTS)
    if state is State.ABSENT and to in _ANSWERS_NO:
        return True
    if state in _ANSWERS_NO and to is State.ADOPTED:
        return True
    return to in _DECISIONS and state not in (State.IN_DOUBT, State.EXPIRED)


def _is_proof(one: Transition) -> bool:
    """Whether it says that it did not run, as it came or as a note on what was assumed."""
    noted = str(one.event.extra.get("detail", "")).startswith(_PROVED)
    return one.event.to in _ANSWERS_NO or (one.event.to is State.ASSUMED and noted)


def _check_later(attempts: tuple[Attempt, ...], one: Transition) -> None:
    """Refuse to adopt by a look what a later attempt with the same request may have started."""
    attempt = attempts[one.number - 1]
    if one.event.to is State.ADOPTED and attempt.state in (State.ABSENT, State.ASSUMED):
        for later in attempts[one.number :]:
            if later.digest == attempt.digest and later.state in DOUBTFUL:
                raise _conflict(one, f"#{later.number} may have started {one.execution_id}")


def _as_of_now(attempt: Attempt, one: Transition) -> Transition:
    """Put an answer into the words of an attempt that somebody else has judged meanwhile."""
    state, to = attempt.state, one.event.to
    doubtful = state in (State.IN_DOUBT, State.EXPIRED)
    if doubtful and to is State.ACCEPTED:
        return _reworded(one, State.ADOPTED, "The answer came late")
    if doubtful and to in _ANSWERS_NO:
        return _reworded(one, State.ABSENT, f"{_PROVED} ({to})")
    if state is State.ABSENT and to is State.ACCEPTED:
        said = "The answer came late and contradicts the decision that it did not run"
        return _reworded(one, State.ADOPTED, said)
    if state is State.ASSUMED and to in _ANSWERS_NO:
        # A person's word stays; that it may be sent again is for a person to say as well.
        return _reworded(one, state, f"{_PROVED} ({to})")
    if state is State.ASSUMED and to is State.ACCEPTED:
        said = "The answer came late, after the decision to assume that it ran"
        return _reworded(one, State.ADOPTED, said)
    return one


def _reworded(one: Transition, to: State, said: str) -> Transition:
    """Give the transition with another end; what else its event says stays."""
    old = one.event.extra.get("detail", "")
    detail = f"{said}: {old}" if old else f"{said}."
    return one._replace(event=Event(one.event.at, to, {**one.event.extra, "detail": detail}))
