"""Which branches a pattern stands for, and what is said of a commit that is on none."""

import time

import pytest

from qflow_gitops.ports.git import RemoteBranches
from qflow_gitops.sources.branches import BranchRule, is_named, unmerged

HERE, THERE = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("main", ["main"], ["Main", "main2", "x/main", "main/x"]),
        ("release/*", ["release/1", "release/1.0-rc"], ["release", "release/1/x", "x/release/1"]),
        ("*", ["main", "dev"], ["release/1"]),
        ("*/main", ["x/main"], ["main", "x/y/main"]),
        ("v*.x", ["v1.x", "v.x"], ["v1.y", "v1/2.x"]),
        ("hotfix/**", ["hotfix/1", "hotfix/a/b/c"], ["hotfix", "x/hotfix/1"]),
        ("team-*/**", ["team-a/x/y"], ["team/x"]),
        ("**", ["main", "a/b/c"], []),
    ],
)
def test_a_star_stays_within_a_part_and_two_stand_for_the_rest(
    pattern: str, yes: list[str], no: list[str]
) -> None:
    assert [one for one in yes if not is_named(one, [pattern])] == []
    assert [one for one in no if is_named(one, [pattern])] == []


def test_many_stars_take_no_time() -> None:
    begun = time.process_time()
    assert not is_named("a" * 200, ["*a" * 99 + "b"])
    assert time.process_time() - begun < 1


class Known:
    """Branches as a clone and a remote have them; `asks` counts how often the remote was asked."""

    def __init__(
        self,
        remotes: tuple[str, ...] = ("origin",),
        here: tuple[str, ...] = (),
        head: str = "",
        tracked: tuple[str, str] = ("", ""),
        now: RemoteBranches | None = None,
        reached: bool | None = False,
    ) -> None:
        self.asks = 0
        self._remotes, self._here, self._head = remotes, here, head
        self._tracked, self._now, self._reached = tracked, now, reached

    def remote(self, preferred: str) -> str:
        return preferred if preferred in self._remotes else ""

    def current(self) -> str:
        return ""

    def tracked(self) -> tuple[str, str]:
        return self._tracked

    def head_of(self, remote: str) -> str:
        return self._head

    def holding(self, commit: str, remote: str) -> tuple[str, ...]:
        return self._here

    def ask(self, remote: str) -> RemoteBranches:
        self.asks += 1
        return self._now or RemoteBranches(answered=False)

    def reached(self, commit: str, tips: object, remote: str) -> bool | None:
        return self._reached if tips else False


NOW = RemoteBranches(True, "main", {"main": THERE, "release/1": THERE})
DEFAULT, LISTED = BranchRule("origin", ()), BranchRule("origin", ("release/*",))


def test_what_the_clone_knows_is_enough() -> None:
    known = Known(here=("main",), head="main")
    assert unmerged(known, [DEFAULT], HERE, ask=True) is None
    assert known.asks == 0


def test_a_plan_asks_nobody() -> None:
    known = Known(head="main", now=NOW)
    found = unmerged(known, [DEFAULT], HERE, ask=False)
    assert found is not None
    assert (found.where, found.sure, known.asks) == ("main of origin", False, 0)


@pytest.mark.parametrize(("reached", "sure"), [(True, None), (False, True), (None, False)])
def test_the_remote_has_the_last_word(reached: bool | None, sure: bool | None) -> None:
    """What can't be told isn't taken for merged."""
    found = unmerged(Known(head="main", now=NOW, reached=reached), [DEFAULT], HERE, ask=True)
    assert (found.sure if found else None) is sure


def test_every_end_has_to_let_it_in() -> None:
    known = Known(here=("release/1",), head="main", now=NOW)
    assert unmerged(known, [LISTED], HERE, ask=True) is None
    found = unmerged(known, [LISTED, DEFAULT], HERE, ask=True)
    assert found is not None
    assert found.where == "main of origin"


def test_no_branch_of_a_list_is_there_at_all() -> None:
    now = RemoteBranches(True, "main", {"main": HERE})
    found = unmerged(Known(here=("main",), now=now), [LISTED], HERE, ask=True)
    assert found is not None
    assert (found.where, found.sure) == ("release/* of origin", True)


def test_where_nothing_names_a_branch_there_is_no_check() -> None:
    for known in (Known(remotes=()), Known(now=RemoteBranches(answered=True)), Known()):
        assert unmerged(known, [DEFAULT], HERE, ask=True) is None


def test_the_tracked_branch_counts_where_the_remotes_head_names_none() -> None:
    for now in (RemoteBranches(True, "", {"work": THERE}), None):
        known = Known(tracked=("origin", "work"), now=now)
        found = unmerged(known, [DEFAULT], HERE, ask=True)
        assert found is not None
        assert (found.where, found.sure) == ("work of origin", now is not None)
    assert (
        unmerged(Known(remotes=(), here=("main",), tracked=("", "main")), [DEFAULT], HERE, ask=True)
        is None
    )
