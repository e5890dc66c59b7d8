"""A fleet's apply: the order of the waves, what stops them, and who works on what."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qflow_gitops.apply import events
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import BusyError, ExitCode, InvalidInput, UnreachableError, UsageProblem
from qflow_gitops.fleet.applying import Asked, apply
from qflow_gitops.fleet.engines.local import Local
from qflow_gitops.fleet.freezing import freeze, unfreeze
from qflow_gitops.fleet.planning import plan, status
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.lockfile.fleet import FleetRecord, Seen, claim
from qflow_gitops.lockfile.fleet_codec import to_bytes
from qflow_gitops.policy.rollout import Share
from qflow_gitops.policy.waves import Counting, MemberStanding, Outcomes, Wave
from qflow_gitops.results.fleets import FleetTold, MemberTold, Turn
from qflow_gitops.results.report import Report
from qflow_gitops.settings.fleet import Fleet, FleetMember, Subscription
from tests.fakes.clock import FakeClock
from tests.fakes.fleet import FakeFleetStore, FakeReach, answer

UNTIL = "2026-10-06T13:00:00Z"
"""An hour after the clock begins."""
CANARY = Wave(select={"tier": "canary"})
FAILED = answer("apply", ("hold", "failed"), code=ExitCode.RUN_FAILED)
DOUBT = answer("apply", ("hold", "in_doubt"), code=ExitCode.IN_DOUBT)
HELD = answer("apply", ("hold", "window"), code=ExitCode.HELD)


def members(*names: str, **more: str) -> tuple[FleetMember, ...]:
    """Names that begin with `c` are canaries."""
    return tuple(
        FleetMember(
            name,
            f"https://git.example.com/{name}/runs.git",
            labels={"tier": "canary"} if name.startswith("c") else {},
            **more,
        )
        for name in names
    )


class World:
    """A fleet, whatever works on it, and what comes of that."""

    def __init__(self, fleet: Fleet, base: Fleet | None = None) -> None:
        self.store, self.reach, self.clock = FakeFleetStore(), FakeReach(), FakeClock()
        before = (base,) if base else ()
        about = ("f" * 40, self.store, self.reach, self.clock, {"actor": "ada"})
        self.services = FleetServices(fleet, before, *about)

    def apply(
        self, acks: Mapping[str, int] | None = None, reason: str = "", patience: float = 0.0
    ) -> Report:
        asked = Asked(acks or {}, reason, patience)
        work = apply(self.services, Local(self.services.fleet.at_once), asked)
        return _ended(work)

    def plan(self, *, exit_code: bool = False) -> Report:
        return _ended(plan(self.services, exit_code=exit_code))

    def __call__(self, name: str) -> MemberTold:
        body = self.plan().body
        assert isinstance(body, FleetTold)
        return next(one for one in body.members if one.name == name)


def _ended(work: "object") -> Report:
    while True:
        try:
            said = next(work)  # type: ignore[call-overload]
            assert isinstance(said, events.Said)
        except StopIteration as end:
            report: Report = end.value
            return report


def fleet(*names: str, waves: tuple[Wave, ...] = (CANARY, Wave()), at_once: int = 1) -> Fleet:
    return Fleet(members(*names), waves, at_once=at_once)


def test_members_are_applied_wave_by_wave() -> None:
    world = World(fleet("a", "c1", "b", "c2"))
    report = world.apply()
    assert (report.exit_code, report.reason) == (ExitCode.OK, "ok")
    assert world.reach.applied() == ["c1", "c2", "a", "b"]
    assert {one.standing for one in _body(report).members} == {MemberStanding.DONE}
    assert world.apply().exit_code is ExitCode.OK
    assert len(world.reach.applied()) == 4, "what is done isn't applied again"


def _body(report: Report) -> FleetTold:
    assert isinstance(report.body, FleetTold)
    return report.body


def test_a_wave_that_failed_stops_the_next_one_and_says_what_to_type() -> None:
    world = World(fleet("a", "c1", "c2"))
    world.reach.ends["c1"] = FAILED
    report = world.apply()
    assert report.exit_code is ExitCode.RUN_FAILED
    assert world.reach.applied() == ["c1"], "nor is the rest of its own wave begun"
    body = _body(report)
    assert (body.stopped, body.wave) == (True, 1)
    held = {one.name: one for one in body.members}["a"]
    assert (held.turn, held.why) == (Turn.HOLD, "wave 1 is stopped")
    assert "--ack wave=1 --reason TEXT" in held.way
    again = world.apply()
    assert (again.exit_code, again.reason) == (ExitCode.HELD, "wave")
    assert world.reach.applied() == ["c1"]


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ({}, "qflow-gitops fleet apply"),
        ({"engine": "--engine celery"}, "qflow-gitops fleet apply --engine celery"),
        ({"inventory": "--inventory ./l"}, "qflow-gitops fleet apply --inventory ./l"),
        ({"by": "matrix"}, "qflow-gitops fleet matrix"),
    ],
)
def test_what_to_type_works_on_the_same_members_in_the_same_way(
    typed: dict[str, Any], command: str
) -> None:
    """Else it wouldn't know them, or would apply them here, where their credentials aren't."""
    world = World(fleet("a", "c1"))
    world.services = replace(world.services, **typed)
    world.reach.ends["c1"] = FAILED
    held = {one.name: one for one in _body(world.apply()).members}["a"]
    assert f"`{command} --ack wave=1 --reason TEXT`" in held.way
    with pytest.raises(UsageProblem) as refused:
        world.apply({"wave": 2}, "x")
    assert f"`{command} --ack wave=1 --reason TEXT`" in refused.value.hint


def test_a_person_lets_a_stopped_wave_go_on_and_that_is_kept() -> None:
    world = World(fleet("a", "c1", "c2"))
    world.reach.ends["c1"] = FAILED
    world.apply()
    report = world.apply({"wave": 1}, "It is only the test account.")
    assert report.exit_code is ExitCode.OK
    assert world.reach.applied() == ["c1", "c2", "a"]
    (release,) = world.store.record.releases
    assert (release.wave, release.by) == (1, "ada")
    assert release.reason == "It is only the test account."
    assert world("c1").standing is MemberStanding.FORGIVEN


def test_a_wave_is_let_go_on_though_its_member_moved_since_it_was_seen() -> None:
    """As one whose settings were broken, so that its own lockfile isn't there yet."""
    world = World(fleet("a", "c1"))
    world.reach.ends["c1"] = FAILED
    world.apply()
    record = world.store.record
    seen = record.member("c1").seen
    assert seen
    moved = seen._replace(lock_commit="e" * 40)
    world.store.record = record.worked("c1", moved, "2026-01-01T00:00:00Z", "x")
    assert world.apply({"wave": 1}, "It is only the test account.").exit_code is ExitCode.OK
    world.store.record = world.store.record.worked("c1", moved, "2026-01-01T00:00:00Z", "x")
    assert world.apply().exit_code is ExitCode.OK, "nor does it spoil what is applied later"


