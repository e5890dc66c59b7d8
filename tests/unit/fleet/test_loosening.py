"""In what a newer fleet.yaml holds members less: each of its rules, and nothing else."""

from typing import Any

import pytest

from qflow_gitops.policy.rollout import Share
from qflow_gitops.policy.waves import Counting, Outcomes, Wave
from qflow_gitops.settings.fleet import Fleet, FleetMember, Subscription
from qflow_gitops.settings.fleet_loosening import loosened
from tests.unit.fleet.test_applying import members

FIRST = Wave({"tier": "canary"}, None, Share(0), 1800.0)
HALF = Wave(None, 50, Share(5, percent=True))
STRICT = Fleet(
    members("c1", "a", "b", "d"),
    (FIRST, HALF, Wave()),
    (Subscription("acme", ("a", "b", "c1")),),
    at_once=4,
)
UNLABELLED = tuple(one._replace(labels={}) for one in STRICT.members)
SHARED = STRICT.subscriptions[0]


def waves(*given: Wave) -> dict[str, Any]:
    return {"waves": given}


LOOSER: list[tuple[dict[str, Any], list[str]]] = [
    (
        waves(FIRST._replace(max_failures=Share(5, percent=True)), HALF, Wave()),
        ["wave 1: maxFailures 0 → 5%"],
    ),
    (
        waves(FIRST, HALF._replace(max_failures=Share(3)), Wave()),
        ["wave 2: maxFailures 5% → 3"],
    ),
    (waves(FIRST, HALF, Wave(max_failures=Share(1))), ["wave 3: maxFailures 0 → 1"]),
    (waves(FIRST, HALF, Wave(None, 90), Wave(max_failures=Share(1))),
     ["wave 4: maxFailures 0 → 1"]),
    (waves(FIRST._replace(soak=60.0), HALF, Wave()), ["wave 1: soak 1800 s → 60 s"]),
    (waves(FIRST, HALF._replace(percent=75), Wave()), ["in an earlier wave: b (wave 3 → 2)"]),
    (
        waves(Wave(max_failures=Share(0), soak=1800.0)),
        ["in an earlier wave: a (wave 2 → 1), b (wave 3 → 1), d (wave 3 → 1)"],
    ),
    (
        {"members": (*STRICT.members[1:], STRICT.members[0]._replace(labels={}))},
        ["in an earlier wave: b (wave 3 → 2)"],
    ),
    (
        {"members": (*STRICT.members[:3],
                     STRICT.members[3]._replace(name="x", labels={"tier": "canary"}))},
        ["in an earlier wave: x (wave 3 → 1)"],
    ),
    (
        {"members": STRICT.members[1:]},
        ["in an earlier wave: b (wave 3 → 2)", "not waited for any more: c1 (wave 1)"],
    ),
    (
        {"outcomes": Outcomes(doubt=Counting.COUNT, hold=Counting.PASS)},
        ["outcomes.doubt: wait → count", "outcomes.hold: wait → pass"],
    ),
    ({"subscriptions": (SHARED._replace(at_once=2),)}, ["subscriptions.acme.atOnce: 1 → 2"]),
    (
        {"subscriptions": (SHARED._replace(members=("b", "c1")),)},
        ["subscriptions.acme: no more of a"],
    ),
    ({"subscriptions": ()}, ["subscriptions.acme: no more of a, b, c1"]),
    ({"at_once": 16}, ["apply.atOnce: 4 → 16"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), LOOSER)
def test_what_holds_less_is_named(change: dict[str, Any], said: list[str]) -> None:
    assert loosened(STRICT, STRICT._replace(**change)) == said


def test_every_rule_of_a_fleet_is_compared() -> None:
    """A rule that is added to fleets has to be added here, too."""
    named = {name for change, _ in LOOSER for name in change}
    assert named == {*Fleet._fields} - {"time", "memory"}


STRICTER: list[dict[str, Any]] = [
    {},
    waves(FIRST._replace(soak=3600.0), HALF._replace(max_failures=Share(4, percent=True))),
    waves(FIRST, HALF._replace(max_failures=Share(0))),
    waves(Wave(None, 10, soak=1800.0), FIRST, Wave(None, 50), Wave()),
    {"subscriptions": (SHARED, Subscription("more", ("a", "d")))},
    {"members": STRICT.members[:1], "subscriptions": (SHARED._replace(members=("c1",)),)},
    {"at_once": 1, "time": 7200.0, "memory": 2**31},
]


@pytest.mark.parametrize("change", STRICTER)
def test_what_holds_as_much_is_not_named(change: dict[str, Any]) -> None:
    assert loosened(STRICT, STRICT._replace(**change)) == []


def test_what_passed_before_can_only_hold_more() -> None:
    before = STRICT._replace(outcomes=Outcomes(failure=Counting.PASS))
    assert loosened(before, STRICT) == []
    assert loosened(STRICT, before) == ["outcomes.failure: count → pass"]


def test_of_many_members_some_are_named() -> None:
    many = tuple(FleetMember(f"m{number}", f"/srv/{number}") for number in range(1000))
    before = Fleet(many, (Wave(None, 1), Wave()))
    (said,) = loosened(before, Fleet(many, (Wave(),)))
    assert said == (
        "in an earlier wave: m10 (wave 2 → 1), m11 (wave 2 → 1), m12 (wave 2 → 1), and 987 more"
    )
