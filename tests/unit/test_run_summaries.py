"""A lockfile of which only what is asked for is read is the lockfile."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from qflow_gitops.cache.database import SqliteCache
from qflow_gitops.cache.run_summaries import RunSummaries
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.pieces import PieceSummary
from qflow_gitops.lockfile.runs import LazyRuns, overview_of
from qflow_gitops.lockfile.states import State
from qflow_gitops.lockfile.summary import RunSummary, glance
from qflow_gitops.stores.worktree_glance import Glance


class Kept:
    """Implements `ports.lockfile.Summaries` in memory; what was asked for and wasn't there."""

    def __init__(self) -> None:
        self.found: dict[str, PieceSummary] = {}
        self.wholes: dict[str, bytes] = {}
        self.missed = 0

    def known(self, blobs: Sequence[str]) -> Mapping[str, PieceSummary]:
        self.missed += sum(blob not in self.found for blob in blobs)
        return {blob: self.found[blob] for blob in blobs if blob in self.found}

    def keep(self, found: Mapping[str, PieceSummary]) -> None:
        self.found |= found

    def whole(self, where: str) -> bytes | None:
        return self.wholes.get(where)

    def keep_whole(self, where: str, found: bytes) -> None:
        self.wholes[where] = found


def attempt(number: int, state: State, digest: str, file: str) -> Attempt:
    events = [Event("2026-01-01T00:00:00Z", State.INTENT)]
    if state is not State.INTENT:
        events.append(Event("2026-01-01T00:00:01Z", State.ACCEPTED))
        events.append(Event("2026-01-01T00:00:02Z", state))
    execution = "" if state is State.INTENT else f"{file}-{number}-{digest}"
    facts = {"file": file, "platform": "EU2", "odd": 'a "quoted" {\n        } text'}
    return Attempt(number, state, digest, tuple(events), execution, "", facts)


UNSENT = Attempt(
    1,
    State.UNSENT,
    "d9",
    (Event("2026-01-01T00:00:00Z", State.INTENT), Event("2026-01-01T00:00:01Z", State.UNSENT)),
)
"""Alone in its environment, with no digest that is spent and no file."""
AT = "2026-01-01T00:00:00Z"
CARRIED = LedgerEvent(AT, "carried", {"from": "prod/a", "through": 1})
"""Two of its three runs have no attempt."""
RECORD = Lockfile(
    "lineage",
    7,
    {
        "prod": EnvironmentRecord(
            "c1",
            "c0",
            {
                "a": (attempt(1, State.SUCCEEDED, "d1", "runs/a.yaml"),),
                "b-c": (
                    attempt(1, State.FAILED, "d2", "runs/b.yaml"),
                    attempt(2, State.SUCCEEDED, "d3", "runs/b.yaml"),
                ),
                "e": (attempt(1, State.INTENT, "d1", "runs/e.yaml"),),
            },
        ),
        "none": EnvironmentRecord("c1", notes=(LedgerEvent(AT, "released", {"hold": "empty"}),)),
        "carried": EnvironmentRecord(
            "c1",
            "c1",
            {"b": (attempt(1, State.SUCCEEDED, "d4", "runs/c.yaml"),)},
            dict.fromkeys(("a", "b", "c"), (CARRIED,)),
        ),
        "unsent": EnvironmentRecord("c1", "", {"only": (UNSENT,)}),
    },
)


FILES = frozenset({"runs/b.yaml", "runs/e.yaml"})


def runs_of(lockfile: Lockfile, name: str) -> LazyRuns:
    runs = lockfile.environment(name).runs
    assert isinstance(runs, LazyRuns)
    return runs


