"""Every fault of the sandbox, against every kind of request that an apply makes.

Each table is written from docs/api.md 12, not from the code: what a fault proves, how often it may
be asked again, and what is said. `asked` is how many requests of the kind the server saw.
The rules behind the numbers: a GET is tried 4 times where the answer may be better later (a
rate limit, 5xx, no whole answer), a 401 once more with a new token, anything else once. A
token is asked for once. A POST is repeated only after a rate limit (3 in all) or a 401 (2).

`.ci/run` makes, of each table, the first row of each kind of fault with each outcome, `.ci/nightly`
all of them; the tests at the end see to it that no fault is left out of a table.
"""

import time
from collections.abc import Sequence

import pytest

from qflow_gitops.apply.brakes import SEND_WITHIN
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.qualys.caller import BUDGET
from qflow_gitops.qualys.credentials import Secret
from qflow_gitops.qualys.token import TokenSource
from qflow_gitops.sandbox.faults import FAULTS
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers import matrix
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.matrix import Bench, limited, once_posted
from tests.helpers.partners import one_each, rows
from tests.helpers.specs import WORKFLOW, spec

server = matrix.server
waits = matrix.waits

Row = tuple[str | int, ...]
KINDS = {
    "refused": ("400", "401", "403", "404", "hidden", "409"),
    "limited": ("429", "409-rate"),
    "out of order": ("500", "502", "503", "504"),
    "of another kind": ("redirect", "html", "empty"),
    "without an answer": ("drop", "cut", "hang"),
    "slow": ("latency", "drip"),
}
"""What a fault is like, by a part of its name; what is in none of these has its rows each time."""
LIMIT = 0.3  # seconds, a request's deadline where a fault is one of time: `!` after its name


@pytest.fixture
def bench(project: Workspace, cli: Cli, server: SandboxServer, waits: list[float]) -> Bench:
    return Bench(cli, server, lambda: matrix.worktree(cli), waits)


