"""A day of two watches under a false clock: each run once, and nothing of it unseen."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from qflow_gitops.sandbox import identities
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import Remote
from tests.helpers.disks import SmallDisk, small_disk
from tests.helpers.fleets import MEMBER, order_of
from tests.helpers.specs import spec
from tests.helpers.watchers import ProcessClock, Watcher, until

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]

SETTINGS = MEMBER.replace(
    "{limits: {runs: 100}}",
    "{limits: {runs: 100}, windows: [{deny: '0 2 * * *', duration: 6h, timezone: UTC}]}",
)
"""From two to eight in the morning nothing is sent."""
HEARD = {
    "it is held by a window": r"1 run held \(window\)",
    "it is in doubt": r"1 run in doubt",
    "the remote is gone": r"origin: The remote origin doesn't answer as it should",
    "the token is refused": r"The token in this file ended",
    "a round was killed": r"It ended with 137 and no answer",
    "the disk is full": r"No space left on device",
}


class Day:
    """Two watches of one project, each with a clone of its own; the first one's disk is small."""

    def __init__(self, folder: Path, sandbox: SandboxServer, stack: ExitStack) -> None:
        self.sandbox, self.stack = sandbox, stack
        self.remote = Remote(folder / "remote.git")
        self.dev = self.remote.clone("dev")
        self.clock = ProcessClock(folder / "clock", sandbox)
        self.midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
        self.token = folder / "token"
        self.folder, self.sent = folder, 0
        self.disk: SmallDisk
        self.watchers: list[Watcher] = []

    def begin(self) -> None:
        self.dev.write("qflow.yaml", SETTINGS)
        self.new_token()
        self.clock.set(self.midnight)
        self.push("a")
        for name in ("one", "two"):
            (self.folder / name).mkdir()
            self.remote.clone(f"{name}/clone")
        self.disk = self.stack.enter_context(small_disk(self.folder / "one"))
        self.watchers = [self._watch("one"), self._watch("two")]

    def _watch(self, name: str) -> Watcher:
        clone, log = self.folder / name / "clone", self.folder / f"{name}.log"
        more = {"QFLOW_TOKEN_FILE": str(self.token), **self.clock.environ}
        return Watcher(clone, log, "--every", "1s", **more)

    def new_token(self, token: str = "") -> None:
        """Replace it as agents do."""
        new = self.token.with_name("token.new")
        new.write_text(token or identities.token(100 * 3600.0))
        new.chmod(0o600)
        new.replace(self.token)

    def push(self, *names: str) -> None:
        for name in names:
            self.dev.write(f"runs/{name}.yaml", spec(name, name))
        self.dev.commit(" ".join(names))
        self.dev.git("push", "--quiet", "origin", "HEAD:main")
        self.sent += len(names)

    def at(self, hour: float) -> None:
        """Let it be so late, and both do a whole round by that time."""
        self.clock.set(self.midnight + timedelta(hours=hour))
        self.rounds()

    def rounds(self) -> None:
        """Wait until each that can say so has done a whole round, begun from now on."""
        due = {one: one.round + 2 for one in self.watchers}
        until(lambda: all(one.round >= number for one, number in due.items()))

    def killed(self, watcher: Watcher) -> None:
        """Kill one with all that it started, and begin it anew."""
        watcher.kill()
        watcher.health.unlink()
        place = self.watchers.index(watcher)
        self.watchers[place] = self._watch(("one", "two")[place])

    def ran(self) -> list[str]:
        return order_of(self.sandbox.executions())