def test_what_was_forgiven_is_not_where_the_member_went_on() -> None:
    world = World(fleet("a", "c1"))
    world.reach.ends["c1"] = FAILED
    world.apply()
    world.apply({"wave": 1}, "Once.")
    world.reach.commits["c1"] = "d" * 40
    world.apply()
    assert world.reach.applied() == ["c1", "a", "c1"]
    assert world("c1").standing is MemberStanding.FAILED


def test_what_was_forgiven_of_one_environment_is_not_of_another() -> None:
    world = World(Fleet(members("c1", "a", environment="prod"), (CANARY, Wave())))
    world.reach.ends["c1"] = FAILED
    world.apply()
    assert world.apply({"wave": 1}, "Once.").exit_code == 0
    assert world("c1").standing is MemberStanding.FORGIVEN
    world.services = replace(world.services, fleet=fleet("c1", "a"), commit="1" * 40)
    world.reach.calls.clear()
    assert world.apply().exit_code is ExitCode.RUN_FAILED
    assert world.reach.applied() == ["c1"]


@pytest.mark.parametrize(
    ("acks", "reason", "word"),
    [
        ({"wave": 1}, "", "reason_missing"),
        ({"wave": 2}, "x", "ack_differs"),
        ({"credentials": 1}, "x", "ack_differs"),
        ({"other": 1}, "x", "ack_differs"),
    ],
)
def test_a_release_of_what_is_not_held_releases_nothing(
    acks: dict[str, int], reason: str, word: str
) -> None:
    world = World(fleet("a", "c1"))
    world.reach.ends["c1"] = FAILED
    world.apply()
    with pytest.raises(UsageProblem) as stopped:
        world.apply(acks, reason)
    assert stopped.value.reason == word
    assert world.store.record.releases == ()
    assert world.reach.applied() == ["c1"]


