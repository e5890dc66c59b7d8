"""`report`: what an auditor is told, and what the sources differ in."""

import json
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from qflow_gitops.audit.attempts import Around
from qflow_gitops.audit.attempts import told as tell
from qflow_gitops.audit.span import Span
from qflow_gitops.commands.report import Asked, ReportServices, report
from qflow_gitops.errors import AuthError, ExitCode, UnreachableError, UsageProblem
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.attempt_json import attempt_from_json, attempt_to_json
from qflow_gitops.lockfile.runs import LazyRuns
from qflow_gitops.lockfile.states import State
from qflow_gitops.lockfile.summary import glance
from qflow_gitops.lockfile.worked import Worked
from qflow_gitops.render import json as as_json
from qflow_gitops.render import text as as_text
from qflow_gitops.results.evidence import AttemptEvidence, DifferenceTold, Evidence, Kind, Outcome
from qflow_gitops.results.report import Report
from qflow_gitops.sources.loader import DIRECT
from qflow_gitops.specs import schemas
from qflow_gitops.specs.spec import MASK
from tests.fakes.world import WORKFLOW, World, project_file

APPROVED = project_file("policy: {approvals: [{count: 1}]}")
EVER = Span()


def services(world: World) -> ReportServices:
    head = world._head()
    return ReportServices(
        world.git, head, world.store, world._settings(head), DIRECT, world.clock, world.connect
    )


def made(
    world: World, *runs: str, environment: str = "", span: Span = EVER, live: bool = False
) -> Report:
    found = report(Asked(runs, environment, span, live), services(world))
    Draft202012Validator(schemas.load("report")).validate(json.loads(as_json.render(found)))
    assert "\x1b" not in as_text.render(found)
    return found


def told(
    world: World, *runs: str, environment: str = "", span: Span = EVER, live: bool = False
) -> Evidence:
    body = made(world, *runs, environment=environment, span=span, live=live).body
    assert isinstance(body, Evidence)
    return body


def attempts(body: Evidence) -> list[AttemptEvidence]:
    return [attempt for run in body.runs for attempt in run.attempts]


def differences(body: Evidence, kind: Kind) -> list[DifferenceTold]:
    return [each for each in body.compared.differences if each.kind is kind]


def applied(*names: str, settings: str = project_file()) -> World:
    world = World(settings)
    world.specs(*names)
    world.apply()
    return world


def test_an_attempt_is_told_with_its_commit_and_request() -> None:
    world = World()
    world.spec("a", "secret", extra="  sensitive: [/input/value]\n")
    commit = world.commit("Encrypt\n\nAs the board asked.")
    world.apply()
    (attempt,) = attempts(told(world))
    assert (attempt.key, attempt.number, attempt.outcome) == (("prod", "a"), 1, Outcome.SUCCEEDED)
    assert attempt.commit is not None
    assert (attempt.commit.id, attempt.commit.subject) == (commit, "Encrypt")
    assert attempt.message == "Encrypt\n\nAs the board asked."
    assert attempt.request == {"input": {"value": MASK}}
    assert (attempt.actor, attempt.unknown) == ("ada", ())
    assert told(world).compared.differences == ()


def test_attempts_are_read_in_one_go_and_those_that_tell_of_their_applies_in_another() -> None:
    """Each go is a process of git's: of ten thousand attempts there are twenty, not as many."""
    world = World()
    for names in ("cab", "fed"):
        world.circumstances = {"installed": f"sha256:{names}"}
        world.specs(*names)
        world.apply()
    lockfile, asked = world.store.lockfile, list[list[str]]()
    record = lockfile.environment("prod")

    def read(names: Sequence[str]) -> list[tuple[str, tuple[Attempt, ...]]]:
        asked.append(sorted(names))
        return [(name, record.runs[name]) for name in names]

    runs = LazyRuns({run: glance(record.runs[run]) for run in "fbdace"}, read)
    lazy = replace(lockfile, environments={"prod": record._replace(runs=runs)})
    body = report(Asked(), services(world), world.store.read()._replace(lockfile=lazy)).body
    assert isinstance(body, Evidence)
    assert "".join(run.key[1] for run in body.runs) == "abcdef"
    assert [one.apply["installed"][-3:] for one in attempts(body)] == ["cab"] * 3 + ["fed"] * 3
    assert asked == [["a", "b", "c", "d", "e", "f"], ["a", "d"]]


