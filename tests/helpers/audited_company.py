"""A company's ten weeks, for an auditor: from 22 September to 29 November 2026.

Ada proposes, others approve, a CI applies what is merged, and people release, resolve and once go
past the rules. Who did what is told by what each step here is called.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qflow_gitops.apply import polling
from qflow_gitops.policy import rules
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.github_api import GitHubApi
from tests.helpers.month import run
from tests.helpers.pulls import Pull
from tests.helpers.specs import WORKFLOW
from tests.helpers.stamps import Authority, StampServer
from tests.helpers.story_clock import StoryClock
from tests.helpers.waits import at_once

SETTINGS = """\
apiVersion: qflow-gitops/v1
kind: Project
spec:
  environments:
    prod: {{platform: sandbox}}
  lock: {{store: branch}}
  statuses: {{Failed: failed}}
  policy:
    approvals: [{{count: 1, environments: [prod]}}]
    windows: [{{deny: "0 0 * * SAT", duration: 48h, timezone: UTC}}]
  anchor: {{url: '{url}', certificate: tsa.pem}}
"""
BEGIN = datetime(2026, 9, 22, 8, tzinfo=UTC)
END = datetime(2026, 11, 29, 12, tzinfo=UTC)


def at(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


Program = Callable[[Path, tuple[str, ...]], int]
"""Runs the program in a folder; its exit code."""


@dataclass
class Company:
    """The remote of a company, and what ran there. `by_hand` is the execution that none started."""

    remote: Remote
    api: GitHubApi
    sandbox: SandboxServer
    stamps: StampServer
    clock: StoryClock
    program: Program
    monkeypatch: pytest.MonkeyPatch
    by_hand: str = ""
    executions: dict[str, str] = field(default_factory=dict)
    """The execution of each run."""
    _number: int = 0

    def live(self, end: datetime = END) -> None:
        """Let it all happen, up to a moment."""
        self._begins()
        self._september()
        self._october()
        self._november()
        self.clock.set(end)
        for name in self.remote.states():
            self.executions[name] = self.remote.attempts(name)[-1]["executionId"]

    # --- what people do --------------------------------------------------------------

    def _begins(self) -> None:
        ada = self._clone("ada")
        ada.write("qflow.yaml", SETTINGS.format(url=self.stamps.url))
        ada.write("tsa.pem", self.stamps.authority.root)
        ada.git("switch", "--quiet", "-C", "main")
        ada.commit("begin")
        ada.git("push", "--quiet", "origin", "main")

    def _clone(self, who: str) -> Workspace:
        """Somebody's clone, at what everybody has."""
        path = self.remote.path.parent / who
        if path.exists():
            clone = Workspace(path)
            clone.git("fetch", "--quiet", "origin")
            clone.git("reset", "--quiet", "--hard", "origin/main")
            return clone
        clone = self.remote.clone(who)
        clone.git("config", "user.name", who.capitalize())
        clone.git("config", "user.email", f"{who}@example.com")
        return clone

    def _merged(self, when: datetime, approver: str, *names: str, text: str = "") -> None:
        """Ada's pull request with these runs, which somebody approved and she merged."""
        self.clock.set(when)
        self._number += 1
        ada = self._clone("ada")
        for name in names[1:]:
            ada.write(f"runs/{name}.yaml", run(name))
        pull = Pull(ada, self.api, self._number, text or run(names[0]), names[0])
        self.api.approve(self._number, approver)
        pull.merge()

    def _ci(self, *words: str, code: int = 0) -> None:
        """The CI applies what was merged."""
        clone = self._clone("ci")
        self.monkeypatch.setenv("GITHUB_ACTOR", "ada")
        self.monkeypatch.setenv("GITHUB_RUN_ID", str(9_000 + self._number))
        self._typed(clone, "apply", "--yes", "--approved", *words, code=code)

    def _person(self, who: str, *words: str, code: int = 0) -> None:
        """Somebody types a command, at what was merged."""
        clone = self._clone(who)
        with self.monkeypatch.context() as shell:
            shell.delenv("GITHUB_ACTIONS")
            self._typed(clone, *words, code=code)

    def _typed(self, clone: Workspace, *words: str, code: int) -> None:
        ended = self.program(clone.path, words)
        assert ended == code, (words, ended)

    # --- what happened ---------------------------------------------------------------

    def _september(self) -> None:
        self._merged(at(9, 22), "mara", "buckets", "rotate-keys")
        self._ci()

    def _october(self) -> None:
        self._merged(at(10, 6), "mara", "logs", "metrics")
        self._ci()
        self._merged(at(10, 10), "joao", "close-ports")  # a Saturday
        self._ci(code=5)
        released = ("--ack", "window=1", "--reason", "INC-4711: ports stand open")
        self._person("ben", "apply", "--yes", "--approved", *released)
        self._fails(at(10, 14))
        self._goes_past_the_rules(at(10, 16))
        same = run("logs").replace("name: logs\n", "name: logs-again\n")
        self._merged(at(10, 21), "vera", "logs-again", text=same)
        released = ("--ack", "same_request=1", "--reason", "CHG-0815: logs were lost")
        self._person("cleo", "apply", "--yes", "--approved", *released)
        self._is_in_doubt(at(10, 27))

    def _fails(self, when: datetime) -> None:
        self._merged(when, "mara", "quarantine")
        self.sandbox.set_faults("outcome=Failed")
        self._ci(code=1)
        self.sandbox.set_faults()

    def _goes_past_the_rules(self, when: datetime) -> None:
        """Mallory pushes to main and applies it by a program of which a rule was taken out."""
        self.clock.set(when)
        clone = self._clone("mallory")
        clone.write("runs/open-firewall.yaml", run("open-firewall"))
        clone.publish("quick fix")
        with self.monkeypatch.context() as changed:
            changed.setattr(rules, "needed_approvals", lambda *_: 0)
            self._person("mallory", "apply", "--yes")

    def _is_in_doubt(self, when: datetime) -> None:
        """The connection breaks; Ben looks it up at Qualys and says which execution it was."""
        self._merged(when, "joao", "snapshots")
        self.sandbox.set_faults("accept-then-drop", "list-lag=3600")
        self._ci(code=9)
        self.sandbox.set_faults()
        self.clock.set(when.replace(hour=when.hour + 2))
        execution = self.sandbox.executions()[-1]["id"]
        why = "seen in Qualys' list"
        self._person("ben", "resolve", "snapshots", "--adopt", execution, "--reason", why)
        self._ci()

    def _november(self) -> None:
        self.clock.set(at(11, 1, 6))
        self._person("ben", "lock", "anchor")
        self._merged(at(11, 5), "mara", "images", "volumes")
        self._ci()
        self.clock.set(at(11, 18, 22).replace(minute=30))
        self.by_hand = self.sandbox.add_foreign(WORKFLOW, {"input": {"target": "by-hand"}})
        self._merged(at(11, 24), "joao", "tags")
        self._ci()


