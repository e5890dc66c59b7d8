"""`doctor ci` on GitHub: each thing broken at a stand-in for the API, and only its line changes."""

import re
import shlex
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import cmarkgfm
import pytest

from qflow_gitops.http.asking import CALLS
from tests.helpers.broken_settings import Break, change, drop, on_github, put
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.github_api import REPOSITORY, TOKEN, Fault, GitHubApi
from tests.helpers.github_settings import (
    COMMIT,
    FLOW,
    GATE,
    LOCK,
    MAIN,
    OPERATIONS,
    OWNED,
    OWNERS,
    PRODUCTION,
    TOOL,
    checks,
    environment,
    guarded,
    named,
    protection,
    reviews,
    rule,
    runs,
    tool,
)
from tests.helpers.kept import Kept

FILE = f".github/workflows/{FLOW}"
Check = dict[str, Any]
OK, WARNING, FAILED, UNKNOWN = "ok", "warning", "failed", "unknown"
NEVER_TOLD = "execution-protections"


@dataclass
class Hosted:
    """A project with its workflows, and the host that it is on."""

    cli: Cli
    api: GitHubApi
    workspace: Workspace

    def look(self) -> list[Check]:
        return list(self.cli.json("doctor", "ci")["checks"])

    def odd(self) -> dict[str, str]:
        """What isn't in order, by name."""
        return {
            one["name"]: one["result"]
            for one in self.look()
            if one["result"] != OK and one["name"] != NEVER_TOLD
        }

    def one(self, name: str) -> Check:
        (found,) = [one for one in self.look() if one["name"] == name and one["result"] != OK]
        return found


@pytest.fixture
def hosted(
    cli: Cli, workspace: Workspace, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hosted]:
    kept.begin("on github", lambda: on_github(workspace, cli), workspace)
    with GitHubApi() as api:
        api.settings = guarded()
        for name, value in api.environ.items():
            monkeypatch.setenv(name, value)
        yield Hosted(cli, api, workspace)


def test_what_is_set_up_as_readme_asks_is_in_order(hosted: Hosted) -> None:
    found = hosted.look()
    assert {one["name"]: one["result"] for one in found if one["result"] != OK} == {
        NEVER_TOLD: UNKNOWN
    }
    assert {one.method for one in hosted.api.asked} == {"GET"}
    assert {one.token for one in hosted.api.asked} == {TOKEN}
    assert len(hosted.api.asked) <= CALLS
    assert TOKEN not in str(found)


POLICY = {"protected_branches": False, "custom_branch_policies": True}
LATE = datetime.now(UTC) - timedelta(hours=5)
POLICIES = f"environments/{PRODUCTION}/deployment-branch-policies"
PERMISSIONS = "actions/permissions"


def rules(branch: str, *these: dict[str, Any]) -> Break:
    return put(f"rules/branches/{branch}", list(these))


