"""A GitLab API over HTTP: one project that is set up as README asks, faults on demand.

Shapes: docs.gitlab.com, REST API 4, the example of each endpoint.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.helpers.github_api import Asked, GitHubApi, cut

PROJECT = "group/sub/runs"
GITLAB_TOKEN = "glpat-test-canary-token-0123456789"
_BASE = "/api/v4/projects/group%2Fsub%2Fruns"
NEVER = "never-shown-canary-value"


class GitLabApi(GitHubApi):
    """Serves it on loopback; `settings` is what GET answers below the project's address."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = project()

    @property
    def environ(self) -> dict[str, str]:
        """What a job has, and a token of one's own."""
        address = f"http://127.0.0.1:{self._server.server_port}"
        return {
            "GITLAB_CI": "true", "CI_API_V4_URL": f"{address}/api/v4",
            "CI_SERVER_URL": "https://gitlab.example", "CI_PROJECT_PATH": PROJECT,
            "GITLAB_TOKEN": GITLAB_TOKEN,
        }  # fmt: skip

    def answer(self, asked: Asked, query: dict[str, list[str]]) -> tuple[int, dict[str, str], Any]:
        self.asked.append(asked)
        for fault in self.faults:
            if fault.method == asked.method and re.search(fault.path, asked.path):
                said = fault.message or f"Refused for {asked.token}"
                return fault.status, fault.headers, {"message": said}
        path = asked.path.removeprefix(_BASE).removeprefix("/")
        if asked.method != "GET" or path not in self.settings:
            return 404, {}, {"message": "404 Not Found"}
        return 200, {}, cut(self.settings[path], query)


def project(now: datetime | None = None) -> dict[str, Any]:
    """Everything as it should be."""
    ran = (now or datetime.now(UTC)) - timedelta(minutes=20)
    return {
        "": {
            "path_with_namespace": PROJECT, "default_branch": "main", "archived": False,
            "builds_access_level": "enabled", "build_timeout": 5400,
            "only_allow_merge_if_pipeline_succeeds": True,
            "ci_push_repository_for_job_token_allowed": True,
        },
        "protected_branches": [
            branch("main", 0, "No one", code_owner_approval_required=True),
            branch("qflow-lock", 40, "Maintainers"),
        ],
        "approval_rules": [{"id": 1, "name": "All", "approvals_required": 1}],
        "approvals": {"reset_approvals_on_push": True},
        "protected_environments": [
            environment("production-approval", approvals=1), environment("production"),
        ],
        "variables": [
            variable("QFLOW_CLIENT_ID"), variable("QFLOW_CLIENT_SECRET"),
            variable("QFLOW_GITOPS_COMMIT", environment_scope="*"),
        ],
        "pipeline_schedules": [schedule(7)],
        "pipeline_schedules/7": schedule(7) | {"last_pipeline": pipeline(ran)},
    }  # fmt: skip


def branch(name: str, level: int, words: str, **more: Any) -> dict[str, Any]:
    """A rule of protected branches."""
    levels = [{"access_level": level, "access_level_description": words}]
    return {
        "name": name, "push_access_levels": levels, "merge_access_levels": levels,
        "allow_force_push": False, "code_owner_approval_required": False, **more,
    }  # fmt: skip


def environment(name: str, approvals: int = 0) -> dict[str, Any]:
    """A protected environment."""
    level = {"access_level": 40, "access_level_description": "Maintainers"}
    return {
        "name": name, "deploy_access_levels": [level], "required_approval_count": approvals,
        "approval_rules": [],
    }  # fmt: skip


def variable(key: str, **changes: Any) -> dict[str, Any]:
    """A variable of the project."""
    usual: dict[str, Any] = {
        "key": key, "value": NEVER, "protected": True, "masked": True, "hidden": False,
        "environment_scope": "production",
    }  # fmt: skip
    return usual | changes


def schedule(number: int, **changes: Any) -> dict[str, Any]:
    """A pipeline schedule."""
    due = datetime.now(UTC) + timedelta(minutes=40)
    usual: dict[str, Any] = {
        "id": number, "description": "hourly", "ref": "refs/heads/main", "cron": "17 * * * *",
        "cron_timezone": "UTC", "next_run_at": f"{due:%Y-%m-%dT%H:%M:%S}.000Z", "active": True,
        "owner": {"username": "ada", "state": "active"},
    }  # fmt: skip
    return usual | changes


def pipeline(at: datetime, status: str = "success") -> dict[str, Any]:
    """The last pipeline of a schedule."""
    return {"id": 332, "ref": "main", "status": status, "created_at": f"{at:%Y-%m-%dT%H:%M:%S}Z"}
