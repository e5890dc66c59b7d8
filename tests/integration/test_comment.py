"""The comment on a pull request: what is posted, edited, removed, and what never is."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qflow_gitops.commands.comment import changed_lately
from qflow_gitops.lockfile.codec import from_bytes
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.github_api import ACTIONS, OTHER, TOKEN, Fault, GitHubApi
from tests.helpers.partners import nightly, rows
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec

FILE = "runs/aws/buckets.yaml"
TWO = BRANCH_PROJECT.replace("spec:", "spec:\n  defaultEnvironment: prod").replace(
    "    prod:", "    dev: {platform: US1}\n    prod:"
)
ANOTHER = "0ffaf046-768b-79fc-83f6-aa25be52c2a1"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubApi]:
    """A GitHub that the environment points at."""
    with GitHubApi() as served:
        for name, value in served.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GITHUB_REF", "refs/pull/1/merge")
        yield served


@pytest.fixture
def pull(remote: Remote, workspace: Workspace, api: GitHubApi) -> Workspace:
    """Pull request 1: the sample changed, and one new run. The lockfile is on its branch."""
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write(FILE, SAMPLE.replace("maha2", "maha3"))
    workspace.write("runs/new.yaml", spec("new", "new").replace(WORKFLOW, ANOTHER))
    workspace.commit("what the pull request does")
    push(workspace, api)
    return workspace


def push(workspace: Workspace, api: GitHubApi, number: int = 1) -> str:
    head = workspace.git("rev-parse", "HEAD")
    workspace.git("push", "--quiet", "--force", "origin", f"HEAD:refs/pull/{number}/head")
    api.open(number, head, workspace.git("rev-parse", "origin/main"))
    return head


def merge(workspace: Workspace, api: GitHubApi, how: str = "--squash", number: int = 1) -> str:
    """Merge as GitHub would, into a `main` that went on, and forget the pull request's commits."""
    head = api.pulls[number]["head"]["sha"]
    workspace.git("switch", "--quiet", "main")
    workspace.write("README.md", f"main went on {number}")
    workspace.commit("something else")
    if how == "rebase":
        workspace.git("cherry-pick", f"origin/main..{head}")
    else:
        workspace.git("merge", "--quiet", "--no-commit", how, head)
        workspace.git("commit", "--quiet", "-m", "merged")
    commit = workspace.git("rev-parse", "HEAD")
    workspace.git("push", "--quiet", "origin", "main")
    api.merge(number, commit)
    return commit


def plain(body: str) -> str:
    """A comment's words, also of those that stand in code."""
    return body.replace("`", "")


def title(body: str) -> str:
    return body.splitlines()[1]


def test_one_comment_is_posted_and_stays_as_it_is(
    pull: Workspace, cli: Cli, api: GitHubApi
) -> None:
    done = cli("comment")
    assert done.code == 0, done.err
    (body,) = api.bodies(1)
    assert title(body) == "### Qualys Flow, `prod` on `sandbox`: planned"
    assert "**Merging starts 2 runs in `prod` on `sandbox`; nothing is held**" in body
    assert cli.json("comment")["comments"][0]["what"] == "unchanged"
    assert [one.method for one in api.sent()] == ["POST"]
    assert api.bodies(1) == [body]


def test_a_push_edits_it(pull: Workspace, cli: Cli, api: GitHubApi) -> None:
    cli("comment")
    pull.write("runs/more.yaml", spec("more"))
    pull.commit("more")
    push(pull, api)
    assert cli.json("comment")["comments"][0]["what"] == "edited"
    (body,) = api.bodies(1)
    assert "**Merging starts 3 runs" in body


