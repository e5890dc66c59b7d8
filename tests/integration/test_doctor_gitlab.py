"""`doctor ci` on GitLab: each thing broken at a stand-in for the API, and only its line changes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qflow_gitops.base import resources
from qflow_gitops.http.asking import CALLS
from tests.helpers.broken_settings import Break, change, put
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT
from tests.helpers.git import Workspace
from tests.helpers.github_api import Fault
from tests.helpers.gitlab_api import (
    GITLAB_TOKEN,
    NEVER,
    PROJECT,
    GitLabApi,
    branch,
    environment,
    pipeline,
    schedule,
    variable,
)

OK, WARNING, FAILED, UNKNOWN = "ok", "warning", "failed", "unknown"
NEVER_TOLD = "retention"
FILE = ".gitlab-ci.yml"


@pytest.fixture
def api(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLabApi]:
    text = resources.text(f"examples/gitlab/{FILE}")
    workspace.write(
        FILE, text.replace("QFLOW_PROJECT: your-group/your-project", f"QFLOW_PROJECT: {PROJECT}")
    )
    workspace.write("qflow.yaml", BRANCH_PROJECT)
    workspace.commit()
    with GitLabApi() as found:
        for name, value in found.environ.items():
            monkeypatch.setenv(name, value)
        yield found


def odd(cli: Cli) -> dict[str, dict[str, str]]:
    """What isn't in order, by name."""
    found = cli.json("doctor", "ci")["checks"]
    assert NEVER not in str(found)
    assert GITLAB_TOKEN not in str(found)
    return {one["name"]: one for one in found if one["result"] != OK and one["name"] != NEVER_TOLD}


def results(cli: Cli) -> dict[str, str]:
    return {name: one["result"] for name, one in odd(cli).items()}


def test_what_is_set_up_as_readme_asks_is_in_order(cli: Cli, api: GitLabApi) -> None:
    assert results(cli) == {}
    assert {one.method for one in api.asked} == {"GET"}
    assert {one.token for one in api.asked} == {GITLAB_TOKEN}
    assert len(api.asked) <= CALLS


def secrets(*these: dict[str, Any]) -> Break:
    return put("variables", list(these))


CLIENT, SECRET = variable("QFLOW_CLIENT_ID"), variable("QFLOW_CLIENT_SECRET")
MAIN = branch("main", 0, "No one", code_owner_approval_required=True)
LOCK = branch("qflow-lock", 40, "Maintainers")
OLD = datetime.now(UTC) - timedelta(hours=9)
BROKEN: dict[str, tuple[Break, str, str, str]] = {
    "archived": (change("", archived=True), "repository", FAILED, "archived"),
    "fork": (
        change("", path_with_namespace="eve/runs",
               forked_from_project={"path_with_namespace": PROJECT}),
        "repository", WARNING, f"a fork of {PROJECT}",
    ),
    "an open branch": (
        put("protected_branches", [LOCK]), "target-branch", FAILED, "without a review",
    ),
    "maintainers push": (
        put("protected_branches", [
            branch("main", 40, "Maintainers", code_owner_approval_required=True), LOCK,
        ]),
        "target-branch", WARNING, "Maintainers push to it without a review",
    ),
    "a rule by a pattern that permits more": (
        put("protected_branches", [MAIN, branch("ma*", 0, "No one", allow_force_push=True), LOCK]),
        "target-branch", FAILED, "force-pushed",
    ),
    "no approval": (
        put("approval_rules", [{"approvals_required": 0}]), "target-branch", WARNING,
        "no approval is needed",
    ),
    "an approval for another branch": (
        put("approval_rules", [{"approvals_required": 2, "protected_branches": [{"name": "v1"}]}]),
        "target-branch", WARNING, "no approval is needed",
    ),
    "stale approvals": (
        put("approvals", {"reset_approvals_on_push": False}), "target-branch", WARNING,
        "stays after a push",
    ),
    "no owners": (
        put("protected_branches", [branch("main", 0, "No one"), LOCK]), "target-branch", WARNING,
        "code owners",
    ),
    "merges without a pipeline": (
        change("", only_allow_merge_if_pipeline_succeeds=False), "target-branch", WARNING,
        "the check check isn't required",
    ),
    "an open lock branch": (
        put("protected_branches", [MAIN]), "lock-branch", FAILED, "force-pushed and deleted",
    ),
    "a lock branch that nobody pushes to": (
        put("protected_branches", [MAIN, branch("qflow-lock", 0, "No one")]), "lock-branch", FAILED,
        "apply can't push to it",
    ),
    "a gate of anybody": (
        put("protected_environments", [environment("production")]), "gate", WARNING,
        "opens to who may run jobs",
    ),
    "an environment of anybody": (
        put("protected_environments", [environment("production-approval", 1)]), "environment",
        WARNING, "used from * as well",
    ),
    "a secret that isn't masked": (
        secrets(SECRET | {"masked": False}, CLIENT),
        "secrets", FAILED, "QFLOW_CLIENT_SECRET isn't masked",
    ),
    "a secret that isn't protected": (
        secrets(CLIENT | {"protected": False}, SECRET),
        "secrets", FAILED, "QFLOW_CLIENT_ID isn't protected",
    ),
    "a secret for all": (
        secrets(CLIENT | {"environment_scope": "*"}, SECRET),
        "secrets", FAILED, "QFLOW_CLIENT_ID isn't limited to production",
    ),
    "a secret that may be a group's": (
        put("variables", [variable("QFLOW_CLIENT_ID")]), "secrets", UNKNOWN, "of its groups",
    ),
    "a freeze": (
        lambda answers: answers["variables"].append(
            variable("QFLOW_FREEZE", value="incident 42", environment_scope="*")
        ),
        "freeze", WARNING, "incident 42",
    ),
    "no schedule": (put("pipeline_schedules", []), "schedule", WARNING, "there is none"),
    "a schedule of another branch": (
        put("pipeline_schedules", [schedule(7, ref="refs/heads/old")]), "schedule", WARNING,
        "there is none",
    ),
    "a schedule that is off": (
        put("pipeline_schedules", [schedule(7, active=False)]), "schedule", FAILED, "switched off",
    ),
    "a schedule whose owner is gone": (
        put("pipeline_schedules", [schedule(7, owner={"username": "ada", "state": "blocked"})]),
        "schedule", FAILED, "its owner ada is blocked",
    ),
    "a schedule that failed": (
        put("pipeline_schedules/7",
            schedule(7) | {"last_pipeline": pipeline(datetime.now(UTC), "failed")}),
        "schedule", WARNING, "ended: failed",
    ),
    "a schedule that is late": (
        put("pipeline_schedules/7", schedule(7) | {"last_pipeline": pipeline(OLD)}), "schedule",
        WARNING, "every 1 h",
    ),
    "a schedule that never ran": (
        put("pipeline_schedules/7", schedule(7)), "schedule", WARNING, "never ran",
    ),
    "off": (change("", builds_access_level="disabled"), "jobs", FAILED, "switched off"),
    "a token that doesn't push": (
        change("", ci_push_repository_for_job_token_allowed=False), "job-token", FAILED,
        "it may not push",
    ),
    "a token of which nothing is told": (
        lambda answers: answers[""].pop("ci_push_repository_for_job_token_allowed"), "job-token",
        UNKNOWN, "doesn't show this",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_the_only_line_that_changes(cli: Cli, api: GitLabApi, what: str) -> None:
    broken, name, verdict, words = BROKEN[what]
    broken(api.settings)
    found = odd(cli)
    left = {"not_looked_at"} if name == "repository" else set()
    assert {one: each["result"] for one, each in found.items() if each["result"] not in left} == {
        name: verdict
    }
    assert words in found[name]["found"]
    assert {one.method for one in api.asked} == {"GET"}


def test_what_a_plan_has_not_got_is_not_told(cli: Cli, api: GitLabApi) -> None:
    """On GitLab Free approvals and protected environments don't exist: no line is failed."""
    for path in ("approval_rules", "approvals", "protected_environments"):
        del api.settings[path]
    found = odd(cli)
    assert {name: one["result"] for name, one in found.items()} == {
        "gate": UNKNOWN, "environment": UNKNOWN,
    }  # fmt: skip
    assert "on GitLab Premium" in found["gate"]["hint"]
    told = [one for one in cli.json("doctor", "ci")["checks"] if one["name"] == "target-branch"]
    assert "approvals aren't told" in told[0]["found"]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/protected_branches", {"target-branch", "lock-branch"}),
        ("/variables", {"secrets", "freeze"}),
        ("/pipeline_schedules", {"schedule"}),
    ],
)
def test_what_is_not_permitted_is_unknown(
    cli: Cli, api: GitLabApi, path: str, names: set[str]
) -> None:
    for status in (403, 404):
        api.faults = [Fault("GET", path, status)]
        found = odd(cli)
        assert {name: one["result"] for name, one in found.items()} == dict.fromkeys(names, UNKNOWN)
        assert all("a Maintainer with the scope read_api" in one["hint"] for one in found.values())