KEPT = (rule("deletion"), rule("non_fast_forward"))
BROKEN: dict[str, tuple[Break, str, str, str]] = {
    "archived": (change("", archived=True), "repository", FAILED, "archived"),
    "fork": (
        change("", full_name="eve/runs", fork=True, parent={"full_name": REPOSITORY}),
        "repository", WARNING, f"a fork of {REPOSITORY} applies nothing",
    ),
    "another name": (
        change("", full_name="octo/renamed"), "repository", FAILED, f"are for {REPOSITORY}",
    ),
    "another default branch": (
        lambda answers: answers.update({
            "": answers[""] | {"default_branch": "trunk"},
            "rules/branches/trunk": answers[f"rules/branches/{MAIN}"],
            "branches/trunk": {"protected": True},
            POLICIES: named("branch_policies", "trunk"),
        }),
        "trigger", FAILED, "the default branch is trunk",
    ),
    "an older version": (
        put(f"/repos/{TOOL}/contents/qflow_gitops/__init__.py", tool("0.0.9")), "action", WARNING,
        "0.0.9",
    ),
    "a copy without a version": (
        drop(f"/repos/{TOOL}/contents/qflow_gitops/__init__.py"), "action", UNKNOWN, "doesn't tell",
    ),
    "no review": (rules(MAIN, *KEPT, checks()), "target-branch", FAILED, "without a review"),
    "no approval": (
        rules(MAIN, *KEPT, checks(), reviews(required_approving_review_count=0)), "target-branch",
        WARNING, "no approval is needed",
    ),
    "no owners": (
        rules(MAIN, *KEPT, checks(), reviews(require_code_owner_review=False)), "target-branch",
        WARNING, "code owners",
    ),
    "stale approvals": (
        rules(MAIN, *KEPT, checks(), reviews(dismiss_stale_reviews_on_push=False)),
        "target-branch", WARNING, "stays after a push",
    ),
    "no check": (
        rules(MAIN, *KEPT, reviews(), checks("other")), "target-branch", WARNING, "qflow check",
    ),
    "force-pushes": (
        rules(MAIN, rule("deletion"), reviews(), checks()), "target-branch", FAILED, "force-pushed",
    ),
    "deletions": (
        rules(MAIN, rule("non_fast_forward"), reviews(), checks()), "target-branch", WARNING,
        "deleted",
    ),
    "an owner that is nobody": (
        put("codeowners/errors", {"errors": [{"line": 2, "kind": "Unknown owner"}]}), "code-owners",
        WARNING, "line 2, Unknown owner",
    ),
    "a lock branch that takes pull requests alone": (
        rules(LOCK, *KEPT, reviews()), "lock-branch", FAILED, "apply can't push to it",
    ),
    "a lock branch with checks": (
        rules(LOCK, *KEPT, checks()), "lock-branch", FAILED, "checks are required",
    ),
    "a lock branch that nobody updates": (
        rules(LOCK, *KEPT, rule("update")), "lock-branch", FAILED, "updates are restricted",
    ),
    "a lock branch that some update": (
        lambda answers: (
            rules(LOCK, *KEPT, rule("update", 7))(answers),
            put("rulesets/7", {"id": 7, "current_user_can_bypass": "always"})(answers),
        ),
        "lock-branch", WARNING, "let through",
    ),
    "a lock branch that can be force-pushed": (
        rules(LOCK, rule("deletion")), "lock-branch", FAILED, "it may be force-pushed",
    ),
    "a lock branch that can be deleted": (
        rules(LOCK, rule("non_fast_forward")), "lock-branch", FAILED, "it may be deleted",
    ),
    "a lock branch that nothing keeps": (
        rules(LOCK), "lock-branch", FAILED, "force-pushed and deleted",
    ),
    "no gate": (drop(f"environments/{GATE}"), "gate", WARNING, "it isn't there"),
    "a gate without reviewers": (
        put(f"environments/{GATE}", environment()), "gate", WARNING, "no reviewers",
    ),
    "a gate of one's own": (
        put(f"environments/{GATE}", environment(2, by_oneself=True)), "gate", WARNING,
        "who started a run",
    ),
    "no environment": (
        drop(f"environments/{PRODUCTION}"), "environment", FAILED, "it isn't there",
    ),
    "an environment of any branch": (
        put(f"environments/{PRODUCTION}", environment()), "environment", FAILED, "any branch",
    ),
    "an environment of other branches": (
        put(POLICIES,
            named("branch_policies", "release/*")),
        "environment", FAILED, "nothing is applied",
    ),
    "an environment of more branches": (
        put(POLICIES,
            named("branch_policies", MAIN, *(f"b{n}" for n in range(250)))),
        "environment", WARNING, "and 245 more",
    ),
    "no secrets": (
        put(f"environments/{PRODUCTION}/secrets", named("secrets")), "secrets", FAILED,
        "QFLOW_CLIENT_ID, QFLOW_CLIENT_SECRET isn't set",
    ),
    "half of the secrets": (
        put(f"environments/{PRODUCTION}/secrets", named("secrets", "QFLOW_CLIENT_ID")), "secrets",
        FAILED, "QFLOW_CLIENT_SECRET isn't set",
    ),
    "a secret for all": (
        put("actions/secrets", named("secrets", "QFLOW_CLIENT_SECRET")), "secrets", FAILED,
        "any branch gets QFLOW_CLIENT_SECRET",
    ),
    "a freeze of the repository": (
        put("actions/variables/QFLOW_FREEZE", {"name": "QFLOW_FREEZE", "value": "incident 42"}),
        "freeze", WARNING, "the repository has it, so everything is held: incident 42",
    ),
    "a freeze of an environment": (
        put(f"environments/{PRODUCTION}/variables/QFLOW_FREEZE", {"value": "on"}), "freeze",
        WARNING, "the environment production",
    ),
    "a freeze of the organization": (
        put("actions/organization-variables", named("variables", "QFLOW_FREEZE")), "freeze",
        WARNING, "the organization",
    ),
    "no workflow": (
        drop(f"actions/workflows/{FLOW}"), "schedule", FAILED, "isn't on the default branch",
    ),
    "inactivity": (
        change(f"actions/workflows/{FLOW}", state="disabled_inactivity"), "schedule", FAILED,
        "60 days",
    ),
    "switched off": (
        change(f"actions/workflows/{OPERATIONS}", state="disabled_manually"), "schedule", FAILED,
        "somebody switched it off",
    ),
    "an unknown state": (
        change(f"actions/workflows/{FLOW}", state="resting"), "schedule", FAILED, "resting",
    ),
    "never ran": (
        put(f"actions/workflows/{FLOW}/runs", runs()), "schedule", WARNING, "never ran",
    ),
    "ran long ago": (
        put(f"actions/workflows/{FLOW}/runs", runs(LATE)), "schedule", WARNING, "every 1 h",
    ),
    "ran badly": (
        put(f"actions/workflows/{FLOW}/runs", runs(datetime.now(UTC), conclusion="failure")),
        "schedule", WARNING, "ended: failure",
    ),
    "off": (change(PERMISSIONS, enabled=False), "jobs", FAILED, "switched off"),
    "own actions alone": (
        change(PERMISSIONS, allowed_actions="local_only"), "jobs", FAILED, "actions/checkout",
    ),
    "no actions of GitHub": (
        change(f"{PERMISSIONS}/selected-actions", github_owned_allowed=False), "jobs", FAILED,
        "actions/checkout",
    ),
    "actions of who is verified": (
        change(f"{PERMISSIONS}/selected-actions", github_owned_allowed=False,
               verified_allowed=True),
        "jobs", UNKNOWN, "actions/checkout",
    ),
    "tags for commits": (
        change(PERMISSIONS, sha_pinning_required=False), "jobs", WARNING, "no commit",
    ),
    "a token that writes": (
        change(f"{PERMISSIONS}/workflow", default_workflow_permissions="write"), "job-token",
        WARNING, "it may write",
    ),
    "kept for a week": (
        change(f"{PERMISSIONS}/artifact-and-log-retention", days=7), "retention", WARNING, "7 days",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_the_only_line_that_changes(hosted: Hosted, what: str) -> None:
    broken, name, verdict, words = BROKEN[what]
    broken(hosted.api.settings)
    left = {OK, "not_looked_at"} if name == "repository" else {OK}
    done = hosted.cli("doctor", "ci", "--format", "json")
    odd = [each for each in done.data["checks"] if each["result"] not in left]
    (one,) = [each for each in odd if each["name"] != NEVER_TOLD]
    assert (one["name"], one["result"]) == (name, verdict)
    assert words in one["found"]
    assert done.code == (1 if verdict == FAILED else 0)
    assert {one.method for one in hosted.api.asked} == {"GET"}


def test_protection_of_the_older_kind_counts(hosted: Hosted) -> None:
    hosted.api.settings[f"rules/branches/{MAIN}"] = []
    assert hosted.odd() == {"target-branch": FAILED}
    hosted.api.settings[f"branches/{MAIN}/protection"] = protection()
    assert hosted.odd() == {}
    hosted.api.settings[f"branches/{LOCK}/protection"] = protection(
        required_pull_request_reviews=None, required_status_checks=None, restrictions={"users": []}
    )
    assert hosted.odd() == {"lock-branch": FAILED}
    assert "who may push is restricted" in hosted.one("lock-branch")["found"]


@pytest.mark.parametrize("there", [True, False])
def test_what_a_token_is_not_shown_is_unknown(hosted: Hosted, there: bool) -> None:
    """A rule of the older kind may hold as well; never failed, and the right is named."""
    hosted.api.settings[f"rules/branches/{MAIN}"] = []
    hosted.api.settings[f"rules/branches/{LOCK}"] = []
    if there:
        hosted.api.faults = [Fault("GET", "/protection$", 403)]
    else:
        del hosted.api.settings[f"branches/{MAIN}"], hosted.api.settings[f"branches/{LOCK}"]
    assert hosted.odd() == {"target-branch": UNKNOWN, "lock-branch": UNKNOWN}
    assert ('"Administration" (read)' in hosted.one("lock-branch")["found"]) is there


RIGHTS = {
    r"/rules/branches/": ({"target-branch", "lock-branch"}, "Metadata"),
    r"/environments/[^/]+$": ({"gate", "environment"}, "Actions"),
    r"/secrets$": ({"secrets"}, "Environments"),
    r"/(organization-)?variables": ({"freeze"}, "Variables"),
    r"/workflows/": ({"schedule"}, "Actions"),
    r"/actions/permissions": ({"jobs", "job-token", "retention"}, "Administration"),
    r"/contents/": ({"action"}, "Contents"),
    r"/codeowners/": ({"code-owners"}, "Contents"),
}


@pytest.mark.parametrize(
    ("path", "status"), [*((path, 403) for path in RIGHTS), (r"/actions/permissions", 404)]
)
def test_what_is_not_permitted_is_unknown_and_names_the_right(
    hosted: Hosted, path: str, status: int
) -> None:
    names, right = RIGHTS[path]
    hosted.api.faults = [Fault("GET", path, status, message="Resource not accessible")]
    assert hosted.odd() == dict.fromkeys(names, UNKNOWN)
    for one in hosted.look():
        if one["name"] in names:
            assert f'"{right}" (read)' in one["hint"]


def test_what_a_plan_has_not_got_is_unknown(hosted: Hosted) -> None:
    upgrade = "Upgrade to GitHub Pro or make this repository public to enable this feature."
    hosted.api.faults = [Fault("GET", "/rules/branches/", 403, message=upgrade)]
    assert hosted.odd() == {"target-branch": UNKNOWN, "lock-branch": UNKNOWN}
    assert hosted.one("lock-branch")["hint"] == "The plan that this repository is on hasn't got it."


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (401, {}, "doesn't know the token"),
        (404, {}, f"shows no repository {REPOSITORY}"),
        (301, {"Location": "https://elsewhere.example/"}, "elsewhere now"),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795849200"},
         "until 2026-11-28T07:00:00Z"),
        (500, {}, "could not be asked"),
    ],
)  # fmt: skip
def test_a_host_that_shows_nothing_is_asked_once(
    hosted: Hosted, status: int, headers: dict[str, str], words: str
) -> None:
    hosted.api.faults = [Fault("GET", ".", status, headers)]
    found = hosted.look()
    odd = {one["name"]: one["result"] for one in found if one["result"] != OK}
    assert odd.pop("repository") == UNKNOWN
    assert set(odd.values()) == {"not_looked_at"}
    assert len(hosted.api.asked) == 1
    assert words in str(found)
    assert TOKEN not in str(found)
    assert hosted.cli("doctor", "ci").code == 0


