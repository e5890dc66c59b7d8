"""`show`: a run's whole story, from what is recorded, what git has, and what Qualys shows."""

import json
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from qflow_gitops.commands.show import Show, ShowServices, show
from qflow_gitops.commands.show_watch import paced, watch
from qflow_gitops.errors import AuthError, ExitCode, UnreachableError, UsageProblem
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.qualys import Allowance, Said, Step
from qflow_gitops.ports.qualys import Qualys as QualysPort
from qflow_gitops.render import json as as_json
from qflow_gitops.render import text as as_text
from qflow_gitops.results.records import Status
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import Depth, Story
from qflow_gitops.sources.loader import DIRECT
from qflow_gitops.specs import schemas
from qflow_gitops.specs.spec import MASK
from tests.fakes import qualys as fakes
from tests.fakes.world import Done, World, project_file
from tests.unit.apply.stories import Team, lost

FAILED = project_file("statuses: {Failed: failed}")
DEPTHS = ((False, False), (True, False), (False, True))
OURS = "00000000-0000-4000-8000-000000000001"


def services(world: World) -> ShowServices:
    return ShowServices(
        world.git, world._head(), world.store, world._settings(world._head()), DIRECT,
        world.connect, world.clock,
    )  # fmt: skip


def shown(
    world: World, what: str = "a", environment: str = "", *, steps: bool = False, raw: bool = False
) -> Report:
    report = show(Show(what, environment, Depth(steps, raw)), services(world))
    data = json.loads(as_json.render(report))
    if isinstance(report.body, Story):
        Draft202012Validator(schemas.load("show")).validate(data)
    assert "\x1b" not in as_text.render(report)
    return report


def story(world: World, what: str = "a", environment: str = "", *, raw: bool = False) -> Story:
    body = shown(world, what, environment, raw=raw).body
    assert isinstance(body, Story)
    return body


def failed(*steps: Step, settings: str = FAILED) -> World:
    world = World(settings)
    world.specs("a")
    world.qualys.ends = "Failed"
    world.apply()
    world.qualys.begun[0].more = steps
    return world


# --- what is recorded ----------------------------------------------------------------


def test_a_run_that_failed_is_told_with_the_command_that_sends_it_again() -> None:
    world = failed(fakes.failing("no such bucket"))
    body = story(world)
    assert (body.state, body.since) == ("failed", world.attempts("a")[0].changed_at)
    assert "apply -e prod --retry prod/a`" in body.next[0]
    assert body.commit is not None
    assert body.commit.subject == "change"
    assert body.attempts[0].request == {"input": {"value": "a"}}
    assert body.execution.culprit is not None
    assert body.execution.culprit.certain
    text = as_text.render(shown(world))
    assert '✗ step 2 (node-00000002-resource) "Failed"\n      no such bucket\n' in text


def test_showing_changes_nothing_and_asks_only_for_what_is_there() -> None:
    world = failed(fakes.failing("no"))
    before, asked = world.store.lockfile, len(world.qualys.asked)
    shown(world, raw=True, steps=True)
    assert world.store.lockfile == before
    assert len(world.qualys.sent) == 1
    assert set(world.qualys.asked[asked:]) <= {"execution", "steps", "step", "shown"}


def test_a_run_that_was_never_sent_is_told_by_its_spec() -> None:
    world = World()
    world.specs("a")
    body = story(world)
    assert body.state == "was never sent"
    assert body.attempts == ()
    assert "plan prod/a" in body.next[0]
    assert '{"value": "a"}' in as_text.render(shown(world))
    assert world.connected == []


def test_what_changed_between_attempts_is_told() -> None:
    world = failed()
    world.spec("a", "other")
    world.commit()
    world.apply()
    body = story(world)
    assert [each.attempt.number for each in body.attempts] == [1, 2]
    assert body.attempts[0].since is None
    assert [each.pointer for each in body.attempts[1].since or ()] == ["/input/value"]
    assert '~ /input/value  "a" → "other"' in as_text.render(shown(world))


