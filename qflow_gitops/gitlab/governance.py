"""How GitLab guards a project (docs.gitlab.com, REST API 4).

"Projects API", "Protected environments API" (Premium), "Project-level CI/CD variables API"
(Maintainer; its values are dropped at once but for the one that is asked for), "Pipeline schedules
API".
"""

import shlex
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from urllib.parse import quote

from qflow_gitops.errors import AuthError, UsageProblem
from qflow_gitops.gitlab import branch_rules
from qflow_gitops.gitlab.branch_rules import MAINTAINER, PREMIUM
from qflow_gitops.gitlab.client import GITLAB, Client
from qflow_gitops.http.asking import Asking
from qflow_gitops.http.fields import Fields
from qflow_gitops.ports.governance import (
    BranchRules,
    HostedEnvironment,
    HostedRepository,
    JobRights,
    Pages,
    Schedule,
    ScheduledRun,
    Secrets,
    Variable,
)

_MOST_SCHEDULES = 5
_UNDER_WAY = (
    "created", "waiting_for_resource", "preparing", "pending", "running", "manual", "scheduled",
)  # fmt: skip
"""Statuses of a pipeline that hasn't ended (docs, "Pipelines API")."""
_NAMED = "only who is named deploys to it"


class GitLabGovernance:
    """Implements `ports.governance.Governance`."""

    host = "GitLab"
    elsewhere = "variables of its groups aren't looked at"

    def __init__(self, client: Client, server: str) -> None:
        """Take the client of the project, and the address of the pages for people."""
        self._asking = Asking(client, GITLAB, _lacking)
        self._name = client.project
        page = f"{server}/{self._name}"
        settings = f"{page}/-/settings"
        self.pages = Pages(
            repository=page,
            environments=f"{settings}/ci_cd",
            branches=f"{settings}/repository",
            variables=f"{settings}/ci_cd",
            schedules=f"{page}/-/pipeline_schedules",
            ci=f"{settings}/ci_cd",
        )

    @cached_property
    def _project(self) -> Fields:
        found = self._asking.fields("", MAINTAINER)
        if found is None:
            raise UsageProblem(
                f"GitLab shows no project {self._name} with this token.",
                where="CI_PROJECT_PATH",
                not_done="Nothing was concluded from it.",
                hint="Check its path, and that the token may read it.",
                reason="gitlab_project",
            )
        return found

    def repository(self) -> HostedRepository:
        """Say what it is (docs, "Get a single project")."""
        project = self._project
        of = project.under("forked_from_project").text("path_with_namespace")
        branch = project.text("default_branch")
        if not branch:
            raise UsageProblem(
                f"GitLab tells no default branch of {self._name}: it is empty, or its code isn't "
                "shown with this token.",
                where="CI_PROJECT_PATH",
                not_done="Nothing was concluded from it.",
                hint="Push to it first, or give the token the right to read its code.",
                reason="gitlab_project",
            )
        return HostedRepository(
            name=project.text("path_with_namespace") or self._name,
            default_branch=branch,
            closed="archived" if project.flag("archived") else "",
            fork_of=of or ("another project" if project.has("forked_from_project") else ""),
        )

    def environment(self, name: str) -> HostedEnvironment | None:
        """Return an environment; who may run its jobs is told of protected ones alone."""
        listed = self._asking.items("protected_environments", PREMIUM, certain=True)
        found = next((each for each in listed if each.text("name") == name), None)
        if found is None:
            return HostedEnvironment(branches=("*",), opens="to who may run jobs of the branch")
        rules = found.items("approval_rules")
        needed = sum(rule.count("required_approvals") for rule in rules)
        deployers = len(found.items("deploy_access_levels"))
        approvals = max(needed, found.count("required_approval_count"), min(deployers, 1))
        reviewers = len(rules) or deployers
        return HostedEnvironment(max(reviewers, approvals), approvals, None, kept=_NAMED)

    def branch(self, name: str, *, pushed: bool = False) -> BranchRules:
        """Say what keeps a branch."""
        return branch_rules.rules(self._asking, self._project, name, pushed=pushed)

    def owner_errors(self) -> Sequence[str]:
        """Return nothing: no endpoint that is documented reads the file."""
        return ()

    def guard(self, branch: str) -> str:
        """Return the command that protects a branch (docs, "Protect repository branches")."""
        path = shlex.quote(f"projects/{quote(self._name, safe='')}/protected_branches")
        given = f"-f {shlex.quote(f'name={branch}')} -f push_access_level=40"
        return f"glab api -X POST {path} {given} -f allow_force_push=false"

    def _variables(self) -> list[Fields]:
        return self._asking.items("variables", MAINTAINER, certain=True)

    def variables(self, name: str, environments: Collection[str]) -> Sequence[Variable]:
        """Say where a variable is set in the project that jobs of these environments get."""
        return [
            Variable(each.text("value"), f"the project ({each.text('environment_scope')})")
            for each in self._variables()
            if each.text("key") == name
            and any(fnmatchcase(env, each.text("environment_scope")) for env in environments)
        ]

    def secrets(self, environment: str) -> Secrets:
        """Name an environment's variables, and what they lack."""
        own = [
            each
            for each in self._variables()
            if fnmatchcase(environment, each.text("environment_scope") or "*")
        ]
        lacks = [
            (each.text("key"), word)
            for each in own
            for word in ("protected", "masked")
            if not each.flag(word)
        ]
        wide = [each.text("key") for each in own if each.text("environment_scope") == "*"]
        lacks += [(name, f"limited to {environment}") for name in wide]
        return Secrets(frozenset(each.text("key") for each in own), frozenset(), lacks)

    def schedules(self, files: Mapping[str, bool]) -> Sequence[Schedule]:
        """Return the schedules that run, or where none does those that don't."""
        del files
        branch = self.repository().default_branch
        listed = self._asking.items("pipeline_schedules", MAINTAINER, certain=True)
        own = [each for each in listed if each.text("ref").removeprefix("refs/heads/") == branch]
        found = [self._schedule(each) for each in own[:_MOST_SCHEDULES]]
        return [each for each in found if not each.stopped] or found

    def _schedule(self, listed: Fields) -> Schedule:
        name = f"schedule {listed.text('description') or listed.count('id')}"
        owner = listed.under("owner")
        if not listed.flag("active"):
            return Schedule(name, "it is switched off")
        if owner.text("state") != "active":
            state = owner.text("state") or "not told"
            return Schedule(name, f"its owner {owner.text('username')} is {state}")
        single = self._asking.certain(f"pipeline_schedules/{listed.count('id')}", MAINTAINER)
        last, run = single.under("last_pipeline"), None
        if single.has("last_pipeline"):
            status = last.text("status")
            ended = "" if status in _UNDER_WAY else status
            run = ScheduledRun(last.text("created_at"), ended, last.text("web_url"))
        return Schedule(name, "", "", (listed.text("cron"),), run, listed.text("next_run_at"))

    def jobs(self, uses: Collection[str]) -> JobRights:
        """Say whether jobs run, and how long at most."""
        del uses
        off = self._project.text("builds_access_level") == "disabled"
        seconds = self._project.count("build_timeout") or None
        return JobRights("CI/CD is switched off" if off else "", seconds=seconds)

    def token(self) -> JobRights:
        """Say whether a job's token may push (docs, "CI/CD job token", "Allow Git push requests").

        It does so with the rights of who started the pipeline.
        """
        name = "ci_push_repository_for_job_token_allowed"
        if not self._project.has(name):
            raise self._asking.lacking(MAINTAINER)
        return JobRights(pushes=self._project.flag(name))

    def retention(self) -> int | None:
        """Raise AuthError: how long artifacts are kept is a setting of the server.

        (docs, "Application settings API", `default_artifacts_expire_in`)
        """
        raise self._asking.lacking("an administrator")

    def tool_version(self, action: str, commit: str) -> str:
        """Return "": a job installs what its variables name."""
        del action, commit
        return ""


def _lacking(message: str, right: str) -> AuthError:
    return AuthError(
        message,
        not_done="Nothing was concluded from it.",
        hint=f"A token of {right} with the scope read_api tells it: set GITLAB_TOKEN to one.",
        reason="gitlab_permission",
    )
