"""A launch with a store and a Qualys made of values: what comes before what."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

from qflow_gitops.apply import events
from qflow_gitops.apply.job import Job, LaunchOptions
from qflow_gitops.apply.launch import Launch
from qflow_gitops.apply.replanning import Agreed
from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.lockfile import LockSession
from qflow_gitops.ports.qualys import Answer, AnswerKind, Qualys
from tests.helpers.clock import StillClock


class Session:
    """Records in memory, and says what each write held."""

    alone, batch_delay, generation, created = True, 0.0, 0, False

    def __init__(self) -> None:
        self.lockfile = Lockfile("lineage")
        self.writes: list[list[State]] = []

    def record(self, transitions: Sequence[Transition], mark: Checkpoint | None = None) -> None:
        self.lockfile = self.lockfile.recorded(transitions)
        self.writes.append([one.event.to for one in transitions])


class Gate:
    """A Qualys that answers when it is told to."""

    skew, resting = None, 0.0

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.open = threading.Event()

    def newest(self, workflow_id: str, start: Any) -> tuple[str, ...]:
        return ()

    def run(self, workflow_id: str, body: bytes, may_send: Callable[[], bool]) -> Answer:
        assert may_send()
        self.asked.release()
        assert self.open.wait(10)
        return Answer(AnswerKind.ACCEPTED, f"execution-{body.decode()}", 200)


class Change:
    environment = "prod"
    released = ()

    def __init__(self, name: str) -> None:
        self.name, self.key = name, ("prod", name)


class Undisturbed:
    """A plan that nobody else's writes change, and that nothing holds back."""

    def brake(self, session: Any) -> None:
        return None

    def checkpoint(self, lockfile: Lockfile) -> None:
        return None

    def with_tickets(self, wave: list[Job]) -> tuple[list[Job], list[Any]]:
        return wave, []

    def moved(self, key: RunKey) -> None:
        return None


class Never:
    def __call__(self) -> bool:
        return False

    def left(self) -> float:
        return float("inf")


def launch(runs: int, at_once: int) -> tuple[Launch, Session, Gate]:
    session, qualys = Session(), Gate()
    jobs = [
        Job(cast(Any, Change(f"r{n}")), f"d{n}", {"workflowId": "w"}, b"%d" % n)
        for n in range(runs)
    ]
    terms = LaunchOptions(
        concurrency=at_once, wait=False, timeout=9.0, stop_on_failure=True, statuses={},
        stop=Never(), author={},
    )  # fmt: skip
    clock = cast(Clock, StillClock())
    made = Launch(
        jobs, [], terms, cast(Agreed, Undisturbed()), cast(LockSession, session),
        cast(Qualys, qualys), clock,
    )  # fmt: skip
    return made, session, qualys


def test_a_terminal_that_is_slow_keeps_no_run_waiting() -> None:
    """What is told first, that the intents are recorded, is told when all of them are sent."""
    made, session, qualys = launch(3, 3)
    work = made.run()
    assert isinstance(next(work), events.Moved)
    assert session.writes == [[State.INTENT] * 3]
    assert all(qualys.asked.acquire(timeout=10) for _ in range(3))
    qualys.open.set()
    list(work)


def test_every_move_is_told_once_and_recorded_before() -> None:
    made, session, qualys = launch(20, 4)
    qualys.open.set()
    told = []
    for one in made.run():
        if isinstance(one, events.Moved):
            told.append((one.name, one.attempt.state))
            assert one.attempt.state in {
                event.to for event in session.lockfile.attempts("prod", one.name)[0].events
            }
    for state in (State.INTENT, State.ACCEPTED):
        assert sorted(name for name, to in told if to is state) == sorted(
            f"r{n}" for n in range(20)
        )
    assert max(write.count(State.INTENT) for write in session.writes) <= 4