@nightly
def test_one_that_removes_the_last_spec_says_so(
    remote: Remote, workspace: Workspace, cli: Cli, api: GitHubApi, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write("runs/README.md", "words")
    workspace.remove(FILE)
    workspace.commit("gone")
    push(workspace, api)
    assert cli("comment").code == 0
    (body,) = api.bodies(1)
    assert title(body) == "### Qualys Flow, `prod` on `sandbox`: held"
    assert "**`empty`**, all runs" in body
    assert "`qflow-gitops apply --ack empty=1 --reason TEXT`" in body


@pytest.mark.fault(43)
def test_a_looser_policy_is_pointed_out_to_who_reviews_it(
    remote: Remote, workspace: Workspace, cli: Cli, api: GitHubApi, sandbox: SandboxServer
) -> None:
    """Also where nothing else changes: nobody would be asked to look otherwise."""
    settings = workspace.read("qflow.yaml")
    workspace.write("qflow.yaml", settings + "  policy: {limits: {runs: 2}}\n")
    workspace.commit("strict")
    workspace.git("push", "--quiet", "origin", "main")
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write("qflow.yaml", settings + "  policy: {limits: {runs: 9}}\n")
    workspace.commit("looser")
    push(workspace, api)
    assert cli("comment").code == 0
    (body,) = api.bodies(1)
    assert "holds less than the policy up to now: limits.runs: 2 → 9." in plain(body)


@pytest.mark.parametrize(
    "how", rows(("--squash", "--no-ff", "rebase"), lambda how: how == "--squash")
)
def test_from_planned_to_done(
    pull: Workspace, remote: Remote, cli: Cli, api: GitHubApi, sandbox: SandboxServer, how: str
) -> None:
    """In a fresh clone each time, as a runner has it: the pull request's head isn't in it."""
    cli("comment")
    digest = re.findall(r"plan digest `(v1:sha256:[0-9a-f]{64})`", api.bodies(1)[0])
    merge(pull, api, how)
    clone = Cli(remote.clone("runner").path, cli._capfd)
    assert clone("comment").code == 0
    assert (
        "**The next apply starts 2 runs in `prod` on `sandbox`; nothing is held**"
        in api.bodies(1)[0]
    )
    sandbox.set_faults(f"outcome={ANOTHER}:Failed")
    assert clone("apply", "--yes", "--no-wait", "--keep-going").code == 0
    assert clone("comment").code == 0
    assert title(api.bodies(1)[0]).endswith(": running")
    ended = clone("apply", "--yes")
    assert ended.code == 1, ended.err
    assert clone("comment").code == 0
    (body,) = api.bodies(1)
    assert title(body).endswith(": done, 1 ended unexplained")
    assert "**1 succeeded, 1 ended unexplained in `prod` on `sandbox`; 1 stays held: `f" in body
    assert "--retry prod/" in body
    for attempt in (*remote.attempts("new"), *remote.attempts("encrypt-prod-buckets")):
        assert attempt["executionId"] in body
    assert digest == re.findall(r"plan digest `(v1:sha256:[0-9a-f]{64})`", body)


def test_an_approved_head_is_said_to_be(pull: Workspace, cli: Cli, api: GitHubApi) -> None:
    """Only of the commit that is its head."""
    api.approve(1, "mara")
    cli("comment", "--to", "HEAD~1", "--always")
    assert ": approved" not in title(api.bodies(1)[0])
    cli("comment")
    assert title(api.bodies(1)[0]).endswith(": approved")


POLICY = "  policy:\n    approvals: [{count: 2}]\n"


def with_policy(pull: Workspace, api: GitHubApi, policy: str) -> None:
    """The target branch has rules, and the pull request is on top of them."""
    pull.git("switch", "--quiet", "main")
    pull.write("qflow.yaml", BRANCH_PROJECT + policy)
    pull.commit("rules")
    pull.git("push", "--quiet", "origin", "main")
    pull.git("switch", "--quiet", "feature")
    pull.git("rebase", "--quiet", "main")
    api.commits.clear()
    push(pull, api)


@pytest.mark.fault(16)
def test_it_promises_nothing_that_apply_refuses(
    pull: Workspace, cli: Cli, api: GitHubApi, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Two have to approve it, and one has; merged so, it is held: both say it in the same words."""
    with_policy(pull, api, POLICY)
    api.approve(1, "mara")
    cli("comment")
    (body,) = api.bodies(1)
    said = "it needs 2 approvals, and has 1 in pull request #1 (mara)"
    assert f"Before the merge: {said}. Merged without it, apply holds it." in plain(body)
    assert "**Nothing starts in `prod` on `sandbox`; 2 would be held: `approval`**" in body
    assert (body.count("planned, not approved"), body.count("Merging starts")) == (2, 0)
    digest = re.findall(r"plan digest `(v1:sha256:[0-9a-f]{64})`", body)
    assert digest == [cli.json("plan", "--from", "origin/main")["digest"]]
    merge(pull, api)
    assert cli("comment").code == 0
    (body,) = api.bodies(1)
    assert title(body).endswith(": held")
    assert f"**approval**, 2 runs: {said}" in plain(body)
    assert "**Nothing starts in `prod` on `sandbox`; 2 stay held: `approval`**" in body
    assert body.count("starts") == 1
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    data = cli.json("apply", "--yes", "--approved")
    assert [one["detail"] for one in data["changes"] if one["reason"] == "approval"] == [said] * 2
    assert sandbox.executions() == []
    assert re.findall(r"plan digest `(v1:[^`]*)`", body) == [data["digest"]]


@pytest.mark.fault(16)
@pytest.mark.parametrize("by", [1, 2])
def test_an_approval_that_does_not_count_is_said_before_the_merge(
    by: int, pull: Workspace, cli: Cli, api: GitHubApi
) -> None:
    """Of an older commit, or by who had a hand in it: when it can still be had."""
    with_policy(pull, api, POLICY.replace("2", "1"))
    older = pull.git("rev-parse", "HEAD~1")
    if by == 1:
        api.approve(1, "mara", commit=older)
    else:
        api.approve(1, "ada")
    cli("comment")
    (body,) = api.bodies(1)
    head = pull.git("rev-parse", "HEAD")
    assert title(body).endswith(": planned")
    said = (
        f"mara approved commit {older[:10]}, not its newest one, {head[:10]}"
        if by == 1
        else "only ada approved it, who had a hand in it"
    )
    assert f"it needs 1 approval, and has 0 in pull request #1: {said}" in plain(body)


@nightly
@pytest.mark.fault(16)
def test_signatures_that_apply_asks_for_are_asked_for_before_the_merge(
    pull: Workspace, cli: Cli, api: GitHubApi
) -> None:
    with_policy(pull, api, "  policy:\n    require: {signedCommits: true}\n")
    api.approve(1, "mara")
    cli("comment")
    assert title(api.bodies(1)[0]).endswith(": approved")
    for one in api.commits[1]:
        one["commit"]["verification"]["verified"] = False
    cli("comment")
    (body,) = api.bodies(1)
    assert title(body).endswith(": planned")
    assert "the policy asks for signed commits, and GitHub verifies not all" in body


@pytest.mark.fault(16)
def test_what_is_held_is_in_no_digest(pull: Workspace, cli: Cli, api: GitHubApi) -> None:
    """The comment, the plan and an apply name one plan by one digest."""
    with_policy(pull, api, "  policy:\n    workflows: {deny: [" + ANOTHER + "]}\n")
    cli("comment")
    (body,) = api.bodies(1)
    assert "**Merging starts 1 run in `prod` on `sandbox`; 1 stays held: `workflow`**" in body
    planned = cli.json("plan", "--from", "origin/main")
    assert re.findall(r"plan digest `(v1:[^`]*)`", body) == [planned["digest"]]


@pytest.mark.fault(16)
def test_the_comment_of_a_renamed_environment_promises_nothing_any_more(
    pull: Workspace, cli: Cli, api: GitHubApi
) -> None:
    """Nor that of a removed one; somebody else's with that marker stays as it is."""
    cli("comment")
    api.say(1, api.bodies(1)[0], OTHER)
    renamed = BRANCH_PROJECT.replace("    prod: {", "    live: {previousNames: [prod], ")
    pull.write("qflow.yaml", renamed)
    pull.commit("another name")
    push(pull, api)
    done = cli("comment")
    assert done.code == 0, done
    old, theirs, new = api.bodies(1)
    assert title(new).startswith("### Qualys Flow, `live` on `sandbox`: planned")
    assert title(old) == "### Qualys Flow, `prod`: no environment any more"
    assert "It is called `live` now" in old
    assert "planned" in theirs
    before = len(api.sent())
    cli("comment")
    assert len(api.sent()) == before


def test_an_environment_that_is_renamed_after_the_merge_leaves_no_promise(
    pull: Workspace, cli: Cli, api: GitHubApi, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its runs go under the new name, where the old comment would wait for them forever."""
    cli("comment")
    merge(pull, api)
    pull.write(
        "qflow.yaml", BRANCH_PROJECT.replace("    prod: {", "    live: {previousNames: [prod], ")
    )
    pull.commit("another name")
    pull.git("push", "--quiet", "origin", "main")
    cli("comment")
    (body,) = api.bodies(1)
    assert title(body) == "### Qualys Flow, `prod`: no environment any more"
    assert "It is called `live` now, and what is merged starts there" in body
    assert cli("plan", "-e", "live").code == 0


def test_what_ran_before_is_not_this_pull_requests(
    pull: Workspace, cli: Cli, api: GitHubApi, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A file that is only moved has nothing to do, whatever ran of it before."""
    pull.git("switch", "--quiet", "main")
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    assert cli("apply", "--yes").code == 0
    monkeypatch.setenv("GITHUB_REF", "refs/pull/1/merge")
    pull.git("switch", "--quiet", "--force-create", "feature", "main")
    pull.move(FILE, "runs/moved.yaml")
    pull.commit("moved")
    push(pull, api)
    assert cli("comment").code == 0
    (body,) = api.bodies(1)
    assert title(body).endswith(": nothing to do")
    merge(pull, api)
    cli("comment")
    assert title(api.bodies(1)[0]).endswith(": nothing to do")


@nightly
def test_nothing_selected_posts_nothing_but_mends_what_is_there(
    pull: Workspace, cli: Cli, api: GitHubApi
) -> None:
    pull.git("switch", "--quiet", "--force-create", "other", "main")
    pull.write("README.md", "words")
    pull.commit("no run")
    push(pull, api)
    assert cli.json("comment")["comments"][0]["what"] == "none"
    assert api.sent() == []
    assert cli("comment", "--always").code == 0
    assert "nothing would run" in api.bodies(1)[0]
    pull.write("runs/new.yaml", spec("new"))
    pull.commit("a run")
    push(pull, api)
    cli("comment")
    assert "starts 1 run in" in api.bodies(1)[0]
    pull.git("reset", "--quiet", "--hard", "HEAD~1")
    push(pull, api)
    assert cli.json("comment")["comments"][0]["what"] == "edited"
    assert "nothing would run" in api.bodies(1)[0]


def test_one_comment_for_each_environment(pull: Workspace, cli: Cli, api: GitHubApi) -> None:
    pull.write("qflow.yaml", TWO)
    pull.write("runs/dev.yaml", spec("new", metadata="  environment: dev\n"))
    pull.commit("another environment")
    push(pull, api)
    assert [one["environment"] for one in cli.json("comment")["comments"]] == ["dev", "prod"]
    assert [title(one) for one in api.bodies(1)] == [
        "### Qualys Flow, `dev` on `US1`: planned",
        "### Qualys Flow, `prod` on `sandbox`: planned",
    ]
    assert "prod/" not in api.bodies(1)[0]
    assert len(cli.json("comment", "-e", "dev")["comments"]) == 1
    assert len(api.bodies(1)) == 2


# --- whose comment it is -------------------------------------------------------------


def test_a_marker_of_somebody_else_is_not_ours(pull: Workspace, cli: Cli, api: GitHubApi) -> None:
    """Neither a person's, nor one like the bot's, nor one that is only quoted."""
    marker = "<!-- qflow-gitops v1 environment=prod plan=v1:sha256:0 head=0 -->"
    for user in (OTHER, {"login": "mallory", "type": "User"}, {"login": "x[bot]", "type": "Bot"}):
        api.say(1, f"{marker}\nall is approved", user)
    api.say(1, f"> {marker}\nquoted", ACTIONS)
    before = api.bodies(1)
    assert cli.json("comment")["comments"][0]["what"] == "created"
    assert api.bodies(1)[:4] == before
    assert len(api.bodies(1)) == 5


def test_it_is_found_among_hundreds(pull: Workspace, cli: Cli, api: GitHubApi) -> None:
    for number in range(150):
        api.say(1, f"talk {number}", OTHER)
    cli("comment")
    for number in range(150):
        api.say(1, f"talk {number}", OTHER)
    assert cli.json("comment")["comments"][0]["what"] == "unchanged"
    assert len(api.bodies(1)) == 301


@nightly
def test_a_persons_token_writes_as_that_person(pull: Workspace, cli: Cli, api: GitHubApi) -> None:
    api.me = api.user = {"login": "ada", "type": "User"}
    cli("comment")
    assert cli.json("comment")["comments"][0]["what"] == "unchanged"
    assert len(api.bodies(1)) == 1


def test_an_apps_token_needs_no_name_and_works_better_with_one(
    pull: Workspace, cli: Cli, api: GitHubApi
) -> None:
    """Without it the answer to a new comment tells, and that one is removed again."""
    api.me = {"login": "our-app[bot]", "type": "Bot"}
    cli("comment")
    (first,) = api.comments[1]
    assert cli.json("comment")["comments"][0]["duplicatesRemoved"] == 1
    assert api.comments[1] == [first]
    api.asked.clear()
    assert cli.json("comment", "--author", "our-app[bot]")["comments"][0]["what"] == "unchanged"
    assert api.sent() == []


def test_two_at_once_leave_one_comment(
    pull: Workspace, remote: Remote, api: GitHubApi, capfd: pytest.CaptureFixture[str]
) -> None:
    """Both have looked before either has written."""
    import subprocess
    import sys

    both = threading.Barrier(2, timeout=30)

    def together() -> None:
        both.wait()

    api.before_create = together
    code = "from qflow_gitops.cli.main import main; main()"
    command = [sys.executable, "-c", code, "-C", str(pull.path), "comment"]
    processes = [subprocess.Popen(command, stdout=-1, stderr=-1) for _ in range(2)]
    for one in processes:
        out, err = one.communicate(timeout=60)
        assert one.returncode == 0, (out, err)
    assert len(api.sent("POST")) == 2
    assert len(api.bodies(1)) == 1


def test_a_comment_that_is_removed_meanwhile_is_written_anew(
    pull: Workspace, cli: Cli, api: GitHubApi
) -> None:
    cli("comment")
    pull.write("runs/more.yaml", spec("more"))
    pull.commit("more")
    push(pull, api)
    api.faults.append(Fault("PATCH", "/comments/", 404, times=1))
    assert cli("comment").code == 0
    assert "starts 3 runs in" in api.bodies(1)[-1]


# --- what goes wrong -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "code", "hint"),
    [
        (Fault("POST", "/comments", 403), 4, "pull-requests: write"),
        (Fault("GET", "/pulls/", 401), 4, "GITHUB_TOKEN"),
        (Fault("GET", "/pulls/", 404), 2, "Check the number"),
        (Fault("POST", "/comments", 500), 12, ""),
        (
            Fault("GET", "/comments", 403, {"x-ratelimit-remaining": "0", "retry-after": "900"}),
            12,
            "later",
        ),
    ],
)
def test_a_fault_is_a_sentence(
    pull: Workspace, cli: Cli, api: GitHubApi, fault: Fault, code: int, hint: str
) -> None:
    api.faults.append(fault)
    done = cli("comment")
    assert done.code == code
    assert done.err.startswith("Error: ")
    assert hint in done.err
    assert "Traceback" not in done.err
    assert TOKEN not in done.out + done.err
    assert api.bodies(1) == []


def test_a_passing_fault_of_a_read_is_passed_over(
    pull: Workspace, cli: Cli, api: GitHubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.faults.append(Fault("GET", "/comments", 429, {"retry-after": "0"}, times=2))
    assert cli("comment").code == 0
    assert len(api.bodies(1)) == 1


def test_what_is_missing_is_said(
    pull: Workspace, cli: Cli, api: GitHubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    done = cli("comment")
    assert (done.code, api.sent()) == (2, [])
    assert "--pull-request N" in done.err
    monkeypatch.delenv("GITHUB_TOKEN")
    done = cli("comment", "--pull-request", "1")
    assert done.code == 4
    assert "GITHUB_TOKEN" in done.err
    assert cli("comment", "--merged", "--to", "HEAD").code == 2


def test_the_number_comes_from_the_event(
    pull: Workspace, cli: Cli, api: GitHubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = pull.path.parent / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 1}}))
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    assert cli("comment").code == 0
    assert len(api.bodies(1)) == 1


def test_broken_settings_of_the_target_branch_are_told_with_their_commit(
    workspace: Workspace, cli: Cli
) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT + "  lock: {store: nowhere}\n")
    workspace.write("runs/a.yaml", SAMPLE)
    onto = workspace.commit("broken")
    workspace.git("switch", "--quiet", "-c", "fix")
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    workspace.commit("mended")
    assert cli("validate").code == 0
    done = cli("comment", "--dry-run")
    assert done.code == 3
    assert f"Error: commit {onto[:10]}, onto which this goes: The repository's files" in done.err


