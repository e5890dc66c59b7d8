"""Every state that two runners of one run can reach: who runs something twice, and who doesn't.

Breadth first over a small world: one run, two runners, at most two crashes (each with a
restart), at most two losses: a POST that never arrives, an answer that is lost, an answer
that comes later than anybody waits for it, or a process that is stalled before its POST. A
POST that is under way when its sender dies or gives up may arrive at any later time. The
list of executions may lag. What our own protocol writes goes through the ledger's own
`rebased` and `recorded`.

Not covered: that an execution is recognised as ours is taken as perfect; a lease is taken to
be longer than a POST waits for its answer, and (for the one protocol that sends again after
a settled look) to end after any POST and any lag of the list; clocks are not modelled, nor
are several runs in one wave, or a push whose outcome is unknown. Of people's decisions those
are that send nothing: that a doubt is taken to have run, and that a decision is put back.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import pytest

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.decisions import reopening
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.rebasing import rebased
from qflow_gitops.lockfile.states import DOUBTFUL, UNCOUNTED, State
from tests.helpers.values import replace

NOBODY = -1


@dataclass(frozen=True)
class Protocol:
    """How a runner goes about it; the worst it can do is what the search has to find.

    `intent`: "" for none, `private` where only this life of this runner sees it, `blind`
    where it is pushed over whatever is there, `cas` where it has to be the next attempt.
    `found` and `late` say what an intent of somebody else's, and an answer that doesn't
    come, lead to: `post`, `look` at the list, or `stop`. `absent` says what an empty list
    leads to: `post` at once, `stop`, or `settled`: once nothing can be under way any more,
    that is recorded, and the next attempt is opened. `lease`: another's intent is left alone
    while its owner may still send or wait, and an owner that was stalled gives up unsent.
    `by_request`: the look can't tell the executions of two attempts with one request apart.
    """

    intent: str
    found: str = "stop"
    late: str = "stop"
    absent: str = "stop"
    lease: bool = False
    by_request: bool = False


class Runner(NamedTuple):
    """`number` is its attempt, `seen` the execution that it has been told of."""

    does: str = "read"
    number: int = 0
    seen: int = 0


class World(NamedTuple):
    """Everything that is the case.

    `executions` holds the attempt that each one is of; their ids count from 1. `flight`
    holds, for each POST under way, who waits for its answer and the attempt that it is of.
    """

    record: tuple[tuple[State, int], ...] = ()  # an attempt's state and execution
    owners: tuple[int, ...] = ()  # whose attempt it is, NOBODY after its crash
    runners: tuple[Runner, ...] = (Runner(), Runner())
    flight: tuple[tuple[int, int], ...] = ()
    executions: tuple[int, ...] = ()
    crashes: int = 2
    losses: int = 2
    decisions: int = 0
    conflicts: int = 0

    def with_runner(self, who: int, runner: Runner) -> "World":
        return self._replace(runners=(*self.runners[:who], runner, *self.runners[who + 1 :]))

    def unrecorded(self) -> set[int]:
        """The executions that no attempt names."""
        every = range(1, len(self.executions) + 1)
        return set(every) - {execution for _, execution in self.record}


DONE = Runner("done")


def steps(world: World, protocol: Protocol) -> Iterator[World]:
    """Everything that can happen next."""
    if world.decisions:
        yield from person(world, protocol)
    for who, runner in enumerate(world.runners):
        if runner.does == "done":
            continue
        yield from DOES[runner.does](world, protocol, who, runner)
        if world.crashes:
            yield crashed(world, who)
    for place, (waiting, number) in enumerate(world.flight):
        left = world._replace(flight=world.flight[:place] + world.flight[place + 1 :])
        ran = left._replace(executions=(*world.executions, number))
        yield told(ran, waiting, "answered", len(ran.executions))
        if world.losses:
            yield told(left._replace(losses=world.losses - 1), waiting, "late")


def person(world: World, protocol: Protocol) -> Iterator[World]:
    """Take it that a doubt did run, or put a decision back: whenever, and of any attempt."""
    left = world._replace(decisions=world.decisions - 1)
    for number, (state, _) in enumerate(world.record, 1):
        if state is State.IN_DOUBT:
            yield written(left, protocol, number, State.ASSUMED)
        elif state in (State.ASSUMED, State.ABSENT):
            yield written(left, protocol, number, State.IN_DOUBT)


def told(world: World, waiting: int, does: str, seen: int = 0) -> World:
    if waiting == NOBODY:
        return world
    return world.with_runner(waiting, world.runners[waiting]._replace(does=does, seen=seen))


def crashed(world: World, who: int) -> World:
    """Its process is gone and another takes its place; its POST may still arrive."""
    return world._replace(
        crashes=world.crashes - 1,
        flight=let_go(world, who),
        owners=tuple(NOBODY if owner == who else owner for owner in world.owners),
    ).with_runner(who, Runner())


def let_go(world: World, who: int) -> tuple[tuple[int, int], ...]:
    """The POSTs under way, none of them awaited by this runner."""
    return tuple(sorted((NOBODY if one == who else one, number) for one, number in world.flight))


# --- what a runner does next ---------------------------------------------------------


def read(world: World, protocol: Protocol, who: int, _runner: Runner) -> Iterator[World]:
    """Look at the lockfile and decide; a doubt that was put back comes before all else."""
    state = world.record[-1][0] if world.record else None
    again = [at for at, (one, _) in enumerate(world.record[:-1], 1) if one in DOUBTFUL]
    if again:
        yield from doubted(world, protocol, who, again[0], protocol.found)
    elif state is None or state in UNCOUNTED:
        does = "claim" if protocol.intent in ("blind", "cas") else "send"
        yield world.with_runner(who, Runner(does, len(world.record) + 1))
    elif state not in DOUBTFUL:
        yield world.with_runner(who, DONE)
    elif not (protocol.lease and state is State.INTENT and owner_may_send(world)):
        yield from doubted(world, protocol, who, len(world.record), protocol.found)


def owner_may_send(world: World) -> bool:
    owner = world.owners[-1]
    return owner != NOBODY and world.runners[owner].does in ("send", "wait")


def claim(world: World, protocol: Protocol, who: int, runner: Runner) -> Iterator[World]:
    """Record the intent; with compare-and-swap only where it is still the next attempt."""
    if protocol.intent == "blind":
        new = world._replace(record=((State.INTENT, 0),), owners=(who,))
        yield new.with_runner(who, Runner("send", 1))
    elif runner.number == len(world.record) + 1:
        record, owners = (*world.record, (State.INTENT, 0)), (*world.owners, who)
        yield world._replace(record=record, owners=owners).with_runner(
            who, Runner("send", runner.number)
        )
    else:
        yield world.with_runner(who, Runner())


def send(world: World, protocol: Protocol, who: int, runner: Runner) -> Iterator[World]:
    """POST, or (where leases are kept) find that too much time has gone by for it."""
    flight = tuple(sorted((*world.flight, (who, runner.number))))
    yield world._replace(flight=flight).with_runner(who, runner._replace(does="wait"))
    if protocol.lease and world.losses:
        stalled = runner._replace(does="stalled")
        yield world._replace(losses=world.losses - 1).with_runner(who, stalled)


def stalled(world: World, protocol: Protocol, who: int, runner: Runner) -> Iterator[World]:
    yield written(world, protocol, runner.number, State.UNSENT).with_runner(who, Runner())


def wait(world: World, _protocol: Protocol, who: int, runner: Runner) -> Iterator[World]:
    """Give up waiting, while the POST is still under way."""
    if world.losses:
        yield world._replace(losses=world.losses - 1, flight=let_go(world, who)).with_runner(
            who, runner._replace(does="late")
        )


def answered(world: World, protocol: Protocol, who: int, runner: Runner) -> Iterator[World]:
    yield written(world, protocol, runner.number, State.ACCEPTED, runner.seen).with_runner(
        who, DONE
    )
    if world.losses:
        lost = runner._replace(does="late", seen=0)
        yield world._replace(losses=world.losses - 1).with_runner(who, lost)


def late(world: World, protocol: Protocol, who: int, runner: Runner) -> Iterator[World]:
    yield from doubted(world, protocol, who, runner.number, protocol.late)


def doubted(world: World, protocol: Protocol, who: int, number: int, then: str) -> Iterator[World]:
    """Go on where an attempt may have run."""
    if then == "post":
        yield world.with_runner(who, Runner("send", number))
        return
    if protocol.intent == "cas":
        world = written(world, protocol, number, State.IN_DOUBT)
    yield world.with_runner(who, Runner("look", number) if then == "look" else DONE)


def look(world: World, protocol: Protocol, who: int, runner: Runner) -> Iterator[World]:
    """Look for the attempt's execution; the list may not show it yet."""
    mine = {runner.number} | (set(world.executions) if protocol.by_request else set())
    ours = [one for one in world.unrecorded() if world.executions[one - 1] in mine]
    for execution in ours:
        yield world.with_runner(who, runner._replace(does="adopt", seen=execution))
    if protocol.absent == "post":
        yield world.with_runner(who, runner._replace(does="send"))
    elif protocol.absent == "stop":
        yield world.with_runner(who, DONE)
    elif not (ours or world.flight or (protocol.lease and owner_may_send(world))):
        yield world.with_runner(who, runner._replace(does="release"))


