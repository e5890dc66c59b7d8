"""What a launch is given, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.attempt import Attempt, Transition
from qflow_gitops.plan.change import Change, Reason
from qflow_gitops.ports.clock import StopSignal


@dataclass(frozen=True, slots=True)
class Job:
    """A run that is to be sent: the decision, and what its attempt records."""

    change: Change
    digest: str
    facts: Mapping[str, Any]
    body: bytes

    @property
    def name(self) -> str:
        """Its run, for people: `<environment>/<name>`."""
        return f"{self.change.environment}/{self.change.name}"

    def with_evidence(self, name: str, told: Mapping[str, Any]) -> "Job":
        """Return it with something more that its attempt records."""
        evidence = {**self.facts.get("evidence", {}), name: told}
        return replace(self, facts={**self.facts, "evidence": evidence})


Opened = tuple[Job, Attempt]
"""A job, and the attempt that was opened for it."""


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """How to launch. `timeout` is in seconds; `author` is who does it, as the lockfile says it.

    `statuses` say what Qualys' words mean, in lower case. `rollouts` are the runs that are part of
    one: what becomes of them stops their rollout, and nothing else. `circumstances` are what is
    recorded once of the whole apply.
    """

    concurrency: int
    wait: bool
    timeout: float
    stop_on_failure: bool
    statuses: Mapping[str, str]
    stop: StopSignal
    author: Mapping[str, str]
    rollouts: frozenset[RunKey] = frozenset()
    circumstances: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class LaunchResult:
    """What a launch came to; filled while it works.

    `opened` are the attempts that it made: (environment, run, number). `elsewhere` are the
    runs that another process took over meanwhile, `held` those whose tickets don't let them go any
    more, `put_off` those whose rollout was stopped by one
    of this launch. `way_on` is what lets the rest start, ""
    where the next apply does.
    """

    opened: list[tuple[str, str, int]] = field(default_factory=list)
    elsewhere: list[Job] = field(default_factory=list)
    put_off: list[Job] = field(default_factory=list)
    held: list[Change] = field(default_factory=list)
    not_started: list[Job] = field(default_factory=list)
    why_stopped: str = ""
    stopped_by: Reason = Reason.STOPPED
    way_on: str = ""
    problems: list[QflowError] = field(default_factory=list)
    unrecorded: list[Transition] = field(default_factory=list)

    def stop(self, why: str, problem: QflowError | None = None) -> None:
        """Start no further run; the first reason is the one that is told."""
        self.why_stopped = self.why_stopped or why
        if problem:
            self.problems.append(problem)
