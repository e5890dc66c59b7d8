"""Every lock store keeps the same promises: those of the registry, and the fakes of the tests."""

import threading
from collections.abc import Callable

import pytest

from qflow_gitops.errors import BusyError, LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.outbox import OutboxChange
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.lockfile import LockStore, LostRace
from qflow_gitops.stores.branch import BranchStore
from qflow_gitops.stores.registry import STORES
from tests.fakes.lock_branch import FakeLockBranch, FakeLockRemote
from tests.fakes.lock_store import FakeLockStore, LockPlace
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.stores import store_of

AT = "2026-01-01T00:00:00Z"
DIGEST = "v1:sha256:" + "0" * 64
FAKES = ("fake", "fake for one", "fake branch")
EACH = pytest.mark.parametrize("name", [*STORES, *FAKES])
SHARED = pytest.mark.parametrize("name", ["branch", "fake", "fake branch"])
"""Stores that let two in at once."""


def opening(run: str, number: int = 1, nonce: str = "n") -> Transition:
    event = Event(AT, State.INTENT)
    attempt = Attempt(number, State.INTENT, DIGEST, (event,), facts={"nonce": nonce})
    return Transition("prod", run, number, event, opens=attempt)


def accepted(run: str, execution: str, number: int = 1) -> Transition:
    return Transition("prod", run, number, Event(AT, State.ACCEPTED), execution_id=execution)


Made = Callable[..., LockStore]


@pytest.fixture
def there() -> FakeLockRemote:
    """The remote's end of the fake branch."""
    return FakeLockRemote()


@pytest.fixture
def made(
    remote: Remote, workspace: Workspace, there: FakeLockRemote, monkeypatch: pytest.MonkeyPatch
) -> Made:
    """Build a store of a kind; each call with another `clone` is another machine."""
    places = {"fake": LockPlace(), "fake for one": LockPlace(alone=True)}
    seen = dict[str, FakeLockBranch]()

    def make(name: str, *, clone: str = "", lineage: str = "") -> LockStore:
        if name in places:
            return FakeLockStore(places[name], lineage=lineage)
        if name == "fake branch":
            branch = seen.setdefault(clone, FakeLockBranch(there))
            return BranchStore(branch, lineage=lineage, author={"actor": "ada"})
        folder = workspace.path
        if clone:
            folder = remote.path.parent / clone
            folder = folder if folder.exists() else remote.clone(clone).path
        return store_of(folder, name, lineage=lineage)

    return make


def recorded(store: LockStore) -> Lockfile:
    """Return the lockfile of a store that has one."""
    lockfile = store.read().lockfile
    assert lockfile is not None
    return lockfile


def kept(store: LockStore) -> tuple[list[str], Lockfile | None]:
    """Return the names of a store's versions, none of which took anything, and the newest."""
    found = store.kept()
    versions = list(found.versions)
    assert [version.problems for version in versions] == [()] * len(versions)
    return [version.name for version in versions], found.lockfile()


def elsewhere(name: str, clone: str = "other") -> str:
    """Another machine, for stores that there can be several of."""
    return "" if name in ("worktree", "fake for one") else clone


@EACH
def test_nothing_is_there_before_the_first_write(name: str, made: Made) -> None:
    store = made(name)
    assert store.read().lockfile is None
    assert kept(store) == ([], None)
    with store.session() as session:
        assert session.created
        assert session.lockfile.serial == 0
    assert store.read().lockfile is None


@EACH
def test_what_was_recorded_is_read_by_all(name: str, made: Made) -> None:
    with made(name).session() as session:
        session.record([opening("a"), opening("b")], Checkpoint("prod", "1" * 40))
        session.record([accepted("a", "execution-1")])
        assert session.lockfile.attempts("prod", "a")[0].execution_id == "execution-1"
    read = recorded(made(name))
    assert [one.state for one in read.attempts("prod", "a")] == [State.ACCEPTED]
    assert [one.state for one in read.attempts("prod", "b")] == [State.INTENT]
    assert read.environment("prod").latest == "1" * 40
    assert read.serial >= 1
    again = kept(made(name))[1]
    assert again == read
    assert to_bytes(again) == to_bytes(read)