def adopt(world: World, protocol: Protocol, who: int, runner: Runner) -> Iterator[World]:
    new = written(world, protocol, runner.number, State.ADOPTED, runner.seen)
    refused = new.conflicts > world.conflicts
    yield world.with_runner(who, Runner()) if refused else new.with_runner(who, DONE)  # look again


def release(world: World, protocol: Protocol, who: int, runner: Runner) -> Iterator[World]:
    yield written(world, protocol, runner.number, State.ABSENT).with_runner(who, Runner())


DOES = {
    one.__name__: one
    for one in (read, claim, send, stalled, wait, answered, late, look, adopt, release)
}


# --- the lockfile ----------------------------------------------------------------------


def written(world: World, protocol: Protocol, number: int, to: State, execution: int = 0) -> World:
    """Record it: by the ledger's rules with compare-and-swap, else over what is there."""
    if protocol.intent != "cas":
        return world._replace(record=((to, execution),), owners=(NOBODY,))
    try:
        return world._replace(record=ledger(world.record, number, to, execution))
    except LockError:
        return world._replace(conflicts=world.conflicts + 1)


DECIDED = (State.ABSENT, State.ASSUMED)
BY = {"by": {"actor": "ada"}}


def came_to(state: State) -> tuple[Event, ...]:
    """Events of an attempt in this state, by a person where that is who decides it."""
    before = (Event("", State.INTENT), Event("", State.IN_DOUBT))
    return (*before, Event("", state, BY)) if state in DECIDED else (Event("", state),)


