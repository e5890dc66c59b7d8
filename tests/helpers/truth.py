"""What really was executed, held against what people asked for and released by name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.states import State
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.services import Process
from tests.helpers.worlds import World, meaning_of

Request = tuple[str, str]
"""A platform, and the meaning of a request."""
ON_PURPOSE = ("same_request", "retry")
"""Releases by which a request may be executed once more."""
DECIDED = (State.BASELINED, State.ASSUMED, State.EXPIRED)


@dataclass(slots=True)
class Truth:
    """Watches each POST of a team. `at` is what every commit says.

    `typed` is the command that is at work. `executed` are the executions of each request, in
    their order; `runs` the attempt, by its nonce, that each POST was made for.
    """

    sandboxes: Mapping[str, SandboxServer]
    at: Mapping[str, World]
    typed: Sequence[str] = ()
    executed: dict[Request, list[str]] = field(default_factory=lambda: defaultdict(list))
    by: dict[str, str] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def request(self, environment: str, run: str, commit: str) -> Request:
        """What a run of a commit asks for."""
        world = self.at[commit]
        _, asked = world.places()[environment, run]
        return (world.environments[environment].platform, asked.meaning)

    # --- at the moment of a POST -----------------------------------------------------

    def about_to_send(self, process: Process) -> None:
        """What was executed on this platform goes out only where a person released it by name."""
        assert process.sending
        job, attempt = process.sending
        run = "/".join(job.change.key)
        request = self.request(*job.change.key, attempt.fact("commit"))
        before = [one for one in self.executed[request] if self.by[one] != attempt.fact("nonce")]
        if before:
            names = _released(attempt)
            assert names, f"{run} sends {request} again, which ran as {before}"
            assert any(self._was_typed(name, run) for name in names), (names, self.typed)
        self._known = {one["id"] for one in self._all()}

    def _was_typed(self, name: str, run: str) -> bool:
        retried = name == "retry" and run in self.typed
        return retried or any(one.startswith(f"{name}=") for one in self.typed)

    def was_sent(self, process: Process, _status: int) -> None:
        """Note what came of it: it is what the commit asks for, and there is one of it."""
        assert process.sending
        job, attempt = process.sending
        platform, meaning = self.request(*job.change.key, attempt.fact("commit"))
        new = [one for one in self._all() if one["id"] not in self._known]
        assert len(new) <= 1, new
        for one in new:
            assert one["id"] in {each["id"] for each in self._of(platform)}, "on another platform"
            said = meaning_of(one["workflow"], one["body"])
            assert meaning.partition(" rerun")[0] == said, (meaning, said)
            self.executed[platform, meaning].append(one["id"])
            self.by[one["id"]] = attempt.fact("nonce")

    def _of(self, platform: str) -> list[dict[str, Any]]:
        return self.sandboxes[platform].executions(coming=True)

    def _all(self) -> list[dict[str, Any]]:
        return [one for platform in self.sandboxes for one in self._of(platform)]

    # --- afterwards ------------------------------------------------------------------

    @property
    def count(self) -> int:
        return sum(map(len, self.executed.values()))

    def of(self, attempt: Mapping[str, Any]) -> list[str]:
        """The executions that an attempt of the lockfile really has."""
        return [one for one, nonce in self.by.items() if nonce == attempt.get("nonce")]

    def lost(self, commit: str, changes: Mapping[tuple[str, str], str], lockfile: Any) -> list[str]:
        """Name what a commit asks for that has not run, nobody decided, and no plan shows.

        `changes` gives the action for each run that a plan lists.
        """
        decided = {
            self.request(environment, run, attempt["commit"])
            for environment, record in lockfile.get("environments", {}).items()
            for run, one in record["runs"].items()
            for attempt in one["attempts"]
            if attempt["state"] in DECIDED
        }
        found = []
        for key, (_, asked) in self.at[commit].places().items():
            request = (self.at[commit].environments[key[0]].platform, asked.meaning)
            if changes.get(key) in ("run", "hold", "wait"):
                continue
            if not self.executed[request] and request not in decided:
                found.append(f"{'/'.join(key)} {request}")
        return found


def _released(attempt: Attempt) -> list[str]:
    evidence: Any = attempt.facts.get("evidence") or {}
    names = [one["hold"] for one in evidence.get("released", [])]
    return [one for one in names if one in ON_PURPOSE]
