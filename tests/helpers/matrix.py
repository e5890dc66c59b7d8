"""One run in one repository, with whatever may go wrong, and what was left of it."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from qflow_gitops.apply import launch
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.http.deadlines import Deadlines
from qflow_gitops.http.transport import Transport
from qflow_gitops.qualys.caller import Caller
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.sandboxes import served
from tests.helpers.specs import CONNECTOR

RUN = "encrypt-prod-buckets"
ASKED = {
    "token": ("POST", "/auth"),
    "workflow": ("GET", "/workflows/"),
    "list": ("GET", "/executions?"),
    "execution": ("GET", "/qflowapi/v1/executions/"),
    "steps": ("GET", "/steps"),
    "run": ("POST", "/run"),
}
"""Kind of request -> its method, and what its path holds."""
REQUEST = {
    "input": {"bucketName": "test-bucket-1", "totalBucketCount": 4},
    "variables": {"connectorId": CONNECTOR, "region": "us-east-1", "name": "maha2"},
}
"""What the sample sends."""
FASTER = 20  # the program's clock, so that its waits between two looks cost a test little


@dataclass(slots=True)
class Bench:
    """`attempts` reads the lockfile's attempts of `RUN`; `waits` are the pauses asked for."""

    cli: Cli
    sandbox: SandboxServer
    attempts: Callable[[], list[dict[str, Any]]]
    waits: list[float] = field(default_factory=list)

    def under(self, faults: str, *command: str) -> Done:
        """Run a command, `apply --yes` unless told, while these faults are in force."""
        self.sandbox.set_faults(*faults.split())
        done = self.cli(*(command or ("apply", "--yes")))
        self.sandbox.set_faults()
        assert "Traceback" not in done.err
        return done

    def state(self) -> str:
        """The last attempt's state, `nothing` where none is recorded."""
        attempts = self.attempts()
        return str(attempts[-1]["state"]) if attempts else "nothing"

    def asked(self, target: str) -> int:
        """How many requests of a kind arrived at the server."""
        method, path = ASKED[target]
        found = [one["path"] for one in self.sandbox.requests(method, path)]
        if target == "execution":
            found = [one for one in found if "/steps" not in one]
        elif target == "workflow":
            found = [one for one in found if "/executions" not in one]
        return len(found)

    def posts(self) -> int:
        return self.asked("run")

    def ran(self) -> int:
        """How many executions there are, whatever the API shows."""
        return len(self.sandbox.executions())

    def settles(self, state: str, code: int) -> None:
        """A following faultless apply sends only what was proven not sent, and ends so."""
        posts, ran = self.posts(), self.ran()
        due = self.state() in ("nothing", "unsent")
        done = self.under("")
        assert (self.state(), done.code) == (state, code), done.err
        assert (self.posts() - posts, self.ran() - ran) == (int(due), int(due))
        ids = [one["executionId"] for one in self.attempts() if "executionId" in one]
        assert len(ids) == len(set(ids))
        assert state != "succeeded" or ids == [one["id"] for one in self.sandbox.executions()]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A sandbox whose executions end at once."""
    with served(duration=0) as running:
        monkeypatch.setenv("QFLOW_GATEWAY", running.url)
        monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
        monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
        yield running


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nothing waits for a retry: what would have been waited is noted. The clock runs faster."""
    noted: list[float] = []
    begun = time.monotonic()
    monkeypatch.setitem(Caller.__init__.__kwdefaults__ or {}, "sleep", noted.append)
    monkeypatch.setattr(
        SystemClock, "monotonic", lambda _: begun + (time.monotonic() - begun) * FASTER
    )
    return noted


def worktree(cli: Cli) -> list[dict[str, Any]]:
    """The run's attempts, from the lockfile of the work tree."""
    file = cli.folder / "qflow.lock"
    return _of_run(json.loads(file.read_bytes())) if file.exists() else []


def _of_run(record: Any) -> list[dict[str, Any]]:
    runs = record["environments"].get("prod", {}).get("runs", {})
    found: list[dict[str, Any]] = runs.get(RUN, {}).get("attempts", [])
    return found


def branch(remote: Remote) -> list[dict[str, Any]]:
    """The run's attempts, from the branch of the remote."""
    there = remote.git("for-each-ref", f"refs/heads/{BRANCH}")
    return _of_run(remote.record()) if there else []


def limited(monkeypatch: pytest.MonkeyPatch, target: str, seconds: float, times: int = 99) -> None:
    """Let the time-out and the total deadline be over early, of so many requests of a kind."""
    method, part = ASKED[target]
    whole = Transport.send
    left = [times]

    def send(self: Any, verb: str, path: str, **more: Any) -> Any:
        if verb != method or part not in path or not left[0]:
            return whole(self, verb, path, **more)
        left[0] -= 1
        usual = self._timeouts, self._deadline, self._deadlines
        self._timeouts, self._deadline = (seconds, seconds), seconds
        self._deadlines = Deadlines(seconds)
        try:
            return whole(self, verb, path, **more)
        finally:
            self._timeouts, self._deadline, self._deadlines = usual

    monkeypatch.setattr(Transport, "send", send)


def once_posted(monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """Do something between the first POST's answer and whatever the program does next."""
    answered = launch.Launch._answered

    def noted(self: Any, *what: Any) -> None:
        answered(self, *what)
        then()

    monkeypatch.setattr(launch.Launch, "_answered", noted)
