"""What a plan decides of one run by what the lockfile has of it and of others, to the word."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.inheritance import Inheritance, Placed
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan import identity, same_request, spent
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.plan.context import COUNT, RETRY, Context, Overrides
from qflow_gitops.settings.project import Environment, Project
from qflow_gitops.specs.spec import RunSpec

OPEN, ENDED = "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z"
COMMIT = "0123456789abcdef"
PROJECT = Project(("runs",), "prod", {"prod": Environment("prod", "EU2")})
TWO = Project(
    ("runs",), "prod", {"prod": Environment("prod", "EU2"), "dev": Environment("dev", "US1")}
)


def a_spec(name: str = "a", value: object = 1, *, at: str = "prod", rerun: int = 0) -> RunSpec:
    return RunSpec(at, name, "w", (), {}, {"x": value}, rerun, {}, {}, "", (), "runs/a.yaml", 0)


def an_attempt(
    state: State, digest: str = "", number: int = 1, word: str = "", why: str = "", **facts: str
) -> Attempt:
    opened = Event(OPEN, State.INTENT, {"by": {"actor": "mara"}, "leaseUntil": ENDED})
    ended = Event(ENDED, state, {"detail": why, "status": word} if why else {"status": word})
    given = {"workflowId": "w", "platform": "EU2", "commit": COMMIT} | facts
    digest = digest or a_spec().digest
    return Attempt(number, state, digest, (opened, ended), "e1", word, given)


def placed(attempt: Attempt, name: str = "a", environment: str = "prod") -> Placed:
    return Placed(environment, name, attempt)


def a_lockfile(*some: tuple[RunKey, Attempt]) -> Lockfile:
    lockfile = Lockfile("x")
    for key, attempt in some:
        event = Event(OPEN, State.BASELINED)
        made = attempt._replace(state=State.BASELINED, events=(event,), execution_id="", status="")
        lockfile = lockfile.recorded([Transition(*key, attempt.number, event, opens=made)])
    return lockfile


def a_context(project: Project = PROJECT, lockfile: Lockfile | None = None, **more: Any) -> Context:
    return Context(project, lockfile or Lockfile("x"), ("prod",), **more)


def decided(
    attempt: Attempt, *later: Attempt, brakes: Overrides | None = None, released: str = ""
) -> Change:
    record = (placed(attempt), *map(placed, later))
    return spent.spent(
        a_spec(), record[0], record, a_context(brakes=brakes or Overrides()), frozenset({released})
    )


def said(change: Change) -> tuple[Action, Reason, str, str]:
    return change.action, change.reason, change.detail, change.hint


BEHIND = " as execution e1, at commit 0123456789"
SETTLE = (
    "`qflow-gitops resolve prod/a --adopt EXECUTION --reason TEXT` if it ran, "
    "`qflow-gitops resolve prod/a --assume-ran --reason TEXT` if it ran without an execution to "
    "show, `qflow-gitops resolve prod/a --absent --reason TEXT` if it did not run (the next apply "
    "sends it then)"
)
AGAIN = "`qflow-gitops apply --retry prod/a`, or change the spec"
SKIP, HOLD = Action.SKIP, Action.HOLD


@pytest.mark.parametrize(
    ("state", "action", "reason", "words", "way"),
    [
        (State.SUCCEEDED, SKIP, Reason.ALREADY_RAN, f"had succeeded by {ENDED}", ""),
        (State.ASSUMED, SKIP, Reason.ALREADY_RAN,
         f"is assumed to have run, as was decided at {ENDED}", ""),
        (State.BASELINED, SKIP, Reason.BASELINED, f"was declared as done at {ENDED}", ""),
        (State.ACCEPTED, SKIP, Reason.IN_PROGRESS, f"started at {OPEN}", ""),
        (State.RUNNING, SKIP, Reason.IN_PROGRESS, f"is running since {OPEN}", ""),
        (State.ADOPTED, SKIP, Reason.IN_PROGRESS, f"was found to have started, at {OPEN}", ""),
        (State.FAILED, HOLD, Reason.FAILED, f"had failed by {ENDED}", AGAIN),
        (State.CANCELLED, HOLD, Reason.FAILED, f"was cancelled before {ENDED}", AGAIN),
        (State.REFUSED, HOLD, Reason.REFUSED, f"was refused by Qualys at {ENDED}", AGAIN),
        (State.EXPIRED, HOLD, Reason.EXPIRED,
         f"has been in doubt for longer than Qualys can tell, since {ENDED}",
         f"Say what you know: {SETTLE}"),
    ],
)  # fmt: skip
def test_what_was_sent_is_told_and_not_sent_again(
    state: State, action: Action, reason: Reason, words: str, way: str
) -> None:
    change = decided(an_attempt(state))
    assert said(change) == (action, reason, f"attempt 1 {words}{BEHIND}", way)
    assert (change.attempt, change.owner, change.release) == (an_attempt(state), None, "")


def test_an_end_that_nobody_explained_is_for_a_person() -> None:
    change = decided(an_attempt(State.ENDED, word="Odd", why="It stopped."))
    assert change.action is Action.HOLD
    assert change.detail == (
        f'attempt 1 had ended by {ENDED} with Qualys\' word "Odd"{BEHIND}: It stopped; '
        "nobody explained that word"
    )
    for way in (
        "`qflow-gitops resolve prod/a --succeeded --reason TEXT`",
        '`statuses: {"Odd": failed}`',
        ". To send it again, however it ended: `qflow-gitops apply --retry prod/a`",
    ):
        assert way in change.hint
    without = decided(an_attempt(State.ENDED))
    assert without.detail.endswith("; how it ended isn't known")
    assert "statuses" not in without.hint


@pytest.mark.parametrize(("meant", "reason"), [("failed", "failed"), ("succeeded", "already_ran")])
def test_a_word_that_is_explained_by_now_settles_it(meant: str, reason: str) -> None:
    project = PROJECT._replace(statuses={"odd": meant})
    last = placed(an_attempt(State.ENDED, word="Odd"))
    change = spent.spent(a_spec(), last, (last,), a_context(project), frozenset())
    assert change.reason == reason
    assert change.detail.endswith(f"; the settings explain that word as {meant} by now")


def test_a_retry_is_asked_for_by_name_or_for_all() -> None:
    named = Overrides(retries=frozenset({("prod", "a")}))
    for state in (State.FAILED, State.REFUSED, State.CANCELLED, State.ENDED):
        change = decided(an_attempt(state), brakes=named)
        assert said(change)[:2] == (Action.RUN, Reason.RETRY)
        assert change.detail.startswith("released by --retry; attempt 1 ")
        assert change.since == ()
    assert decided(an_attempt(State.EXPIRED), brakes=named).reason is Reason.EXPIRED
    assert decided(an_attempt(State.SUCCEEDED), brakes=named).reason is Reason.ALREADY_RAN
    every = Overrides(retry_failed=True, acks={RETRY: 1})
    change = decided(an_attempt(State.FAILED), brakes=every, released=RETRY)
    assert said(change)[:2] == (Action.RUN, Reason.RETRY)
    assert change.detail.startswith("released by --retry-failed; attempt 1 ")
    for state in (State.ENDED, State.EXPIRED):
        change = decided(an_attempt(state), brakes=every, released=RETRY)
        assert (change.action, change.release) == (Action.HOLD, "")
    held = decided(an_attempt(State.FAILED), brakes=every)
    assert (held.action, held.release, held.hint) == (Action.HOLD, RETRY, AGAIN)
    assert decided(an_attempt(State.FAILED)).release == ""


def test_a_reverted_request_says_how_it_is_sent_once_more() -> None:
    later = an_attempt(State.SUCCEEDED, "other", 2)
    more = "To send it once more: `qflow-gitops rerun prod/a --reason TEXT`"
    assert decided(an_attempt(State.SUCCEEDED), later).hint == more
    assert decided(an_attempt(State.SUCCEEDED), an_attempt(State.UNSENT, "other", 2)).hint == ""
    assert decided(an_attempt(State.FAILED), later).hint == AGAIN


def due(spec: RunSpec, *record: Attempt, same: Sequence[Attempt] = (), **more: Any) -> Change:
    known = [placed(each) for each in same]
    return spent.due_now(spec, tuple(map(placed, record)), known, a_context(**more))


def test_what_is_due_says_why() -> None:
    assert said(due(a_spec())) == (Action.RUN, Reason.ADDED, "never sent before", "")
    before, unsent = an_attempt(State.SUCCEEDED, "other"), an_attempt(State.UNSENT, number=2)
    change = due(a_spec(), before, unsent, same=[unsent], previous={("prod", "a"): a_spec(value=2)})
    assert change.detail == f"attempt 2 was not sent at {ENDED}{BEHIND}"
    assert (change.reason, change.attempt) == (Reason.UNSENT, before)
    assert [(one.old, one.new) for one in change.since or ()] == [(2, 1)]
    assert due(a_spec(), unsent, same=[unsent]).attempt == unsent
    change = due(a_spec(), before, unsent)
    words = f"differs from attempt 1, which had succeeded by {ENDED}{BEHIND}"
    assert said(change) == (Action.RUN, Reason.MODIFIED, words, "")
    assert (change.attempt, change.since) == (before, None)
    again = due(a_spec(rerun=1), an_attempt(State.SUCCEEDED))
    words = f"the same request once more; attempt 1 had succeeded by {ENDED}{BEHIND}"
    assert said(again) == (Action.RUN, Reason.RERUN, words, "")


def test_the_same_text_is_once_more_whatever_its_digest() -> None:
    sent = an_attempt(State.SUCCEEDED, "other", bodySha256=a_spec().body_sha256)
    assert spent.is_once_more(a_spec(rerun=1), sent)
    assert not spent.is_once_more(a_spec(value=2, rerun=1), sent)
    assert spent.is_once_more(a_spec(rerun=5), an_attempt(State.SUCCEEDED, a_spec(rerun=3).digest))
    assert not spent.is_once_more(a_spec(), an_attempt(State.SUCCEEDED, a_spec(rerun=1).digest))


def test_what_changed_leaves_out_an_id_in_capitals() -> None:
    old, new = replace(a_spec(), workflow_id="W"), a_spec(value=2, rerun=1)
    changed = [(one.pointer, one.old, one.new) for one in spent.since(old, new)]
    assert ("/input/x", 1, 2) in changed
    assert [pointer for pointer, *_ in changed] == ["/input/x", "/rerun"]
    assert [one.pointer for one in spent.since(new, new)] == []


def test_words_for_an_attempt() -> None:
    refused = an_attempt(State.REFUSED, why="Status 403: no right. Add it.")
    assert spent.describe(refused).endswith(f"{BEHIND}: Status 403: no right. Add it")
    assert spent.said_of(refused) == "Status 403: no right"
    assert spent.said_of(an_attempt(State.REFUSED, why="x" * 60)) == "x" * 39 + "…"
    assert spent.said_of(an_attempt(State.REFUSED, why="x" * 40)) == "x" * 40
    assert spent.said_of(an_attempt(State.IN_DOUBT, why="cut off")) == ""
    assert spent.said_of(an_attempt(State.SUCCEEDED, word="Success")) == "Success"
    assert "Success" not in spent.describe(an_attempt(State.SUCCEEDED, word="Success"))
    assert ": cut" not in spent.describe(an_attempt(State.FAILED, why="cut off"))


# --- whose it is ---------------------------------------------------------------------


def test_who_is_sending_it_and_until_when() -> None:
    change = identity.being_sent(a_spec(), placed(an_attempt(State.INTENT)))
    assert said(change)[:2] == (Action.SKIP, Reason.IN_PROGRESS)
    assert change.detail == (
        f"attempt 1 is being sent by mara since {OPEN}; if that has died, an apply after {ENDED} "
        "looks what became of it"
    )
    nobody = an_attempt(State.INTENT)._replace(events=(Event(OPEN, State.INTENT),))
    told = identity.being_sent(a_spec(), placed(nobody, "b")).detail
    assert told.startswith("attempt 1 of prod/b is being sent by another apply since")


def test_a_doubt_is_held_with_what_to_look_for() -> None:
    change = identity.in_doubt(a_spec(), placed(an_attempt(State.IN_DOUBT, why="No answer.")))
    assert said(change)[:2] == (Action.HOLD, Reason.IN_DOUBT)
    assert change.detail == (
        f"attempt 1 may have run: has been in doubt since {ENDED}{BEHIND}: No answer"
    )
    assert change.hint == (
        "`qflow-gitops reconcile -e prod` looks it up. If that can't tell, look in Qualys for an "
        f"execution of workflow w at about {OPEN}, then say what you found: {SETTLE}"
    )


def test_a_run_of_another_platform_is_held() -> None:
    there = an_attempt(State.SUCCEEDED, platform="US1")
    change = identity.on_platform(a_spec(), (placed(there),), a_context())
    assert change is not None
    told = "recorded on platform US1, but prod is now EU2"
    assert said(change)[:3] == (Action.HOLD, Reason.PLATFORM, told)
    assert change.hint == (
        "Set `platform:` of prod in qflow.yaml back to US1, or send it on EU2 as well: "
        f"`qflow-gitops apply --ack platform={COUNT} --reason TEXT`"
    )
    assert (change.attempt, change.release) == (there, "platform")
    same = an_attempt(State.SUCCEEDED)
    assert identity.on_platform(a_spec(), (placed(there), placed(same)), a_context()) is None
    unknown = an_attempt(State.SUCCEEDED, platform="")
    assert identity.on_platform(a_spec(), (placed(unknown),), a_context()) is None
    nowhere = Project(("runs",), "prod", {"prod": Environment("prod", "")})
    assert identity.on_platform(a_spec(), (placed(there),), a_context(nowhere)) is None


def test_a_new_run_where_all_others_are_on_another_platform_is_held() -> None:
    elsewhere = a_lockfile((("prod", "b"), an_attempt(State.SUCCEEDED, "d", platform="US1")))
    change = identity.on_platform(a_spec(), (), a_context(lockfile=elsewhere))
    assert change is not None
    assert (change.reason, change.attempt) == (Reason.PLATFORM, None)
    here = a_lockfile((("prod", "b"), an_attempt(State.SUCCEEDED, "d")))
    assert identity.on_platform(a_spec(), (), a_context(lockfile=here)) is None


def test_a_name_that_goes_on_can_not_be_taken_over() -> None:
    change = identity.two_of_a_name(replace(a_spec("b"), previous_name="a"))
    told = "`previousName: a` names a run that still has a spec"
    assert said(change)[:3] == (Action.HOLD, Reason.RENAMED, told)
    assert change.hint == (
        "If it is another run, give `previousName` another run's name or none in runs/a.yaml; if "
        "it is the same one, remove the other spec."
    )


def asked(*states: State, spec: bool) -> tuple[Change, Attempt]:
    """Decide about `b`, which asks for what `a` sent; `spec`: that one still has a spec."""
    first = Event(OPEN, State.INTENT)
    opened = an_attempt(State.INTENT)._replace(events=(first,), execution_id="")
    key, lockfile = ("prod", "a"), Lockfile("x")
    lockfile = lockfile.recorded([Transition(*key, 1, first, opens=opened)])
    for state in states:
        started = "e1" if state is State.ACCEPTED else ""
        move = Transition(*key, 1, Event(ENDED, state), execution_id=started)
        lockfile = lockfile.recorded([move])
    (attempt,) = lockfile.attempts(*key)
    known = {one.key: one for one in (a_spec("b"), *([a_spec()] if spec else []))}
    inherits = Inheritance(lockfile, PROJECT, known)
    context = a_context(lockfile=lockfile)
    return identity.asked_before(a_spec("b"), (placed(attempt),), context, inherits), attempt


DONE = (
    "`qflow-gitops baseline prod/b --reason TEXT` records that and sends nothing. If it is meant "
    f"again: `qflow-gitops apply --ack same_request={COUNT} --reason TEXT`, or "
    "`qflow-gitops rerun prod/b --reason TEXT`, commit, apply."
)


def test_what_another_run_has_sent_is_held_with_both_ways_on() -> None:
    goes_on, attempt = asked(State.ACCEPTED, State.SUCCEEDED, spec=True)
    told = (
        "attempt 1 of prod/a asked for the same on the same platform: it had succeeded by "
        f"{ENDED}{BEHIND}"
    )
    assert said(goes_on) == (HOLD, Reason.SAME_REQUEST, told, f"If it is done: {DONE}")
    assert (goes_on.owner, goes_on.release) == (("prod", "a"), "same_request")
    assert goes_on.attempt == attempt
    gone, _ = asked(State.ACCEPTED, State.SUCCEEDED, spec=False)
    removed = f"{told}; the spec of that run was removed"
    named = "add `previousName: a` under `metadata` in runs/a.yaml"
    assert said(gone) == (
        HOLD,
        Reason.RENAMED,
        removed,
        f"If it is the same run: {named}, or {DONE}",
    )


def test_another_runs_doubt_is_settled_first() -> None:
    first = (
        "that first: `qflow-gitops reconcile -e prod` looks it up. If that can't tell, look in "
        f"Qualys and say what you found: {SETTLE}"
    )
    assert asked(State.IN_DOUBT, spec=True)[0].hint == f"Settle {first}"
    assert asked(State.IN_DOUBT, spec=False)[0].hint == (
        "If it is the same run: add `previousName: a` under `metadata` in runs/a.yaml. "
        f"If not, settle {first}"
    )


# --- the same request ----------------------------------------------------------------


def test_a_request_is_spent_on_a_platform_by_whoever_sent_it() -> None:
    mine = a_spec("b")
    first, second = an_attempt(State.SUCCEEDED), an_attempt(State.SUCCEEDED, platform="")
    abroad = an_attempt(State.SUCCEEDED, platform="US1")
    other = an_attempt(State.SUCCEEDED, a_spec(value=2).digest)
    lockfile = a_lockfile(
        (("prod", "a"), first), (("dev", "c"), second), (("dev", "d"), abroad),
        (("prod", "e"), other), (("prod", "b"), first),
    )  # fmt: skip
    found = same_request.spent_by_others(mine, (), PROJECT, lockfile)
    assert {each.key for each in found} == {("prod", "a"), ("dev", "c")}
    own = [each for each in found if each.key == ("prod", "a")]
    left = same_request.spent_by_others(mine, own, PROJECT, lockfile)
    assert {each.key for each in left} == {("dev", "c")}
    assert same_request.is_spent_elsewhere(mine, PROJECT, lockfile)
    assert not same_request.is_spent_elsewhere(a_spec("b", 3), PROJECT, lockfile)


def test_where_no_platform_is_known_any_may_be_meant() -> None:
    nowhere = Project(("runs",), "prod", {"prod": Environment("prod", "")})
    assert same_request.platforms_of("prod", nowhere, Lockfile("x")) == frozenset()
    abroad = a_lockfile((("dev", "d"), an_attempt(State.SUCCEEDED, platform="US1")))
    assert same_request.is_spent_elsewhere(a_spec("b"), nowhere, abroad)
    recorded = a_lockfile((("prod", "d"), an_attempt(State.SUCCEEDED, "x", platform="EU2")))
    assert same_request.platforms_of("prod", nowhere, recorded) == {"EU2"}
    assert same_request.platforms_of("prod", PROJECT, abroad) == {"EU2"}


def test_of_several_with_one_request_the_first_by_name_runs() -> None:
    a, b, c = a_spec("a"), a_spec("b"), a_spec("c", 2)
    assert same_request.doubles([c, b, a], TWO) == {("prod", "b"): a}
    assert same_request.doubles([b, a], TWO, {("prod", "b")}) == {}
    assert same_request.doubles([a, a_spec("b", at="dev")], TWO) == {}


def test_the_highest_number_under_which_it_was_sent() -> None:
    sent = [an_attempt(State.SUCCEEDED, a_spec(rerun=number).digest) for number in (0, 2)]
    lockfile = a_lockfile((("prod", "a"), sent[0]), (("dev", "b"), sent[1]))
    found = same_request.highest_spent(a_spec(), 5, PROJECT, lockfile)
    assert found is not None
    assert (found[0], found[1].key) == (2, ("dev", "b"))
    below = same_request.highest_spent(a_spec(), 1, PROJECT, lockfile)
    assert below is not None
    assert (below[0], below[1].key) == (0, ("prod", "a"))
    assert same_request.highest_spent(a_spec(value=2), 5, PROJECT, lockfile) is None
    assert same_request.highest_spent(a_spec(), 5, PROJECT, Lockfile("x")) is None
    abroad = an_attempt(State.SUCCEEDED, a_spec(rerun=2).digest, platform="US1")
    other = an_attempt(State.SUCCEEDED, a_spec(rerun=2).digest, workflowId="v")
    for hidden in (abroad, other):
        lockfile = a_lockfile((("dev", "b"), hidden))
        assert same_request.highest_spent(a_spec(), 5, PROJECT, lockfile) is None


def test_the_numbers_that_other_specs_ask_for() -> None:
    others = [a_spec("b", rerun=3), a_spec("c", 2, rerun=4), a_spec("d", at="dev", rerun=5)]
    assert same_request.numbers_asked(a_spec(), [a_spec(rerun=1), *others], TWO) == {3: others[0]}
    nowhere = Project(
        ("runs",), "prod", {"prod": Environment("prod", ""), "dev": Environment("dev", "US1")}
    )
    assert [*same_request.numbers_asked(a_spec(), others, nowhere)] == [3, 5]