@cache
def ledger(
    record: tuple[tuple[State, int], ...], number: int, to: State, execution: int
) -> tuple[tuple[State, int], ...]:
    """What the real ledger makes of it."""
    attempts = tuple(
        Attempt(place, state, "d", came_to(state), str(found or ""))
        for place, (state, found) in enumerate(record, 1)
    )
    before = Lockfile("x").environment("e")
    lockfile = Lockfile("x", 1, {"e": replace(before, runs={"r": attempts})})
    event = Event("", to)
    if to is State.IN_DOUBT and record[number - 1][0] in DECIDED:
        event = reopening(attempts[number - 1], "", {}) or event
    elif to in DECIDED:
        event = came_to(to)[-1]
    one = Transition("e", "r", number, event, execution_id=str(execution or ""))
    merged = rebased(lockfile, one)
    if merged is not None:
        lockfile = lockfile.recorded([merged])
    return tuple((one.state, int(one.execution_id or 0)) for one in lockfile.attempts("e", "r"))


# --- the search ----------------------------------------------------------------------


class Found(NamedTuple):
    """The most executions, the end states that lose one, the conflicts, and all states."""

    executions: int
    unrecorded: int
    conflicts: int
    worlds: int


BEGIN = World()


def explored(protocol: Protocol, start: World = BEGIN) -> Found:
    seen, queue = {start}, deque([start])
    ends = []
    while queue:
        world = queue.popleft()
        following = set(steps(world, protocol))
        if not following:
            ends.append(world)
        queue.extend(following - seen)
        seen |= following
    return Found(
        max(len(world.executions) for world in seen),
        sum(loses(world) for world in ends),
        max(world.conflicts for world in seen),
        len(seen),
    )