def test_what_stands_in_many_attempts_is_in_memory_once() -> None:
    """Of ten thousand each has its apply, its author and its state: that adds up."""
    world = applied("a")
    (recorded,) = world.attempts("a")
    whole = {**attempt_to_json(recorded), "annotations": {"owner": "ada@example.com"}}
    whole["events"][0] |= {"by": {"actor": "ada"}, "apply": {"workflow": "ci.yml@main"}}
    one, other = (
        tell(("prod", "a"), each, Around(None, "", None, "", apply=each.events[0].extra["apply"]))
        for each in (attempt_from_json(json.loads(json.dumps(whole))) for _ in range(2))
    )
    for mine, theirs in (
        (one.actor, other.actor),
        (one.status, other.status),
        (one.digest, other.digest),
        *zip(one.annotations.items(), other.annotations.items(), strict=True),
        *zip(one.apply.items(), other.apply.items(), strict=True),
    ):
        assert mine == theirs != ""
        assert all(map(operator.is_, mine, theirs)) if type(mine) is tuple else mine is theirs
    a, b = (glance([attempt_from_json(json.loads(json.dumps(whole)))]) for _ in range(2))
    assert a.states is b.states
    assert a.platforms is b.platforms


def test_what_a_spec_calls_sensitive_is_in_no_text_of_the_report() -> None:
    """Whoever writes a commit's message or a reason may name what the spec hides."""
    world = World()
    metadata = "  annotations: {why: because of canary-4711}\n"
    world.spec("a", "canary-4711", metadata=metadata, extra="  sensitive: [/input/value]\n")
    world.spec("b")
    world.commit("Fix canary-4711\n\nIt is canary-4711 again.")
    world.freeze("canary-4711 burns")
    world.unfreeze("it is over")
    world.apply()
    body = told(world)
    assert "canary-4711" not in repr(body)
    assert {each.message for each in attempts(body)} == {f"Fix {MASK}\n\nIt is {MASK} again."}
    assert [event.reason for _, event in body.events][:1] == [f"{MASK} burns"]


def test_a_run_is_told_with_what_it_was_called_before() -> None:
    world = applied("a")
    world.git.remove("runs/a.yaml")
    world.spec("b", "a", metadata="  previousName: a\n")
    world.commit()
    world.apply()
    body = told(world, "b")
    assert [run.key for run in body.runs] == [("prod", "a"), ("prod", "b")]
    assert [event.what for event in body.runs[1].events] == ["carried"]
    assert [run.key for run in told(world, "a").runs] == [("prod", "a")]
    assert body.of_runs
    assert not told(world).of_runs


def test_an_execution_names_its_run_and_an_unknown_one_nothing() -> None:
    world = applied("a", "b")
    (attempt,) = world.attempts("b")
    assert [run.key for run in told(world, attempt.execution_id).runs] == [("prod", "b")]
    with pytest.raises(UsageProblem) as stopped:
        told(world, "00000000-0000-4000-8000-00000000dead")
    assert stopped.value.reason == "execution_unknown"


def test_a_span_has_what_was_under_way_in_it() -> None:
    world = applied("a")
    between = world.now
    world.clock.sleep(60.0)
    since = world.now
    world.spec("a", "again")
    world.commit()
    world.apply()
    (run,) = told(world, span=Span(until=between)).runs
    assert ([each.number for each in run.attempts], run.later) == ([1], 1)
    later = told(world, span=Span(since=since))
    assert [each.number for run in later.runs for each in run.attempts] == [2]
    assert told(world, span=Span(since="2999-01-01T00:00:00Z")).runs == ()


def test_what_is_still_open_was_under_way_ever_since() -> None:
    world = applied("a")

    def doubted(data: dict[str, Any]) -> None:
        del data["executionId"], data["status"]
        data["state"] = "in_doubt"
        data["events"][1:] = [{"at": data["events"][0]["at"], "to": "in_doubt"}]

    tampered(world, doubted)
    body = told(world, span=Span(since="2999-01-01T00:00:00Z"))
    assert [each.outcome for each in attempts(body)] == [Outcome.IN_DOUBT]


# --- what stood in commits -----------------------------------------------------------