@contextmanager
def founded(
    folder: Path, api: GitHubApi, sandbox: SandboxServer, program: Program,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Company]:  # fmt: skip
    """Found a company in a folder; its time-stamp server ends with it."""
    at_once(monkeypatch)
    monkeypatch.setattr(polling, "FIRST_POLL", 0.06)
    clock = StoryClock(folder / "clock", sandbox, monkeypatch)
    clock.set(BEGIN)
    stamps = StampServer(Authority(folder / "authority", clock=clock.environ))
    remote = Remote(folder / "remote.git")
    yield Company(remote, api, sandbox, stamps, clock, program, monkeypatch)
    stamps.close()


def rewritten(clone: Workspace, old: str, new: str) -> None:
    """Write the lockfile's history anew with another name in it, and push that by force."""

    def git(*words: str, feed: bytes = b"") -> bytes:
        command = ["git", "-C", str(clone.path), *words]
        return subprocess.run(command, input=feed, capture_output=True, check=True).stdout

    assert len(old) == len(new)  # the stream says how long each file is
    git("fetch", "origin", f"{BRANCH}:{BRANCH}")
    history = git("fast-export", BRANCH)
    before, after = f'"{old}"'.encode(), f'"{new}"'.encode()
    assert before in history
    git("fast-import", "--quiet", "--force", feed=history.replace(before, after))
    git("push", "--force", "origin", BRANCH)
