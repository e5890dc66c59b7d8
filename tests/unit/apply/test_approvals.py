"""`apply --approved`: what was approved in a merged pull request is what runs."""

import pytest

from qflow_gitops.apply import approvals
from qflow_gitops.errors import AuthError, ExitCode
from qflow_gitops.plan.change import Action
from qflow_gitops.results.applies import Applied
from tests.fakes import qualys as fakes
from tests.fakes.world import Done, project_file, raised
from tests.unit.apply.stories import Team

NEEDED = project_file("policy: {approvals: [{count: 1}]}")
TWICE = project_file("policy: {approvals: [{count: 2}]}")


def held(done: Done) -> dict[str, str]:
    """Which runs are held, and what for."""
    assert isinstance(done.report.body, Applied)
    changes = done.report.body.planned.plan.of(Action.HOLD)
    return {change.name: change.detail for change in changes}


def test_an_approved_run_is_sent_and_says_who_approved_it() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    done = team.world.apply(approved=True)
    assert done.report.exit_code is ExitCode.OK
    evidence = team.world.attempts("a")[0].evidence
    assert (evidence["pullRequest"], evidence["approvers"]) == (7, ["bob"])
    hub = team.world.github.opened[7]
    review = {"by": "bob", "review": hub.reviews["bob"], "commit": hub.request.head}
    assert (evidence["approvals"], evidence["mergedBy"]) == ([review], "ada")


def test_what_the_host_does_not_tell_is_left_out() -> None:
    team = Team(NEEDED)
    head = team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    hub = team.world.github.opened[7]
    hub.reviews["bob"], hub.merged_by = 0, ""
    assert team.world.apply(approved=True).report.exit_code is ExitCode.OK
    evidence = team.world.attempts("a")[0].evidence
    assert evidence["approvals"] == [{"by": "bob", "commit": head}]
    assert "mergedBy" not in evidence


def test_a_run_without_an_approval_is_held() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.merge(7)
    done = team.world.apply(approved=True)
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "approval")
    assert team.world.qualys.sent == []


def test_two_approvals_are_two_people() -> None:
    team = Team(TWICE)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    assert team.world.apply(approved=True).report.reason == "approval"
    team.world.github.approve(7, "carol")
    assert team.world.apply(approved=True).report.exit_code is ExitCode.OK


def test_what_no_pull_request_brings_is_held() -> None:
    team = Team(NEEDED)
    team.direct("a")
    done = team.world.apply(approved=True)
    assert "no merged pull request" in held(done)["a"]


def test_nobody_is_asked_where_nothing_is_due() -> None:
    team = Team(NEEDED)
    assert team.world.apply(approved=True).report.exit_code is ExitCode.OK
    assert team.world.github.asked == []


def test_a_host_that_refuses_ends_it() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.merge(7)
    team.world.github.problem = AuthError("403")
    raised(AuthError, lambda: team.world.apply(approved=True))
    assert team.world.qualys.sent == []


def test_an_approval_of_another_commit_counts_for_nothing() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.push(7, "a", value="changed after the review")
    team.merge(7)
    assert "bob approved commit" in held(team.world.apply(approved=True))["a"]


def test_an_update_of_the_branch_keeps_the_approval() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.direct("other")
    team.update(7)
    team.merge(7)
    done = team.world.apply(approved=True)
    assert list(held(done)) == ["other"]
    assert team.world.sent() == ["a"]


def test_an_update_that_is_none_takes_it_away() -> None:
    """A merge that holds something of its own is not what was approved."""
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.direct("other")
    git = team.world.git
    git.switch("pull-7")
    tree = dict(git.commits.merged(git.resolve("HEAD"), git.resolve("main")) or {})
    tree[b"runs/a.yaml"] = tree[b"runs/a.yaml"]._replace(
        content=tree[b"runs/a.yaml"].content.replace(b'"a"', b'"evil"')
    )
    head = git.merge(git.resolve("main"), tree=tree)
    git.push(ref="refs/pull/7/head")
    team.world.github.push(7, head, "ada")
    team.merge(7)
    assert "a" in held(team.world.apply(approved=True))
    assert team.world.sent() == []


def test_an_update_that_changes_a_run_takes_its_approval_away() -> None:
    """The settings of main, merged in, name another platform."""
    team = Team(NEEDED)
    team.propose(7, "a", "b")
    team.world.github.approve(7, "bob")
    team.world.git.write("qflow.yaml", NEEDED.replace("platform: sandbox", "platform: EU1"))
    team.direct("other")
    team.update(7)
    team.merge(7)
    assert "which holds it with another request" in held(team.world.apply(approved=True))["a"]


def test_what_was_changed_after_the_merge_is_not_what_was_approved() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    team.direct("a", value="changed")
    assert "holds it with another request" in held(team.world.apply(approved=True))["a"]


def test_what_was_changed_and_changed_back_is_not_what_was_approved() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    changed = team.direct("a", value="changed")
    team.direct("a")
    assert f"commit {changed[:10]} changed it" in held(team.world.apply(approved=True))["a"]


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("  labels: {team: x}\n", "  labels: {team: y}\n", "labels"),
        ("", "  previousName: old\n", "previousName"),
        ("  annotations: {ticket: T1}\n", "  annotations: {ticket: T2}\n", "annotation `ticket`"),
    ],
)
def test_what_decides_about_a_run_is_part_of_what_was_approved(
    before: str, after: str, word: str
) -> None:
    team = Team(
        project_file(
            "policy: {approvals: [{count: 1}], require: {annotations: {ticket: 'T[0-9]'}}}"
        )
    )
    common = "  annotations: {ticket: T1}\n"
    world = team.world
    world.git.switch("pull-7")
    world.spec("a", metadata=before if "annotations" in before else common + before)
    head = world.commit()
    world.git.push(ref="refs/pull/7/head")
    world.github.open(7, head, team.base)
    world.github.approve(7, "bob")
    team.merge(7)
    world.spec("a", metadata=after if "annotations" in after else common + after)
    team.commit()
    assert word in held(world.apply(approved=True))["a"]