# --- files of the repository ---------------------------------------------------------


def test_a_changed_workflow_is_told_and_the_command_renews_it(hosted: Hosted) -> None:
    """The command is typed as it is printed."""
    text = hosted.workspace.read(FILE)
    hosted.workspace.write(FILE, text.replace("timeout-minutes: 90", "timeout-minutes: 9"))
    hosted.workspace.commit()
    assert hosted.odd() == {"workflow-files": WARNING, "jobs": FAILED}
    assert "a job ends after 9 minutes, and apply waits 30" in hosted.one("jobs")["found"]
    found = hosted.one("workflow-files")
    assert "1 line is another" in found["found"]
    typed = re.match(r"`(.+)`, then `git diff`", found["hint"])
    assert typed
    first, init = typed[1].split(" && ")
    assert shlex.split(first)[0] == "rm"
    for path in shlex.split(first)[1:]:
        hosted.workspace.remove(path)
    program, *words = shlex.split(init)
    assert program == "qflow-gitops"
    assert hosted.cli(*words).code == 0
    hosted.workspace.commit()
    assert hosted.odd() == {}


def test_line_ends_count_and_so_does_what_is_left_to_replace(hosted: Hosted) -> None:
    text = hosted.workspace.read(FILE)
    hosted.workspace.write(FILE, text.replace("\n", "\r\n"))
    hosted.workspace.commit()
    assert "line ends" in hosted.one("workflow-files")["found"]
    hosted.workspace.write(FILE, text.replace(TOOL, "your-organization/qflow-gitops"))
    hosted.workspace.commit()
    found = [one for one in hosted.look() if one["name"] == "workflow-files"]
    assert [one["result"] for one in found] == [FAILED, OK]