def test_sensitive_values_are_shown_nowhere() -> None:
    world = World(FAILED)
    world.spec("a", "hunter2", extra="  sensitive: [/input/value]\n")
    world.commit()
    world.qualys.ends = "Failed"
    world.apply()
    said = Said("/errorMessage", "no such bucket: hunter2", likely=True)
    world.qualys.begun[0].more = (Step("node-1", "resource", 2, "Failed", said=(said,)),)
    world.qualys.begun[0].output = [{"seen": "x hunter2 y", "raw": '{"value": "hunter2"}'}]
    world.spec("a", "hunter3", extra="  sensitive: [/input/value]\n")
    world.commit()
    world.apply()
    for steps, raw in DEPTHS:
        report = shown(world, OURS, steps=steps, raw=raw)
        assert "hunter" not in as_text.render(report) + as_json.render(report)
        assert MASK in as_text.render(report) or not steps


def test_a_file_that_is_not_in_this_clone_hides_what_may_be_sensitive() -> None:
    world = failed(fakes.failing("perhaps a secret"))
    world.qualys.begun[0].output = ["perhaps a secret"]
    world.git.remove("runs/a.yaml")
    world.commit()
    world.git.lost.add(world.attempts("a")[0].fact("blob"))
    for steps, raw in DEPTHS:
        report = shown(world, steps=steps, raw=raw)
        assert "perhaps a secret" not in as_text.render(report) + as_json.render(report)
    body = story(world)
    assert body.attempts[0].request is None
    assert "isn't in this clone" in body.attempts[0].unknown
    assert body.execution.culprit is not None
    assert "isn't known" in body.execution.problem


def test_a_run_by_another_name_is_told_with_what_counts_for_it() -> None:
    world = failed()
    world.git.remove("runs/a.yaml")
    world.spec("b", "a", metadata="  previousName: a\n")
    world.commit()
    assert story(world, "b").attempts[0].key == ("prod", "a")
    world.apply()
    assert story(world, OURS).key == ("prod", "b")
    assert "show prod/b" in story(world, "a").next[0]


def test_a_run_without_a_spec_is_nobodys_work() -> None:
    world = failed()
    world.git.remove("runs/a.yaml")
    world.specs("b")
    assert story(world).next == ("Its spec was removed: nobody asks for it any more",)


def test_releases_approvals_and_notes_are_told() -> None:
    world = World(FAILED)
    world.evidence = {"pullRequest": 12}
    world.spec("a", metadata="  annotations: {ticket: CHG1}\n")
    world.commit()
    world.qualys.ends = "Failed"
    world.apply()
    world.apply(retries=("a",), reason="the bucket is there now")
    text = as_text.render(shown(world))
    for words in ("#12", "retry by ada: the bucket is there now", "ticket: CHG1"):
        assert words in text


def test_who_approved_what_and_who_merged_it_is_told() -> None:
    team = Team(project_file("policy: {approvals: [{count: 1}]}"))
    head = team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    file = {"workflow": "t/r/.github/workflows/q.yml@main", "workflowCommit": "1234567890abcdef"}
    team.world.circumstances = file
    team.world.apply(approved=True)
    text = as_text.render(shown(team.world))
    for words in (f"bob (review 80, commit {head[:10]})", "merged by  ada",
        "CI's file  t/r/.github/workflows/q.yml@main, commit 1234567890"):  # fmt: skip
        assert words in text


def test_a_killed_apply_says_until_when_to_wait() -> None:
    world = World()
    world.specs("a")

    until = "2026-10-06T12:06:00Z"
    intent = Event(world.now, State.INTENT, {"leaseUntil": until})
    attempt = Attempt(1, State.INTENT, "v1:sha256:0", (intent,), facts={"platform": "sandbox"})
    with world.store.session() as session:
        session.record([Transition("prod", "a", 1, intent, opens=attempt)])
    assert "until 2026-10-06T" in story(world).next[0]
    world.clock.sleep(86_400)
    assert "reconcile -e prod" in story(world).next[0]


# --- which one is meant --------------------------------------------------------------


