"""Where a lockfile belongs, as its head says it."""

from dataclasses import replace

import pytest

from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.pieces import head_to_bytes
from qflow_gitops.lockfile.places import (
    Site,
    closed,
    folder_of,
    hashed,
    is_known,
    is_open,
    known_at,
    site_of,
)
from qflow_gitops.lockfile.walk import PLAIN, Changed, Walk
from qflow_gitops.stores.checks import fits

AT = "2026-10-06T12:00:00Z"
BY = {"actor": "ada"}
PLACE = known_at("lineage", "host.example/runs", AT, BY)


def test_an_address_is_hashed_with_the_lineage() -> None:
    """The value is that of coreutils: printf 'lineage\\nhost.example/runs' | sha256sum."""
    expected = "fa70fb75c120d73b4520f2319005f25007467bfd2abab7feb599b2470b89b951"
    assert hashed("lineage", "host.example/runs") == f"sha256:{expected}"
    assert hashed("other", "host.example/runs") != hashed("lineage", "host.example/runs")
    assert hashed("lineage", "") == hashed("lineage", "no remote")


def test_one_that_names_no_place_belongs_anywhere() -> None:
    assert is_known(Lockfile("lineage"), "anywhere.example/runs")
    lockfile = Lockfile("lineage", places=(PLACE,))
    assert is_known(lockfile, "host.example/runs")
    assert not is_known(lockfile, "anywhere.example/runs")
    assert not is_known(lockfile, "")


def test_places_stand_in_the_head_and_come_back() -> None:
    notes = (Note("", "", PLACE), Note("", "", LedgerEvent(AT, "frozen", {"nonce": "1"})))
    lockfile = Lockfile("lineage", 1).marked(
        Checkpoint("prod", "1" * 40, "1" * 40, notes, "teams/pay")
    )
    assert lockfile.places == (PLACE,)
    assert len(lockfile.freezes) == 1  # a place holds nothing
    again = from_bytes(to_bytes(lockfile), "x")
    assert (again.places, again.notes) == (lockfile.places, lockfile.notes)
    assert again.environment("prod").folder == "teams/pay"


def test_the_folder_goes_with_what_was_applied_through() -> None:
    lockfile = Lockfile("lineage").marked(Checkpoint("prod", "1" * 40, "1" * 40, (), "a"))
    lockfile = lockfile.marked(Checkpoint("prod", "2" * 40))
    assert lockfile.environment("prod").folder == "a"
    lockfile = lockfile.marked(Checkpoint("prod", "2" * 40, "2" * 40, (), "."))
    assert lockfile.environment("prod").folder == "."


@pytest.mark.parametrize(("folder", "name"), [("", None), (".", ""), ("a/b", "a/b"), (".c", ".c")])
def test_the_folder_of_a_project(folder: str, name: str | None) -> None:
    found = folder_of(EnvironmentRecord(folder=folder))
    assert (found.name if found else None) == name


def test_places_only_grow() -> None:
    """Whoever takes one away, or changes one, is named; also one who takes the folder away."""
    old = Lockfile("lineage", 1, places=(PLACE,))
    old = old.marked(Checkpoint("prod", "1" * 40, "1" * 40, (), "a"))
    other = known_at("lineage", "fork.example/runs", AT, BY)
    for places, said in (
        ((), "Event 1 of its places is gone: known at"),
        ((other,), "Event 1 of its places was changed: known at"),
        ((PLACE, other), ""),
    ):
        new = replace(old, serial=2, places=places)
        (problem,) = [*_problems(old, new)] or [""]
        assert problem.startswith(said)
        assert bool(problem) is bool(said)
    record = old.environment("prod")._replace(folder="")
    (problem,) = _problems(old, replace(old, serial=2, environments={"prod": record}))
    assert problem == "The environment prod has lost the folder of its project, a."


def _problems(old: Lockfile, new: Lockfile) -> list[str]:
    walk = Walk(fits=fits)
    contents = head_to_bytes(old), head_to_bytes(new)
    return list(walk.step([Changed("qflow.lock", PLAIN, *contents)]))


def test_a_site_says_what_it_is_and_how_to_go_there() -> None:
    branch = Site("branch", "qflow-lock", "origin", address="sha256:1")
    assert str(branch) == "branch qflow-lock of origin"
    assert branch.options == "--to branch --branch qflow-lock --remote origin"
    assert site_of(branch.to_json()) == branch
    assert branch.is_same(branch._replace(remote="upstream"))
    assert not branch.is_same(branch._replace(address="sha256:2"))
    assert not branch.is_same(None)
    assert str(Site("worktree", folder=".")) == "qflow.lock"
    assert str(Site("worktree", folder="teams/pay")) == "teams/pay/qflow.lock"
    odd = Site("branch", "a b", "o;p")
    assert odd.options == "--to branch --branch 'a b' --remote 'o;p'"


@pytest.mark.parametrize(
    "data",
    [
        None,
        "branch",
        {},
        {"store": ""},
        {"store": "branch", "branch": 1},
        {"store": "moon", "branch": "a", "remote": "b"},
        {"store": "branch", "remote": "b"},
    ],
)
def test_what_is_no_site(data: object) -> None:
    assert site_of(data) is None


def test_an_event_that_is_not_known_here_closes_it() -> None:
    """Whoever wrote it may have meant just that."""
    lockfile = Lockfile("lineage", places=(PLACE, LedgerEvent(AT, "sealed", {})))
    assert not is_open(lockfile)
    problem = closed(lockfile, "qflow.lock")
    assert problem is not None
    assert (problem.reason, "says `sealed`" in problem.message) == ("lock_newer", True)