def test_a_reason_that_holds_a_secret_is_kept_nowhere() -> None:
    world = World(fleet("a", "c1"))
    world.reach.ends["c1"] = FAILED
    world.apply()
    token = "ghp_" + "a1B2" * 9
    with pytest.raises(UsageProblem) as released:
        world.apply({"wave": 1}, f"It is {token}.")
    with pytest.raises(UsageProblem) as frozen:
        freeze(f"It is {token}.", world.services)
    for stopped in (released.value, frozen.value):
        assert stopped.reason == "reason_secret"
        assert token not in str(stopped)
    assert token not in repr(world.store.record)
    assert world.reach.applied() == ["c1"]


def test_a_reason_of_any_bytes_is_one_that_can_be_written() -> None:
    """As a command line gives it: what isn't UTF-8 comes as half a character."""
    world = World(fleet("a"))
    freeze("It burns \udcff.", world.services)
    assert to_bytes(world.store.record)
    assert "It burns ?." in _body(world.plan()).frozen


def test_a_doubt_stops_the_waves_and_nobody_lets_it_pass() -> None:
    world = World(fleet("a", "c1"))
    world.reach.ends["c1"] = DOUBT
    assert world.apply().exit_code is ExitCode.IN_DOUBT
    assert world.reach.applied() == ["c1"]
    with pytest.raises(UsageProblem) as stopped:
        world.apply({"wave": 1}, "x")
    assert stopped.value.reason == "in_doubt"
    assert world.apply().exit_code is ExitCode.IN_DOUBT
    assert world.reach.applied() == ["c1", "c1"], "each apply looks it up"
    del world.reach.ends["c1"]
    assert world.apply().exit_code is ExitCode.OK
    assert world.reach.applied() == ["c1", "c1", "c1", "a"]


def test_what_is_held_keeps_its_wave_open_and_is_tried_again() -> None:
    world = World(fleet("a", "c1"))
    world.reach.ends["c1"] = HELD
    assert world.apply().exit_code is ExitCode.HELD
    assert world.apply().exit_code is ExitCode.HELD
    assert world.reach.applied() == ["c1", "c1"]
    del world.reach.ends["c1"]
    assert world.apply().exit_code is ExitCode.OK
    assert world.reach.applied() == ["c1", "c1", "c1", "a"]


@pytest.mark.parametrize(
    ("outcomes", "applied"),
    [
        (Outcomes(hold=Counting.PASS), ["c1", "a"]),
        (Outcomes(hold=Counting.COUNT), ["c1"]),
        (Outcomes(), ["c1"]),
    ],
)
def test_what_a_hold_means_is_a_setting(outcomes: Outcomes, applied: list[str]) -> None:
    world = World(fleet("a", "c1")._replace(outcomes=outcomes))
    world.reach.ends["c1"] = HELD
    world.apply()
    assert world.reach.applied() == applied