def test_a_dry_run_shows_and_posts_nothing(pull: Workspace, cli: Cli, api: GitHubApi) -> None:
    done = cli("comment", "--dry-run")
    assert api.sent() == []
    cli("comment")
    assert api.bodies(1)[0].strip() == done.out.strip()


def test_a_pull_request_cant_bring_a_record_of_its_own(
    pull: Workspace, cli: Cli, api: GitHubApi, sandbox: SandboxServer
) -> None:
    """Where the lockfile lives is what the target branch says."""
    pull.write(
        "qflow.yaml", BRANCH_PROJECT.replace("store: branch", "store: branch, branch: forged")
    )
    pull.commit("another record")
    pull.git("push", "--quiet", "origin", "HEAD:refs/heads/forged")  # no record: it would fail
    push(pull, api)
    done = cli("comment")
    assert done.code == 0, done.err
    assert "starts 2 runs in" in api.bodies(1)[0]


# --- after an apply ------------------------------------------------------------------


def _name_pull_request(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """As an apply does that knows whose pull request a run comes from."""
    from qflow_gitops.cli.context import Wiring

    monkeypatch.setattr(Wiring, "evidence", lambda _wiring: {"pullRequest": number})


def test_after_an_apply_the_comments_of_its_pull_requests(
    pull: Workspace,
    cli: Cli,
    api: GitHubApi,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    later: Callable[[float], None],
) -> None:
    cli("comment")
    assert "No pull request" in cli("comment", "--merged").out
    merge(pull, api)
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    monkeypatch.setenv("GITHUB_RUN_ID", "77")
    _name_pull_request(monkeypatch, 1)
    assert cli("apply", "--yes").code == 0
    assert cli.json("comment", "--merged")["comments"][0]["what"] == "edited"
    (body,) = api.bodies(1)
    assert title(body).endswith(": done")
    assert "([CI run](https://github.example/octo/runs/actions/runs/77))" in body
    later(31 * 86_400)
    assert cli.json("comment", "--merged")["comments"] == []


def test_one_that_cant_be_read_keeps_no_other_from_its_comment(
    pull: Workspace,
    cli: Cli,
    api: GitHubApi,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merge(pull, api)
    _name_pull_request(monkeypatch, 1)
    assert cli("apply", "--yes").code == 0
    pull.write("runs/late.yaml", spec("late"))
    pull.publish("late")
    _name_pull_request(monkeypatch, 9)
    assert cli("apply", "--yes").code == 0
    done = cli("comment", "--merged")
    assert done.code == 2
    assert "no pull request 9" in done.err
    assert title(api.bodies(1)[0]).endswith(": done")


def test_the_latest_change_comes_first_and_open_ones_always(remote: Remote) -> None:
    def attempt(number: int, state: str, at: str, pull: object) -> dict[str, Any]:
        events = [{"at": at, "to": "intent"}]
        if state != "intent":
            events += [{"at": at, "to": "accepted"}, {"at": at, "to": state}]
        return {
            "number": number, "state": state, "digest": "v1:sha256:" + "0" * 64,
            **({"executionId": f"e-{at}"} if state != "intent" else {}),
            "evidence": {"pullRequest": pull}, "events": events,
        }  # fmt: skip

    runs = {
        "a": {"attempts": [attempt(1, "succeeded", "2026-01-01T00:00:00Z", 1)]},
        "b": {"attempts": [attempt(1, "succeeded", "2026-03-01T00:00:00Z", 2)]},
        "c": {"attempts": [attempt(1, "intent", "2026-01-02T00:00:00Z", 3)]},
        "d": {"attempts": [attempt(1, "succeeded", "2026-03-03T00:00:00Z", True)]},
    }
    data = {
        "lockfileVersion": 2, "lineage": "0" * 32, "serial": 1,
        "environments": {"prod": {"latest": "", "appliedThrough": "", "runs": runs}},
    }  # fmt: skip
    lockfile = from_bytes(json.dumps(data).encode(), "x")
    assert changed_lately(lockfile, "2026-02-15T00:00:00Z") == [2, 3]


def test_a_freeze_stands_in_its_first_lines(pull: Workspace, api: GitHubApi, cli: Cli) -> None:
    """With the requests that it puts off; and gone when it is lifted. Also where none is.

    It makes no other plan: the digest stays.
    """
    assert cli("freeze", "--reason", "incident 42 @everyone").code == 0
    assert cli("comment").code == 0
    (body,) = api.bodies(1)
    assert "### Qualys Flow, `prod` on `sandbox`: held" in body
    assert "Merging starts" not in body
    said = body.index("> **Frozen**: `somebody froze everything at ")
    assert said < body.index("| Run |")
    assert "` → When it is over: `qflow-gitops unfreeze --reason TEXT`\n" in body
    assert "@everyone" in re.findall(r"`([^`]*)`", body[said:])[0]
    assert "**The request of** `prod/new`" in body
    digest = re.findall(r"plan digest `(v1:[^`]*)`", body)
    shown = cli("comment", "--dry-run", "-e", "prod", "--to", "origin/main").out
    assert "> **Frozen**" in shown
    assert "nothing would run" in shown
    assert cli("unfreeze", "--reason", "over").code == 0
    assert cli("comment").code == 0
    (body,) = api.bodies(1)
    assert "Frozen" not in body
    assert "### Qualys Flow, `prod` on `sandbox`: planned" in body
    assert re.findall(r"plan digest `(v1:[^`]*)`", body) == digest
    assert digest == [cli.json("plan", "--from", "origin/main")["digest"]]