def test_what_stood_in_a_commit_that_was_worked_on_and_was_never_sent_is_named() -> None:
    world = applied("a")
    world.spec("b")
    world.spec("a", "held", metadata="  annotations: {}\n")
    commit = world.commit()
    world.apply(runs=("a",))
    (found,) = differences(told(world), Kind.NEVER_SENT)
    assert (found.environment, found.run, found.commit) == ("prod", "b", commit)
    assert "was never sent, and still stands there" in found.text
    world.git.remove("runs/b.yaml")
    world.spec("c")
    world.commit()
    world.apply()
    (found,) = differences(told(world), Kind.NEVER_SENT)
    assert found.run == "b"
    assert "still stands" not in found.text
    assert told(world).compared.commits == 3


def test_what_was_baselined_was_not_forgotten() -> None:
    world = World()
    world.specs("a")
    world.baseline()
    body = told(world)
    assert [each.outcome for each in attempts(body)] == [Outcome.DECLARED]
    assert body.compared.differences == ()


def test_what_a_commit_asked_for_that_no_apply_saw_is_no_difference() -> None:
    world = applied("a")
    world.spec("a", "never applied")
    world.commit()
    world.spec("a")
    world.spec("b")
    world.commit()
    world.apply()
    assert told(world).compared.differences == ()


def test_commits_that_are_gone_are_said_to_be_unknown() -> None:
    world = applied("a")
    world.git.commits.pop(world.git.resolve("HEAD"))
    world.git.refs.clear()
    world.git.refs["HEAD"] = "refs/heads/main"
    world.spec("a")
    world.commit("another history")
    body = told(world)
    (found,) = differences(body, Kind.NOT_IN_GIT)
    assert "isn't in this clone, which has all history" in found.text
    assert any("aren't in this clone" in limit for limit in body.compared.limits)


@pytest.mark.parametrize(
    ("times", "doubted"),
    [
        (("2026-10-01T12:00:00Z", "2026-10-01T13:00:00Z"), False),
        (("2026-10-01T12:00:00Z", "2026-10-01T11:55:00Z"), False),
        (("2026-10-01T12:00:00Z", "", "2020-01-01T00:00:00Z"), True),
        (("2099-10-01T12:00:00Z", "2026-10-01T12:00:00Z"), True),
    ],
)
def test_versions_whose_times_go_back_are_said_to_prove_no_span(
    times: tuple[str, ...], doubted: bool
) -> None:
    world = applied("a")
    head = world._head()
    steps = [Worked("prod", head, head, at) for at in times]
    recorded = world.store.read()._replace(worked=lambda: steps)
    body = report(Asked(), services(world), recorded).body
    assert isinstance(body, Evidence)
    said = [limit for limit in body.compared.limits if "aren't in their order" in limit]
    assert len(said) == doubted


# --- the lockfile against git and the policy -----------------------------------------


def tampered(world: World, change: Callable[[dict[str, Any]], object]) -> None:
    data = json.loads(world.store.place.versions[-1])
    change(data["environments"]["prod"]["runs"]["a"]["attempts"][0])
    world.store.place.versions[-1] = json.dumps(data).encode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"blob": "0" * 40}, "isn't what the lockfile says that it was"),
        ({"file": "runs/other.yaml"}, "has no runs/other.yaml"),
        ({"digest": "v1:sha256:" + "0" * 64}, "asks for something else"),
        ({"commit": "0" * 40}, "isn't in this clone"),
    ],
)
def test_an_attempt_that_git_does_not_bear_out_is_named(change: dict[str, str], words: str) -> None:
    world = applied("a")
    tampered(world, lambda attempt: attempt.update(change))
    (found,) = differences(told(world), Kind.NOT_IN_GIT)
    assert words in found.text
    assert (found.run, found.number) == ("a", 1)


def test_what_nobody_approved_is_named_where_the_policy_asked_for_it() -> None:
    world = applied("a", settings=APPROVED)
    assert world.states() == {}
    world = applied("a")
    assert attempts(told(world))[0].approvals_needed == 0
    world.git.write("qflow.yaml", APPROVED)
    world.commit()
    (attempt,) = attempts(told(world))
    assert attempt.approvals_needed == 0
    tampered(world, lambda data: data.update(commit=world.git.resolve("HEAD")))
    (found,) = differences(told(world), Kind.UNAPPROVED)
    assert "the policy asked for 1 approval, and none is recorded" in found.text
    allowed = {"approvers": ["bob"], "pullRequest": 12}
    tampered(world, lambda data: data.update(evidence=allowed))
    body = told(world)
    assert differences(body, Kind.UNAPPROVED) == []
    assert [each.login for each in attempts(body)[0].approvals] == ["bob"]


