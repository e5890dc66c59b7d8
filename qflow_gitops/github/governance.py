"""How GitHub guards a repository (docs.github.com, REST API 2022-11-28), one file a topic."""

import shlex
from collections.abc import Collection, Mapping, Sequence

from qflow_gitops.errors import AuthError, UsageProblem
from qflow_gitops.github import actions, branch_rules
from qflow_gitops.github import environments as of_environments
from qflow_gitops.github.client import GITHUB, Client, odd_answer
from qflow_gitops.http.asking import Asking
from qflow_gitops.ports.governance import (
    BranchRules,
    HostedEnvironment,
    HostedRepository,
    JobRights,
    Pages,
    Schedule,
    Secrets,
    Variable,
)

_OF_A_PLAN = "upgrade to"  # "Upgrade to GitHub Pro or make this repository public to enable …"


def _lacking(message: str, right: str) -> AuthError:
    """Name a repository permission; each page says which one its endpoint takes."""
    of_plan = _OF_A_PLAN in message.lower()
    return AuthError(
        message,
        not_done="Nothing was concluded from it.",
        hint="The plan that this repository is on hasn't got it."
        if of_plan
        else f'A fine-grained token with the repository permission "{right}" (read) tells it: set '
        "GITHUB_TOKEN to one.",
        reason="github_permission",
    )


class GitHubGovernance:
    """Implements `ports.governance.Governance`."""

    host = "GitHub"
    elsewhere = ""

    def __init__(self, client: Client, server: str) -> None:
        """Take the client of the repository, and the address of the pages for people."""
        self._asking = Asking(client, GITHUB, _lacking)
        self._name = client.repository
        page = f"{server}/{self._name}"
        self.pages = Pages(
            repository=page,
            environments=f"{page}/settings/environments",
            branches=f"{page}/settings/rules",
            variables=f"{page}/settings/variables/actions",
            schedules=f"{page}/actions",
            ci=f"{page}/settings/actions",
            policies=f"{page}/settings/actions",
        )

    def repository(self) -> HostedRepository:
        """Say what it is (docs, "Get a repository")."""
        found = self._asking.fields("", "Metadata")
        if found is None:
            raise UsageProblem(
                f"GitHub shows no repository {self._name} with this token.",
                where="GITHUB_REPOSITORY",
                not_done="Nothing was concluded from it.",
                hint="Check its name, and that the token may read it.",
                reason="github_repository",
            )
        branch = found.text("default_branch")
        if not branch:
            raise odd_answer()
        closed = [word for word in ("archived", "disabled") if found.flag(word)]
        of = found.under("parent").text("full_name") or "another repository"
        return HostedRepository(
            name=found.text("full_name") or self._name,
            default_branch=branch,
            closed=closed[0] if closed else "",
            fork_of=of if found.flag("fork") else "",
        )

    def environment(self, name: str) -> HostedEnvironment | None:
        """Return an environment, None where there is none of that name."""
        return of_environments.environment(self._asking, name)

    def branch(self, name: str, *, pushed: bool = False) -> BranchRules:
        """Say what keeps a branch."""
        return branch_rules.rules(self._asking, name, pushed=pushed)

    def owner_errors(self) -> Sequence[str]:
        """Say what is wrong in CODEOWNERS of the default branch."""
        return branch_rules.owner_errors(self._asking)

    def guard(self, branch: str) -> str:
        """Return the command that makes such a ruleset (docs, "Create a repository ruleset")."""
        words = {
            "name": branch,
            "target": "branch",
            "enforcement": "active",
            "conditions[ref_name][include][]": f"refs/heads/{branch}",
            "conditions[ref_name][exclude][]": None,
        }
        fields = [key if value is None else f"{key}={value}" for key, value in words.items()]
        fields += [f"rules[][type]={kind}" for kind in ("deletion", "non_fast_forward")]
        given = " ".join(f"-f {shlex.quote(field)}" for field in fields)
        return f"gh api -X POST {shlex.quote(f'repos/{self._name}/rulesets')} {given}"

    def variables(self, name: str, environments: Collection[str]) -> Sequence[Variable]:
        """Say where a variable is set: repository, environments, organization."""
        return of_environments.variables(self._asking, name, environments)

    def secrets(self, environment: str) -> Secrets:
        """Name an environment's secrets, and those that every job gets."""
        return of_environments.secrets(self._asking, environment)

    def schedules(self, files: Mapping[str, bool]) -> Sequence[Schedule]:
        """Say how workflow files stand, and how the last scheduled run ended."""
        return actions.schedules(self._asking, self._name, files)

    def jobs(self, uses: Collection[str]) -> JobRights:
        """Say whether jobs run, and which of their actions may not be used."""
        return actions.jobs(self._asking, self._name, uses)

    def token(self) -> JobRights:
        """Say what a job's token may do by default."""
        return actions.token(self._asking)

    def retention(self) -> int | None:
        """Return the days that logs and artifacts are kept."""
        return actions.retention(self._asking)

    def tool_version(self, action: str, commit: str) -> str:
        """Return which version of this program an action's commit holds, "" for not told."""
        return actions.tool_version(self._asking, action, commit)
