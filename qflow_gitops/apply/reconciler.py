"""Settle doubt by looking: which execution, if any, came of a request whose answer was lost.

Looking never sends. One execution that shows this request, and no other reading of what is
there, is adopted; everything else is left to a person, with what was found.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from qflow_gitops.apply import events
from qflow_gitops.apply.doubt import (
    EARLIER,
    SHOWN_FOR,
    Candidate,
    Doubt,
    Search,
    Specs,
    created_at,
    doubts_in,
    sent_of,
)
from qflow_gitops.apply.matching import Match, grade
from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.base.times import BELIEVED, stamp
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition, is_leased
from qflow_gitops.lockfile.decisions import endings
from qflow_gitops.lockfile.inheritance import names_of, successor
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import DOUBTFUL, State
from qflow_gitops.plan.change import listed
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.lockfile import LockSession, LostRace
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.specs.spec import RunSpec

FAILURES = 3
"""After so many workflows that can't be looked at, no further one is tried."""
LOOKS = 4
"""How often it is looked again because another process wrote meanwhile."""
LATER = timedelta(minutes=30)
"""And so long after it: the time to send, and what may lie in between."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Looks doubts up; connects only when something has to be asked."""

    gateways: Gateways
    clock: Clock
    specs: Specs

    def settle(
        self, session: LockSession, environment: str
    ) -> Generator[events.Event, None, list[QflowError]]:
        """Settle what can be settled in an environment, and record it.

        Whatever ended with a word that the settings explain by now is settled without a look.

        Gives what went wrong while looking; the doubts concerned then stay as they are.
        Raises LockError.
        """
        yield from self._take_over(session, environment)
        project, now = self.gateways.project, stamp(self.clock.now())
        names = names_of(session.lockfile, project, environment)
        yield from _record(session, endings(session.lockfile, names, project.statuses, now))
        open_ones = [
            doubt
            for doubt in doubts_in(session.lockfile, self.gateways.project, environment)
            if doubt.attempt.state is State.IN_DOUBT
        ]
        old = [doubt for doubt in open_ones if self._is_expired(doubt)]
        yield from _record(session, [self._expired(doubt) for doubt in old])
        rest = [doubt for doubt in open_ones if doubt not in old]
        return (yield from self._look_up(session, rest, environment))

    def _look_up(
        self, session: LockSession, doubts: Sequence[Doubt], environment: str
    ) -> Generator[events.Event, None, list[QflowError]]:
        """Adopt what is found; once more where another process wrote while it was looked.

        Its new intents may claim what was found just as well.
        """
        for attempt in range(LOOKS):
            problems: list[QflowError] = []
            found = self.look(doubts, session.lockfile, problems, environment)
            adopted = self._adoptions(found, session.lockfile)
            try:
                yield from _record(session, [self._adopted(*pair) for pair in adopted], exact=True)
            except LostRace:
                now = [_as_of_now(doubt, session.lockfile) for doubt in doubts]
                doubts = [doubt for doubt in now if doubt.attempt.state is State.IN_DOUBT]
                if attempt < LOOKS - 1:
                    continue
                adopted = []
            settled = {id(search) for search, _ in adopted}
            yield from map(events.Said, told(each for each in found if id(each) not in settled))
            break
        return problems

    def _take_over(
        self, session: LockSession, environment: str
    ) -> Generator[events.Event, None, None]:
        """An intent that a process before us left may have been sent: it is in doubt.

        While its owner may still be at it, it is left alone.
        """
        now = stamp(self.clock.now())
        detail = "The apply that recorded the intent ended before its answer."
        yield from _record(
            session,
            [
                _transition(doubt, now, State.IN_DOUBT, {"detail": detail})
                for doubt in doubts_in(session.lockfile, self.gateways.project, environment)
                if doubt.attempt.state is State.INTENT
                and (session.alone or not is_leased(doubt.attempt, now))
            ],
        )

    def _is_expired(self, doubt: Doubt) -> bool:
        return doubt.is_timed and self.clock.now() - doubt.opened_at > SHOWN_FOR

    def _expired(self, doubt: Doubt) -> Transition:
        detail = "Older than Qualys' API can show (30 days), and never settled."
        return _transition(doubt, stamp(self.clock.now()), State.EXPIRED, {"detail": detail})

    def asked(self, doubt: Doubt, lockfile: Lockfile, by: str = "") -> Qualys:
        """Return the client that knows a doubt's attempt; UsageProblem where it went elsewhere."""
        home = successor(lockfile, self.gateways.project, doubt.environment)
        return self.gateways.asked(home or doubt.environment, doubt.attempt, by)

    # --- looking ---------------------------------------------------------------------

    def look(
        self,
        doubts: Sequence[Doubt],
        lockfile: Lockfile,
        problems: list[QflowError],
        by: str = "",
    ) -> list[Search]:
        """Look for the executions of doubts; those that can't be looked up are left out.

        Those of environments that are gone only on the platform of the one that is worked on
        (`by`, "" for none): its credentials are at hand.
        What went wrong is added to `problems`.
        """
        specs = self.specs(doubt.attempt for doubt in doubts) if doubts else {}
        found = []
        failed: set[str] = set()
        for doubt in doubts:
            workflow = doubt.attempt.fact("workflowId")
            if workflow in failed or len(failed) >= FAILURES:
                continue
            try:
                qualys = self.asked(doubt, lockfile, by)
                found.append(self._look_at(qualys, doubt, lockfile, specs))
            except QflowError as problem:
                problems.append(problem)
                if problem.reason != "target":
                    failed.add(workflow)
        return found

    def _look_at(
        self,
        qualys: Qualys,
        doubt: Doubt,
        lockfile: Lockfile,
        specs: Mapping[str, RunSpec],
    ) -> Search:
        """List the workflow's executions around a doubt, and grade them by what they show."""
        now, earliest = self.clock.now(), self.clock.now() - SHOWN_FOR
        start, end = earliest, now + timedelta(seconds=BELIEVED)  # all there is
        if doubt.is_timed:
            start, end = doubt.opened_at - EARLIER, doubt.opened_at + LATER
        listing = qualys.executions(doubt.attempt.fact("workflowId"), max(start, earliest), end)
        passed = {*(each.lower() for each in doubt.before or ()), *doubt.attempt.let_go}
        sent = sent_of(doubt.attempt, specs)
        candidates = []
        for each in listing.executions:
            if lockfile.owner(each.id) is None and each.id.lower() not in passed:
                echo = qualys.echo(each.id)
                match = grade(sent, echo)
                if match is not Match.DIFFERENT:
                    candidates.append(Candidate(each, match, echo))
        return Search(doubt, tuple(candidates), listing.complete and doubt.is_timed)

    # --- deciding --------------------------------------------------------------------

    def _adoptions(
        self, found: Sequence[Search], lockfile: Lockfile
    ) -> list[tuple[Search, Candidate]]:
        """Return the one execution of each doubt where nothing else can be meant.

        Where it isn't known what was there before, only an attempt's own key tells.
        """
        rivals = _rivals(found, lockfile)
        specs = self.specs(rivals) if found else {}
        chosen = []
        for search in found:
            own = [each for each in search.candidates if each.match is Match.OWN_KEY]
            if len(own) == 1:
                chosen.append((search, own[0]))
            elif (
                not own
                and search.complete
                and search.doubt.before is not None
                and len(search.candidates) == 1
            ):
                (only,) = search.candidates
                others = (each for each in rivals if each is not search.doubt.attempt)
                if only.match is Match.SAME_REQUEST and not any(
                    _could_claim(each, search.doubt.attempt, only, specs) for each in others
                ):
                    chosen.append((search, only))
        takers = Counter(each.execution.id.lower() for _, each in chosen)
        return [(search, each) for search, each in chosen if takers[each.execution.id.lower()] == 1]

    def _adopted(self, looked: Search, candidate: Candidate) -> Transition:
        how = {
            Match.OWN_KEY: "it carries this attempt's key",
            Match.SAME_REQUEST: "the only one that shows this request",
        }[candidate.match]
        detail = f"Found among the workflow's executions: {how}."
        extra: dict[str, Any] = {"detail": detail}
        if (at := created_at(candidate.execution)) is not None:
            extra["createdAt"] = stamp(at)
        event = Event(stamp(self.clock.now()), State.ADOPTED, extra)
        doubt = looked.doubt
        return Transition(
            doubt.environment, doubt.run, doubt.attempt.number, event,
            execution_id=candidate.execution.id,
        )  # fmt: skip


