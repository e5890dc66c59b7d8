"""What was approved is what runs: each due run against the pull request that brought it.

What is decided about is tried on the fakes (tests/unit/apply/test_approvals.py), and what GitHub
tells over HTTP alone. `.ci/run` takes one row of each kind through git and an apply as well,
`.ci/nightly` all.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import pytest

from qflow_gitops.github.connect import connect
from qflow_gitops.github.pulls import GitHubPulls
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.github_api import REPOSITORY, TOKEN, GitHubApi
from tests.helpers.partners import nightly, rows
from tests.helpers.pulls import Pull
from tests.helpers.specs import SAMPLE, spec
from tests.helpers.waits import at_once

APPLY = ("apply", "--yes", "--approved")
NONE = "has 0 in pull request #7"


@pytest.fixture
def base(shared: Workspace) -> Workspace:
    """A repository of which everything was applied."""
    return shared


def held(data: Any) -> dict[str, str]:
    """The runs that wait for approval, and what is said of them."""
    return {one["name"]: one["detail"] for one in data["changes"] if one["reason"] == "approval"}


def evidence(remote: Remote, run: str) -> Any:
    return remote.attempts(run)[-1]["evidence"]


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_an_approved_pull_request_runs_and_the_record_says_who(
    how: str, base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    pull = Pull(base, api, 7, spec("new", 1))
    api.approve(7, "mara")
    pull.merge(how)
    done = cli(*APPLY)
    assert done.code == 0, done
    assert len(sandbox.executions()) == 2
    found = evidence(remote, "new")
    assert (found["pullRequest"], found["approvers"]) == (7, ["mara"])
    (review,) = api.reviews[7]
    mine = {"by": "mara", "review": review["id"], "commit": review["commit_id"]}
    assert (found["approvals"], found["mergedBy"]) == ([mine], "ada")
    assert TOKEN not in done.out + done.err + json.dumps(remote.record())
    assert cli(*APPLY).code == 0
    assert len(sandbox.executions()) == 2


def test_a_fresh_clone_fetches_what_was_approved(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A squashed pull request's own commit isn't in it."""
    pull = Pull(base, api, 7, spec("new", 1))
    api.approve(7, "mara")
    pull.merge("squash")
    fresh = remote.clone("fresh", "--single-branch")
    assert Cli(fresh.path, capfd)(*APPLY).code == 0
    assert evidence(remote, "new")["pullRequest"] == 7