@EACH
def test_all_or_nothing(name: str, made: Made) -> None:
    with made(name).session() as session, pytest.raises(LockError):
        session.record([opening("a"), opening("b", 7)])
    read = made(name).read().lockfile
    assert read is None or not read.environments


@EACH
def test_an_execution_belongs_to_one_attempt(name: str, made: Made) -> None:
    with made(name).session() as session:
        session.record([opening("a"), opening("b")])
        session.record([accepted("a", "execution-1")])
        with pytest.raises(LockError) as refused:
            session.record([accepted("b", "execution-1")])
        assert refused.value.reason == "lock_conflict"


@EACH
def test_the_serial_only_goes_up(name: str, made: Made) -> None:
    serials = []
    for number in range(3):
        with made(name).session() as session:
            session.record([opening(f"run-{number}")])
        serials.append(recorded(made(name)).serial)
    assert serials == sorted(set(serials))


@EACH
def test_another_lineage_is_refused(name: str, made: Made) -> None:
    with made(name).session() as session:
        session.record([opening("a")])
    foreign = made(name, lineage="another")
    for use in (foreign.read, lambda: foreign.session().__enter__()):
        with pytest.raises(LockError) as refused:
            use()
        assert refused.value.reason == "lock_foreign"


@EACH
def test_a_pinned_record_that_is_missing_is_no_new_beginning(name: str, made: Made) -> None:
    missing = made(name, lineage="pinned")
    for use in (missing.read, lambda: missing.session().__enter__()):
        with pytest.raises(LockError) as refused:
            use()
        assert refused.value.reason == "lock_missing"
        assert refused.value.hint


@EACH
def test_two_writers_never_open_the_same_attempt(name: str, made: Made) -> None:
    """One is kept out, or loses the race and sees what the other wrote."""
    with made(name).session() as first:
        try:
            with made(name).session() as second:
                first.record([opening("a", nonce="first")])
                before = second.generation
                with pytest.raises(LostRace):
                    second.record([opening("a", nonce="second")])
                assert second.generation != before
                assert second.lockfile.attempts("prod", "a")[0].fact("nonce") == "first"
                assert not second.alone
        except BusyError:
            assert first.alone
            first.record([opening("a", nonce="first")])
    (attempt,) = recorded(made(name)).attempts("prod", "a")
    assert attempt.fact("nonce") == "first"


@EACH
def test_it_is_told_where_the_record_is(name: str, made: Made) -> None:
    assert "qflow.lock" in made(name).where


@SHARED
def test_answers_go_on_top_of_what_others_wrote(name: str, made: Made) -> None:
    """Where two are let in, an answer is never lost, whoever was faster."""
    with made(name).session() as first, made(name, clone="other").session() as second:
        first.record([opening("a")])
        with pytest.raises(LostRace):
            second.record([opening("b")])
        second.record([opening("b")])
        first.record([accepted("a", "execution-1")])
        second.record([accepted("b", "execution-2")])
    read = recorded(made(name))
    assert {run: read.attempts("prod", run)[0].execution_id for run in ("a", "b")} == {
        "a": "execution-1",
        "b": "execution-2",
    }


@SHARED
def test_a_mark_alone_is_a_race_too(name: str, made: Made) -> None:
    with made(name).session() as first, made(name, clone="other").session() as second:
        first.record([], Checkpoint("prod", "1" * 40))
        with pytest.raises(LostRace):
            second.record([], Checkpoint("prod", "2" * 40))
        assert second.lockfile.environment("prod").latest == "1" * 40


def test_a_branch_that_holds_something_else_is_refused(
    made: Made, remote: Remote, workspace: Workspace
) -> None:
    workspace.git("push", "--quiet", "origin", "main:qflow-lock")
    with pytest.raises(LockError) as refused:
        made("branch").read()
    assert "holds no qflow.lock" in refused.value.message


def test_a_remote_that_does_not_exist_is_named(made: Made, workspace: Workspace) -> None:
    workspace.git("remote", "remove", "origin")
    with pytest.raises(LockError) as refused:
        made("branch").read()
    assert "git remote add origin" in refused.value.hint