def _rivals(found: Sequence[Search], lockfile: Lockfile) -> list[Attempt]:
    """Return the attempts that may have an execution which isn't recorded.

    Those in doubt, and those of that time which a person took to have run.
    """
    times = [search.doubt.opened_at for search in found]
    return [
        doubt.attempt
        for environment in lockfile.environments
        for run, attempts in lockfile.runs_in_states(environment, DOUBTFUL | {State.ASSUMED})
        for doubt in (Doubt(environment, run, attempt) for attempt in attempts)
        if doubt.attempt.state in DOUBTFUL
        or (
            doubt.attempt.state is State.ASSUMED
            and any(
                abs(doubt.opened_at - at) <= EARLIER + LATER or not doubt.is_timed for at in times
            )
        )
    ]


def _could_claim(
    rival: Attempt, own: Attempt, candidate: Candidate, specs: Mapping[str, RunSpec]
) -> bool:
    """Whether an execution may as well be that of another attempt in doubt."""
    if any(
        rival.fact(name).lower() != own.fact(name).lower() for name in ("platform", "workflowId")
    ):
        return False
    if candidate.execution.id.lower() in rival.let_go:
        return False
    return grade(sent_of(rival, specs), candidate.echo) is not Match.DIFFERENT


def _transition(doubt: Doubt, at: str, to: State, extra: Mapping[str, Any]) -> Transition:
    return Transition(doubt.environment, doubt.run, doubt.attempt.number, Event(at, to, extra))