def test_a_rebase_whose_last_commit_changes_no_spec(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    """GitHub names the last commit as the merge; the one with the spec is asked for."""
    pull = Pull(base, api, 7, spec("new", 1))
    base.git("switch", "--quiet", "pull-7")
    base.write("README.md", "words")
    head = base.commit("words")
    base.git("push", "--quiet", "origin", "HEAD:refs/pull/7/head")
    base.git("switch", "--quiet", "main")
    api.open(7, head, pull.base)
    api.approve(7, "mara")
    base.git("commit", "--quiet", "--allow-empty", "-m", "moved on")
    base.git("cherry-pick", f"{head}~1", head)
    base.git("push", "--quiet", "origin", "main")
    last = base.git("rev-parse", "HEAD")
    api.merge(7, last)
    api.brought[base.git("rev-parse", "HEAD~1")] = 7
    done = cli(*APPLY)
    assert done.code == 0, done
    assert evidence(remote, "new")["pullRequest"] == 7
    asked = [one.path for one in api.asked if one.path.endswith("/pulls")]
    assert len(asked) == 1


def nobody(api: GitHubApi) -> None:
    """No review at all."""


def only_commented(api: GitHubApi) -> None:
    api.approve(7, "mara", state="COMMENTED")


def an_older_commit(api: GitHubApi) -> None:
    api.approve(7, "mara", commit=api.pulls[7]["base"]["sha"])


def taken_back(api: GitHubApi) -> None:
    api.approve(7, "mara")
    api.approve(7, "mara", state="CHANGES_REQUESTED")


def dismissed(api: GitHubApi) -> None:
    """Beside an earlier review of the same person, which counts no more either."""
    api.approve(7, "mara")
    api.approve(7, "mara", state="DISMISSED")


def its_author(api: GitHubApi) -> None:
    api.approve(7, "Ada")


def wrote_a_commit(api: GitHubApi) -> None:
    api.committed(7, "a" * 40, "mara")
    api.approve(7, "mara")


def wrote_it_together(api: GitHubApi) -> None:
    message = "words\n\nCo-authored-by: Mara <12+mara@users.noreply.github.com>\n"
    api.committed(7, "a" * 40, commit={"message": message})
    api.approve(7, "mara")


def wrote_it_under_another_address(api: GitHubApi) -> None:
    api.committed(7, "a" * 40, commit={"message": "w\n\nCo-authored-by: Mara <mara@example.com>"})
    api.approve(7, "mara")


def wrote_it_as_a_managed_user(api: GitHubApi) -> None:
    message = "w\n\nCo-authored-by: M <12+mara_corp@users.noreply.github.com>"
    api.committed(7, "a" * 40, commit={"message": message})
    api.approve(7, "mara_corp")


def before_it_went_elsewhere(api: GitHubApi) -> None:
    """Of a stacked pull request that was then retargeted, more would come than was reviewed."""
    api.approve(7, "mara")
    moved = {"event": "base_ref_changed", "created_at": "2026-11-01T13:00:00Z"}
    api.events[7] = [{"event": "labeled", "created_at": "2026-11-01T14:00:00Z"}, moved]


def pushed(api: GitHubApi) -> None:
    api.push(7, "b" * 40, "mara")
    api.approve(7, "mara")


def may_only_read(api: GitHubApi) -> None:
    api.rights["mara"] = "read"
    api.approve(7, "mara")


def a_bot(api: GitHubApi) -> None:
    api.approve(7, "approver[bot]", kind="Bot")


def unknown_author(api: GitHubApi) -> None:
    api.committed(7, "a" * 40, "")
    api.approve(7, "mara")


def unknown_pushers(api: GitHubApi) -> None:
    api.pushes.clear()
    api.approve(7, "mara")


def from_a_fork(api: GitHubApi) -> None:
    api.pulls[7]["head"]["repo"]["full_name"] = "stranger/runs"
    api.approve(7, "mara")


def too_many_commits(api: GitHubApi) -> None:
    for number in range(250):
        api.committed(7, f"{number:040x}")
    api.approve(7, "mara")


NO_APPROVALS: tuple[tuple[Callable[[GitHubApi], None], str], ...] = (
    (nobody, "has 0 in pull request #7"),
    (only_commented, "has 0 in pull request #7"),
    (an_older_commit, f"{NONE}: mara approved commit "),
    (taken_back, f"{NONE}: mara asked for changes"),
    (dismissed, f"{NONE}: the review of mara was dismissed"),
    (its_author, "only Ada approved it, who had a hand in it"),
    (wrote_a_commit, "only mara approved it, who had a hand in it"),
    (wrote_it_together, "only mara approved it, who had a hand in it"),
    (wrote_it_under_another_address, "is no user that GitHub knows"),
    (wrote_it_as_a_managed_user, "only mara_corp approved it, who had a hand in it"),
    (before_it_went_elsewhere, f"{NONE}: mara approved it before it went to another branch"),
    (pushed, "only mara approved it, who had a hand in it"),
    (may_only_read, f"{NONE}: mara approved it, who may not write here"),
    (a_bot, f"{NONE}: approver[bot] approved it, and is no person"),
    (unknown_author, "is no user that GitHub knows"),
    (unknown_pushers, "GitHub doesn't tell who pushed its commits"),
    (from_a_fork, "it comes from a fork"),
    (too_many_commits, "GitHub doesn't list all of its commits"),
)


@pytest.mark.parametrize(
    ("review", "said"), [row for row in NO_APPROVALS if row[0] is not from_a_fork]
)
def test_what_is_no_approval_of_a_pull_request(
    review: Callable[[GitHubApi], None], said: str, api: GitHubApi
) -> None:
    """What is read from GitHub alone; where a pull request comes from is looked at by an apply."""
    api.open(7, "1" * 40, "b" * 40)
    review(api)
    with closing(connect(api.environ)) as client:
        pulls = GitHubPulls(client)
        found = pulls.review(pulls.pull_request(7), ())
    assert found.approvers == {}
    told = found.why or "".join(found.uncounted)
    assert said.removeprefix(NONE).removeprefix(": ") in told
    assert bool(told) is (said != NONE)


@pytest.mark.parametrize(
    ("review", "said"), rows(NO_APPROVALS, lambda row: row[0] in (dismissed, pushed, from_a_fork))
)
def test_what_is_no_approval_holds_and_says_why(
    review: Callable[[GitHubApi], None], said: str,
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer,
) -> None:  # fmt: skip
    pull = Pull(base, api, 7, spec("new", 1))
    review(api)
    pull.merge()
    data = cli.json(*APPLY)
    assert data["exitCode"] == 5
    assert said in held(data)["new"]
    assert "#7" in held(data)["new"]
    assert len(sandbox.executions()) == 1


# --- "Update branch" after an approval (item 24) --------------------------------------


def updated(pull: Pull, by: str = "mara", *, files: Mapping[str, str] = {}) -> str:
    """Merge the target branch into the pull request, with `files` beside what git makes of it."""
    git = pull.workspace.git
    git("switch", "--quiet", f"pull-{pull.number}")
    git("merge", "--quiet", "--no-ff", "--no-commit", "main")
    for name, text in files.items():
        pull.workspace.write(name, text)
    git("add", "--all")
    git("commit", "--quiet", "-m", "Merge branch 'main'")
    pull.head = git("rev-parse", "HEAD")
    git("push", "--quiet", "origin", f"HEAD:refs/pull/{pull.number}/head")
    git("switch", "--quiet", "main")
    pull.api.update(pull.number, pull.head, by)
    return pull.head


def went_on(workspace: Workspace, name: str = "README.md", text: str = "words") -> None:
    workspace.write(name, text)
    workspace.commit("main went on")
    workspace.git("push", "--quiet", "origin", "main")


@pytest.mark.fault(24)
@pytest.mark.parametrize("how", rows(("merge", "squash"), lambda how: how == "squash"))
def test_bringing_the_target_in_spoils_no_approval(
    how: str, base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    """Whoever did it, mostly who approved: twice, since the target goes on."""
    pull = Pull(base, api, 7, spec("new", 1))
    api.approve(7, "mara")
    for number in range(2):
        went_on(base, f"words-{number}.md")
        updated(pull)
    pull.merge(how)
    done = cli(*APPLY)
    assert done.code == 0, done
    assert evidence(remote, "new")["approvers"] == ["mara"]
    assert len(sandbox.executions()) == 2


def one_more_run(pull: Pull) -> None:
    updated(pull, files={"runs/more.yaml": spec("more", 2)})


def another_commit(pull: Pull) -> None:
    pull.workspace.git("switch", "--quiet", "pull-7")
    pull.workspace.write("words.md", "words")
    pull.workspace.commit("words")
    pull.workspace.git("switch", "--quiet", "main")
    updated(pull)


def of_another_branch(pull: Pull) -> None:
    """What the target branch doesn't have was looked at by nobody."""
    git = pull.workspace.git
    git("switch", "--quiet", "--create", "aside", "main")
    pull.workspace.write("runs/aside.yaml", spec("aside", 3))
    pull.workspace.commit("aside")
    git("branch", "--quiet", "--move", "main", "kept")
    git("branch", "--quiet", "--move", "aside", "main")
    updated(pull)
    git("branch", "--quiet", "--move", "main", "aside")
    git("branch", "--quiet", "--move", "kept", "main")
    git("switch", "--quiet", "main")


@pytest.mark.parametrize(
    "evil",
    rows((one_more_run, another_commit, of_another_branch), lambda evil: evil is one_more_run),
)
def test_a_merge_with_anything_of_its_own_needs_a_new_approval(
    evil: Callable[[Pull], None],
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer,
) -> None:  # fmt: skip
    pull = Pull(base, api, 7, spec("new", 1))
    approved = pull.head
    api.approve(7, "mara")
    went_on(base)
    evil(pull)
    pull.merge()
    data = cli.json(*APPLY)
    said = f"mara approved commit {approved[:10]}, not its newest one, {pull.head[:10]}"
    assert said in held(data)["new"]
    assert len(sandbox.executions()) == 1


def test_two_halves_that_a_merge_puts_together_were_approved_by_nobody(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    """No conflict, and yet a request that nobody saw; the run beside it is the one approved."""
    path = "runs/aws/buckets.yaml"
    pull = Pull(base, api, 7, spec("new", 1))
    base.git("switch", "--quiet", "pull-7")
    base.write(path, SAMPLE.replace("maha2", "maha3"))
    pull.head = base.commit("a changed name")
    base.git("push", "--quiet", "origin", "HEAD:refs/pull/7/head")
    base.git("switch", "--quiet", "main")
    api.open(7, pull.head, pull.base)
    api.approve(7, "mara")
    went_on(base, path, SAMPLE.replace("totalBucketCount: 4", "totalBucketCount: 5"))
    updated(pull)
    assert base.git("show", f"{pull.head}:{path}").count("maha3\n") == 1
    pull.merge("squash")
    data = cli.json(*APPLY)
    assert list(held(data)) == ["encrypt-prod-buckets"]
    assert "which holds it with another request" in held(data)["encrypt-prod-buckets"]
    assert remote.states()["new"] == "succeeded"


def test_a_configured_merge_driver_is_not_run_and_proves_nothing(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    base.write(".gitattributes", "*.md merge=own\n")
    went_on(base)
    pull = Pull(base, api, 7, spec("new", 1), "new")
    base.git("switch", "--quiet", "pull-7")
    base.write("README.md", "mine")
    pull.head = base.commit("mine")
    base.git("push", "--quiet", "origin", "HEAD:refs/pull/7/head")
    base.git("switch", "--quiet", "main")
    api.open(7, pull.head, pull.base)
    api.approve(7, "mara")
    went_on(base, "README.md", "theirs")
    mark = base.path.parent / "ran"
    base.git("config", "merge.own.driver", "true")
    updated(pull)
    base.git("config", "merge.own.driver", f"touch '{mark}'")
    pull.merge()
    mark.unlink(missing_ok=True)
    assert "not its newest one" in held(cli.json(*APPLY))["new"]
    assert not mark.exists()


def test_an_unapproved_one_waits_and_the_others_go_on(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    """One apply covers three merges; what is approved later runs at the next one."""
    for number, name in enumerate(("a", "b", "c"), 1):
        pull = Pull(base, api, number, spec(name, number), name)
        if name != "b":
            api.approve(number, "mara")
        pull.merge("squash")
    data = cli.json(*APPLY)
    assert (data["exitCode"], set(held(data))) == (5, {"b"})
    assert {evidence(remote, name)["pullRequest"] for name in "ac"} == {1, 3}
    api.approve(2, "joao")
    assert cli(*APPLY).code == 0
    assert evidence(remote, "b")["approvers"] == ["joao"]
    assert len(sandbox.executions()) == 4


@nightly
def test_a_freeze_is_said_and_no_missing_approval(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    """Who approved it is looked up all the same: what is held is what was approved."""
    pull = Pull(base, api, 1, spec("new"))
    api.approve(1, "mara")
    pull.merge()
    assert cli("freeze", "--reason", "incident 42").code == 0
    done = cli.json(*APPLY)
    assert (done["exitCode"], done["reason"]) == (5, "frozen")
    assert cli("unfreeze", "--reason", "over").code == 0
    assert cli(*APPLY).code == 0
    assert len(sandbox.executions()) == 2


def test_a_push_without_a_pull_request_is_held(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    base.write("runs/new.yaml", spec("new", 1))
    base.publish("straight to main")
    data = cli.json(*APPLY)
    assert "no merged pull request of the range brings it" in held(data)["new"]
    assert len(sandbox.executions()) == 1


@nightly
def test_what_was_changed_after_the_approval_is_held_with_the_difference(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    pull = Pull(base, api, 7, spec("new", 1))
    api.approve(7, "mara")
    pull.merge("squash")
    base.write("runs/new.yaml", spec("new", 2))
    base.publish("and a word on top")
    data = cli.json(*APPLY)
    assert "pull request #7 holds it with another request" in held(data)["new"]
    assert len(sandbox.executions()) == 1


@nightly
def test_another_platform_or_ticket_is_another_thing(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    settings = BRANCH_PROJECT + "  policy: {require: {annotations: {ticket: 'CHG[0-9]+'}}}\n"
    ticket = "  annotations: {{ticket: {}}}\n"
    base.write("qflow.yaml", settings)
    base.publish("asks for a ticket")
    pull = Pull(base, api, 7, spec("new", 1, metadata=ticket.format("CHG1")))
    api.approve(7, "mara")
    pull.merge("squash")
    base.write("runs/new.yaml", spec("new", 1, metadata=ticket.format("CHG2")))
    base.publish("another ticket")
    data = cli.json(*APPLY)
    assert "pull request #7 holds it with another annotation `ticket`" in held(data)["new"]
    base.write("runs/new.yaml", spec("new", 1, metadata=ticket.format("CHG1")))
    base.write("qflow.yaml", settings.replace("prod: {platform: sandbox}", "prod: {platform: EU2}"))
    base.publish("another platform")
    data = cli.json(*APPLY, "--ack", "platform=2", "--reason", "moving")
    assert "pull request #7 holds it for platform sandbox" in held(data)["new"]
    assert len(sandbox.executions()) == 1


def test_what_stood_in_its_file_before_is_not_its_own(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    """Pushed past everybody, then carried along in a file that an approved change touches."""
    base.write("runs/both.yaml", spec("sneaked", 1))
    base.commit("straight to main")
    pull = Pull(base, api, 7, spec("sneaked", 1) + "---\n" + spec("new", 2), "both")
    api.approve(7, "mara")
    pull.merge("squash")
    data = cli.json(*APPLY)
    assert set(held(data)) == {"sneaked"}
    assert evidence(remote, "new")["pullRequest"] == 7
    assert len(sandbox.executions()) == 2


@pytest.mark.parametrize(
    ("approved", "now", "what"),
    [
        ("  previousName: encrypt-prod-buckets\n", "", "previousName"),
        ("  labels: {tier: critical}\n", "", "labels"),
    ],
)
def test_what_decides_about_rules_and_records_is_part_of_the_approval(
    approved: str, now: str, what: str,
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer,
) -> None:  # fmt: skip
    base.remove("runs/aws/buckets.yaml")
    base.publish("gone")
    pull = Pull(base, api, 7, spec("new", 1, metadata=approved))
    api.approve(7, "mara")
    pull.merge("squash")
    base.write("runs/new.yaml", spec("new", 1, metadata=now))
    base.publish("one line less")
    assert f"holds it with another `{what}`" in held(cli.json(*APPLY))["new"]
    assert len(sandbox.executions()) == 1


def test_a_branch_on_top_of_another_brings_only_its_own(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    """The approval of the second doesn't reach what came with the first."""
    first = Pull(base, api, 1, spec("first", 1), "first")
    base.git("switch", "--quiet", "--create", "pull-2", first.head)
    base.write("runs/second.yaml", spec("second", 2))
    head = base.commit("on top")
    base.git("push", "--quiet", "origin", "HEAD:refs/pull/2/head")
    base.git("switch", "--quiet", "main")
    api.open(2, head, first.base)
    api.approve(2, "mara")
    first.merge()
    base.git("merge", "--quiet", "--no-ff", "-m", "merge", head)
    base.git("push", "--quiet", "origin", "main")
    api.merge(2, base.git("rev-parse", "HEAD"))
    data = cli.json(*APPLY)
    assert set(held(data)) == {"first"}
    assert evidence(remote, "second")["pullRequest"] == 2


@nightly
def test_what_was_overtaken_and_comes_back_is_not_approved(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    """Two approved pull requests, then a push that puts the first one's content back."""
    for number, value in ((1, 1), (2, 2)):
        pull = Pull(base, api, number, spec("new", value))
        api.approve(number, "mara")
        pull.merge("squash")
    base.write("runs/new.yaml", spec("new", 1))
    base.publish("back again")
    said = held(cli.json(*APPLY))["new"]
    assert "changed it after pull request #1" in said or "with another request" in said
    assert len(sandbox.executions()) == 1


@nightly
def test_what_was_removed_and_comes_back_is_not_approved(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    pull = Pull(base, api, 1, spec("new", 1))
    api.approve(1, "mara")
    pull.merge("squash")
    base.remove("runs/new.yaml")
    base.publish("withdrawn")
    base.write("runs/other.yaml", spec("new", 1))
    base.publish("back again, elsewhere")
    assert "changed it after pull request #1" in held(cli.json(*APPLY))["new"]
    assert len(sandbox.executions()) == 1


@nightly
def test_one_that_went_to_another_branch_does_not_count(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    pull = Pull(base, api, 7, spec("new", 1))
    api.pulls[7]["base"]["ref"] = "playground"
    api.approve(7, "mara")
    pull.merge()
    assert "no merged pull request of the range brings it" in held(cli.json(*APPLY))["new"]
    assert len(sandbox.executions()) == 1


@nightly
def test_a_missing_ticket_can_be_added_by_the_next_pull_request(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    rules = "  policy: {require: {annotations: {ticket: 'CHG[0-9]+'}}}\n"
    base.write("qflow.yaml", BRANCH_PROJECT + rules)
    base.commit("asks for a ticket")
    first = Pull(base, api, 1, spec("new", 1))
    api.approve(1, "mara")
    first.merge("squash")
    assert cli(*APPLY).code == 5
    second = Pull(base, api, 2, spec("new", 1, metadata="  annotations: {ticket: CHG1}\n"))
    api.approve(2, "joao")
    second.merge("squash")
    assert cli(*APPLY).code == 0
    assert evidence(remote, "new")["pullRequest"] == 2


@nightly
def test_a_window_that_was_closed_at_the_first_apply_opens_later(
    remote: Remote, workspace: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    """Nothing was ever applied through, so the range still begins at the beginning."""
    rules = "  policy: {windows: [{deny: '* * * * *', duration: 5m, timezone: UTC}]}\n"
    workspace.write("qflow.yaml", BRANCH_PROJECT + rules)
    workspace.remove("runs/aws/buckets.yaml")
    workspace.commit("closed")
    pull = Pull(workspace, api, 7, spec("new", 1))
    api.approve(7, "mara")
    pull.merge("squash")
    assert cli(*APPLY).code == 5
    data = cli.json(*APPLY, "--ack", "window=1", "--reason", "open now")
    assert data["exitCode"] == 0, data
    assert evidence(remote, "new")["pullRequest"] == 7


@nightly
def test_two_people_where_the_policy_says_so(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    base.write("qflow.yaml", BRANCH_PROJECT + "  policy: {approvals: [{count: 2}]}\n")
    base.commit("two people")
    pull = Pull(base, api, 7, spec("new", 1))
    api.approve(7, "mara")
    pull.merge()
    assert "it needs 2 approvals, and has 1 in pull request #7" in held(cli.json(*APPLY))["new"]
    api.approve(7, "joao")
    assert cli(*APPLY).code == 0
    assert evidence(remote, "new")["approvers"] == ["joao", "mara"]


@nightly
def test_signatures_as_github_verifies_them(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    base.write("qflow.yaml", BRANCH_PROJECT + "  policy: {require: {signedCommits: true}}\n")
    base.commit("signed only")
    pull = Pull(base, api, 7, spec("new", 1))
    api.commits[7][0]["commit"]["verification"]["verified"] = False
    api.approve(7, "mara")
    pull.merge()
    data = cli.json(*APPLY)
    (one,) = [each for each in data["changes"] if each["name"] == "new"]
    assert one["reason"] == "policy"
    assert "GitHub verifies not all of pull request #7" in one["detail"]
    api.commits[7][0]["commit"]["verification"]["verified"] = True
    assert cli(*APPLY).code == 0


@nightly
def test_a_retry_is_approved_by_the_pull_request_that_the_record_names(
    base: Workspace, api: GitHubApi, cli: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    """Its merge is no longer in the range."""
    base.write("qflow.yaml", BRANCH_PROJECT + "  statuses: {Failed: failed}\n")
    base.commit("words")
    pull = Pull(base, api, 7, spec("new", 1))
    api.approve(7, "mara")
    pull.merge("squash")
    sandbox.set_faults("outcome=Failed")
    assert cli(*APPLY).code == 1
    sandbox.set_faults()
    why = ("--reason", "the account is open again")
    assert cli(*APPLY, "--retry", "new", *why).code == 0
    found = evidence(remote, "new")
    assert found["pullRequest"] == 7
    assert found["released"][0]["hold"] == "retry"
    assert found["released"][0]["reason"] == "the account is open again"


@pytest.mark.parametrize(
    ("status", "code", "words"),
    rows(
        (
            (500, 12, "GitHub could not be asked"),
            (403, 4, "GitHub doesn't permit this"),
            (401, 4, "GitHub doesn't know the token"),
        ),
        lambda row: row[0] == 403,
    ),
)
def test_a_github_that_does_not_answer_sends_nothing(
    status: int, code: int, words: str, base: Workspace, api: GitHubApi, cli: Cli,
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from tests.helpers.github_api import Fault

    at_once(monkeypatch)
    Pull(base, api, 7, spec("new", 1)).merge()
    api.faults.append(Fault("GET", "/reviews", status))
    done = cli(*APPLY)
    assert done.code == code
    assert words in done.err
    assert TOKEN not in done.out + done.err
    assert len(sandbox.executions()) == 1


def test_a_comment_that_claims_approval_is_nothing(
    base: Workspace, api: GitHubApi, cli: Cli, sandbox: SandboxServer
) -> None:
    pull = Pull(base, api, 7, spec("new", 1))
    api.say(7, "<!-- qflow-gitops v1 environment=prod --> approved", {"login": "mara"})
    pull.merge()
    assert set(held(cli.json(*APPLY))) == {"new"}
    assert not [one for one in api.asked if "comments" in one.path]
    assert all(f"{one.path}/".startswith(f"/repos/{REPOSITORY}/") for one in api.asked)
