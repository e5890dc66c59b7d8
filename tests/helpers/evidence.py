"""What an auditor is told, made up: attempts of every outcome, and hostile words."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.evidence import (
    ApprovalTold,
    AttemptEvidence,
    Compared,
    DifferenceTold,
    DoubtTold,
    EventTold,
    Evidence,
    Kind,
    Outcome,
    ReleaseTold,
    RunEvidence,
)
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.results.stories import CommitTold, Culprit, Saying, StepTold

HOSTILE = "</td></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`\u202e{{7*7}}=1\n"
"""A text that would run, end a cell or turn its line wherever it isn't made safe."""
PAGES = "https://github.com/example/cloud-runs"
_WORKFLOWS = ("encrypt-buckets", "quarantine-machines", "rotate-keys", "close-ports", "tag-owners")
_ENVIRONMENTS = ("prod", "staging", "dev")
_PEOPLE = ("ada", "grace", "edsger", "barbara", "linus")
_STATES = (
    (State.SUCCEEDED, Outcome.SUCCEEDED, 900), (State.FAILED, Outcome.FAILED, 40),
    (State.CANCELLED, Outcome.FAILED, 8), (State.REFUSED, Outcome.FAILED, 6),
    (State.ENDED, Outcome.UNEXPLAINED, 8), (State.RUNNING, Outcome.RUNNING, 6),
    (State.IN_DOUBT, Outcome.IN_DOUBT, 4), (State.ASSUMED, Outcome.ASSUMED, 4),
    (State.ABSENT, Outcome.NOT_RUN, 10), (State.BASELINED, Outcome.DECLARED, 14),
)  # fmt: skip
_BEGIN = datetime(2026, 8, 1, 6, 0, tzinfo=UTC)