def loses(world: World) -> bool:
    """Whether something ran that can't be found from the lockfile: by its id, or by a doubt."""
    known = DOUBTFUL | {State.ASSUMED}
    return bool(world.unrecorded()) and not any(state in known for state, _ in world.record)


OURS = Protocol("cas", found="look", late="look", absent="stop", lease=True)
TWICE = {
    "POST, then write the lockfile": (Protocol(""), 4),
    "an intent on a disk that goes with its runner": (Protocol("private"), 4),
    "an intent pushed over what is there": (Protocol("blind"), 2),
    "compare-and-swap, POST where an intent is found": (Protocol("cas", found="post"), 4),
    "compare-and-swap, POST again after a timeout": (Protocol("cas", late="post"), 3),
    "compare-and-swap, look, POST at once if absent": (Protocol("cas", "look", "look", "post"), 6),
}
ONCE = {
    "compare-and-swap, stop at a doubt": Protocol("cas"),
    "compare-and-swap, look and adopt, else stay in doubt": OURS,
    "the same where a look can't tell attempts apart": replace(OURS, by_request=True),
    "the same, and open another attempt after a settled look": replace(
        OURS, absent="settled", by_request=True
    ),
}


@pytest.mark.parametrize(("protocol", "times"), TWICE.values(), ids=TWICE)
def test_a_simpler_protocol_runs_something_more_than_once(protocol: Protocol, times: int) -> None:
    assert explored(protocol).executions == times > 1


@pytest.mark.parametrize("protocol", ONCE.values(), ids=ONCE)
def test_ours_runs_at_most_once_and_loses_nothing(protocol: Protocol) -> None:
    """Nor does an answer ever meet a record that can't take it."""
    found = explored(protocol)
    assert (found.executions, found.unrecorded, found.conflicts) == (1, 0, 0)
    assert found.worlds > 300  # the search did go somewhere


@pytest.mark.parametrize("protocol", list(ONCE.values())[:3], ids=list(ONCE)[:3])
def test_what_people_put_back_sends_nothing(protocol: Protocol) -> None:
    """At any moment, and however the runners go on: executed once, and nothing lost."""
    begin = World(decisions=2, crashes=1, losses=1)
    found = explored(protocol, begin)
    assert (found.executions, found.unrecorded) == (1, 0)
    assert found.worlds > explored(protocol, begin._replace(decisions=0)).worlds


def test_writing_after_the_post_loses_executions() -> None:
    assert explored(Protocol("")).unrecorded > 0


def test_a_settled_look_needs_the_lease() -> None:
    """Without it no crash and no loss is needed: the owner was only slow to send."""
    settled = Protocol("cas", found="look", late="look", absent="settled")
    calm = World(crashes=0, losses=0)
    assert explored(settled, calm).executions == 2
    assert explored(replace(settled, lease=True), calm).executions == 1
