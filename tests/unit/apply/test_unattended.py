"""`apply --unattended`: approvals as the policy up to now leaves them, and nobody to ask."""

import pytest

from qflow_gitops.errors import AuthError, ExitCode, QflowError, UnreachableError, UsageProblem
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.results.applies import Applied
from tests.fakes.world import Done, World, project_file, raised
from tests.unit.apply.stories import Team

ELSEWHERE = "apply: {approvals: elsewhere}"


def held(done: Done) -> list[Change]:
    """What waits for a person."""
    assert isinstance(done.report.body, Applied)
    return list(done.report.body.planned.plan.of(Action.HOLD))


def unapproved(project: str = project_file()) -> Team:
    """Everything was applied; then a pull request was merged that nobody approved."""
    team = Team(project)
    assert team.world.apply().report.exit_code is ExitCode.OK
    team.propose(7, "a")
    team.merge(7)
    return team


def test_it_sends_what_was_approved_and_nothing_else() -> None:
    team = unapproved()
    team.propose(8, "b")
    team.world.github.approve(8, "bob")
    team.merge(8)
    done = team.world.apply(unattended=True)
    assert [(change.name, change.reason) for change in held(done)] == [("a", Reason.APPROVAL)]
    assert team.world.sent() == ["b"]


@pytest.mark.parametrize(
    "problem",
    [
        UsageProblem("Cannot tell which repository.", hint="Set GITHUB_REPOSITORY."),
        AuthError("There is no token.", hint="Set GITHUB_TOKEN."),
        UnreachableError("GitHub's answer isn't one.", hint="See what it names."),
    ],
)
def test_who_can_not_be_asked_holds_all_and_says_the_way_on(problem: QflowError) -> None:
    team = unapproved(project_file("policy: {require: {signedCommits: true}}"))
    team.world.github.problem = problem
    done = team.world.apply(unattended=True)
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "approval")
    (change,) = held(done)
    assert problem.message.rstrip(".") in change.detail
    assert problem.hint in change.hint
    assert "`qflow-gitops apply -e prod`" in change.hint
    assert team.world.sent() == []
    raised(type(problem), lambda: team.world.apply(approved=True))


def test_where_the_settings_applied_last_leave_it_to_others_nobody_is_asked() -> None:
    team = unapproved(project_file(ELSEWHERE))
    team.world.github.problem = AuthError("not to be asked")
    assert team.world.apply(unattended=True).report.exit_code is ExitCode.OK
    assert team.world.sent() == ["a"]


def test_approvals_that_are_asked_for_besides_are_looked_up() -> None:
    team = unapproved(project_file(ELSEWHERE))
    done = team.world.apply(unattended=True, approved=True)
    assert [change.reason for change in held(done)] == [Reason.APPROVAL]


def test_the_policy_s_own_rule_holds_where_nobody_is_asked() -> None:
    team = unapproved(project_file(ELSEWHERE, "policy: {approvals: [{count: 1}]}"))
    (change,) = held(team.world.apply(unattended=True))
    assert change.reason is Reason.APPROVAL
    assert "`qflow-gitops apply --unattended --approved`" in change.hint


def test_a_commit_does_not_leave_its_own_runs_to_others() -> None:
    """Once applied by hand, as the hint says, later ones are."""
    team = unapproved()
    team.world.git.write("qflow.yaml", project_file(ELSEWHERE))
    team.commit()
    assert [change.name for change in held(team.world.apply(unattended=True))] == ["a"]
    assert team.world.sent() == []
    assert team.world.apply().report.exit_code is ExitCode.OK
    team.direct("b")
    assert team.world.apply(unattended=True).report.exit_code is ExitCode.OK
    assert team.world.sent() == ["a", "b"]


def test_a_commit_that_takes_it_back_asks_at_once() -> None:
    team = unapproved(project_file(ELSEWHERE))
    team.world.git.write("qflow.yaml", project_file())
    team.commit()
    assert [change.name for change in held(team.world.apply(unattended=True))] == ["a"]


def test_a_history_that_once_asked_goes_on_asking_where_nothing_was_applied_through() -> None:
    """A first apply that was held leaves no commit to go by: every version counts."""
    team = Team(project_file())
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    team.direct("b")
    assert [change.name for change in held(team.world.apply(unattended=True))] == ["b"]
    team.world.git.write("qflow.yaml", project_file(ELSEWHERE))
    team.commit()
    assert [change.name for change in held(team.world.apply(unattended=True))] == ["b"]


def test_before_the_first_apply_the_settings_at_hand_decide() -> None:
    team = Team(project_file(ELSEWHERE))
    team.direct("a")
    assert team.world.apply(unattended=True).report.exit_code is ExitCode.OK


def test_a_release_is_told_with_the_same_option() -> None:
    world = World(project_file(ELSEWHERE, "policy: {limits: {runs: 1}}"))
    world.specs("a", "b")
    hints = {change.hint for change in held(world.apply(unattended=True))}
    assert all("`qflow-gitops apply --unattended --ack limit:runs=2" in hint for hint in hints)
    done = world.apply(unattended=True, acks={"limit:runs": 2}, reason="both")
    assert done.report.exit_code is ExitCode.OK