def told(fault: str, target: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A row's fault, aimed at a kind of request; `!` shortens the requests' deadline."""
    name, mark, count = fault.removesuffix("!").partition("#")
    if fault.endswith("!"):
        limited(monkeypatch, target, LIMIT, int(count or 99))
    return f"{name}@{target}{mark}{count}" if name else ""


# --- before anything is recorded -----------------------------------------------------

TOKEN = [
    # fault           asked  code
    ("",               1,    0),
    ("latency=0.1",    1,    0),
    ("drip=0.1",       1,    0),
    ("accept-then-500#1", 1, 12),
    ("400",            1,    4),
    ("401",            1,    4),
    ("403",            1,    4),
    ("404",            1,    12),
    ("hidden",         1,    12),
    ("409",            1,    12),
    ("409-rate=0",     1,    12),
    ("429=0",          1,    12),
    ("500",            1,    12),
    ("502",            1,    12),
    ("503",            1,    12),
    ("504",            1,    12),
    ("redirect",       1,    12),
    ("html",           1,    12),
    ("empty",          1,    12),
    ("drop",           1,    12),
    ("accept-then-drop", 1,  12),
    ("accept-then-cut",  1,  12),
    ("accept-then-500",  1,  12),
    ("hang=2!",        1,    12),
    ("drip=9!",        1,    12),
    ("expire-tokens=0", 3,   4),  # each GET is refused, and once more with a new token
]  # fmt: skip


def kind(row: Row) -> tuple[object, ...]:
    """What a row is one of several of: its kind of fault, and all that comes of it."""
    fault, *outcome = row
    kinds = (name for name, words in KINDS.items() if any(word in str(fault) for word in words))
    return (*(tuple(kinds) or (fault,)), *outcome)


def kind_of_get(row: Row) -> tuple[object, ...]:
    """Likewise of another GET than the first, which is tried again in the same way."""
    fault, asked, *outcome = row
    again = int(asked) > 1 and not str(fault).startswith("401")
    return ("again", *outcome) if again else kind(row)


@pytest.mark.parametrize(("fault", "asked", "code"), one_each(TOKEN, kind))
def test_token(
    fault: str, asked: int, code: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a token nothing is recorded, and nothing else is asked."""
    done = bench.under(told(fault, "token", monkeypatch))
    assert (done.code, bench.asked("token")) == (code, asked), done.err
    assert bench.state() == ("nothing" if code else "succeeded")
    assert bench.posts() == (0 if code else 1)
    if code and not fault.startswith("expire"):
        assert len(bench.sandbox.requests()) == asked
    bench.settles("succeeded", 0)


def test_tokens_that_live_shortly_are_renewed_in_time(bench: Bench) -> None:
    """A token is renewed a minute early, so one of a second is got anew for each request."""
    assert bench.under("expire-tokens=1").code == 0
    assert bench.asked("token") == len(bench.sandbox.requests()) - bench.asked("token") + 1
    bench.settles("succeeded", 0)


RETRIED = [
    # fault            asked
    ("409-rate=0",      4),
    ("429=0",           4),
    ("429=29",          4),  # 3 waits within the budget of 90 s
    ("429=31",          3),  # the third would be over it
    ("429=120",         1),  # so is the first
    ("500",             4),
    ("502",             4),
    ("503",             4),
    ("504",             4),
    ("drop",            4),
    ("accept-then-drop", 4),
    ("accept-then-cut", 4),
    ("accept-then-500", 4),
    ("hang=2!",         4),
]  # fmt: skip
"""Of a GET, of whatever kind: asked again, in vain."""
RECOVERS = [("500#3", 4), ("drop#1", 2), ("429=0#2", 3), ("401#1", 2), ("drip=0.1", 1),
            ("latency=0.1", 1)]  # fmt: skip
"""Of a GET, of whatever kind: asked again, and answered."""

WORKFLOW_GET = [
    # fault   asked code
    ("400",    1,   12),
    ("401",    2,   4),
    ("403",    1,   4),
    ("404",    1,   5),  # held: Qualys knows no such workflow
    ("hidden", 1,   5),
    ("409",    1,   12),
    ("redirect", 1, 12),
    ("html",   1,   12),
    ("empty",  1,   0),  # what isn't known of it (its revision) is left out
    (f"unknown-workflow={WORKFLOW}", 1, 5),
    *((fault, asked, 12) for fault, asked in RETRIED),
    *((fault, asked, 0) for fault, asked in RECOVERS),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "asked", "code"), one_each(WORKFLOW_GET, kind))