def test_a_limit_says_until_when(cli: Cli, api: GitLabApi) -> None:
    api.faults = [Fault("GET", ".", 429, {"RateLimit-Reset": "1795849200", "Retry-After": "60"})]
    found = odd(cli)
    assert "until 2026-11-28T07:00:00Z" in found["repository"]["found"]
    assert len(api.asked) == 1


def test_without_a_token_nobody_is_asked(
    cli: Cli, api: GitLabApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", "a-job-token")
    found = odd(cli)["host"]
    assert f"CI_PROJECT_PATH={PROJECT} qflow-gitops doctor ci" in found["hint"]
    assert api.asked == []


def test_a_remote_elsewhere_gets_no_token(
    cli: Cli, api: GitLabApi, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITLAB_CI", "CI_PROJECT_PATH"):
        monkeypatch.delenv(name)
    workspace.git("remote", "add", "origin", f"https://evil.example/{PROJECT}.git")
    assert set(odd(cli)) == {"host"}
    assert api.asked == []
    workspace.git("remote", "set-url", "origin", f"http://127.0.0.1:1/{PROJECT}.git")
    assert results(cli) == {}


def test_the_file_is_compared(cli: Cli, api: GitLabApi, workspace: Workspace) -> None:
    text = workspace.read(FILE)
    workspace.write(FILE, text.replace("  stage: gate\n", "  stage: apply\n"))
    workspace.commit()
    assert "1 line" in odd(cli)["workflow-files"]["found"]
    workspace.write(FILE, text.replace("\nsettle:\n", "\n.settle:\n"))
    workspace.commit()
    assert "hasn't got these jobs: settle" in odd(cli)["workflow-files"]["found"]
    workspace.write(FILE, text.replace("timeout: 90 minutes", "timeout: 9 minutes"))
    workspace.commit()
    assert results(cli) == {"workflow-files": WARNING, "jobs": FAILED}
    workspace.write(FILE, resources.text(f"examples/gitlab/{FILE}"))
    workspace.commit()
    assert odd(cli)["workflow-files"]["result"] == FAILED
    workspace.remove(FILE)
    workspace.commit()
    assert odd(cli)["workflow-files"]["result"] == UNKNOWN
