"""What waits to be told: it comes in with what it is about, and leaves once everybody has it."""

import json
from dataclasses import replace

import pytest

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import audit, outbox
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.outbox import KINDS, Notice, Outbox, OutboxChange
from qflow_gitops.lockfile.states import State
from tests.unit.test_lockfile import DIGEST, VALIDATOR, moved, opened

ALL = Lockfile("lineage", serial=1, outbox=Outbox(tells=KINDS))


def kinds(lockfile: Lockfile) -> list[str]:
    return [notice.kind for notice in lockfile.outbox.notices]


@pytest.mark.parametrize(
    ("walk", "told"),
    [
        ([], []),
        (["accepted"], ["started"]),
        (["accepted", "running", "running", "succeeded"], ["started", "finished"]),
        (["accepted", "failed"], ["started", "failed"]),
        (["accepted", "ended", "succeeded"], ["started", "failed", "finished"]),
        (["refused"], ["failed"]),
        (["unsent"], []),
        (["in_doubt", "expired", "assumed"], ["doubt", "doubt", "settled"]),
        (["in_doubt", "adopted", "succeeded"], ["doubt", "settled", "finished"]),
        (["in_doubt", "absent"], ["doubt", "settled"]),
    ],
)
def test_each_step_of_an_attempt_is_told_by_the_write_that_records_it(
    walk: list[str], told: list[str]
) -> None:
    lockfile = ALL.recorded([opened()])
    for state in map(State, walk):
        execution = "e-1" if state in (State.ACCEPTED, State.ADOPTED) else ""
        lockfile = lockfile.recorded([moved(state, execution=execution)])
    assert kinds(lockfile) == told
    ids = {notice.id for notice in lockfile.outbox.notices}
    assert len(ids) == len(told)
    together = ALL.recorded(
        [opened(), *(moved(s, execution="e-1" if s in ("accepted", "adopted") else "")
                     for s in map(State, walk))]
    )  # fmt: skip
    assert {notice.id for notice in together.outbox.notices} == ids  # however it was written


def test_only_what_the_settings_ask_for_is_told() -> None:
    lockfile = Lockfile("lineage", outbox=Outbox(tells=("failed",))).recorded([opened()])
    lockfile = lockfile.recorded([moved(State.ACCEPTED, execution="e-1"), moved(State.FAILED)])
    assert kinds(lockfile) == ["failed"]
    (notice,) = lockfile.outbox.notices
    assert (notice.environment, notice.run, notice.attempt, notice.event) == ("prod", "a", 1, 3)
    assert kinds(Lockfile("lineage").recorded([opened(), moved(State.REFUSED)])) == []


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled", "ended"])
def test_the_end_of_an_attempt_with_a_ticket_leaves_a_note_for_it(end: str) -> None:
    begin = opened()
    assert begin.opens is not None
    evidence = {"ticket": {"id": "CHG0012345", "system": "servicenow"}}
    attempt = begin.opens._replace(facts={**begin.opens.facts, "evidence": evidence})
    lockfile = Lockfile("lineage").recorded([begin._replace(opens=attempt)])
    lockfile = lockfile.recorded([moved(State.ACCEPTED, execution="e-1")])
    assert kinds(lockfile) == []
    lockfile = lockfile.recorded([moved(State(end))])
    assert kinds(lockfile) == ["ticket"]


def test_a_freeze_and_its_end_are_told_once() -> None:
    def note(event: str, nonce: str) -> Note:
        extra = {"nonce": nonce, "reason": "incident 42"}
        return Note("", "", LedgerEvent("2026-01-01T00:00:00Z", event, extra))

    freeze = note("frozen", "n1")
    lockfile = ALL.marked(Checkpoint(notes=(freeze,))).marked(Checkpoint(notes=(freeze,)))
    lockfile = lockfile.marked(Checkpoint(notes=(note("unfrozen", "n2"),)))
    told = [(each.kind, each.reason, each.detail) for each in lockfile.outbox.notices]
    assert told == [("freeze", "frozen", "incident 42"), ("freeze", "unfrozen", "incident 42")]


def test_a_notice_leaves_when_it_is_dropped_and_not_before() -> None:
    lockfile = ALL.recorded([opened(), moved(State.ACCEPTED, execution="e-1")])
    (notice,) = lockfile.outbox.notices
    slack = OutboxChange(done={notice.id: frozenset({"slack"}), "unknown": frozenset({"teams"})})
    lockfile = lockfile.marked(Checkpoint(outbox=slack))
    more = OutboxChange(done={notice.id: frozenset({"teams"})})
    lockfile = lockfile.marked(Checkpoint(outbox=more))
    assert [each.done for each in lockfile.outbox.notices] == [("slack", "teams")]
    again = lockfile.marked(Checkpoint(outbox=OutboxChange(add=(notice,))))
    assert again.outbox == lockfile.outbox  # it is there
    gone = lockfile.marked(Checkpoint(outbox=OutboxChange(drop=frozenset({notice.id}))))
    assert gone.outbox == Outbox(tells=KINDS)