def test_a_workflow_that_this_tool_does_not_read_leaves_the_rest(hosted: Hosted) -> None:
    """GitHub reads anchors, which are refused here; branches are looked at all the same."""
    text = hosted.workspace.read(FILE)
    hosted.workspace.write(
        FILE, text.replace("permissions: {}\n\njobs", "permissions: &x {}\n\njobs")
    )
    hosted.workspace.commit()
    assert hosted.odd() == {"workflow-files": WARNING, "pipeline": UNKNOWN}
    assert "Anchors" in hosted.one("pipeline")["found"]
    rules(LOCK)(hosted.api.settings)
    assert hosted.odd()["lock-branch"] == FAILED


def test_an_environment_that_an_expression_names_is_not_known(hosted: Hosted) -> None:
    text = hosted.workspace.read(FILE)
    changed = text.replace("environment: production-approval", "environment: '${{ vars.X }}'")
    hosted.workspace.write(FILE, changed)
    hosted.workspace.commit()
    assert hosted.odd() == {"workflow-files": WARNING, "gate": UNKNOWN}


def test_an_environment_of_any_name_is_asked_for_by_it(hosted: Hosted) -> None:
    odd = "a/b ../../x?y=1#z"
    text = hosted.workspace.read(FILE)
    changed = text.replace("environment: production #", f"environment: '{odd}' #")
    hosted.workspace.write(FILE, changed)
    hosted.workspace.commit()
    found = hosted.odd()
    assert (found["environment"], found["secrets"]) == (FAILED, UNKNOWN)
    paths = [one.path for one in hosted.api.asked if "y%3D1" in one.path]
    assert {path.split("/")[5] for path in paths} == {quote(odd, safe="")}