def test_the_workflow_before_the_send(
    fault: str, asked: int, code: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one authenticated GET before anything is recorded: without it nothing is sent."""
    done = bench.under(told(fault, "workflow", monkeypatch))
    assert (done.code, bench.asked("workflow")) == (code, asked), done.err
    assert bench.state() == ("nothing" if code else "succeeded")
    assert bench.posts() == (0 if code else 1)
    assert sum(bench.waits) <= BUDGET
    bench.settles("succeeded", 0)


LIST_BEFORE = [
    # fault        asked code
    ("400",         1,   12),
    ("401",         2,   0),  # a role that may run but not list: sent, without a pre-image
    ("403",         1,   0),
    ("404",         1,   0),
    ("hidden",      1,   0),
    ("409",         1,   12),
    ("redirect",    1,   12),
    ("html",        1,   12),
    ("empty",       1,   12),  # an empty list has to say so
    ("list-lag=60", 1,   0),
    ("list-shift",  1,   0),
    ("list-stuck",  1,   0),
    ("drip=9!",     4,   12),
    *((fault, asked, 12) for fault, asked in RETRIED),
    *((fault, asked, 0) for fault, asked in RECOVERS),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "asked", "code"), one_each(LIST_BEFORE, kind_of_get))
def test_the_list_before_the_send(
    fault: str, asked: int, code: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pre-image: without an answer to it nothing is recorded and nothing is sent."""
    done = bench.under(told(fault, "list", monkeypatch))
    assert (done.code, bench.asked("list")) == (code, asked), done.err
    assert bench.state() == ("nothing" if code else "succeeded")
    assert bench.posts() == (0 if code else 1)
    if bench.attempts():
        intent = bench.attempts()[0]["events"][0]
        unlisted = fault in ("401", "403", "404", "hidden")
        assert ("executionsBefore" in intent) is not unlisted
    bench.settles("succeeded", 0)


# --- the send ------------------------------------------------------------------------

POST = [
    # faults            posts ran  state        code
    ("",                  1,  1, "succeeded",   0),
    ("latency=0.1@run",   1,  1, "succeeded",   0),
    ("drip=0.1",          1,  1, "succeeded",   0),
    ("old-shape",         1,  1, "succeeded",   0),
    ("outcome=Success",   1,  1, "succeeded",   0),
    ("outcome=Failed",    1,  1, "ended",       1),  # no documented word: ended, no success
    ("fail=filter",       1,  1, "ended",       1),
    ("rights=read,list",  1,  0, "refused",     1),
    ("rate-headers=9/0/9", 1, 1, "succeeded",   0),  # they are on all answers: no limit
    ("skew=7200",         1,  1, "succeeded",   0),
    ("skew=-7200",        1,  1, "succeeded",   0),
    # refused: docs/api.md 12
    ("400",               1,  0, "refused",     1),
    ("401",               2,  0, "refused",     1),
    ("401#1",             2,  1, "succeeded",   0),
    ("403",               1,  0, "refused",     1),
    ("404",               1,  0, "refused",     1),
    ("hidden@run",        1,  0, "refused",     1),
    ("redirect",          1,  0, "refused",     1),
    # refused by a rate limit, before anything was processed: proven not sent
    ("429=0",             3,  0, "unsent",      12),
    ("429=0#2",           3,  1, "succeeded",   0),
    ("429=50",            3,  0, "unsent",      12),
    ("429=200",           1,  0, "unsent",      12),  # longer than an intent may wait
    ("409-rate=0",        3,  0, "unsent",      12),
    ("409-rate=0#1",      2,  1, "succeeded",   0),
    # proves nothing, and nothing ran: a person has to decide
    ("409",               1,  0, "in_doubt",    9),
    ("500",               1,  0, "in_doubt",    9),
    ("502",               1,  0, "in_doubt",    9),
    ("503",               1,  0, "in_doubt",    9),
    ("504",               1,  0, "in_doubt",    9),
    ("html",              1,  0, "in_doubt",    9),
    ("empty",             1,  0, "in_doubt",    9),
    ("drop",              1,  0, "in_doubt",    9),
    ("hang=2 !",          1,  0, "in_doubt",    9),
    # proves nothing, and it ran: found and adopted by the same apply
    ("bad-id",            1,  1, "succeeded",   0),
    ("accept-then-drop",  1,  1, "succeeded",   0),
    ("accept-then-cut",   1,  1, "succeeded",   0),
    ("accept-then-500",   1,  1, "succeeded",   0),
    ("drip=9 !",          1,  1, "succeeded",   0),
    ("accept-then-drop wrapped-variables",   1, 1, "succeeded", 0),
    ("accept-then-drop skew=7200",           1, 1, "succeeded", 0),
    ("accept-then-drop skew=-7200",          1, 1, "succeeded", 0),
    # it ran, and doesn't show: found by a later apply
    ("accept-then-drop list-lag=60",         1, 1, "in_doubt",  9),
    ("accept-then-drop no-echo",             1, 1, "in_doubt",  9),
]  # fmt: skip
AFTER = {  # (state, whether it ran) -> what a following faultless apply ends with
    ("succeeded", 1): ("succeeded", 0),
    ("ended", 1): ("ended", 0),
    ("refused", 0): ("refused", 0),
    ("unsent", 0): ("succeeded", 0),
    ("in_doubt", 0): ("in_doubt", 9),
    ("in_doubt", 1): ("succeeded", 0),
}
ON_A_BRANCH = ("", "404", "429=0", "409-rate=0#1", "500", "hang=2 !", "bad-id", "accept-then-cut",
               "accept-then-drop list-lag=60")  # fmt: skip
"""One of each kind: the classes are the API's, what a store does with a state its own."""


def posted(row: tuple[str, int, int, str, int], bench: Bench) -> None:
    faults, posts, ran, state, code = row
    done = bench.under(faults.removesuffix("!"))
    assert (bench.state(), done.code) == (state, code), done.err
    assert (bench.posts(), bench.ran(), len(bench.attempts())) == (posts, ran, 1)
    assert sum(bench.waits) < SEND_WITHIN + BUDGET
    bench.settles(*AFTER[state, ran])


@pytest.mark.parametrize(("faults", "posts", "ran", "state", "code"), one_each(POST, kind))
def test_the_post(
    faults: str, posts: int, ran: int, state: str, code: int, bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if faults.endswith("!"):
        limited(monkeypatch, "run", LIMIT)
    posted((faults, posts, ran, state, code), bench)


@pytest.mark.parametrize(
    "row",
    one_each(
        [(row,) for row in POST if row[0] in ON_A_BRANCH], lambda of: of[0][2:], lambda of: of[0][0]
    ),
)
def test_the_post_recorded_on_a_branch(
    row: tuple[str, int, int, str, int],
    remote: Remote,
    cli: Cli,
    server: SandboxServer,
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if row[0].endswith("!"):
        limited(monkeypatch, "run", LIMIT)
    posted(row, Bench(cli, server, lambda: matrix.branch(remote), waits))


def test_a_post_that_arrives_late_is_found_later(bench: Bench) -> None:
    """The connection ended, and the request was still on its way: never "it did not run"."""
    done = bench.under("late=1.5")
    assert (bench.state(), done.code, bench.posts(), bench.ran()) == ("in_doubt", 9, 1, 0)
    time.sleep(1.6)
    bench.settles("succeeded", 0)
    assert bench.ran() == 1


def test_a_token_that_ends_between_two_posts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The POST was refused (401) and there is no new token: nothing was executed."""
    fetched: list[int] = []

    def drop(self: TokenSource, token: Secret) -> None:
        dropped(self, token)
        fetched.append(bench.asked("token"))
        bench.sandbox.set_faults("503@token", "401@run")

    dropped = TokenSource.drop
    monkeypatch.setattr(TokenSource, "drop", drop)
    done = bench.under("401@run")
    assert (bench.state(), done.code, bench.posts()) == ("unsent", 12, 1)
    assert bench.asked("token") == fetched[0] + 1
    bench.settles("succeeded", 0)


# --- after the send ------------------------------------------------------------------

EXECUTION = [
    # fault         asked state       code
    ("latency=0.1",   1, "succeeded",  0),
    ("drip=0.1",      1, "succeeded",  0),
    ("400#1",         2, "succeeded",  0),  # the next look may tell
    ("401#1",         2, "succeeded",  0),
    ("401",           2, "accepted",   8),  # refused credentials: nothing more is asked
    ("403",           1, "accepted",   8),
    ("404#2",         3, "succeeded",  0),  # it may be late in showing
    ("hidden#1",      2, "succeeded",  0),
    ("409#1",         2, "succeeded",  0),
    ("redirect#1",    2, "succeeded",  0),
    ("html#1",        2, "succeeded",  0),
    ("empty#1",       2, "succeeded",  0),
    ("409-rate=0#4",  5, "succeeded",  0),
    ("429=0#4",       5, "succeeded",  0),
    ("429=120#1",     2, "succeeded",  0),
    ("500#4",         5, "succeeded",  0),
    ("502#4",         5, "succeeded",  0),
    ("503#4",         5, "succeeded",  0),
    ("504#8",         9, "succeeded",  0),
    ("drop#4",        5, "succeeded",  0),
    ("accept-then-drop#4", 5, "succeeded", 0),
    ("accept-then-cut#4",  5, "succeeded", 0),
    ("accept-then-500#4",  5, "succeeded", 0),
    ("hang=2#4!",     5, "succeeded",  0),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "asked", "state", "code"), one_each(EXECUTION, kind_of_get))
def test_the_execution_that_is_waited_for(
    fault: str, asked: int, state: str, code: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking may fail as often as it likes: what was accepted stays so, and isn't sent again."""
    done = bench.under(told(fault, "execution", monkeypatch))
    assert (bench.state(), done.code) == (state, code), done.err
    assert (bench.asked("execution"), bench.posts(), bench.ran()) == (asked, 1, 1)
    bench.settles("succeeded", 0)


@pytest.mark.parametrize(
    "fault",
    rows(
        ("400", "404", "hidden", "500", "drop", "html", "empty"),
        lambda fault: fault in ("404", "500", "drop"),
    ),
)
def test_an_execution_that_never_shows_is_still_running(
    fault: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the wait, which comes once it was looked at, it is 8, and nothing is lost."""
    seen: list[bool] = []

    def monotonic(_clock: SystemClock) -> float:
        if not seen and bench.asked("execution"):
            seen.append(True)
        return time.monotonic() + (3600.0 if seen else 0.0)

    monkeypatch.setattr(SystemClock, "monotonic", monotonic)
    done = bench.under(f"{fault}@execution", "apply", "--yes", "--timeout", "10m")
    assert (bench.state(), done.code) == ("accepted", 8), done.err
    assert bench.asked("execution") >= 1
    bench.settles("succeeded", 0)


LIST_AFTER = [
    # fault        asked state      code
    ("",            1, "adopted",    0),
    ("latency=0.1", 1, "adopted",    0),
    ("drip=0.1",    1, "adopted",    0),
    ("400",         1, "in_doubt",   9),
    ("401",         2, "in_doubt",   9),
    ("403",         1, "in_doubt",   9),
    ("404",         1, "in_doubt",   9),
    ("hidden",      1, "in_doubt",   9),
    ("409",         1, "in_doubt",   9),
    ("redirect",    1, "in_doubt",   9),
    ("html",        1, "in_doubt",   9),
    ("empty",       1, "in_doubt",   9),
    ("list-lag=60", 1, "in_doubt",   9),
    ("list-shift",  1, "adopted",    0),  # of one page: whole, and the other's isn't ours
    ("list-stuck",  1, "adopted",    0),  # of one page
    ("drip=9!",     4, "in_doubt",   9),
    *((fault, asked, "in_doubt", 9) for fault, asked in RETRIED),
    *((fault, asked, "adopted", 0) for fault, asked in RECOVERS),
]  # fmt: skip


def lost(bench: Bench) -> None:
    """An execution whose answer was lost, and that the list doesn't show yet."""
    assert bench.under("accept-then-drop list-lag=60").code == 9
    assert (bench.state(), bench.posts(), bench.ran()) == ("in_doubt", 1, 1)


@pytest.mark.parametrize(("fault", "asked", "state", "code"), one_each(LIST_AFTER, kind_of_get))
def test_the_list_that_reconcile_reads(
    fault: str, asked: int, state: str, code: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that can't be read proves nothing: the doubt stays as it is."""
    lost(bench)
    before = bench.asked("list")
    done = bench.under(told(fault, "list", monkeypatch), "reconcile")
    assert (bench.state(), done.code) == (state, code), done.err
    assert (bench.asked("list") - before, bench.posts()) == (asked, 1)
    bench.settles("succeeded", 0)


@pytest.mark.parametrize("fault", ["list-shift", "list-stuck"])
def test_a_list_of_several_pages_that_shifts(fault: str, bench: Bench) -> None:
    """It is read from the start again, 3 times; then it proves nothing, found or not."""
    lost(bench)
    for _ in range(100):
        bench.sandbox.add_foreign(WORKFLOW, {})
    before = bench.asked("list")
    done = bench.under(f"{fault}@list", "reconcile")
    assert (bench.state(), done.code) == ("in_doubt", 9)
    assert bench.asked("list") - before == (1 + 3) * 2
    bench.settles("succeeded", 0)


STEPS = [
    # fault        asked state      code
    ("",            1, "adopted",    0),
    ("latency=0.1", 1, "adopted",    0),
    ("drip=0.1",    1, "adopted",    0),
    ("wrapped-variables", 1, "adopted", 0),
    ("error-field=error", 1, "adopted", 0),
    ("no-echo",     1, "in_doubt",   9),
    ("400",         1, "in_doubt",   9),
    ("401",         2, "in_doubt",   9),
    ("403",         1, "in_doubt",   9),
    ("404",         1, "in_doubt",   9),
    ("hidden",      1, "in_doubt",   9),
    ("409",         1, "in_doubt",   9),
    ("redirect",    1, "in_doubt",   9),
    ("html",        1, "in_doubt",   9),
    ("empty",       1, "in_doubt",   9),
    *((fault, asked, "in_doubt", 9) for fault, asked in RETRIED),
    *((fault, asked, "adopted", 0) for fault, asked in RECOVERS),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "asked", "state", "code"), one_each(STEPS, kind_of_get))
def test_the_steps_that_show_what_was_sent(
    fault: str, asked: int, state: str, code: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An execution that doesn't show its request isn't adopted, though it is the only one."""
    lost(bench)
    before = bench.asked("steps")
    done = bench.under(told(fault, "steps", monkeypatch), "reconcile")
    assert (bench.state(), done.code) == (state, code), done.err
    assert (bench.asked("steps") - before, bench.posts()) == (asked, 1)
    bench.settles("succeeded", 0)


# --- what the tables found -----------------------------------------------------------


@pytest.mark.parametrize("fault", ["403", "404"])
def test_without_a_pre_image_another_s_execution_is_never_adopted(fault: str, bench: Bench) -> None:
    """It may have been there before: a person has to decide."""
    body = matrix.REQUEST
    bench.sandbox.add_foreign(WORKFLOW, body, source="PUBLIC_API", created=time.time() - 60)
    bench.under(f"{fault}@list drop")
    assert bench.state() == "in_doubt"
    done = bench.under("", "reconcile")
    assert (bench.state(), done.code) == ("in_doubt", 9)
    assert "a person has to decide" in done.err
    bench.settles("in_doubt", 9)


def test_a_list_that_fails_between_two_waves_loses_no_answer(
    bench: Bench, project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second wave isn't recorded nor sent; the first one's answer is."""
    other = WORKFLOW.replace("6", "7")
    project.write("runs/z.yaml", spec("z").replace(WORKFLOW, other))
    project.commit("another workflow")
    once_posted(monkeypatch, lambda: bench.sandbox.set_faults("500@list"))
    done = bench.under("", "apply", "--yes", "--no-wait", "--concurrency", "1")
    assert (done.code, bench.state(), bench.posts()) == (12, "accepted", 1), done.err
    assert "It wasn't sent, nor was any run after it." in done.err
    assert "prod/z" in done.out


TABLES: dict[str, Sequence[Row]] = {
    "token": TOKEN, "workflow": WORKFLOW_GET, "run": POST, "execution": EXECUTION, "steps": STEPS,
}  # fmt: skip


@pytest.mark.parametrize("table", [LIST_BEFORE, LIST_AFTER], ids=["before", "after"])
def test_no_fault_of_the_list_is_left_out(table: Sequence[Row]) -> None:
    assert missing("list", table) == set()


@pytest.mark.parametrize("target", TABLES)
def test_no_fault_is_left_out(target: str) -> None:
    """A new fault of the sandbox needs a row wherever it can strike."""
    assert missing(target, TABLES[target]) == set()


ELSEWHERE = {"late", "unknown-workflow", "expire-tokens", "latency"}
"""Of the run's and of any target: those that have a test, or a target, of their own."""


def missing(target: str, table: Sequence[Row]) -> set[str]:
    """Give the faults that strike a kind of request and have no row."""
    own = {"bad-id", "old-shape", "late", "outcome", "no-echo", "wrapped-variables", "list-lag",
           "list-shift", "list-stuck", "skew", "unknown-workflow", "expire-tokens",
           "response-code", "version", "rights", "rate-headers", "fail", "error-field"}  # fmt: skip
    everywhere = set(FAULTS) - own
    usual = {name for name in own if FAULTS[name].endswith(f"({target})")}
    named = {
        word.partition("=")[0].partition("#")[0].partition("@")[0].rstrip("!")
        for row in table
        for word in str(row[0]).split()
    }
    return (everywhere | usual) - named - ELSEWHERE
