"""Whose attempts count for a run: by the lockfile, and by what specs and settings say."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.inheritance import Inheritance, Origin, recorded_origins, successor
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.settings.project import Environment, Project
from qflow_gitops.specs.spec import RunSpec

AT = "2026-01-01T00:00:{:02d}Z"
DEV, PROD = ("dev", "a"), ("prod", "a")


def a_spec(name: str, previous: str = "", environment: str = "prod") -> RunSpec:
    return RunSpec(environment, name, "w", (), {}, {}, 0, {}, {}, previous, (), "runs/a.yaml", 0)


def project(*previous: str) -> Project:
    return Project(("runs",), "prod", {"prod": Environment("prod", "EU2", None, previous)})


def sent(lockfile: Lockfile, key: RunKey, count: int = 1) -> Lockfile:
    """Record attempts, each with a digest of its own."""
    for _ in range(count):
        number = len(lockfile.attempts(*key)) + 1
        at = AT.format(sum(len(lockfile.attempts(*one)) for one in KEYS))
        event = Event(at, State.BASELINED)
        made = Attempt(number, State.BASELINED, f"{'/'.join(key)}#{number}", (event,))
        lockfile = lockfile.recorded([Transition(*key, number, event, opens=made)])
    return lockfile


KEYS = [(environment, name) for environment in ("dev", "prod") for name in "abcde"]


def inherited(lockfile: Lockfile, settings: Project, specs: Iterable[RunSpec]) -> Inheritance:
    return Inheritance(lockfile, settings, {one.key: one for one in specs})


def applied(lockfile: Lockfile, settings: Project, specs: Iterable[RunSpec]) -> Lockfile:
    """Record what the next apply does of names."""
    notes = inherited(lockfile, settings, specs).notes("prod", AT.format(59), {"actor": "ada"})
    return lockfile.marked(Checkpoint(notes=notes))


def digests(
    lockfile: Lockfile, settings: Project, specs: Iterable[RunSpec], key: RunKey
) -> list[str]:
    found = inherited(lockfile, settings, specs).attempts(key)
    return [one.attempt.digest for one in found]


def test_what_an_apply_records_changes_nothing_about_what_counts() -> None:
    lockfile = sent(Lockfile("x"), ("prod", "a"), 2)
    specs = [a_spec("b", "a")]
    before = digests(lockfile, project(), specs, ("prod", "b"))
    assert before == ["prod/a#1", "prod/a#2"]
    recorded = applied(lockfile, project(), specs)
    assert digests(recorded, project(), specs, ("prod", "b")) == before
    assert digests(recorded, project(), [a_spec("b")], ("prod", "b")) == before
    assert applied(recorded, project(), specs) == recorded


def test_what_the_old_name_sends_later_is_its_own() -> None:
    lockfile = applied(sent(Lockfile("x"), ("prod", "a")), project(), [a_spec("b", "a")])
    lockfile = sent(lockfile, ("prod", "a"))
    assert digests(lockfile, project(), [a_spec("b", "a")], ("prod", "b")) == ["prod/a#1"]
    assert len(digests(lockfile, project(), [a_spec("a")], ("prod", "a"))) == 2


def test_a_chain_is_written_out() -> None:
    """So that what happens to a name in the middle later changes nothing."""
    lockfile = applied(sent(Lockfile("x"), ("prod", "a")), project(), [a_spec("b", "a")])
    lockfile = applied(lockfile, project(), [a_spec("c", "b")])
    assert recorded_origins(lockfile, ("prod", "c")) == (
        Origin("prod", "a", 1),
        Origin("prod", "b", 0),
    )


def test_an_environments_runs_are_carried_over_with_and_without_specs() -> None:
    """A doubt of a run without a spec is not to get out of sight."""
    lockfile = sent(sent(Lockfile("x"), ("dev", "a")), ("dev", "b"))
    recorded = applied(lockfile, project("dev"), [a_spec("a")])
    assert recorded_origins(recorded, ("prod", "a")) == (Origin("dev", "a", 1),)
    assert recorded_origins(recorded, ("prod", "b")) == (Origin("dev", "b", 1),)
    assert successor(lockfile, project("dev"), "dev") == "prod"
    assert successor(lockfile, project(), "dev") == ""
    assert successor(recorded, project(), "dev") == "prod"  # the lockfile remembers


def test_an_environment_that_exists_keeps_its_runs() -> None:
    lockfile = sent(Lockfile("x"), ("dev", "a"))
    both = Project(
        ("runs",), "prod",
        {"prod": Environment("prod", "EU2", None, ("dev",)), "dev": Environment("dev", "EU2")},
    )  # fmt: skip
    assert digests(lockfile, both, [a_spec("a")], ("prod", "a")) == []


@pytest.mark.parametrize(
    ("others", "contradicted"),
    [([], False), ([a_spec("a")], True), ([a_spec("a", "c")], False), ([a_spec("a", "z")], True)],
    ids=["gone", "goes on", "moved on", "says it moved on from nothing"],
)
def test_a_run_that_goes_on_keeps_what_it_sent(others: list[RunSpec], contradicted: bool) -> None:
    lockfile = sent(sent(Lockfile("x"), ("prod", "a")), ("prod", "c"))
    one = a_spec("b", "a")
    found = inherited(lockfile, project(), [one, *others])
    assert found.contradicted(one) == contradicted
    assert bool(found.attempts(("prod", "b"))) != contradicted


@given(st.permutations("bcde"), st.lists(st.booleans(), min_size=4, max_size=4))
def test_whatever_is_renamed_nothing_that_was_sent_is_forgotten(
    names: list[str], sends: list[bool]
) -> None:
    """One run goes from name to name, and sends something now and then: all of it counts."""
    lockfile, before, expected = sent(Lockfile("x"), ("prod", "a")), "a", ["prod/a#1"]
    for name, something in zip(names, sends, strict=True):
        lockfile = applied(lockfile, project(), [a_spec(name, before)])
        before = name
        if something:
            lockfile = sent(lockfile, ("prod", name))
            expected.append(f"prod/{name}#1")
        assert digests(lockfile, project(), [a_spec(name)], ("prod", name)) == expected


def test_a_word_that_was_recorded_is_only_a_memory() -> None:
    """To take over a second time what the old name sent since, a person says so (`baseline`)."""
    lockfile = applied(sent(Lockfile("x"), ("prod", "a")), project(), [a_spec("b", "a")])
    lockfile = applied(lockfile, project(), [a_spec("a", "b")])
    lockfile = sent(lockfile, ("prod", "a"))
    found = inherited(lockfile, project(), [a_spec("b", "a")])
    assert not found.contradicted(a_spec("b", "a"))
    assert [one.attempt.digest for one in found.attempts(("prod", "b"))] == ["prod/a#1"]