def test_who_owns_what_decides_is_told(hosted: Hosted) -> None:
    """`init` writes the file with each line as a comment."""
    hosted.workspace.write(OWNERS, f"# {OWNED}")
    hosted.workspace.commit()
    assert hosted.odd() == {"code-owners": WARNING}
    assert "gives none to .github/" in hosted.one("code-owners")["found"]
    hosted.workspace.remove(OWNERS)
    hosted.workspace.commit()
    assert "no file names any" in hosted.one("code-owners")["found"]
    for text in ("* @octo/all\n", "*.yaml @x\n.github @x\nconnectors/** @x\n"):
        hosted.workspace.write("CODEOWNERS", text)
        hosted.workspace.commit()
        assert hosted.odd() == {}
    hosted.workspace.write("CODEOWNERS", "* @octo/all\n/connectors/\n")
    hosted.workspace.commit()
    assert hosted.one("code-owners")["found"] == "CODEOWNERS gives none to connectors/"


def test_a_branch_of_another_name_is_no_difference(hosted: Hosted) -> None:
    text = hosted.workspace.read(FILE)
    hosted.workspace.write(FILE, text.replace("branches: [main]", "branches: [main, 'v/*']"))
    hosted.workspace.commit()
    assert hosted.odd() == {}


def test_an_action_by_a_tag_or_several_is_told(hosted: Hosted) -> None:
    text = hosted.workspace.read(FILE)
    hosted.workspace.write(FILE, text.replace(COMMIT, "b" * 40, 1))
    hosted.workspace.commit()
    assert hosted.odd()["action"] == WARNING
    assert "several" in hosted.one("action")["found"]
    for file in (FILE, f".github/workflows/{OPERATIONS}"):
        hosted.workspace.write(
            file, hosted.workspace.read(file).replace(COMMIT, "v1").replace("b" * 40, "v1")
        )
    hosted.workspace.commit()
    assert "no full commit" in hosted.one("action")["found"]


# --- who is asked --------------------------------------------------------------------