# --- doubts and releases -------------------------------------------------------------


def test_a_doubt_is_told_with_its_end() -> None:
    world = applied("a")

    def doubted(data: dict[str, Any]) -> None:
        first = data["events"][0]
        data.update(state="assumed")
        for name in ("executionId", "status"):
            data.pop(name, None)
        by = {"actor": "bob"}
        data["events"] = [
            first,
            {"at": "2026-10-06T12:01:00Z", "to": "in_doubt"},
            {"at": "2026-10-06T12:09:00Z", "to": "assumed", "detail": "I saw it", "by": by},
        ]

    tampered(world, doubted)
    (attempt,) = attempts(told(world))
    (doubt,) = attempt.doubts
    assert (doubt.since, doubt.settled) == ("2026-10-06T12:01:00Z", State.ASSUMED)
    assert (doubt.by, doubt.reason) == ("bob", "I saw it")
    assert attempt.outcome is Outcome.ASSUMED


# --- what Qualys shows ---------------------------------------------------------------


def test_an_execution_that_nobody_here_started_is_named_with_its_source() -> None:
    world = applied("a")
    foreign = world.qualys.begin(WORKFLOW, {"input": {"by": "hand"}}, source="UI")
    body = told(world, live=True)
    (found,) = differences(body, Kind.FOREIGN)
    assert (found.execution_id, found.source) == (foreign.id, "UI")
    assert found.at
    assert f"begun at {found.at}, started through UI, " in found.text
    assert body.compared.executions == 2
    assert len(body.compared.differences) == 1
    assert any("30 days" in limit for limit in body.compared.limits)
    assert told(world).compared.executions is None


def test_what_was_run_by_hand_is_seen_in_a_span_in_which_nothing_else_was() -> None:
    """Nor is there a spec any more: who runs something by hand would see to that."""
    world = applied("a")
    world.specs()
    world.clock.sleep(3600.0)
    since = world.now
    world.clock.sleep(60.0)
    foreign = world.qualys.begin(WORKFLOW, {"input": {"by": "hand"}}, source="UI")
    for runs in ((), ("a",)):
        body = told(world, *runs, live=True, span=Span(since=since))
        assert body.runs == ()
        (found,) = differences(body, Kind.FOREIGN)
        assert found.execution_id == foreign.id


def test_what_was_run_by_hand_before_a_spec_ever_was_is_seen_where_its_run_is_named() -> None:
    world = World()
    world.specs("a")
    world.qualys.begin(WORKFLOW, {"input": {"by": "hand"}}, source="UI")
    assert len(differences(told(world, "a", live=True), Kind.FOREIGN)) == 1


def test_without_a_source_it_is_unknown() -> None:
    world = applied("a")
    world.qualys.begin(WORKFLOW, {}, source="")
    (found,) = differences(told(world, live=True), Kind.FOREIGN)
    assert found.source == "unknown"


def test_what_qualys_does_not_show_is_named_where_its_list_is_whole() -> None:
    world = applied("a")
    world.clock.sleep(3600.0)
    lost = world.qualys.begun.pop()
    (found,) = differences(told(world, live=True), Kind.NOT_SHOWN)
    assert found.execution_id == lost.id
    world.qualys.partial.add(WORKFLOW)
    body = told(world, live=True)
    assert body.compared.differences == ()
    assert any("can't be read whole" in limit for limit in body.compared.limits)


def test_what_is_too_old_or_too_new_to_be_shown_is_no_difference() -> None:
    world = applied("a")
    world.qualys.begun.clear()
    assert told(world, live=True).compared.differences == ()
    world.clock.sleep(31 * 86_400.0)
    body = told(world, live=True)
    assert body.compared.differences == ()
    old = told(world, live=True, span=Span(until="2020-01-01T00:00:00Z"))
    assert any("no executions of the span" in limit for limit in old.compared.limits)