@EACH
def test_the_lineage_is_made_up_once(name: str, made: Made) -> None:
    with made(name).session() as session:
        lineage = session.lockfile.lineage
        session.record([], Checkpoint("prod", ""))
    assert made(name, clone=elsewhere(name)).read().lockfile == Lockfile(
        lineage, 1, recorded(made(name)).environments
    )


def frozen(reason: str) -> Checkpoint:
    event = LedgerEvent("2026-10-06T09:30:00Z", "frozen", {"reason": reason})
    return Checkpoint(notes=(Note("", "", event),))


@EACH
def test_events_beside_attempts_are_kept_without_a_run_of_their_name(name: str, made: Made) -> None:
    """Of a run that was never sent, of an environment, of the lockfile's head."""
    store: LockStore = made(name)
    carried = LedgerEvent("2026-10-06T09:30:00Z", "carried", {"from": "prod/a", "through": 1})
    released = LedgerEvent("2026-10-06T09:30:00Z", "released", {"hold": "empty"})
    failed = LedgerEvent(AT, "failedAt", {"attempt": 1, "executionId": "e-1", "certain": True})
    with store.session() as session:
        session.record([opening("a")], Checkpoint("prod", "1" * 40))
        session.record([], frozen("incident"))
        some = (Note("prod", "b", carried), Note("prod", "", released), Note("prod", "a", failed))
        session.record([], Checkpoint(notes=some))
    lockfile = made(name).read().lockfile
    assert lockfile is not None
    assert [one.text("reason") for one in lockfile.freezes] == ["incident"]
    assert lockfile.events("prod", "b") == (carried,)
    assert lockfile.events("prod", "a") == (failed,)
    assert lockfile.environment("prod").notes == (released,)
    assert lockfile.environment("prod").latest == "1" * 40
    assert set(lockfile.environment("prod").runs) == {"a"}


@SHARED
def test_a_freeze_loses_no_race_silently(name: str, made: Made) -> None:
    """Two write at once: the second one reads again before it decides."""
    with made(name).session() as first:
        first.record([opening("a")])
    with made(name).session() as one, made(name).session() as other:
        one.record([], frozen("one"))
        with pytest.raises(LostRace):
            other.record([], frozen("other"))
        assert [one.text("reason") for one in other.lockfile.freezes] == ["one"]


@SHARED
def test_a_place_that_can_not_be_asked_is_read_from_a_copy_and_not_written(
    name: str, made: Made, remote: Remote, there: FakeLockRemote
) -> None:
    store = made(name)
    with store.session() as session:
        session.record([opening("a")])
    before = store.read()
    assert (before.copied_at, store.at_hand()) == ("", before.lockfile)
    remote.path.rename(remote.path.with_suffix(".away"))
    there.answers = False
    if isinstance(store, FakeLockStore):
        store.copied_at = AT
    copy = store.read()
    assert (copy.lockfile, copy.where) == (before.lockfile, before.where)
    assert copy.copied_at
    with pytest.raises(LockError) as refused, store.session() as session:
        session.record([accepted("a", "execution-1")])
    assert refused.value.reason == "lock_unreachable"
    assert store.at_hand() == before.lockfile


# --- announced, whoever else is at work ----------------------------------------------


def event(reason: str, what: str = "frozen") -> LedgerEvent:
    return LedgerEvent(AT, what, {"reason": reason, "nonce": f"nonce of {reason}"})


def announce(store: LockStore, reason: str, what: str = "frozen") -> list[Lockfile]:
    """Announce an event; the lockfiles that it was decided on."""
    shown: list[Lockfile] = []

    def decide(lockfile: Lockfile) -> LedgerEvent:
        shown.append(lockfile)
        return event(reason, what)

    store.announce(decide)
    return shown


def reasons(lockfile: Lockfile | None) -> list[str]:
    assert lockfile is not None
    return [one.text("reason") for one in lockfile.notes]


@EACH
def test_the_first_write_may_be_an_announcement(name: str, made: Made) -> None:
    (shown,) = announce(made(name), "incident")
    assert (shown.serial, shown.environments, shown.notes) == (0, {}, ())
    read = recorded(made(name))
    assert (read.serial, read.freezes) == (1, (event("incident"),))
    with made(name).session() as session:
        assert not session.created
        assert session.head() == (event("incident"),)
        session.record([opening("a")])
    assert reasons(kept(made(name))[1]) == ["incident"]