def test_so_many_may_fail() -> None:
    waves = (Wave(select={"tier": "canary"}, max_failures=Share(1)), Wave(max_failures=Share(1)))
    world = World(fleet("a", "c1", "c2", waves=waves))
    world.reach.ends["c1"] = FAILED
    report = world.apply()
    assert report.exit_code is ExitCode.RUN_FAILED
    assert world.reach.applied() == ["c1", "c2", "a"]


def test_a_soak_is_waited_for_or_left_to_the_next_apply() -> None:
    waves = (Wave(select={"tier": "canary"}, soak=600.0), Wave())
    world = World(fleet("a", "c1", waves=waves))
    world.reach.ends["c1"] = answer("apply", outcomes=[_outcome(world)])
    report = world.apply()
    assert world.reach.applied() == ["c1"]
    body = _body(report)
    assert body.waves[0].opens
    assert {one.name: one.why for one in body.members}["a"] == "wave 1 soaks"
    assert report.exit_code is ExitCode.OK
    world.clock.sleep(60.0)
    assert world.apply(patience=60.0).exit_code is ExitCode.OK
    assert world.reach.applied() == ["c1"]
    assert world.apply(patience=3600.0).exit_code is ExitCode.OK
    assert world.reach.applied() == ["c1", "a"]


def _outcome(world: World) -> dict[str, object]:
    at = world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    events = [{"at": at, "to": "intent"}, {"at": at, "to": "succeeded"}]
    attempt = {"number": 1, "state": "succeeded", "events": events}
    return {"environment": "prod", "name": "a", "attempt": attempt, "failedAt": None}


def test_a_member_that_cannot_be_reached_is_told_and_has_failed() -> None:
    world = World(fleet("a", "c1"))
    world.reach.problems["c1"] = UnreachableError("Nobody answers.")
    report = world.plan()
    assert report.exit_code is ExitCode.UNREACHABLE
    told = {one.name: one for one in _body(report).members}
    assert "Nobody answers" in told["c1"].problem
    assert told["a"].problem == ""
    assert world.apply().exit_code is ExitCode.HELD
    assert world.reach.applied() == []


def test_nobody_is_begun_while_it_is_frozen_not_even_amid_an_apply() -> None:
    world = World(fleet("a", "c1"))

    def burning(name: str) -> None:
        if name == "c1":
            freeze("It burns.", world.services)

    world.reach.meanwhile = burning
    report = world.apply()
    assert world.reach.applied() == ["c1"]
    assert (report.exit_code, report.reason) == (ExitCode.HELD, "frozen")
    assert "It burns." in _body(report).frozen
    assert unfreeze("It is out.", world.services).exit_code is ExitCode.OK
    world.reach.meanwhile = lambda _: None
    assert world.apply().exit_code is ExitCode.OK
    assert world.reach.applied() == ["c1", "a"]


def test_a_variable_freezes_it_likewise() -> None:
    world = World(fleet("a"))
    world.services = replace(world.services, frozen=lambda: "QFLOW_FREEZE is set: no")
    assert (world.apply().exit_code, world.reach.applied()) == (ExitCode.HELD, [])


def test_of_two_applies_one_works_on_a_member() -> None:
    world = World(fleet("a", "b", at_once=2))
    now = world.clock.now()
    theirs = claim("theirs", "grace", now, 60.0)
    world.store.before.append(lambda record: record.claimed(["a"], theirs, now))
    report = world.apply()
    assert world.reach.applied() == ["b"]
    assert report.exit_code is ExitCode.BUSY
    told = {one.name: one for one in _body(report).members}["a"]
    assert told.turn is Turn.WAIT
    assert told.why.startswith("grace works on it, until ")