def test_what_receivers_never_take_pushes_no_note_for_a_ticket_out() -> None:
    note = Notice("note", outbox.TICKET, "2026-10-06T12:00:00Z")
    more = (Notice(f"n{number}", "held", "2026-10-06T12:00:01Z") for number in range(1_200))
    found = Outbox().with_notices([note]).with_notices(more)
    assert (found.notices[0], len(found.notices), found.given_up) == (note, outbox.MOST, 201)
    assert found.notices[-1].id == "n1199"


def test_of_more_than_a_thousand_the_oldest_are_given_up_and_counted() -> None:
    notices = tuple(Notice(str(n), "missed", "2026-01-01T00:00:00Z") for n in range(1005))
    lockfile = ALL.marked(Checkpoint(outbox=OutboxChange(add=notices)))
    assert (len(lockfile.outbox.notices), lockfile.outbox.given_up) == (outbox.MOST, 5)
    assert lockfile.outbox.notices[0].id == "5"
    VALIDATOR.validate(json.loads(to_bytes(lockfile)))


def test_it_is_written_and_read_and_nobody_expects_it_to_grow() -> None:
    lockfile = ALL.recorded([opened(), moved(State.ACCEPTED, execution="e-1")])
    lockfile = lockfile.marked(Checkpoint("prod", last_apply="2026-01-01T00:00:00Z", held="0" * 32))
    content = to_bytes(lockfile)
    VALIDATOR.validate(json.loads(content))
    assert from_bytes(content, "qflow.lock") == lockfile
    record = lockfile.environment("prod")
    assert (record.last_apply, record.held) == ("2026-01-01T00:00:00Z", "0" * 32)
    drop = frozenset(notice.id for notice in lockfile.outbox.notices)
    told = OutboxChange(drop=drop, tells=())
    later = lockfile.marked(Checkpoint("prod", held="", outbox=told))
    later = replace(later, serial=2)
    assert not [*audit.grown_head(lockfile, later)]
    assert later.environment("prod").last_apply == "2026-01-01T00:00:00Z"
    assert b"outbox" not in to_bytes(later)
    assert b"tells" not in to_bytes(later)


@pytest.mark.parametrize(
    "wrong",
    [
        {"outbox": {}},
        {"outbox": [{"kind": "failed", "at": "x"}]},
        {"outbox": [{"id": "1", "kind": "failed", "at": "x", "attempt": True}]},
        {"outbox": [{"id": "1", "kind": "failed", "at": "x", "detail": 1}]},
        {"outbox": [{"id": "1", "kind": "failed", "at": "x", "done": "slack"}]},
        {"tells": "failed"},
        {"tells": [1]},
        {"givenUp": -1},
    ],
)
def test_what_is_no_outbox_is_refused(wrong: dict[str, object]) -> None:
    data = {**json.loads(to_bytes(Lockfile("lineage", serial=1))), **wrong}
    with pytest.raises(LockError):
        from_bytes(json.dumps(data).encode(), "qflow.lock")


def test_a_checkpoint_survives_a_journal() -> None:
    event = LedgerEvent("2026-01-01T00:00:00Z", "released", {"hold": "limit:runs"})
    change = OutboxChange(
        add=(Notice("1", "missed", "2026-01-01T00:00:00Z", "prod", done=("slack",)),),
        done={"2": frozenset({"slack", "teams"})},
        drop=frozenset({"3"}),
        tells=("missed",),
    )
    mark = Checkpoint(
        "prod", "1" * 40, "1" * 40, (Note("prod", "", event),), ".",
        last_apply="2026-01-01T00:00:00Z", held="", outbox=change,
    )  # fmt: skip
    assert Checkpoint.from_json(json.loads(json.dumps(mark.to_json()))) == mark
    old: dict[str, object] = {"mark": "prod", "latest": "", "appliedThrough": None, "notes": []}
    assert Checkpoint.from_json(old) == Checkpoint("prod")


def test_what_is_put_back_is_no_news() -> None:
    event = Event("2026-01-01T00:00:00Z", State.IN_DOUBT)
    attempt = Attempt(1, State.IN_DOUBT, DIGEST, (event, event), facts={})
    back = attempt._replace(events=(*attempt.events, event._replace(extra={"reopens": "absent"})))
    assert outbox.of_attempt("lineage", ("prod", "a", 1), attempt, KINDS)
    assert not outbox.of_attempt("lineage", ("prod", "a", 1), back, KINDS)


def test_ids_depend_on_the_lockfile() -> None:
    def told(lineage: str) -> Notice:
        lockfile = replace(ALL, lineage=lineage).recorded([opened()])
        refused = Transition("prod", "a", 1, Event("2026-01-01T00:00:01Z", State.REFUSED))
        return lockfile.recorded([refused]).outbox.notices[0]

    assert told("one").id != told("other").id