@EACH
def test_nothing_is_written_where_nothing_is_to_be_announced(name: str, made: Made) -> None:
    announce(made(name), "incident")
    before = kept(made(name))
    made(name).announce(lambda _: None)
    assert kept(made(name)) == before


@EACH
def test_a_pinned_record_that_is_missing_is_not_frozen_but_named(name: str, made: Made) -> None:
    with pytest.raises(LockError) as refused:
        announce(made(name, lineage="pinned"), "incident")
    assert refused.value.reason == "lock_missing"


@EACH
def test_an_announcement_reaches_an_open_session_before_its_next_attempt(
    name: str, made: Made
) -> None:
    """All read it at once; answers go in all the same, and it stands there once."""
    with made(name).session() as session:
        session.record([opening("a")], Checkpoint("prod", "1" * 40))
        (shown,) = announce(made(name, clone=elsewhere(name)), "incident")
        assert [one.state for one in shown.attempts("prod", "a")] == [State.INTENT]
        assert reasons(made(name).read().lockfile) == ["incident"]
        before = session.generation
        assert session.head() == ((event("incident"),) if session.alone else ())
        with pytest.raises(LostRace):
            session.record([accepted("a", "execution-1"), opening("b")])
        assert session.generation != before
        assert session.lockfile.freezes == session.head() == (event("incident"),)
        session.record([accepted("a", "execution-1")])
        session.record([opening("b")])
    read = recorded(made(name))
    assert reasons(read) == ["incident"]
    assert read.attempts("prod", "a")[0].execution_id == "execution-1"
    assert read.attempts("prod", "b")[0].state is State.INTENT


@EACH
@pytest.mark.parametrize("how", ["a mark", "a decision on exactly this record"])
def test_an_announcement_is_a_lost_race_for_other_decisions_too(
    name: str, how: str, made: Made
) -> None:
    with made(name).session() as session:
        session.record([opening("a")])
        announce(made(name, clone=elsewhere(name)), "incident")
        mark = Checkpoint("prod", "1" * 40) if how == "a mark" else None
        answers = [] if mark else [accepted("a", "execution-1")]
        with pytest.raises(LostRace):
            session.record(answers, mark, exact=mark is None)
        assert session.lockfile.freezes


@EACH
def test_an_answer_alone_loses_no_race(name: str, made: Made) -> None:
    with made(name).session() as session:
        session.record([opening("a")])
        announce(made(name, clone=elsewhere(name)), "incident")
        session.record([accepted("a", "execution-1")])
    read = recorded(made(name))
    assert reasons(read) == ["incident"]
    assert read.attempts("prod", "a")[0].execution_id == "execution-1"