def test_without_a_token_nobody_is_asked(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    found = hosted.one("host")
    assert found["result"] == UNKNOWN
    assert f"GITHUB_REPOSITORY={REPOSITORY} qflow-gitops doctor ci" in found["hint"]
    assert hosted.api.asked == []


def test_a_remote_elsewhere_gets_no_token(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of the API comes from the environment alone."""
    monkeypatch.delenv("GITHUB_REPOSITORY")
    hosted.workspace.git("remote", "set-url", "origin", "https://evil.example/octo/runs.git")
    assert "evil.example" in hosted.one("host")["found"]
    assert hosted.api.asked == []
    hosted.workspace.git("remote", "set-url", "origin", "http://127.0.0.1:1/octo/runs.git")
    assert hosted.odd() == {}


def test_offline_asks_nobody(hosted: Hosted) -> None:
    found = hosted.cli.json("doctor", "ci", "--offline")["checks"]
    assert {one["result"] for one in found} == {OK, "not_looked_at"}
    assert hosted.api.asked == []


def test_the_command_of_a_hint_is_one_that_the_api_takes(hosted: Hosted) -> None:
    hosted.api.settings[f"rules/branches/{LOCK}"] = []
    hint = hosted.one("lock-branch")["hint"]
    words = shlex.split(hint.strip("`"))
    assert words[:5] == ["gh", "api", "-X", "POST", f"repos/{REPOSITORY}/rulesets"]
    assert words[5::2] == ["-f"] * (len(words[5:]) // 2)
    assert f"conditions[ref_name][include][]=refs/heads/{LOCK}" in words
    assert [one for one in words if "rules[]" in one] == [
        "rules[][type]=deletion", "rules[][type]=non_fast_forward",
    ]  # fmt: skip
    hosted.api.settings[f"rules/branches/{LOCK}"] = list(KEPT)
    hosted.api.settings[f"actions/workflows/{FLOW}"] = {"state": "disabled_inactivity"}
    hint = hosted.one("schedule")["hint"]
    assert hint == f"`gh workflow enable {FLOW} --repo {REPOSITORY}`"


def test_names_that_nobody_resolves_are_not_waited_for(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that hangs, as one behind a firewall does; three seconds are all it gets."""
    held = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: held.wait(60))
    begun = time.monotonic()
    found = hosted.one("repository")
    assert time.monotonic() - begun < 3
    held.set()
    assert "can't be resolved in time" in found["found"]
    assert hosted.api.asked == []


def test_an_address_that_does_not_answer_is_unknown_soon(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose queue is full takes no connection: packets go nowhere."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [socket.socket() for _ in range(3)]
        for one in others:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{full.getsockname()[1]}")
        begun = time.monotonic()
        found = hosted.one("repository")
        assert time.monotonic() - begun < 4
        for one in others:
            one.close()
    assert (found["result"], "took too long" in found["found"]) == (UNKNOWN, True)


def test_an_enterprise_server_has_its_api_below_its_own_name(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(docs.github.com, enterprise-server, "Getting started with the REST API")."""
    address = f"{hosted.api.environ['GITHUB_API_URL']}/api/v3"
    monkeypatch.setenv("GITHUB_API_URL", address)
    for name in ("GITHUB_SERVER_URL", "GITHUB_ACTIONS", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name)
    hosted.workspace.git("remote", "set-url", "origin", f"http://127.0.0.1/{REPOSITORY}.git")
    hosted.api.settings = {
        f"/api/v3{key if key.startswith('/') else f'/repos/{REPOSITORY}/{key}'.rstrip('/')}": value
        for key, value in guarded().items()
    }
    assert hosted.odd() == {}
    del hosted.api.settings[f"/api/v3/repos/{REPOSITORY}/environments/{GATE}"]
    server = hosted.api.environ["GITHUB_API_URL"]
    assert hosted.one("gate")["hint"].startswith(f"{server}/{REPOSITORY}/settings/environments: ")


def test_an_empty_repository_and_a_branch_that_is_not_there_yet(hosted: Hosted) -> None:
    """GitHub names a default branch also where nothing was pushed yet."""
    for branch in (MAIN, LOCK):
        del hosted.api.settings[f"branches/{branch}"]
    for file in (FLOW, OPERATIONS):
        del hosted.api.settings[f"actions/workflows/{file}"]
    found = hosted.odd()
    assert found == {"schedule": FAILED}


def test_names_from_a_host_are_shown_and_never_obeyed(hosted: Hosted) -> None:
    hostile = "x\n::add-mask::y\x1b[2J`$(reboot)`"
    hosted.api.settings["actions/variables/QFLOW_FREEZE"] = {"value": hostile}
    hosted.api.settings[POLICIES] = named("branch_policies", MAIN, hostile)
    done = hosted.cli("doctor", "ci")
    assert "\x1b" not in done.out
    assert not any(line.strip().startswith("::") for line in done.out.splitlines())
    markdown = hosted.cli("doctor", "ci", "--format", "markdown").out
    html = cmarkgfm.github_flavored_markdown_to_html(markdown)
    assert html.count("<table>") == 1
    assert html.count("<tr>") == len(hosted.look()) + 1