def test_another_end_than_the_recorded_one_is_named() -> None:
    world = applied("a", settings=project_file("statuses: {Failed: failed}"))
    world.qualys.begun[0].end("Failed", world.clock.now())
    (found,) = differences(told(world, live=True), Kind.OTHER_STATE)
    assert 'says succeeded, and Qualys says "Failed", which means failed' in found.text


def test_where_qualys_cannot_be_asked_all_else_is_told() -> None:
    world = applied("a")
    world.qualys.problem = UnreachableError("Nobody answers.")
    found = made(world, live=True)
    assert found.exit_code is ExitCode.UNREACHABLE
    assert isinstance(found.body, Evidence)
    assert len(attempts(found.body)) == 1
    assert any("Nobody answers" in limit for limit in found.body.compared.limits)


def test_steps_are_asked_for_where_runs_are_named() -> None:
    world = applied("a")
    assert attempts(told(world, live=True))[0].steps is None
    (attempt,) = attempts(told(world, "a", live=True))
    assert attempt.steps is not None


def test_several_platforms_need_a_name() -> None:
    world = World(project_file().replace("prod:", "dev: {platform: US1}\n    prod:"))
    world.specs("a")
    with pytest.raises(UsageProblem) as stopped:
        told(world, live=True)
    assert stopped.value.reason == "environment_needed"
    assert world.connected == []


def test_where_qualys_cannot_be_reached_at_all_the_rest_is_told() -> None:
    world = applied("a")

    def refused(platform: str) -> Any:
        raise AuthError(f"No credentials for {platform}.")

    world.connect = refused  # type: ignore[method-assign]
    found = made(world, live=True)
    assert found.exit_code is ExitCode.AUTH
    assert isinstance(found.body, Evidence)
    assert "Qualys wasn't asked: No credentials for sandbox." in found.body.compared.limits


def test_steps_that_are_not_shown_are_unknown() -> None:
    world = applied("a")
    world.qualys.refuses["steps"] = UnreachableError("Nobody answers.")
    (attempt,) = attempts(told(world, "a", live=True))
    assert attempt.steps is None
    world.qualys.refuses["execution"] = UnreachableError("Nobody answers.")
    (attempt,) = attempts(told(world, "a", live=True))
    assert attempt.unknown == ("Its steps weren't seen: Nobody answers.",)


def test_an_execution_of_another_private_platform_is_not_missed_here() -> None:
    """Each has a gateway of its own, and the lockfile says which."""
    world = applied("a", settings=project_file(prod="{platform: private}"))
    world.clock.sleep(3600.0)
    world.gateway = "other.example"
    world.qualys.begun.pop()
    found = told(world, live=True)
    assert differences(found, Kind.NOT_SHOWN) == []
    assert any("(private gateway.example) than private other.example" in one
               for one in found.compared.limits)  # fmt: skip
    world.gateway = "gateway.example"
    assert len(differences(told(world, live=True), Kind.NOT_SHOWN)) == 1


def test_an_execution_of_another_platform_is_not_asked_for_here() -> None:
    world = applied("a")
    tampered(world, lambda data: data.update(platform="US1"))
    (attempt,) = attempts(told(world, "a", live=True))
    assert (attempt.platform, attempt.steps) == ("US1", None)
    (said,) = (one for one in told(world, live=True).compared.limits if "another platform" in one)
    assert said.startswith("1 attempt")
    assert "(US1) than sandbox" in said


def test_differences_are_told_by_the_exit_code_where_that_is_asked_for() -> None:
    world = applied("a")
    asked = Asked(exit_code=True)
    assert report(asked, services(world)).exit_code is ExitCode.OK
    tampered(world, lambda data: data.update(blob="0" * 40))
    found = report(asked, services(world))
    assert (found.exit_code, found.reason) == (ExitCode.PENDING, "differs")
    assert report(Asked(), services(world)).exit_code is ExitCode.OK


def test_several_runs_are_named_at_once_and_an_environment_alone() -> None:
    world = applied("a", "b")
    assert [run.key[1] for run in told(world, "*").runs] == ["a", "b"]
    assert [run.key[1] for run in told(world, environment="prod").runs] == ["a", "b"]
    with pytest.raises(UsageProblem):
        told(world, environment="nowhere")


def test_a_lockfile_without_an_address_is_of_no_repository() -> None:
    world = applied("a")
    assert told(world).repository == "host.example/runs"
    assert told(World()).runs == ()