def test_a_claim_that_is_over_is_taken_over() -> None:
    world = World(fleet("a"))
    now = world.clock.now()
    world.store.record = world.store.record.claimed(["a"], claim("x", "grace", now, 60.0), now)
    assert world.apply().exit_code is ExitCode.BUSY
    world.clock.sleep(61.0)
    assert world.apply().exit_code is ExitCode.OK
    assert world.reach.applied() == ["a"]


def test_so_many_of_a_subscription_are_under_way() -> None:
    several = fleet("a", "b", "x", waves=(Wave(),), at_once=3)
    world = World(several._replace(subscriptions=(Subscription("one", ("a", "b"), 1),)))
    under_way: set[str] = set()
    seen: list[set[str]] = []

    def meanwhile(name: str) -> None:
        held = {each for each, one in world.store.record.members.items() if one.claim}
        under_way.add(name)
        seen.append(held)

    world.reach.meanwhile = meanwhile
    world.apply()
    assert sorted(world.reach.applied()) == ["a", "b", "x"]
    assert not any({"a", "b"} <= held for held in seen)


def sharing(*names: str) -> Fleet:
    """A fleet of which one of a, b and b2 is worked on at a time, and of x."""
    shared = {"one": ("a", "b", "b2"), "two": ("x",)}
    subscriptions = (
        Subscription(name, tuple(each for each in some if each in names), 1)
        for name, some in shared.items()
    )
    every = fleet(*names, waves=(Wave(),), at_once=3)
    return every._replace(subscriptions=tuple(subscriptions))


@pytest.mark.parametrize(
    ("now", "before", "begun"),
    [
        (("a", "x"), [("a", "b", "x")], {"x"}),
        (("a", "x", "b2"), [("a", "b", "x")], {"x"}),
        (("a", "x"), [], set()),
        (("a", "x", "y"), [], {"y"}),
        (("a", "x"), [("a", "b", "x"), ("a", "x")], {"x"}),
    ],
    ids=["removed", "renamed", "unknown", "unknown, and one without", "removed before the last"],
)
def test_who_left_the_file_is_counted_as_long_as_it_is_worked_on(
    now: tuple[str, ...], before: list[tuple[str, ...]], begun: set[str]
) -> None:
    """Where nobody knows of which subscription it is it may be of any."""
    world = World(sharing(*now))
    world.services = replace(world.services, before=tuple(sharing(*each) for each in before))
    at = world.clock.now()
    world.store.record = world.store.record.claimed(["b"], claim("x", "grace", at, 60.0), at)
    world.apply()
    assert set(world.reach.applied()) == begun
    world.clock.sleep(60.0)
    world.apply()
    assert set(world.reach.applied()) == {*now}


def test_who_left_and_was_of_no_subscription_holds_none_back() -> None:
    only = (Subscription("one", ("a",), 1),)
    world = World(fleet("a", waves=(Wave(),))._replace(subscriptions=only))
    world.services = replace(world.services, before=(fleet("a", "b")._replace(subscriptions=only),))
    at = world.clock.now()
    world.store.record = world.store.record.claimed(["b"], claim("x", "grace", at, 60.0), at)
    world.apply()
    assert world.reach.applied() == ["a"]


def test_credentials_go_nowhere_else_before_a_person_says_so() -> None:
    world = World(Fleet(members("a", credentials="ACME"), (Wave(),)))
    world.apply()
    moved = members("a", credentials="ACME")[0]._replace(repository="https://evil.example/x.git")
    world.services = replace(world.services, fleet=Fleet((moved,)))
    world.reach.commits["a"] = "d" * 40
    report = world.apply()
    assert (report.exit_code, report.reason) == (ExitCode.HELD, "members_held")
    assert world.reach.applied() == ["a"]
    (told,) = _body(report).members
    assert "were never used for evil.example/x" in told.why
    assert "--ack credentials=1 --reason TEXT`" in told.way
    assert moved.repository not in world.reach.asked, "no look went there with a token"
    world.plan()
    assert moved.repository not in world.reach.asked
    assert world.apply({"credentials": 1}, "They moved.").exit_code is ExitCode.OK
    assert world.reach.applied() == ["a", "a"]
    assert world.apply().exit_code is ExitCode.OK