class Maker:
    """Makes the same evidence each time: `said` changes each text that a person might write."""

    def __init__(self, said: Callable[[str], str] = lambda text: text, seed: int = 1) -> None:
        """Begin anew."""
        self._random = random.Random(seed)
        self._said = said
        self._number = 0

    def evidence(self, attempts: int, targets: int = 60, days: int = 110) -> Evidence:
        """Return so many attempts, a third of them of rollouts with so many targets each."""
        times = sorted(self._random.random() for _ in range(attempts))
        runs: dict[RunKey, tuple[RunKey | None, list[AttemptEvidence]]] = {}
        keys = self._keys(attempts, targets)
        for place in times:
            key, group = next(keys)
            at = _BEGIN + timedelta(days=days) * place
            of_run = runs.setdefault(key, (group, []))[1]
            of_run.append(self.attempt(key, len(of_run) + 1, at))
        return Evidence(
            lock=LockSeen("the branch qflow-lock of origin", exists=True),
            runs=tuple(
                RunEvidence(key, tuple(some), self._events_of_a_run(), group)
                for key, (group, some) in sorted(runs.items())
            ),
            made_at="2026-11-20T08:00:00Z", tool="1.0.0", since="2026-08-01T00:00:00Z",
            until="2026-11-20T00:00:00Z", environments=tuple(sorted({key[0] for key in runs})),
            project=self._said("teams/cloud"), repository=self._said("example/cloud-runs"),
            pages=PAGES, lineage="0b6f3f0e-7f0c-4a53-8a76-5b0e7b6f1e21", serial=attempts * 3,
            head=self._hex(40), events=self._events(), compared=self._compared(attempts),
        )  # fmt: skip

    def _keys(self, attempts: int, targets: int) -> Iterator[tuple[RunKey, RunKey | None]]:
        names = max(1, attempts // 12)
        waves = 0
        while True:
            environment = self._said(self._random.choices(_ENVIRONMENTS, (6, 2, 1))[0])
            if self._random.random() < 1 / (2 * targets):
                waves += 1
                group = (environment, f"rollout-{waves % 7 + 1}")
                for number in range(targets):
                    yield (environment, f"{group[1]}/account-{number + 1}"), group
                continue
            workflow = self._random.choice(_WORKFLOWS)
            name = f"{workflow}-{self._random.randrange(names) + 1}"
            yield (environment, self._said(name)), None

    def attempt(self, key: RunKey, number: int, at: datetime) -> AttemptEvidence:
        """Return one attempt, of any outcome."""
        self._number += 1
        state, outcome, _ = self._random.choices(_STATES, [one[2] for one in _STATES])[0]
        ended = stamp(at + timedelta(minutes=self._random.randrange(1, 50)))
        sent = state not in (State.BASELINED, State.ABSENT, State.REFUSED, State.IN_DOUBT)
        odd = self._random.random() < 0.03
        commit = self._hex(40)
        actor = self._said(self._random.choice(_PEOPLE))
        approver = self._said(self._random.choice(_PEOPLE))
        ticket = f"CHG{self._random.randrange(10**7):07}"
        run = f"{PAGES}/actions/runs/{self._random.randrange(10**11)}"
        return AttemptEvidence(
            key=key, number=number, state=state, outcome=outcome,
            anchor=f"some-environment-and-run-{number}-{self._number:012}",
            opened_at=stamp(at), changed_at=ended, ended_at=ended if sent else "",
            execution_id=self._uuid() if sent else "", status="Finished" if sent else "",
            digest=f"v1:sha256:{self._hex(64)}", workflow_id=self._uuid(), revision="7",
            platform="EU2", file=self._said(f"runs/{key[1]}.yaml"),
            request=None if odd else self._request(),
            request_unknown="The commit isn't in this clone." if odd else "",
            commit=CommitTold(commit, f"{actor} <{actor}@example.com>", stamp(at), "Close it"),
            message=self._said("Close what the audit found\n\nReviewed with the owners.\n"),
            annotations={"ticket": self._said(ticket), "owner": self._said("payments")},
            actor=actor, ci_run=run, tool="1.0.0", plan_digest=f"v1:sha256:{self._hex(64)}",
            pull_request=self._random.randrange(1, 4000), merged_by=actor,
            approvals=() if odd else (ApprovalTold(approver, "1892", commit),),
            releases=self._releases(at), doubts=self._doubts(state, at),
            events=self._attempts_events(at, ended, state, actor, run),
            facts={"runner": {"skew": 0.2}, "tzdata": "2026.2"},
            culprit=Culprit(self._steps()[-1], certain=True, ordered=True)
            if state is State.FAILED else None,
            steps=self._steps() if odd else None,
            unknown=(self._said("Nobody recorded its approvals."),) if odd else (),
        )  # fmt: skip

    def _attempts_events(
        self, at: datetime, ended: str, state: State, actor: str, run: str
    ) -> tuple[EventTold, ...]:
        begun = EventTold(stamp(at), "intent", actor, "", run, "1.0.0")
        answered = EventTold(stamp(at + timedelta(seconds=2)), "accepted", more={"httpStatus": 200})
        return begun, answered, EventTold(ended, state.value, more={"status": "Finished"})

    def _releases(self, at: datetime) -> tuple[ReleaseTold, ...]:
        if self._random.random() > 0.02:
            return ()
        why = self._said("An incident: the owners agreed on the phone.")
        return (ReleaseTold("window", 3, self._said("grace"), why, stamp(at)),)

    def _doubts(self, state: State, at: datetime) -> tuple[DoubtTold, ...]:
        if state is State.IN_DOUBT:
            return (DoubtTold(stamp(at)),)
        if state in (State.ASSUMED, State.ABSENT):
            later = stamp(at + timedelta(hours=3))
            why = self._said("Seen in the account: it is encrypted.")
            return (DoubtTold(stamp(at), state.value, later, self._said("barbara"), why),)
        return (DoubtTold(stamp(at), "adopted", stamp(at)),) if self._random.random() < 0.01 else ()

    def _steps(self) -> tuple[StepTold, ...]:
        said = (Saying("message", self._said("AccessDenied: s3:PutEncryption"), likely=True),)
        at = "2026-10-01T10:00:00Z"
        return (
            StepTold("node-1-filter", "FILTER", 1, "Finished", "succeeded", at, at),
            StepTold(self._said("node-2-encrypt"), "ACTION", 2, "Failed", "failed", at, at, said),
        )

    def _request(self) -> dict[str, Any]:
        return {
            "input": {self._said("bucketName"): self._said("payments-eu-1"), "reason": "***"},
            "variables": {"connectorId": self._uuid(), "region": "eu-west-1", "limits": [1, 2]},
        }

    def _events_of_a_run(self) -> tuple[EventTold, ...]:
        if self._random.random() > 0.02:
            return ()
        return (EventTold("2026-10-01T09:00:00Z", "carried", "ada", more={"from": "prod/old"}),)

    def _events(self) -> tuple[tuple[str, EventTold], ...]:
        why = self._said("A release of the bank's core.")
        return (
            ("prod", EventTold("2026-09-12T18:00:00Z", "frozen", self._said("grace"), why)),
            ("prod", EventTold("2026-09-13T06:00:00Z", "unfrozen", "grace", "It is over.")),
            ("", EventTold("2026-10-01T07:30:00Z", "moved", "ada", more={"to": "example/runs"})),
        )

    def _compared(self, attempts: int) -> Compared:
        at = "2026-10-05T11:22:33Z"
        return Compared(
            (
                DifferenceTold(
                    Kind.FOREIGN, self._said("An execution that nobody here started."),
                    environment="prod", at=at, execution_id=self._uuid(), source="UI",
                ),
                DifferenceTold(
                    Kind.NEVER_SENT, self._said("Its spec stood in a commit, and was never sent."),
                    environment="prod", run="close-ports-3", at=at, commit=self._hex(40),
                ),
            ),
            commits=attempts // 3, executions=attempts,
            limits=("Executions of more than 30 days ago are not shown by Qualys.",),
        )  # fmt: skip

    def _hex(self, size: int) -> str:
        return f"{self._random.getrandbits(4 * size):0{size}x}"

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))