def test_an_execution_is_found_by_the_first_eight_of_its_id() -> None:
    world = failed()
    other = "0a0a0a0a-0000-4000-8000-00000000000b"
    world.specs("b")
    world.qualys.replies.append(fakes.Reply(execution_id=other))
    world.apply(retry_failed=False)
    assert story(world, other.upper()[:8]).key == ("prod", "b")
    assert story(world, other.upper()).key == ("prod", "b")
    assert story(world, OURS[:8]).key == ("prod", "a")
    for none in ("0a0a0a0", "0b0b0b0b", "nothing-like-it", "a/b/c"):
        with pytest.raises(UsageProblem) as refused:
            story(world, none)
        assert refused.value.hint
    world.specs("c")
    world.apply()
    with pytest.raises(UsageProblem) as refused:
        story(world, OURS[:8])
    assert refused.value.reason == "execution_ambiguous"


def test_a_run_s_name_comes_before_an_execution_s_id() -> None:
    world = World()
    world.specs("a", "0a0a0a0a")
    world.qualys.replies.append(fakes.Reply(execution_id="0a0a0a0a-0000-4000-8000-00000000000b"))
    world.apply(concurrency=1)
    assert story(world, "0a0a0a0a").key == ("prod", "0a0a0a0a")
    assert story(world, "0a0a0a0a-0").key is not None


def test_an_earlier_attempt_leads_to_the_newest() -> None:
    world = failed()
    world.apply(retries=("a",))
    body = story(world, OURS)
    assert body.attempts[body.told].attempt.number == 1
    assert body.next == ("Its newest attempt: `qflow-gitops show prod/a`",)


def test_targets_are_told_in_brief() -> None:
    world = World(FAILED)
    targets = "  targets:\n    - {name: us, input: {to: us}}\n    - {name: eu, input: {to: eu}}\n"
    world.spec("a", extra=targets)
    world.commit()
    world.qualys.ends_of = {"eu": "Failed"}
    world.apply()
    body = shown(world).body
    assert isinstance(body, Status)
    assert body.hints == ("One of them: `qflow-gitops show prod/a/eu`",)
    assert story(world, "a/eu").state == "failed"


def test_an_execution_that_is_not_ours_is_told_as_that() -> None:
    world = failed()
    foreign = world.qualys.begin(fakes_workflow(world), {"input": {"x": 1}}, source="WORKFLOW")
    body = story(world, foreign.id, raw=True)
    assert body.key is None
    assert "isn't in the lockfile" in body.state
    assert body.execution.seen
    assert body.execution.source == "WORKFLOW"
    text = as_text.render(shown(world, foreign.id))
    assert f"\n  of workflow {foreign.workflow_id}\n  started through WORKFLOW\n" in text
    with pytest.raises(UsageProblem) as refused:
        story(world, "77777777-0000-4000-8000-000000000001")
    assert refused.value.reason == "execution_unknown"


def fakes_workflow(world: World) -> str:
    return world.qualys.begun[0].workflow_id


def test_an_execution_that_may_be_a_doubt_s_leads_to_looking_it_up() -> None:
    world = World()
    (begun,) = lost(world, "a")
    assert "reconcile -e prod" in story(world, begun.id).next[0]


# --- what Qualys says ----------------------------------------------------------------


def refusing(problem: Exception) -> Any:
    def connect(_platform: str) -> tuple[QualysPort, str]:
        raise problem

    return connect


def test_without_credentials_one_line_says_what_brings_the_steps() -> None:
    world = failed()
    missing = AuthError("There are no credentials.", hint="Set X.", reason="credentials_missing")
    world.connect = refusing(missing)  # type: ignore[method-assign]
    report = shown(world)
    assert report.exit_code is ExitCode.OK
    assert "? There are no credentials. Set X." in as_text.render(report)
    for steps, raw in DEPTHS[1:]:
        needed = shown(world, steps=steps, raw=raw)
        assert needed.exit_code is ExitCode.AUTH
        assert needed.error is missing