def test_a_loosened_wave_does_not_loosen_the_apply_that_brings_it() -> None:
    strict = fleet("a", "c1")
    world = World(fleet("a", "c1", waves=(Wave(max_failures=Share(100, percent=True)),)), strict)
    world.reach.ends["c1"] = FAILED
    world.apply()
    assert world.reach.applied() == ["c1"]


def test_a_claim_by_a_clock_that_is_ahead_is_told_as_such() -> None:
    world = World(fleet("a"))
    ahead = world.clock.now() + timedelta(hours=1)
    world.store.record = world.store.record.claimed(["a"], claim("x", "grace", ahead, 60), ahead)
    told = world("a")
    assert told.turn is Turn.WAIT
    assert told.why.endswith("at most, by a clock that is 3,600 s ahead of this one")


@pytest.mark.parametrize(("seconds", "said"), [(3600, True), (60, False), (-3600, False)])
def test_clocks_that_differ_are_told_before_anything_is_looked_at(seconds: int, said: bool) -> None:
    world = World(fleet("a"))
    at = stamp(world.clock.now() + timedelta(seconds=seconds))
    seen = Seen(MemberStanding.DONE, 0, digest="v1", commit="a" * 40, lock_commit="b" * 40)
    world.store.record = world.store.record.worked("a", seen, at)
    words: list[events.Event] = []
    looks = plan(world.services)
    with suppress(StopIteration):
        while True:
            words.append(next(looks))
    told = [each.text for each in words if isinstance(each, events.Said)]
    assert [each.split(" was written ")[0] for each in told] == ["What fleet.lock says of a"] * said


def test_a_soak_is_no_longer_for_a_members_clock_that_is_ahead() -> None:
    waves = (Wave(select={"tier": "canary"}, soak=600.0), Wave())
    world = World(fleet("a", "c1", waves=waves))
    at = world.clock.now()
    world.clock.set(at + timedelta(days=1))
    world.reach.ends["c1"] = answer("apply", outcomes=[_outcome(world)])
    world.clock.set(at)
    world.apply()
    assert world.reach.applied() == ["c1"]
    world.clock.sleep(602.0)
    world.apply()
    assert world.reach.applied() == ["c1", "a"]


def test_what_fleet_lock_said_when_the_fleet_was_read_is_not_asked_for_again() -> None:
    class Asked(FakeFleetStore):
        def read(self) -> FleetRecord:
            raise AssertionError

    world = World(fleet("a", "c1"))
    world.apply()
    kept = world.store.record
    world.services = replace(world.services, store=Asked(kept), begin=kept)
    assert world.plan().exit_code is ExitCode.OK
    assert status(world.services).exit_code is ExitCode.OK
    assert world.apply().exit_code is ExitCode.OK


@pytest.mark.parametrize(
    "change",
    [{"environment": "dev"}, {"project": "payments"}, {"environment": "x", "project": "y"}],
)
def test_what_was_done_in_another_part_of_a_repository_is_not_done_here(
    change: dict[str, Any],
) -> None:
    """Neither commit moves where fleet.yaml names another environment or folder of it."""
    world = World(fleet("c1", "a"))
    assert world.apply().exit_code == 0
    world.reach.done.clear()
    canary, other = world.services.fleet.members
    changed = world.services.fleet._replace(members=(canary._replace(**change), other))
    world.services = replace(world.services, fleet=changed, commit="1" * 40)
    told = status(world.services).body
    assert isinstance(told, FleetTold)
    assert told.members[0].standing is MemberStanding.UNSENT
    assert (world("c1").turn, world("a").turn) == (Turn.RUN, Turn.SKIP)
    world.reach.calls.clear()
    assert world.apply().exit_code == 0
    assert world.reach.applied() == ["c1"]
    assert world("c1").turn is Turn.SKIP


