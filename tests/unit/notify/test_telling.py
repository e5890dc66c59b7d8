"""What a notice says, from the lockfile that it waits in."""

import pytest

from qflow_gitops.base.printable import is_hidden
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import FROZEN, UNFROZEN, LedgerEvent, Note
from qflow_gitops.lockfile.outbox import KINDS, MISSED, Notice, OutboxChange
from qflow_gitops.lockfile.states import State
from qflow_gitops.notify import cloudevents, telling
from qflow_gitops.settings.notifying import EVENTS
from qflow_gitops.specs import schemas
from tests.unit.notify.stories import AT, COMMIT, EXECUTION, HOSTILE, attempted, hostile, waiting


def titles(lockfile: Lockfile) -> list[str]:
    return [telling.told(lockfile, notice).title for notice in lockfile.outbox.notices]


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((State.ACCEPTED, State.SUCCEEDED), ["was started", "has succeeded"]),
        ((State.ACCEPTED, State.FAILED), ["was started", "has failed"]),
        ((State.ACCEPTED, State.CANCELLED), ["was started", "was cancelled"]),
        (
            (State.ACCEPTED, State.ENDED),
            ["was started", "has ended, with a word that nobody explained"],
        ),
        ((State.REFUSED,), ["was refused by Qualys: it did not run"]),
        (
            (State.IN_DOUBT, State.ABSENT),
            [
                "is in doubt: nobody knows whether it ran",
                "is no longer in doubt: it did not run",
            ],
        ),
        (
            (State.IN_DOUBT, State.EXPIRED, State.ASSUMED),
            [
                "is in doubt: nobody knows whether it ran",
                "is in doubt: nobody knows whether it ran, and Qualys can't show it any more",
                "is no longer in doubt: somebody decided that it ran",
            ],
        ),
        (
            (State.IN_DOUBT, State.ADOPTED, State.SUCCEEDED),
            [
                "is in doubt: nobody knows whether it ran",
                "is no longer in doubt: its execution was found",
                "has succeeded",
            ],
        ),
    ],
    ids=lambda states: "-".join(map(str, states)) if states and states[0] in [*State] else None,
)
def test_each_step_of_an_attempt_is_told_in_words(
    states: tuple[State, ...], said: list[str]
) -> None:
    """As it was then, whatever came after it."""
    assert titles(attempted(*states)) == [f"prod/a #1 {words}" for words in said]


def test_an_attempts_facts_come_with_it() -> None:
    lockfile = attempted(State.ACCEPTED, State.FAILED)
    started, failed = (telling.told(lockfile, each) for each in lockfile.outbox.notices)
    assert (started.state, failed.state) == ("accepted", "failed")
    for each in (started, failed):
        assert (each.platform, each.execution_id) == ("EU2", EXECUTION)
        assert (each.commit, each.by, each.lineage) == (COMMIT, "mara", "0b6f3c1e9a7d4f52")
    assert failed.way == "qflow-gitops show prod/a"


def test_a_freeze_and_its_end_are_told() -> None:
    lockfile = attempted()
    for what in (FROZEN, UNFROZEN):
        event = LedgerEvent(AT, what, {"reason": "incident", "nonce": what})
        lockfile = lockfile.marked(Checkpoint(notes=(Note("", "", event),)))
    assert titles(lockfile) == [
        "Everything is frozen: nothing is sent",
        "The freeze is over: what is due is sent again",
    ]


def test_what_did_not_happen_is_told_and_so_is_what_a_later_version_knows() -> None:
    lockfile = waiting(Notice("1", MISSED, AT, "prod"), Notice("2", "moved", AT, "prod"))
    assert titles(lockfile) == ["No apply came in prod when one was expected", "prod: moved"]


def test_an_attempt_that_isnt_there_is_told_as_far_as_its_notice_says_it() -> None:
    lockfile = waiting(Notice("1", "failed", AT, "prod", "gone", 3, 2))
    assert titles(lockfile) == ["prod/gone #3 has failed"]


def test_every_event_of_the_settings_is_one_of_the_lockfiles() -> None:
    schema = schemas.load("project")["properties"]["spec"]["properties"]["notify"]
    assert tuple(schema["properties"]["events"]["items"]["enum"]) == EVENTS == KINDS


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_is_told_has_several_lines_or_what_nobody_sees(text: str) -> None:
    told = hostile(text)
    texts = [told.title, told.way, told.notice.run, told.notice.detail, told.notice.reason]
    assert not any(is_hidden(each) for each in texts)
    assert max(map(len, texts)) <= 4_000


@pytest.mark.parametrize("states", [(State.ACCEPTED, State.FAILED), (State.IN_DOUBT,)])
def test_what_an_event_says_is_what_its_schema_says(states: tuple[State, ...]) -> None:
    lockfile = attempted(*states)
    lockfile = lockfile.marked(
        Checkpoint(outbox=OutboxChange(add=(Notice("h", "held", AT, "prod", detail="a: window"),)))
    )
    known = schemas.load("notice")["properties"].keys()
    for notice in lockfile.outbox.notices:
        data = cloudevents.data(telling.told(lockfile, notice))
        assert schemas.is_sound(data, "notice")
        assert data.keys() <= known
    assert schemas.is_sound(cloudevents.data(telling.a_test(AT, "1")), "notice")


def test_a_text_that_is_cut_says_so() -> None:
    assert telling.line("x" * 301) == "x" * 299 + "…"
    assert telling.line("x" * 300) == "x" * 300