@EACH
def test_many_who_announce_at_once_are_all_heard_once(name: str, made: Made) -> None:
    """Each decides on top of what those before it wrote."""
    stores = [made(name, clone=elsewhere(name, f"c{n}")) for n in range(4)]
    shown: list[list[Lockfile]] = [[] for _ in stores]

    def work(number: int) -> None:
        shown[number] = announce(stores[number], f"reason {number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    read = recorded(made(name))
    assert sorted(reasons(read)) == [f"reason {number}" for number in range(4)]
    assert sorted(len(one[-1].notes) for one in shown) == [0, 1, 2, 3]


@EACH
def test_what_is_lifted_holds_no_more_and_what_comes_after_does(name: str, made: Made) -> None:
    for reason, what in (("1", "frozen"), ("2", "frozen"), ("3", "unfrozen"), ("4", "frozen")):
        announce(made(name), reason, what)
    read = recorded(made(name))
    assert reasons(read) == ["1", "2", "3", "4"]
    assert [one.text("reason") for one in read.freezes] == ["4"]


PLACE = LedgerEvent(AT, "movedTo", {"nonce": "1", "to": {"store": "branch", "branch": "x"}})


@EACH
def test_it_says_where_it_belongs(name: str, made: Made) -> None:
    address = made(name).address
    assert address == made(name, clone=elsewhere(name)).address
    assert bool(address)
    assert "://" not in address


@EACH
@pytest.mark.parametrize("begun", [False, True])
def test_all_of_another_place_is_taken_at_once(name: str, made: Made, begun: bool) -> None:
    brought = Lockfile("lineage", 41).recorded([opening("a"), opening("b")])
    brought = brought.marked(Checkpoint("prod", "1" * 40))
    if begun:
        with made(name).session() as session:
            session.adopt(Lockfile("lineage", 7).recorded([opening("a")]))
    with made(name).session() as session:
        session.adopt(brought)
    read = recorded(made(name))
    assert read.lineage == "lineage"
    assert set(read.environment("prod").runs) == {"a", "b"}
    assert read.environment("prod").latest == "1" * 40
    assert read.serial > (1 if begun else 0)
    assert kept(made(name))[1] == read


@SHARED
def test_what_somebody_else_wrote_is_not_covered(name: str, made: Made) -> None:
    brought = Lockfile("lineage", 1).recorded([opening("a")])
    with made(name).session() as session:
        with made(name, clone="other").session() as other:
            other.adopt(brought)
        with pytest.raises(LostRace):
            session.adopt(Lockfile("lineage", 9).recorded([opening("b")]))
    assert set(recorded(made(name)).environment("prod").runs) == {"a"}


@EACH
def test_where_it_was_moved_from_only_a_move_writes(name: str, made: Made) -> None:
    with made(name).session() as session:
        session.record([opening("a")])
        session.record([], Checkpoint(notes=(Note("", "", PLACE),)), exact=True)
    for write in (
        lambda: made(name).session().__enter__(),
        lambda: made(name).announce(lambda _lockfile: PLACE),
    ):
        with pytest.raises(LockError) as refused:
            write()
        assert refused.value.reason == "lock_closed"
    assert recorded(made(name)).places == (PLACE,)
    opened = LedgerEvent(AT, "opened", {"nonce": "1"})
    with made(name).session(moving=True) as session:
        session.record([], Checkpoint(notes=(Note("", "", opened),)), exact=True)
    with made(name).session() as session:
        session.record([accepted("a", "execution-1")])


@SHARED
def test_a_session_notices_that_it_was_moved(name: str, made: Made) -> None:
    with made(name).session() as session:
        session.record([opening("a")])
        with made(name, clone="other").session() as other:
            other.record([], Checkpoint(notes=(Note("", "", PLACE),)), exact=True)
        for more in ([accepted("a", "execution-1")], [opening("b")]):
            with pytest.raises(LockError) as refused:
                session.record(more)
            assert refused.value.reason == "lock_closed"
    assert set(recorded(made(name)).environment("prod").runs) == {"a"}


@EACH
def test_how_far_an_environment_was_worked_on_is_told_step_by_step(made: Made, name: str) -> None:
    """Of a file only where it is now: git keeps its earlier versions, if somebody commits them."""
    store = made(name)
    assert list(store.read().worked()) == []
    first, second = "1" * 40, "2" * 40
    with store.session() as session:
        session.record([opening("a")], Checkpoint("prod", first))
        session.record([accepted("a", "e-1")])
        session.record([], Checkpoint("prod", first, first))
        session.record([], Checkpoint("dev", second))
    steps = [(one.environment, one.latest, one.through) for one in store.read().worked()]
    whole = [("prod", first, ""), ("prod", first, first), ("dev", second, "")]
    assert sorted(steps) == sorted(whole if name not in ("worktree", "fake for one") else whole[1:])


@EACH
def test_what_is_to_be_told_comes_and_goes_with_what_is_written(name: str, made: Made) -> None:
    with made(name).session() as session:
        session.record([], Checkpoint("prod", outbox=OutboxChange(tells=("started", "failed"))))
        session.record([opening("a"), opening("b")])
        session.record([accepted("a", "e-1"), accepted("b", "e-2")])
        one, other = session.lockfile.outbox.notices
        session.record([], Checkpoint(outbox=OutboxChange(drop=frozenset({one.id}))))
    assert recorded(made(name)).outbox.notices == (other,)
    kept(made(name))  # none of its versions took anything