def test_status_asks_nobody() -> None:
    world = World(fleet("a", "c1"))
    world.apply()
    calls = len(world.reach.calls)
    report = status(world.services, exit_code=True)
    assert report.exit_code is ExitCode.OK
    assert len(world.reach.calls) == calls
    assert {one.standing for one in _body(report).members} == {MemberStanding.DONE}


def test_a_plan_answers_whether_anything_is_to_be_done() -> None:
    world = World(fleet("a", "c1"))
    report = world.plan(exit_code=True)
    assert (report.exit_code, report.reason) == (ExitCode.PENDING, "pending")
    turns = {one.name: one.turn for one in _body(report).members}
    assert turns == {"c1": Turn.RUN, "a": Turn.WAIT}
    world.apply()
    assert world.plan(exit_code=True).exit_code is ExitCode.OK


def test_what_is_done_is_planned_again_only_where_something_moved() -> None:
    world = World(fleet("a", "c1"))
    world.apply()
    world.reach.calls.clear()
    world.plan()
    assert world.reach.calls == []
    world.reach.commits["a"] = "d" * 40
    world.plan()
    assert world.reach.calls == [("plan", "a")]


def test_one_write_for_several_that_end_together() -> None:
    world = World(fleet(*(f"m{n}" for n in range(20)), waves=(Wave(),), at_once=10))
    world.apply()
    assert len(world.reach.applied()) == 20
    assert world.store.writes <= 21


def test_an_apply_plans_nobody_first() -> None:
    """Each member's own apply plans it; what moved is due until then."""
    world = World(fleet("a", "c1"))
    world.apply()
    assert {command for command, _ in world.reach.calls} == {"apply"}


def test_what_somebody_sent_who_died_soaks_from_when_that_is_seen() -> None:
    waves = (Wave(select={"tier": "canary"}, soak=600.0), Wave())
    world = World(fleet("a", "c1", waves=waves))
    world.apply()
    world.clock.sleep(3600.0)
    world.apply()
    assert world.reach.applied() == ["c1", "a"]
    world.reach.commits |= {"c1": "d" * 40, "a": "d" * 40}
    report = world.apply()  # c1 was sent by a process that died: nothing is left to send there
    assert world.reach.applied() == ["c1", "a", "c1"]
    assert _body(report).waves[0].opens
    world.clock.sleep(601.0)
    world.apply()
    assert world.reach.applied() == ["c1", "a", "c1", "a"]


LENIENT = (CANARY._replace(max_failures=Share(9)), Wave(max_failures=Share(9)))


@pytest.mark.parametrize(
    ("under_way", "in_doubt", "standing", "applied"),
    [
        (0, 1, MemberStanding.DOUBT, ["c1"]),
        (1, 0, MemberStanding.OPEN, ["c1"]),
        (0, 0, MemberStanding.FAILED, ["c1", "a"]),
    ],
)
def test_a_process_that_gave_no_answer_may_have_sent_something(
    under_way: int, in_doubt: int, standing: MemberStanding, applied: list[str]
) -> None:
    """It was killed: a failure that may pass is only what is known to be none of the others."""
    world = World(fleet("a", "c1", waves=LENIENT))
    left = answer("plan", environments={"prod": {"underWay": under_way, "inDoubt": in_doubt}})
    world.reach.ends["c1"] = left
    world.reach.killed.add("c1")
    report = world.apply()
    assert world.reach.applied() == applied
    (told,) = (one for one in _body(report).members if one.name == "c1")
    assert (told.standing, told.exit_code) == (standing, 137)