@pytest.mark.parametrize("word", ["rollout", "after"])
def test_whose_turn_it_is_is_part_of_what_was_approved(word: str) -> None:
    team = Team(NEEDED)
    world = team.world
    line = {"rollout": "  rollout: {batches: [1]}\n", "after": "  after: [b]\n"}[word]
    targets = "  targets: [{name: x}, {name: y, rerun: 1}]\n"
    world.git.switch("pull-7")
    world.spec("a", extra=targets + line)
    world.spec("b")
    head = world.commit()
    world.git.push(ref="refs/pull/7/head")
    world.github.open(7, head, team.base)
    world.github.approve(7, "bob")
    team.merge(7)
    world.spec("a", extra=targets)
    team.commit()
    found = held(world.apply(approved=True))
    assert set(found) == {"a/x", "a/y"}
    assert all(f"another `{word}`" in detail for detail in found.values())


def test_another_platform_is_not_what_was_approved() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    team.world.git.write("qflow.yaml", NEEDED.replace("platform: sandbox", "platform: EU1"))
    team.commit()
    assert "for platform sandbox" in held(team.world.apply(approved=True))["a"]


def test_a_pull_request_that_can_not_be_fetched_proves_nothing() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    team.world.github.change(7, head="9" * 40)
    assert "can't be fetched" in held(team.world.apply(approved=True))["a"]


def test_a_pull_request_to_another_branch_brings_nothing() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    team.world.github.change(7, base="release")
    assert "no merged pull request" in held(team.world.apply(approved=True))["a"]


def test_of_two_pull_requests_the_better_one_counts() -> None:
    team = Team(NEEDED)
    team.propose(6, "a", value="first")
    team.merge(6)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    assert team.world.apply(approved=True).report.exit_code is ExitCode.OK
    assert team.world.attempts("a")[0].evidence["pullRequest"] == 7


def test_a_retry_counts_on_the_pull_request_of_its_attempt() -> None:
    """All was applied through its merge, so that it isn't in the range any more."""
    team = Team(project_file("policy: {approvals: [{count: 1}]}", "statuses: {Broken: failed}"))
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    merge = team.merge(7)
    team.world.qualys.ends = "Broken"
    team.world.apply(approved=True)
    assert team.world.store.lockfile.environment("prod").applied_through == merge
    team.world.qualys.ends = "Success"
    team.direct("b")
    elsewhere: dict[str, object] = {"base": "release"}
    for change in (elsewhere, {"base": "main", "merge_commit": "9" * 40}):
        team.world.github.change(7, **change)
        done = team.world.apply(approved=True, retries=("a",), reason="fixed")
        assert "no merged pull request" in held(done)["a"]
    team.world.github.change(7, merge_commit=merge)
    done = team.world.apply(approved=True, retries=("a",), reason="fixed")
    assert list(held(done)) == ["b"]
    assert team.world.attempts("a")[1].evidence["pullRequest"] == 7


def test_an_attempt_of_another_repository_names_no_pull_request_here() -> None:
    """The lockfile moved here with its history; its numbers mean nothing."""
    team = Team()
    team.world.evidence = {"pullRequest": 99}
    team.direct("a")
    team.world.qualys.replies.append(fakes.UNSENT)
    team.world.apply()
    team.world.evidence = {}
    done = team.world.apply(approved=True)
    assert "no merged pull request" in held(done)["a"]
    assert "pull_request" in team.world.github.asked


def test_too_many_changes_since_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    team = Team(project_file("policy: {approvals: [{count: 1}]}", "statuses: {Broken: failed}"))
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    team.world.qualys.ends = "Broken"
    team.world.apply(approved=True)
    monkeypatch.setattr(approvals, "MOST", 2)
    for value in ("1", "2", "3"):
        team.direct("b", value=value)
    done = team.world.apply(approved=True, retries=("a",))
    assert "too much was changed after pull request #7" in held(done)["a"]


def test_a_commit_after_it_that_can_not_be_read_proves_nothing() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    team.world.git.write("qflow.yaml", "kind: [\n")
    broken = team.direct("b")
    team.world.git.write("qflow.yaml", NEEDED)
    team.commit()
    assert (
        f"commit {broken[:10]} after pull request #7" in held(team.world.apply(approved=True))["a"]
    )


def test_settings_with_errors_at_its_commit_prove_nothing() -> None:
    team = Team(NEEDED)
    world = team.world
    world.git.switch("pull-7")
    world.git.write("qflow.yaml", "kind: [\n")
    world.spec("a")
    head = world.commit()
    world.git.push(ref="refs/pull/7/head")
    world.github.open(7, head, team.base)
    world.github.approve(7, "bob")
    team.merge(7)
    world.git.write("qflow.yaml", NEEDED)
    team.commit()
    assert "pull request #7" in held(world.apply(approved=True))["a"]


def test_a_history_of_its_own_proves_nothing() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.merge(7)
    stranger = type(team.world.git)()
    stranger.files_on_disk.update(team.world.git.files_on_disk)
    orphan = stranger.commit("of another repository")
    team.world.git.remotes["origin"].take(stranger.commits, "refs/pull/7/head", orphan)
    team.world.github.change(7, head=orphan)
    assert "no history in common" in held(team.world.apply(approved=True))["a"]
