"""What of all runs `status` and `history` show, what a person is told to type, and the watch."""

from datetime import UTC, datetime

import pytest

from qflow_gitops.apply import events
from qflow_gitops.base.times import since
from qflow_gitops.commands.status import Only
from qflow_gitops.commands.status_watch import watch
from qflow_gitops.errors import UsageProblem
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.states import NEVER_SENT, State
from qflow_gitops.render import text as as_text
from qflow_gitops.results.records import RunHistory, Status
from qflow_gitops.results.report import Report
from tests.fakes import qualys as fakes
from tests.fakes.world import World, project_file

SETTINGS = project_file("statuses: {Failed: failed}", "apply: {onFailure: continue}")


def shown(world: World, **only: object) -> list[str]:
    body = world.status(only=Only(**only)).body  # type: ignore[arg-type]
    assert isinstance(body, Status)
    return [row.name for row in body.rows]


def three() -> World:
    """One succeeded, one failed, one never sent; the first has a label."""
    world = World(SETTINGS)
    world.spec("a", metadata="  labels: {team: x}\n")
    world.spec("b")
    world.commit()
    world.qualys.ends_of = {"b": "Failed"}
    world.apply()
    world.specs("c")
    return world


def test_runs_are_chosen_by_state_label_and_name() -> None:
    world = three()
    assert shown(world) == ["a", "b", "c"]
    assert shown(world, states=("failed", NEVER_SENT)) == ["b", "c"]
    assert shown(world, labels={"team": "x"}) == ["a"]
    assert shown(world, labels={"team": "x"}, states=("failed",)) == []
    assert shown(world, runs=("b", "c"), states=("failed",)) == ["b"]


def ways(world: World) -> dict[str, str]:
    body = world.status().body
    assert isinstance(body, Status)
    return {row.name: row.way for row in body.rows if row.way}


def test_only_what_needs_a_person_has_a_command() -> None:
    world = three()
    assert list(ways(world)) == ["b"]
    assert "apply -e prod --retry prod/b" in ways(world)["b"]
    world.spec("b", "changed")
    world.commit()
    assert ways(world) == {}  # it is due by itself


def test_a_thousand_targets_are_a_few_lines() -> None:
    world = World(SETTINGS + "  policy: {limits: {runs: 5000}}\n")
    many = "".join(f"    - {{name: t{n:04}, input: {{to: {n}}}}}\n" for n in range(1_000))
    world.spec("a", extra=f"  targets:\n{many}")
    world.commit()
    world.qualys.ends = "Failed"
    world.apply(concurrency=500)  # each wave writes the whole lockfile of the fake
    text = as_text.render(world.status())
    lines = text.splitlines()
    assert len(lines) < 30
    assert sum("--retry prod/a`" in line for line in lines) == 1
    assert "What to do (1,000)" in text


def test_what_is_being_sent_says_until_when_to_wait() -> None:
    world = World(SETTINGS)
    world.specs("a", "b")
    with world.store.session() as session:
        for name in ("a", "b"):
            intent = Event(world.now, State.INTENT, {"leaseUntil": "2026-10-06T12:06:00Z"})
            attempt = Attempt(
                1, State.INTENT, "v1:sha256:0", (intent,), facts={"platform": "sandbox"}
            )
            session.record([Transition("prod", name, 1, intent, opens=attempt)])
    text = as_text.render(world.status())
    assert text.count("until 2026-10-06T12:06:00Z") == 1
    assert "2 runs" in text
    world.clock.sleep(3_600)
    assert as_text.render(world.status()).count("reconcile -e prod") == 1


# --- history -------------------------------------------------------------------------


def attempts(report: Report) -> tuple[list[tuple[str, int]], int]:
    assert isinstance(report.body, RunHistory)
    return [(name, attempt.number) for _, name, attempt in report.body.attempts], report.body.left