def test_credentials_that_are_refused_are_an_error_beside_all_else() -> None:
    world = failed()
    world.qualys.problem = fakes.token_refused()
    report = shown(world)
    assert report.exit_code is ExitCode.AUTH
    assert "Attempts (1)" in as_text.render(report)
    world.qualys.problem = fakes.out_of_reach()
    assert shown(world).exit_code is ExitCode.UNREACHABLE


@pytest.mark.parametrize("call", ["steps", "step", "shown"])
def test_an_execution_that_was_seen_is_told_where_its_steps_are_refused(call: str) -> None:
    world = failed(Step("node-1", "resource", 2, "Failed"))
    world.qualys.refuses[call] = fakes.token_refused()
    report = shown(world)
    assert isinstance(report.body, Story)
    assert (report.body.execution.status, report.body.execution.ended) == ("Failed", True)
    assert report.exit_code is (ExitCode.AUTH if call == "steps" else ExitCode.OK)
    assert ("Qualys refused the token" in as_text.render(report)) is (call == "steps")
    assert shown(world, steps=True).exit_code is ExitCode.AUTH


def test_what_is_not_shown_any_more_is_said() -> None:
    world = failed()
    world.qualys.begun[0].shown = False
    report = shown(world)
    assert report.exit_code is ExitCode.OK
    assert "404" in as_text.render(report)
    assert "Attempts (1)" in as_text.render(report)


def test_only_the_platform_that_was_named_gets_the_token() -> None:
    """Else the credentials of one subscription would meet another's gateway."""
    world = World(project_file("  dev: {platform: EU2}"))
    world.specs("a")
    world.apply(environment="prod")
    world.connected.clear()
    for what in ("a", OURS):
        assert "several platforms" in story(world, what).execution.problem
    assert world.connected == []
    for what, environment in (("a", "prod"), (OURS, "prod"), ("prod/a", "")):
        assert story(world, what, environment).execution.seen
    with pytest.raises(UsageProblem):
        story(world, "77777777-0000-4000-8000-000000000001")


def test_an_attempt_of_another_platform_is_asked_for_nowhere() -> None:
    world = failed()
    world.git.write("qflow.yaml", FAILED.replace("sandbox", "EU2"))
    world.commit()
    world.connected.clear()
    assert "platform sandbox" in story(world).execution.problem
    assert world.connected == []


def test_a_word_that_nobody_explained_is_no_failure() -> None:
    world = failed(fakes.failing("odd", word="Broken"), settings=project_file())
    body = story(world)
    assert body.execution.meaning == ""
    assert body.execution.culprit is not None
    assert not body.execution.culprit.certain
    text = as_text.render(shown(world))
    assert "perhaps step 2" in text
    assert "(no word stands for a failure; it is the last not known to have succeeded)" in text
    assert '`statuses: {"Failed": failed}`' in text


def test_five_thousand_steps_are_counted_and_some_are_shown() -> None:
    many = tuple(Step(f"node-{n}", "filter", n, "Success") for n in range(2, 5_001))
    world = failed(*many, fakes.failing("the last", order=5_001))
    lines = as_text.render(shown(world)).splitlines()
    assert len(lines) < 90
    assert any("Steps (5,001)" in line for line in lines)
    begun = len(world.qualys.asked)
    shown(world, steps=True)
    assert len(world.qualys.asked) - begun < 60


def test_hostile_names_and_messages_are_made_safe() -> None:
    evil = "\x1b[31m::error::x\n##[group]\u202e ``` <img src=x> @everyone"
    said = (Said(evil, evil, likely=True),)
    world = failed(Step(evil, evil, 2, "Failed", said=said))
    world.qualys.begun[0].output = {evil: [evil]}
    for steps, raw in DEPTHS:
        report = shown(world, steps=steps, raw=raw)
        text = as_text.render(report)
        assert not {"\x1b", "\u202e"} & set(text)
        assert "::error" not in text
        assert "##[" not in text
        assert as_json.render(report).isascii()


# --- watching ------------------------------------------------------------------------


