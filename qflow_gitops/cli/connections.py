"""Connections to Qualys and GitHub, each made when it is first needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from qflow_gitops.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from qflow_gitops.audit.time_stamps import Server
    from qflow_gitops.cli.console import Console
    from qflow_gitops.github.client import Client
    from qflow_gitops.policy.tickets import TicketRule
    from qflow_gitops.ports.clock import Clock
    from qflow_gitops.ports.governance import Governance
    from qflow_gitops.ports.notices import Courier, Receiver
    from qflow_gitops.ports.pull_requests import PullRequests
    from qflow_gitops.ports.qualys import ConnectorLists, Qualys
    from qflow_gitops.ports.tenant import Tenant
    from qflow_gitops.ports.tickets import Tickets
    from qflow_gitops.qualys.logins.login import Machine
    from qflow_gitops.sources.anchoring import Authority


class Closed(Protocol):
    """What is closed at the end."""

    def close(self) -> None:
        """Let go of what was opened."""


class Connections:
    """What was opened for one command."""

    def __init__(
        self,
        environ: Mapping[str, str],
        console: Console,
        folder: Path,
        time_left: Callable[[], float],
    ) -> None:
        """Take the environment, who is told of a proxy, where relative paths begin, the time."""
        self.environ = environ
        self.console = console
        self._folder = folder
        self._time_left = time_left
        self._clients: dict[str, tuple[Qualys, str]] = {}
        self._others: list[Closed] = []
        self._told_route = False

    def qualys(self, platform: str) -> tuple[Qualys, str]:
        """Connect to a platform: the client, and the gateway's name for the lockfile."""
        from qflow_gitops.qualys.connect import connect

        if platform not in self._clients:
            client, gateway = connect(platform, self.environ, self._machine)
            self._say_route()
            self.console.detail(f"gateway {gateway} of platform {platform}")
            self._clients[platform] = (client, gateway)
        return self._clients[platform]

    @property
    def _machine(self) -> Machine:
        from qflow_gitops.qualys.logins.login import Machine

        return Machine(self._folder, self.is_tracked, self.console.say, self._time_left)

    def is_tracked(self, file: Path) -> bool:
        """Whether git keeps a file, where it lies and where its links lead; in any repository."""
        from qflow_gitops.git.repository import GitRepo

        for place in (file.absolute(), file.resolve()):
            try:
                if GitRepo.open(place.parent, self.environ).is_tracked(place):
                    return True
            except UsageProblem as problem:
                if problem.reason != "no_repository":
                    raise
        return False

    @property
    def has_api_password(self) -> bool:
        """Whether there is what the API server takes."""
        from qflow_gitops.qualys.credentials import API_SERVER

        return all(self.environ.get(name) for name in API_SERVER)

    def api_server(self, platform: str) -> ConnectorLists:
        """Connect to a platform's API server, which is another host than its gateway."""
        from qflow_gitops.qualys.connect import connect_to_api_server

        client, host = connect_to_api_server(platform, self.environ)
        self._say_route()
        self.console.detail(f"API server {host} of platform {platform}")
        self._others.append(client)
        return client

    def tenant(self, platform: str, most: int | None, seconds: float | None) -> Tenant:
        """Connect to a platform to look at it: at most so many calls, in so many seconds."""
        from qflow_gitops.qualys.connect import connect_to_look

        client = connect_to_look(platform, self.environ, self._machine, most, seconds)
        self._say_route()
        self._others.append(client)
        return client

    def pulls(self) -> PullRequests:
        """What knows the pull requests."""
        from qflow_gitops.github.pulls import GitHubPulls

        return GitHubPulls(self.github)

    def tickets(self, rule: TicketRule) -> Tickets:
        """What knows the tickets that a rule asks for."""
        from qflow_gitops.tickets.connect import connect

        client = connect(rule, self.environ, self.is_tracked, self._time_left)
        self._opened(client)
        return client

    @cached_property
    def github(self) -> Client:
        """The GitHub API, for the repository and with the token that the environment names."""
        from qflow_gitops.github.connect import connect

        client = connect(self.environ)
        self._say_route()
        return client

    def governance(self, host: str, repository: str) -> Governance:
        """What knows how a host guards a repository; it asks once, and doesn't wait for long."""
        if host == "GitLab":
            from qflow_gitops.gitlab import connect as gitlab
            from qflow_gitops.gitlab.governance import GitLabGovernance

            project = gitlab.connect(self.environ, repository)
            self._opened(project)
            return GitLabGovernance(project, gitlab.server(self.environ))
        from qflow_gitops.github import connect as github
        from qflow_gitops.github.governance import GitHubGovernance

        client = github.connect(self.environ, repository, quick=True)
        self._opened(client)
        return GitHubGovernance(client, github.server(self.environ))

    def stamp_server(self, authority: Authority, clock: Clock) -> Server:
        """The time-stamp server of the settings: without credentials, and no further than there."""
        import qflow_gitops
        from qflow_gitops.audit import time_stamps
        from qflow_gitops.http.route import from_environment
        from qflow_gitops.http.transport import Transport

        scheme, _, rest = authority.url.partition("://")
        host, slash, path = rest.partition("/")
        trusted = time_stamps.certificates_in(authority.certificates, authority.where)
        agent = f"qflow-gitops/{qflow_gitops.__version__}"
        transport = Transport(
            f"{scheme}://{host}", route=from_environment(self.environ), user_agent=agent
        )
        self._opened(transport)
        checker = time_stamps.Checker(trusted)
        return time_stamps.Server(authority.url, slash + path or "/", transport, checker, clock)

    def receivers(self) -> tuple[Receiver, ...]:
        """Return whoever is told what happens, as the environment says."""
        from qflow_gitops.notify.connect import receivers

        found = receivers(self.environ)
        for receiver in found:
            self._opened(receiver)
        return found

    def courier(self) -> Courier:
        """Return what carries notices to all receivers while something else works."""
        from qflow_gitops.notify.courier import Courier

        courier = Courier(self.receivers())
        self._others.append(courier)
        return courier

    def _opened(self, other: Closed) -> None:
        self._say_route()
        self._others.append(other)

    def _say_route(self) -> None:
        """Say once that a proxy or certificates of one's own are used: they see what is secret."""
        from qflow_gitops.http.route import from_environment

        if self._told_route:
            return
        self._told_route = True
        if route := str(from_environment(self.environ)):
            self.console.say(f"Connecting {route}.")

    def close(self) -> None:
        """Let go of what was opened."""
        if "github" in self.__dict__:
            self.github.close()
        for client, _ in self._clients.values():
            client.close()
        for other in self._others:
            other.close()