def test_it_is_the_same_record_read_anew_or_by_what_is_kept() -> None:
    kept, content = Kept(), to_bytes(RECORD)
    for _ in range(2):
        again = Glance(kept)(content, "x")
        assert again == RECORD
        assert to_bytes(again) == content
        for name, record in again.environments.items():
            plain, seen = overview_of(RECORD.environment(name).runs), again.overview(name)
            assert seen.platforms == plain.platforms
            assert seen.unsettled() == plain.unsettled()
            for run in [*RECORD.environment(name).runs, "unknown"]:
                assert seen.glance(run) == plain.glance(run)
                assert (run in record.runs) == (run in RECORD.environment(name).runs)
            for digest in ("d1", "d2", "d3", "d"):
                assert seen.senders(digest) == plain.senders(digest)
            assert list(seen.of_files(FILES)) == list(plain.of_files(FILES))
            for state in State:
                assert seen.in_states({state}) == plain.in_states({state})
    assert kept.missed == len(kept.found) == 7


def test_of_a_lockfile_that_is_known_whole_no_run_is_looked_at() -> None:
    kept, content = Kept(), to_bytes(RECORD)
    Glance(kept)(content, "x")
    kept.found = {}
    assert Glance(kept)(content, "x") == RECORD
    assert kept.found == {}
    other = to_bytes(replace(RECORD, serial=8))
    assert Glance(kept)(other, "x") == replace(RECORD, serial=8)
    assert len(kept.found) == 7
    assert kept.wholes["x"].startswith(sha256(other).hexdigest().encode() + b"\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n", b"\n["),
        (b"d1", b"d1\xff"),
        (b'"shape":[0', b'"shape":[7'),
        (b'"shape":[0', b'"shape":[0,0'),
        (b'"succeeded"', b'"unheard of"'),
        (b'"begins"', b'"starts"'),
        (b'"files":[', b'"files":[1,'),
        (b'"prod":{"names"', b'"dev":{"names"'),
    ],
)
def test_what_is_kept_of_a_lockfile_and_can_not_be_read_is_gone(old: bytes, new: bytes) -> None:
    kept, content = Kept(), to_bytes(RECORD)
    Glance(kept)(content, "x")
    kept.wholes["x"] = kept.wholes["x"].replace(old, new, 1)
    lockfile = Glance(kept)(content, "x")
    assert lockfile == RECORD
    assert lockfile.overview("prod").summaries["a"] == glance(RECORD.attempts("prod", "a"))
    assert lockfile.overview("prod").senders("d1") == ["a", "e"]


def test_a_word_that_has_a_space_is_not_kept_as_two() -> None:
    spaced = attempt(1, State.SUCCEEDED, "d 1", "runs/a b.yaml")
    lockfile = Lockfile("l", 1, {"prod": EnvironmentRecord("c1", "c1", {"a": (spaced,)})})
    kept, content = Kept(), to_bytes(lockfile)
    for _ in range(2):
        again = Glance(kept)(content, "x")
        assert again.overview("prod").summaries["a"] == glance((spaced,))
    assert kept.wholes == {}


def test_a_run_is_read_when_it_is_asked_for() -> None:
    kept, content = Kept(), to_bytes(RECORD)
    Glance(kept)(content, "x")
    runs = runs_of(Glance(kept)(content, "x"), "prod")
    assert runs._at_hand == {}
    assert runs["a"] == RECORD.attempts("prod", "a")
    assert set(runs._at_hand) == {"a"}
    assert dict(runs.items()) == RECORD.environment("prod").runs
    assert list(runs.values()) == list(RECORD.environment("prod").runs.values())
    assert set(runs._at_hand) == {"a"}
    runs.bring(["b-c", "e", "unknown"])
    assert set(runs._at_hand) == {"a", "b-c", "e"}
    with pytest.raises(KeyError):
        runs["unknown"]


def test_runs_that_changed_are_as_they_were_changed() -> None:
    runs = runs_of(Glance(Kept())(to_bytes(RECORD), "x"), "prod")
    later = attempt(2, State.FAILED, "d7", "runs/z.yaml")
    changed = runs.changed({"a": (*runs["a"], later), "new": (UNSENT,)})
    assert changed["a"][1:] == (later,)
    assert changed.summaries["a"].sent == ("d1", "d7")
    assert set(changed) == {*runs, "new"}
    assert dict(changed.items()) == {**RECORD.environment("prod").runs,
                                     "a": changed["a"], "new": (UNSENT,)}  # fmt: skip
    assert dict(runs.items()) == RECORD.environment("prod").runs


