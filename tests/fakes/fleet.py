"""A fleet in memory: members whose plans and applies come to what a test says, and fleet.lock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qflow_gitops.errors import ExitCode, QflowError
from qflow_gitops.fleet.clones import Heads
from qflow_gitops.fleet.work import Work
from qflow_gitops.lockfile.fleet import FleetRecord
from qflow_gitops.settings.fleet import FleetMember

OK = ExitCode.OK


@dataclass
class FakeFleetStore:
    """Implements `ports.fleet.FleetStore`. `before` is done before each write, as by another."""

    record: FleetRecord = field(default_factory=FleetRecord)
    before: list[Callable[[FleetRecord], FleetRecord]] = field(default_factory=list)
    writes: int = 0

    @property
    def where(self) -> str:
        return "fleet.lock in memory"

    def read(self) -> FleetRecord:
        return self.record

    def change(self, decide: Callable[[FleetRecord], FleetRecord | None]) -> FleetRecord | None:
        new = decide(self.record)
        if self.before:  # somebody was faster: it is asked anew
            self.record = self.before.pop(0)(self.record)
            new = decide(self.record)
        if new is None or new == self.record:
            return None
        self.writes += 1
        self.record = replace(new, serial=self.record.serial + 1)
        return self.record


def answer(command: str, *changes: tuple[str, str], code: ExitCode = OK, **more: Any) -> Work:
    """Return what the program answers: a change an action and its reason."""
    told = [{"action": action, "reason": reason, "name": "a"} for action, reason in changes]
    counts = {name: sum(each["action"] == name for each in told) for name in ACTIONS}
    report = {
        "formatVersion": 1, "command": command, "exitCode": int(code), "reason": "ok",
        "error": None, "notes": [], "diagnostics": [], "digest": "v1:sha256:" + "0" * 64,
        "changes": told, "environments": {"prod": {"underWay": 0, "inDoubt": 0}},
        "counts": {**counts, "unchanged": 1}, "lock": LOCK, "lockAfter": LOCK, **more,
    }  # fmt: skip
    return Work(int(code), report, "")


ACTIONS = ("run", "wait", "hold", "skip")
LOCK = {"commit": "b" * 40}
DUE = ("run", "added")


@dataclass
class FakeReach:
    """Implements `fleet.services.Reach`.

    A member has something due until it was applied. `ends` say with what its apply ends instead
    of success; `problems` what its remote answers with, `refused` what its clone ends with.
    `killed` are those whose apply gives no answer. `calls` are who was asked for what.
    """

    ends: dict[str, Work] = field(default_factory=dict)
    problems: dict[str, QflowError] = field(default_factory=dict)
    refused: dict[str, QflowError] = field(default_factory=dict)
    killed: set[str] = field(default_factory=set)
    done: set[tuple[str, str]] = field(default_factory=set)
    commits: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[str], None] = lambda _: None

    def heads(self, member: FleetMember) -> Heads:
        self.asked.append(member.repository)
        if member.name in self.problems:
            raise self.problems[member.name]
        commit = self.commits.get(member.name, "a" * 40)
        return Heads(commit, "b" * 40)

    def work(
        self, member: FleetMember, words: Callable[[Heads], Sequence[str]]
    ) -> tuple[Heads, Work]:
        heads = self.heads(member)
        if member.name in self.refused:
            raise self.refused[member.name]
        command = words(heads)[0]
        self.calls.append((command, member.name))
        if command == "apply":
            self.meanwhile(member.name)
            self.done.add((member.name, heads.commit))
            if member.name in self.killed:
                return heads, Work(137, None, "It ended with 137 and no answer.")
        is_done = (member.name, heads.commit) in self.done
        if member.name in self.ends and is_done:
            return heads, _told_by(command, self.ends[member.name])
        due = () if is_done else (DUE,)
        return heads, answer(command, *due)

    def applied(self) -> list[str]:
        return [name for command, name in self.calls if command == "apply"]


def _told_by(command: str, end: Work) -> Work:
    code = end.exit_code if command == "apply" else OK
    return Work(code, {**(end.report or {}), "command": command, "exitCode": int(code)}, "")