def test_a_member_that_another_process_works_on_has_not_failed() -> None:
    world = World(fleet("a", "c1"))
    world.reach.problems["c1"] = BusyError("Another process works on this member.")
    report = world.apply()
    assert report.exit_code is ExitCode.BUSY
    assert world.reach.applied() == []
    assert not _body(report).stopped
    del world.reach.problems["c1"]
    assert world.apply().exit_code is ExitCode.OK


def test_a_member_that_was_asked_to_end_goes_on_the_next_time() -> None:
    world = World(fleet("a", "c1"))
    world.reach.ends["c1"] = answer("apply", ("wait", "after"), code=ExitCode.SIGTERM)
    report = world.apply()
    assert report.exit_code is ExitCode.STILL_RUNNING, "nobody asked this process"
    assert not _body(report).stopped
    del world.reach.ends["c1"]
    world.reach.done.clear()
    assert world.apply().exit_code is ExitCode.OK
    assert world.reach.applied() == ["c1", "c1", "a"]


def test_what_fails_in_another_apply_stops_the_wave_here_as_well() -> None:
    world = World(fleet("a", "b", "x", waves=(Wave(),)))

    def by_another(record: FleetRecord) -> FleetRecord:
        seen = Seen(MemberStanding.FAILED, 1, "failed", digest="v1", commit="a" * 40)
        return record.worked("x", seen, "2026-01-02T03:04:05Z")

    world.reach.meanwhile = lambda name: world.store.before.extend([by_another] * (name == "a"))
    report = world.apply()
    assert world.reach.applied() == ["a"]
    assert _body(report).stopped


def test_what_another_apply_did_at_an_older_commit_is_not_done() -> None:
    world = World(fleet("a", "c1"))

    def by_another(record: FleetRecord) -> FleetRecord:
        seen = Seen(MemberStanding.DONE, 0, "ok", digest="v1", commit="9" * 40)
        return record.worked("c1", seen, "2026-01-02T03:04:05Z")

    world.store.before.append(by_another)
    world.apply()
    assert world.reach.applied() == ["c1", "a"]


def test_what_was_all_over_last_holds_whatever_came_since() -> None:
    strict, loose = fleet("a", "c1"), fleet("a", "c1", waves=(Wave(),))
    world = World(loose, strict)
    world.services = replace(world.services, before=(strict, loose))
    world.reach.ends["c1"] = HELD
    world.apply()
    assert world.reach.applied() == ["c1"]
    record = FleetRecord(commit="a" * 40).opened(1, "b" * 40, UNTIL).opened(1, "c" * 40, UNTIL)
    assert (record.commit, record.base) == ("c" * 40, "a" * 40)
    assert record.settled().opened(1, "d" * 40, UNTIL).base == "c" * 40


def test_a_person_lets_go_of_a_member_that_could_not_even_be_planned() -> None:
    """Its report has no digest: what was told of it is what is let go, and not tried again."""
    world = World(fleet("a", "c1"))
    world.reach.refused["c1"] = InvalidInput("Its settings are invalid.")
    assert _body(world.apply()).stopped
    world.apply({"wave": 1}, "It is a test account.")
    assert world.reach.applied() == ["a"]


def test_an_outage_that_was_forgiven_is_none_at_a_later_commit_of_the_fleet() -> None:
    world = World(fleet("a", "c1"))
    world.reach.problems["c1"] = UnreachableError("Nobody answers.")
    assert world.apply().exit_code is ExitCode.HELD
    world.apply({"wave": 1}, "Its host is being moved.")
    assert world.reach.applied() == ["a"]
    world.services = replace(world.services, commit="e" * 40)
    world.reach.commits["a"] = "d" * 40
    world.apply()
    world.apply()
    assert world.reach.applied() == ["a"]


def test_a_plan_names_in_what_the_file_holds_less_than_what_was_applied() -> None:
    before = fleet("a", "c1")
    world = World(fleet("a", "c1", at_once=2), before)
    assert _body(world.plan()).loosened == ("apply.atOnce: 1 → 2",)
    assert _body(World(before).plan()).loosened == ()