def watched(world: World, timeout: float = 1800.0, what: str = "a") -> Done:
    return world.follow(watch(Show(what), services(world), timeout))


def under_way() -> World:
    world = World()
    world.specs("a")
    world.qualys.ends = ""
    world.apply(wait=False)
    return world


def test_it_is_looked_at_again_until_it_has_ended() -> None:
    world = under_way()
    world.qualys.looks += ["Queued", "Running", "Running"]
    world.qualys.begun[0].end("Success", world.clock.now())
    done = watched(world)
    assert [each.partition(";")[0] for each in done.sentences] == ["Queued", "Running"]
    assert done.report.exit_code is ExitCode.OK
    body = done.report.body
    assert isinstance(body, Story)
    assert body.execution.ended
    assert "status --refresh -e prod" in body.next[0]
    assert world.states() == {"a": "accepted"}


def test_when_the_time_is_over_it_still_runs() -> None:
    world = under_way()
    begun = world.clock.monotonic()
    done = watched(world, timeout=60)
    assert done.report.exit_code is ExitCode.STILL_RUNNING
    assert world.clock.monotonic() - begun == pytest.approx(60)


def test_half_of_what_is_left_stays_for_others() -> None:
    world = under_way()
    world.qualys.allowance = Allowance(40, 300, 3600)
    done = watched(world, timeout=3600)
    assert any("half of them stay for others" in each for each in done.sentences)
    assert world.qualys.asked.count("execution") * 2 <= 20 + 2


@pytest.mark.parametrize("ends", [True, False])
def test_what_is_asked_for_in_full_is_looked_at_once_and_not_at_each_look(*, ends: bool) -> None:
    world = under_way()
    world.qualys.begun[0].more = tuple(Step(f"n-{n}", "resource", n, "Running") for n in range(9))
    if ends:
        world.qualys.looks += ["Running"] * 5
        world.qualys.begun[0].end("Success", world.clock.now())
    asked = Show("a", "", Depth(steps=True))
    done = world.follow(watch(asked, services(world), 60))
    assert isinstance(done.report.body, Story)
    assert done.report.body.execution.steps
    assert world.qualys.asked.count("execution") > 5
    assert world.qualys.asked.count("step") == world.qualys.asked.count("shown") == 10


@pytest.mark.parametrize(
    ("allowance", "wait"),
    [
        (None, 2.0), (Allowance(None, 300, 60), 2.0), (Allowance(1000, 1000, 60), 2.0),
        (Allowance(40, 300, 3600), 360.0), (Allowance(8, 300, 10), 5.0),
        (Allowance(3, None, 60), 60.0),
        (Allowance(0, 300, None), 3600.0),
    ],
)  # fmt: skip
def test_the_pace_follows_what_the_headers_say(allowance: Allowance | None, wait: float) -> None:
    assert paced(2.0, allowance)[0] == wait
    assert bool(paced(2.0, allowance)[1]) is (wait != 2.0)


def test_what_can_not_be_watched_is_said() -> None:
    world = World()
    world.specs("a")
    assert watched(world).report.exit_code is ExitCode.USAGE
    running = under_way()
    running.qualys.refuses["execution"] = UnreachableError("Nobody answers.")
    assert watched(running).report.exit_code is ExitCode.UNREACHABLE
    many = World()
    many.spec("a", extra="  targets: [{name: us, input: {to: us}}, {name: eu, input: {to: eu}}]\n")
    many.commit()
    many.apply()
    with pytest.raises(UsageProblem) as refused:
        watched(many)
    assert refused.value.reason == "several_runs"


def test_times_that_are_none_are_unknown() -> None:
    world = failed()
    begun = world.qualys.begun[0]
    begun.dated = False
    text = as_text.render(shown(world))
    assert "created unknown, started unknown" in text
    assert "queued unknown" in text
    begun.dated, begun.created = True, world.clock.now() - timedelta(seconds=3_700)
    begun.ended = world.clock.now()
    assert "running 1 h 1 m 40 s" in as_text.render(shown(world))