def _as_of_now(doubt: Doubt, lockfile: Lockfile) -> Doubt:
    attempts = lockfile.attempts(doubt.environment, doubt.run)
    return replace(doubt, attempt=attempts[doubt.attempt.number - 1])


def _record(
    session: LockSession, transitions: Sequence[Transition], *, exact: bool = False
) -> Generator[events.Event, None, None]:
    if not transitions:
        return
    session.record(transitions, exact=exact)
    for transition in transitions:
        attempt = session.lockfile.attempts(transition.environment, transition.run)[
            transition.number - 1
        ]
        yield events.Moved(transition.environment, transition.run, attempt)


def told(searches: Iterable[Search]) -> Iterator[str]:
    """Say what was found about doubts that stay open: once where it is the same."""
    runs: dict[str, list[str]] = {}
    for search in searches:
        runs.setdefault(describe(search), []).append(
            f"{search.doubt.environment}/{search.doubt.run}"
        )
    for words, some in runs.items():
        yield f"{listed(some)}{', each' if len(some) > 1 else ''}: {words}"


def describe(search: Search) -> str:
    """Say what was found about a doubt that stays open."""
    workflow = search.doubt.attempt.fact("workflowId")
    if not (search.doubt.is_timed or search.candidates):
        return (
            "Qualys' clock and its sender's were more than a day apart, so it isn't known "
            "when it was sent, and nothing was concluded from what is listed."
        )
    if not search.complete and search.doubt.is_timed:
        return (
            f"The list of workflow {workflow}'s executions could not be read whole: it "
            "shifted meanwhile, or Qualys doesn't show it. Nothing was concluded from it."
        )
    if not search.candidates:
        return (
            "Qualys lists no execution that could be this run's. It may show it later, so "
            "that doesn't say that it did not run: a person has to, after a look in Qualys."
        )
    shown = ", ".join(
        f"{each.execution.id} ({'same request' if each.match >= Match.SAME_REQUEST else 'unclear'})"
        for each in search.candidates[:5]
    )
    more = f" and {len(search.candidates) - 5} more" if len(search.candidates) > 5 else ""
    why = "" if len(search.candidates) > 1 else _why_not(search)
    return f"It could be {shown}{more}{why}; a person has to decide."


def _why_not(search: Search) -> str:
    """Say why the only candidate wasn't adopted."""
    if not search.sure:
        return ", which doesn't show what was sent"
    if not search.doubt.is_timed:
        return ", though it isn't known when this run's was sent"
    if search.doubt.before is None:
        return ", which may have been there before: the list could not be read then"
    return ", which another doubt could claim as well"
