"""A long record read by its index is the lockfile."""

from typing import Any

from qflow_gitops.cache.lock_index import Reader, index, indexed
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.states import State
from qflow_gitops.lockfile.summary import FullSummary


class Kept:
    """A cache in memory."""

    tool = "1"

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}

    def answer(self, context: str) -> Any:
        return self.answers.get(context)

    def keep_answer(self, context: str, data: Any) -> None:
        self.answers[context] = data


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
                'b "c"': (
                    attempt(1, State.FAILED, "d2", "runs/b.yaml"),
                    attempt(2, State.SUCCEEDED, "d3", "runs/b.yaml"),
                ),
                "é": (attempt(1, State.INTENT, "d1", "runs/e.yaml"),),
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


def test_it_is_the_same_record() -> None:
    content = to_bytes(RECORD)
    data = index(RECORD, content)
    assert data is not None
    again = indexed(content, data)
    assert to_bytes(again) == content
    for name, record in again.environments.items():
        plain = FullSummary(RECORD.environment(name).runs)
        seen = again.overview(name)
        assert seen.platforms == plain.platforms
        assert seen.unsettled() == plain.unsettled()
        for run in [*RECORD.environment(name).runs, "unknown"]:
            assert seen.glance(run) == plain.glance(run)
            assert (run in record.runs) == (run in RECORD.environment(name).runs)
        for digest in ("d1", "d2", "d3", "d"):
            assert seen.senders(digest) == plain.senders(digest)
        files = frozenset({"runs/b.yaml", "runs/e.yaml"})
        assert list(seen.of_files(files)) == list(plain.of_files(files))


def test_what_is_not_in_normal_form_or_holds_more_has_no_index() -> None:
    content = to_bytes(RECORD)
    assert index(RECORD, content.replace(b"  ", b" ")) is None
    more = Lockfile("lineage", 7, RECORD.environments, extra={"later": 1})
    assert index(more, to_bytes(more)) is None


def test_the_index_is_that_of_these_bytes_and_this_program_only() -> None:
    cache, content = Kept(), to_bytes(RECORD)
    reader = Reader(cache)  # type: ignore[arg-type]
    assert reader(content, "x") == from_bytes(content, "x")
    assert to_bytes(reader(content, "x")) == content
    other = to_bytes(Lockfile("lineage", 8, RECORD.environments, (LedgerEvent(AT, "frozen"),)))
    assert reader(other, "x").serial == 8
    cache.tool = "2"
    assert reader(other, "x") == from_bytes(other, "x")
