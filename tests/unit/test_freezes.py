"""Which freezes hold, in words, and what a freeze does to a plan: it puts off, and no more."""

import shlex

import pytest

from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, freezes_of
from qflow_gitops.plan import change, decide
from qflow_gitops.plan.change import Action, Reason
from qflow_gitops.plan.context import Context, Overrides
from qflow_gitops.settings.project import without_file
from qflow_gitops.specs.load import load
from tests.helpers.specs import spec


def event(what: str, reason: str = "") -> LedgerEvent:
    return LedgerEvent("2026-10-06T09:30:00Z", what, {"reason": reason})


@pytest.mark.parametrize(
    ("events", "holding"),
    [
        ("", ""),
        ("f", "0"),
        ("ff", "01"),
        ("fu", ""),
        ("ffu", ""),
        ("fuf", "2"),
        ("uff", "12"),
        ("fufuff", "45"),
        ("fx", "01"),  # what this version doesn't know may be a freeze
        ("x", "0"),
    ],
)
def test_what_came_after_the_last_unfreeze_holds(events: str, holding: str) -> None:
    names = {"f": "frozen", "u": "unfrozen", "x": "something new"}
    all_of_them = [event(names[one], str(place)) for place, one in enumerate(events)]
    assert "".join(one.text("reason") for one in freezes_of(all_of_them)) == holding


def test_nobody_and_nothing_are_words_too() -> None:
    (one,) = freezes.recorded([LedgerEvent("2026-10-06T09:30:00Z", "frozen", {"by": 7})])
    assert one.detail == ("somebody froze everything at 2026-10-06T09:30:00Z, and gives no reason")


def test_all_that_holds_is_said_and_each_way_on_once() -> None:
    both = (
        *freezes.recorded([event("frozen", "a"), event("frozen", "b")]),
        *freezes.by_variable(" c\nd "),
        freezes.by_file("-x y", "e"),
        freezes.by_unreadable_file("z", "Permission denied"),
    )
    for word in (": a", ": b", ": c d", ": e", "Permission denied"):
        assert word in freezes.describe(both)
    assert freezes.way_on(both).count(freezes.UNFREEZE) == 1
    assert f"`rm {shlex.quote('./-x y')}`" in freezes.way_on(both)


def test_a_reason_that_is_a_secret_by_mistake_is_not_shown() -> None:
    """A file named by mistake, say: its first line would be in every log, and in the lockfile."""
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5"
    for one in (*freezes.by_variable(f"see {token}"), freezes.by_file("x", f"{token}\n")):
        assert token not in str(one)
        assert "a GitHub token" in one.detail


def test_an_empty_variable_freezes_nothing() -> None:
    assert freezes.by_variable("") == freezes.by_variable(" \n") == ()


def frozen(reason: str) -> change.Plan:
    project = without_file("US1")
    files = {"runs/a.yaml": spec("a").encode(), "runs/b.yaml": spec("b", 2).encode()}
    specs = load(files, project)
    brakes = Overrides(freezes.by_variable(reason))
    return decide.compute(specs, Context(project, Lockfile("x"), ("default",), brakes))


def test_a_thawed_plan_is_the_plan_without_a_freeze() -> None:
    free, held = frozen(""), frozen("incident")
    assert {one.reason for one in held.changes} == {Reason.FROZEN}
    assert {one.due for one in held.changes} == {Reason.ADDED}
    assert held.of(Action.RUN) == ()
    assert held.digest != free.digest == held.thawed.digest == free.thawed.digest
    assert {one.key for one in held.thawed.of(Action.RUN)} == {one.key for one in free.changes}