@pytest.fixture
def day(tmp_path: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    with ExitStack() as stack:
        made = Day(tmp_path, sandbox, stack)
        yield made
        for one in made.watchers:
            if one.process.poll() is None:
                one.kill()


def test_a_day(day: Day) -> None:
    day.begin()
    day.rounds()
    assert day.ran() == ["a"]
    a_window_opens(day)
    a_doubt_is_settled(day)
    the_remote_is_gone(day)
    the_token_is_rotated(day)
    the_disk_is_full(day)
    kills(day)
    day.at(23)
    assert [one.end() for one in day.watchers] == [0, 0]
    assert sorted(day.ran()) == sorted({*day.ran()}), "each once"
    assert len(day.ran()) == day.sent
    assert {*day.remote.states().values()} == {"succeeded"}
    for what, words in HEARD.items():
        for one in day.watchers[: 1 if "disk" in what else 2]:
            heard = re.findall(words, one.said)
            assert heard, f"{what}\n{one.said}"
            assert len(heard) <= 4, f"{what}: again and again\n{one.said}"


def a_window_opens(day: Day) -> None:
    day.at(3)
    day.push("b")
    day.rounds()
    assert day.ran() == ["a"]
    assert [one.stands["held"] for one in day.watchers] == [1, 1]
    day.at(8.1)
    assert day.ran() == ["a", "b"]
    assert [one.stands["held"] for one in day.watchers] == [0, 0]


def a_doubt_is_settled(day: Day) -> None:
    """The answer is lost, and the list shows the execution only an hour later."""
    day.sandbox.set_faults("accept-then-drop#1", "list-lag=3600")
    day.push("c")
    day.rounds()
    day.rounds()
    assert day.ran() == ["a", "b", "c"]
    assert [one.stands["doubts"] for one in day.watchers] == [1, 1]
    day.at(9.5)
    day.rounds()
    day.sandbox.set_faults()
    assert [one.stands["doubts"] for one in day.watchers] == [0, 0]
    assert day.remote.states()["c"] == "succeeded"


def the_remote_is_gone(day: Day) -> None:
    day.push("d")
    there = day.remote.path
    gone = there.rename(there.with_name("gone"))
    day.at(12)
    day.rounds()
    assert {one.stands["reason"] for one in day.watchers} <= {
        "remote_unreachable", "lock_unreachable",
    }  # fmt: skip
    gone.rename(there)
    day.at(12.5)
    day.rounds()
    assert day.ran().count("d") == 1
    assert [one.stands["exitCode"] for one in day.watchers] == [0, 0]


def the_token_is_rotated(day: Day) -> None:
    """Each round reads it anew; one that is refused is tried less and less often."""
    day.new_token()
    day.push("e")
    day.at(13)
    assert day.ran()[-1] == "e"
    day.new_token(identities.token(-60.0))
    day.push("f")
    until(lambda: {one.stands["exitCode"] for one in day.watchers} == {4})
    day.new_token()
    until(lambda: {one.stands["exitCode"] for one in day.watchers} == {0})
    assert day.ran()[-1] == "f"


def the_disk_is_full(day: Day) -> None:
    """The other one does the work; the first one says so, goes on, and is well again."""
    first, second = day.watchers
    day.disk.fill()
    day.push("g")
    until(lambda: "No space left on device" in first.said)
    until(lambda: day.ran()[-1] == "g")
    assert second.stands["exitCode"] == 0
    assert first.process.poll() is None
    day.disk.empty()
    day.at(15)
    assert first.stands["exitCode"] == 0


def kills(day: Day) -> None:
    """Of rounds amid their work, and of a watch: whoever is next goes on."""
    randoms = random.Random(23)
    for number in range(6):
        hour = 16 + number
        day.push(f"k{number}")
        victim = day.watchers[number % 2]
        until(partial(getattr, victim, "applies"))
        time.sleep(randoms.uniform(0.0, 0.6))
        if number == 3:
            day.killed(victim)
        else:
            victim.kill_rounds()
        day.at(hour + 0.9)


def test_the_clock_is_that_of_the_rounds(day: Day) -> None:
    """Else the day would show nothing."""
    day.begin()
    day.rounds()
    (attempt,) = day.remote.attempts("a")
    assert str(attempt["events"][0]["at"]).startswith(f"{day.midnight:%Y-%m-%dT00:0}")
