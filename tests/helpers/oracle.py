"""What really ran, held against what is recorded: the promises that hold after each step."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qflow_gitops.base.paths import RESCUE_FILE
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.lockfile import audit
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.inheritance import Inheritance, recorded_attempts
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import DOUBTFUL, UNSUCCESSFUL, State
from qflow_gitops.plan.change import Action
from qflow_gitops.plan.context import Context
from qflow_gitops.plan.decide import compute
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.sources import settings
from qflow_gitops.sources.specs import all_specs
from tests.helpers.growth import grown
from tests.helpers.services import Process

REFUSED_UNDONE = (401, 429)
RELEASABLE = UNSUCCESSFUL | {State.REFUSED}
HONEST = ("before what it was", "since a person had decided that it hadn't")
"""What an audit says of clocks that differ, and of a decision that was put back."""
OPEN = DOUBTFUL | {State.EXPIRED, State.ASSUMED}


@dataclass(slots=True)
class Sent:
    """What was sent for an attempt: the status of each POST, and the executions of all."""

    run: str
    digest: str
    posts: list[int] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Oracle:
    """Watches each POST and each version of the lockfile.

    `read` gives the newest record, `versions` those written since it was last asked. `keyed`:
    requests carry a key of their attempt.
    """

    sandbox: SandboxServer
    workflow: str
    keyed: bool
    read: Callable[[], Lockfile | None]
    versions: Callable[[], Sequence[Lockfile]]
    clones: Sequence[Path]
    sent: dict[str, Sent] = field(default_factory=dict)
    releases: dict[tuple[str, str], int] = field(default_factory=dict)
    newest: Lockfile | None = None
    _known: set[str] = field(default_factory=set)

    # --- at the moment of a POST -----------------------------------------------------

    def about_to_send(self, process: Process) -> None:
        """A POST may leave: its intent is recorded, and nothing else speaks against it (I2)."""
        assert process.sending
        job, attempt = process.sending
        nonce, spec, run = attempt.fact("nonce"), job.change.spec, job.change.name
        known = self.sent.setdefault(nonce, Sent(run, attempt.digest))
        assert all(one in REFUSED_UNDONE for one in known.posts), f"{run} is sent again"
        record = self.read()
        assert record is not None, "sent before anything was recorded"
        mine = [one for one in record.attempts("prod", run) if one.fact("nonce") == nonce]
        assert mine, f"{run} is sent although its intent is not recorded"
        own = mine[0]
        assert own.state in DOUBTFUL, f"{run} is sent although its attempt is {own.state}"
        assert spec is not None
        others = [
            one for placed in recorded_attempts(record, spec.key) for one in (placed.attempt,)
            if one.digest == own.digest and one.counted and one.fact("nonce") != nonce
            and not was_put_back(one)  # perhaps only now: `_check_opened` looks at that
        ]  # fmt: skip
        if others:
            asked = {one.rpartition("/")[2] for one in process.retries}
            named = run in asked
            assert named or process.retries_all, f"{run} was sent by {others[-1]}, not released"
            releasable = RELEASABLE if named else RELEASABLE - {State.ENDED}
            assert all(one.state in RELEASABLE for one in others), others
            assert others[-1].state in releasable, others
            if not known.posts:
                place = (run, own.digest)
                self.releases[place] = self.releases.get(place, 0) + 1
        self._known = self._ids()

    def was_sent(self, process: Process, status: int) -> None:
        """Note what came of it; status 0 for no answer."""
        assert process.sending
        known = self.sent[process.sending[1].fact("nonce")]
        known.posts.append(status)
        known.executions += sorted(self._ids() - self._known)

    def _ids(self) -> set[str]:
        return {one["id"] for one in self.sandbox.executions(self.workflow, coming=True)}

    def truth(self, attempt: Attempt) -> list[str]:
        """The executions that an attempt really has, or will have."""
        known = self.sent.get(attempt.fact("nonce"))
        return known.executions if known else []

    # --- after each step -------------------------------------------------------------

    def check(self) -> None:
        """Hold all of it against the lockfile."""
        written = self.versions()
        for version in written:
            self._check_growth(version)
        ran = self._check_executions()
        if self.newest is None:
            assert not ran, "executed and not recorded"
            return
        self._check_owners(self.newest)
        self._check_reachable(self.newest, ran)
        if written:
            self._check_mark(self.newest)

    def _check_growth(self, version: Lockfile) -> None:
        """I5, and no version that this program wouldn't have written."""
        if self.newest is not None:
            assert not grown(self.newest, version)
            self._check_opened(self.newest, version)
        said = audit.check_values(version)
        assert not [one for one in said if not any(part in one for part in HONEST)]
        self.newest = version

    def _check_opened(self, old: Lockfile, new: Lockfile) -> None:
        """What was in doubt, or under way, when an attempt was announced forbids it."""
        for run, attempt in attempts_of(new):
            before = old.attempts("prod", run)
            if attempt.number <= len(before):
                continue
            counted = [one for one in before if one.counted and one.digest == attempt.digest]
            assert all(one.state in RELEASABLE for one in counted), (run, counted)

    def _check_executions(self) -> dict[str, str]:
        """I1; gives the nonce of each execution of ours."""
        owners: dict[str, str] = {}
        by_request: dict[tuple[str, str], int] = {}
        for nonce, one in self.sent.items():
            assert len(one.executions) <= 1, f"{one.run} ran {len(one.executions)} times"
            owners |= dict.fromkeys(one.executions, nonce)
            place = (one.run, one.digest)
            by_request[place] = by_request.get(place, 0) + len(one.executions)
        for place, count in by_request.items():
            assert count <= 1 + self.releases.get(place, 0), f"{place} ran {count} times"
        begun = {one["id"] for one in self.sandbox.executions(self.workflow)}
        assert begun <= set(owners), "executed by no POST that was seen"
        return {one: nonce for one, nonce in owners.items() if one in begun}

    def _check_owners(self, record: Lockfile) -> None:
        """I3; and an execution is recorded where it belongs."""
        foreign = self._foreign()
        seen: dict[str, str] = {}
        for run, attempt in attempts_of(record):
            one = attempt.execution_id
            if not one:
                continue
            assert one not in seen, f"{one} is that of {seen[one]} and of {run}"
            seen[one] = run
            if self.keyed or one not in foreign:
                assert one in self.truth(attempt), f"{run} has {one}, not {self.truth(attempt)}"

    def _foreign(self) -> set[str]:
        every = self.sandbox.executions(self.workflow, foreign=True)
        return {one["id"] for one in every if not one["ours"]}

    def _check_reachable(self, record: Lockfile, ran: dict[str, str]) -> None:
        """I4: whatever ran is named by its attempt, or that attempt is an open question."""
        places = {one.fact("nonce"): (run, one) for run, one in attempts_of(record)}
        foreign = self._foreign()
        for execution, nonce in ran.items():
            assert nonce in places, f"{execution} is of no recorded attempt"
            run, attempt = places[nonce]
            if attempt.execution_id == execution or attempt.state in OPEN:
                continue
            if not self.keyed and attempt.execution_id in foreign:
                continue  # the limit that is documented: another client's same request
            assert self._is_rescued(execution), f"{run}: {execution} ran, recorded: {attempt}"

    def _is_rescued(self, execution: str) -> bool:
        files = [one / RESCUE_FILE for one in self.clones]
        return any(one.exists() and execution in one.read_text() for one in files)

    def _check_mark(self, record: Lockfile) -> None:
        """I6: at the commit that all was applied through, all that was due has an attempt."""
        through = record.environment("prod").applied_through
        if not through:
            return
        git = repository_with(through, self.clones)
        project = settings.settings(git, through, "").project
        specs = all_specs(git, through, project)
        rest = compute(
            specs,
            Context(project, record, ("prod",), touched=frozenset()),
        )
        for one in rest.changes:
            if one.action is Action.SKIP:
                continue
            assert one.spec, f"passed {one.name}: {one.detail}"
            attempts = Inheritance(record, project, specs.specs).attempts(one.key)
            digests = [each.attempt.digest for each in attempts]
            assert one.spec.digest in digests, f"passed {one.name}: {one.detail}"


def was_put_back(attempt: Attempt) -> bool:
    """Whether a person put back, at any time, what had been decided about it."""
    return any("reopens" in one.extra for one in attempt.events)


def attempts_of(record: Lockfile) -> Iterable[tuple[str, Attempt]]:
    """Every attempt, with the name of its run."""
    for run, attempts in record.environment("prod").runs.items():
        for attempt in attempts:
            yield run, attempt


def doubts_of(record: Lockfile | None) -> set[tuple[str, int]]:
    """The run and the number of every attempt that is in doubt."""
    attempts = attempts_of(record) if record else ()
    return {(run, one.number) for run, one in attempts if one.state is State.IN_DOUBT}


def repository_with(commit: str, clones: Sequence[Path]) -> GitRepo:
    """The clone that has a commit."""
    for one in clones:
        git = GitRepo.open(one, {"PATH": "/usr/bin:/bin"})
        if git.has_commit(commit):
            return git
    raise AssertionError(f"no clone has {commit}")