def test_a_history_is_cut_by_time_and_number() -> None:
    world = World(SETTINGS)
    world.specs("a")
    world.apply()
    later = world.clock.now()
    world.clock.sleep(3_600)
    world.specs("b")
    world.apply()
    world.spec("a", "other")
    world.commit()
    world.clock.sleep(60)
    world.apply()
    assert attempts(world.history()) == ([("a", 1), ("a", 2), ("b", 1)], 0)
    assert attempts(world.history(limit=2)) == ([("a", 2), ("b", 1)], 1)
    assert attempts(world.history("a", limit=1)) == ([("a", 2)], 1)
    assert attempts(world.history(limit=9)) == ([("a", 1), ("a", 2), ("b", 1)], 0)
    at = since("30m", later)
    assert attempts(world.history(since=since("0s", world.clock.now()))) == ([], 3)
    assert attempts(world.history(since=at)) == ([("a", 1), ("a", 2), ("b", 1)], 0)
    assert attempts(world.history(since=since("30m", world.clock.now()))) == (
        [("a", 2), ("b", 1)], 1,
    )  # fmt: skip
    assert "1 that weren't asked for" in as_text.render(world.history(limit=2))


def test_a_history_keeps_to_its_environment() -> None:
    world = World(project_file("  dev: {platform: sandbox}"))
    world.specs("a")
    world.apply(environment="prod")
    assert attempts(world.history("a", "prod"))[0] == [("a", 1)]
    for run, environment in (("prod/a", "dev"), ("a", "dev"), ("*/a", "dev"), ("", "nowhere")):
        with pytest.raises(UsageProblem):
            world.history(run, environment)
    assert attempts(world.history("*/a", "prod"))[0] == [("a", 1)]
    assert attempts(world.history("", "dev"))[0] == []


NOW = datetime(2026, 10, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-10-05", "2026-10-05T00:00:00Z"), ("2026-10-05T10:00", "2026-10-05T10:00:00Z"),
        ("2026-10-05T10:00+02:00", "2026-10-05T08:00:00Z"), ("2d", "2026-10-04T12:00:00Z"),
        ("90m", "2026-10-06T10:30:00Z"), ("1w", "2026-09-29T12:00:00Z"),
    ],
)  # fmt: skip
def test_a_time_is_a_date_or_so_long_ago(text: str, at: str) -> None:
    assert since(text, NOW) == at


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2", "d", "-2d", "2 d", "999999w", "2026-13-01", "٢d", "1e3d"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026"):
        since(text, NOW)


# --- watching ------------------------------------------------------------------------


def test_it_is_watched_as_long_as_anything_is_under_way() -> None:
    world = World(SETTINGS)
    world.specs("a", "b")
    world.qualys.ends = ""
    world.apply(wait=False)
    for begun in world.qualys.begun:
        begun.ended = None

    looks = 0

    def look() -> Report:
        nonlocal looks
        looks += 1
        if looks == 3:
            world.qualys.begun[0].end("Success", world.clock.now())
        if looks == 5:
            world.qualys.begun[1].end("Failed", world.clock.now())
        world.refresh()
        return world.status()

    started = world.clock.monotonic()
    done = world.follow(watch(look, world.clock, 10, 3600))
    assert looks == 5
    assert world.clock.monotonic() - started == 40
    assert [each.partition("  ")[2] for each in done.sentences] == [
        "prod/a: running → succeeded", "prod/b: running → failed",
    ]  # fmt: skip
    assert sum(isinstance(each, events.Looked) for each in done.told) == 4
    assert isinstance(done.report.body, Status)


def test_nothing_under_way_is_looked_at_once() -> None:
    world = three()
    done = world.follow(watch(world.status, world.clock, 10, 3600))
    assert (done.sentences, done.told) == ([], [])
    assert done.report.exit_code == 0
    assert fakes.ACCEPTED


def test_a_watch_is_over_some_time() -> None:
    """Whatever goes on: who waits in a script gets an answer, and the exit code of a wait."""
    world = World(SETTINGS)
    world.specs("a")
    world.qualys.ends = ""
    world.apply(wait=False)
    started = world.clock.monotonic()
    done = world.follow(watch(world.status, world.clock, 10, 25))
    assert world.clock.monotonic() - started == 25
    assert (done.report.exit_code, done.report.reason) == (8, "still_running")
    assert isinstance(done.report.body, Status)