@pytest.mark.parametrize(
    "content",
    [
        to_bytes(RECORD).replace(b"  ", b" "),
        to_bytes(Lockfile("lineage", 7, RECORD.environments, extra={"later": {"x": {"runs": {}}}})),
        to_bytes(Lockfile("l", 7, {"prod": EnvironmentRecord(extra={"x": {"runs": {"a": {}}}})})),
        to_bytes(RECORD).replace(b'"a": {', b'"A b": {'),
    ],
)
def test_what_can_not_be_cut_is_read_as_a_whole(content: bytes) -> None:
    assert Glance(Kept())(content, "x") == from_bytes(content, "x")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"e": {', b'"a": {'),
        (b'"state": "failed"', b'"state": "succeeded"'),
        (b'"lockfileVersion": 2', b'"lockfileVersion": 1'),
        (b'"lockfileVersion": 2', b'"lockfileVersion": 3'),
        (b"runs/c.yaml-1-d4", b"runs/a.yaml-1-d1"),
        (b"\n}\n", b"\n"),
    ],
)
def test_what_is_broken_is_refused_as_by_who_reads_all(old: bytes, new: bytes) -> None:
    content = to_bytes(RECORD).replace(old, new)
    said = []
    for reader in (from_bytes, Glance(Kept())):
        with pytest.raises(LockError) as refused:
            reader(content, "x")
        said.append((refused.value.message, refused.value.reason))
    assert said[0] == said[1]


def test_what_is_kept_is_given_back(tmp_path: Path) -> None:
    kept, content = Kept(), to_bytes(RECORD)
    Glance(kept)(content, "x")
    summaries = RunSummaries(SqliteCache(tmp_path))
    summaries.keep(kept.found)
    assert RunSummaries(SqliteCache(tmp_path)).known([*kept.found, "0" * 40]) == kept.found
    assert summaries.known(list(kept.found)[:1]).keys() >= set(list(kept.found)[:1])
    summaries.keep_whole("x", kept.wholes["x"])
    assert RunSummaries(SqliteCache(tmp_path)).whole("x") == kept.wholes["x"]
    assert RunSummaries(SqliteCache(tmp_path)).whole("a/x") is None


def test_what_another_version_of_the_program_kept_counts_as_gone(tmp_path: Path) -> None:
    kept = Kept()
    Glance(kept)(to_bytes(RECORD), "x")
    RunSummaries(SqliteCache(tmp_path)).keep(kept.found)
    RunSummaries(SqliteCache(tmp_path)).keep_whole("x", kept.wholes["x"])
    other = SqliteCache(tmp_path)
    other.__dict__["tool"] = "another"
    assert RunSummaries(other).known(list(kept.found)) == {}
    assert RunSummaries(other).whole("x") is None


def test_an_event_of_the_head_that_looks_like_runs_is_one() -> None:
    event = LedgerEvent(AT, "frozen", {"runs": {"a": {"attempts": []}}})
    lockfile = Lockfile("lineage", 7, {"prod": EnvironmentRecord("c1")}, (event,))
    assert Glance(Kept())(to_bytes(lockfile), "x") == lockfile


def test_what_is_known_of_another_part_of_a_run_is_not_known_of_all_of_it() -> None:
    """The text may be the same; where its numbers begin, only its place says."""
    kept, content = Kept(), to_bytes(RECORD)
    Glance(kept)(content, "x")
    kept.wholes = {}
    kept.found = {
        blob: piece._replace(place=piece.place.after(), summary=RunSummary())
        for blob, piece in kept.found.items()
    }
    assert Glance(kept)(content, "x").overview("prod").glance("a") == glance(
        RECORD.attempts("prod", "a")
    )
