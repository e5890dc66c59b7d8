"""What `doctor` says of the code host and its CI.

Which host is asked is what the environment says, else github.com or gitlab.com where the remote is
there. A token goes to that address alone: nothing in a repository chooses where it goes.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.errors import QflowError
from qflow_gitops.results.checks import Check, left_out, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qflow_gitops.cli.doctor_ground import Ground
    from qflow_gitops.doctor.ci.expected import Expected

_HOST, _ABOUT = "host", "code host"


class _Kind(NamedTuple):
    """A kind of host: the variables that name its repository, its token, and its API.

    `server` is where it usually is, `token` how a person gives one. The token that a job of GitLab
    has by itself reaches nothing of what is asked (docs, "CI/CD job token").
    """

    name: str
    repository: str
    tokens: tuple[str, ...]
    api: tuple[str, ...]
    server: str
    token: str

    def repository_of(self, environ: Mapping[str, str], address: str) -> str:
        """Return the repository's name: as told, else of the remote where that is there."""
        if told := environ.get(self.repository, ""):
            return told
        host, _, path = address.partition("/")
        return path if host == self._asked(environ) and "/" in path else ""

    def _asked(self, environ: Mapping[str, str]) -> str:
        """Return the server that the token is for."""
        from urllib.parse import urlsplit

        told = next((value for name in self.api if (value := environ.get(name, ""))), "")
        return (urlsplit(told).hostname or "").removeprefix("api.") if told else self.server

    def has_token(self, environ: Mapping[str, str]) -> bool:
        """Whether there is a token."""
        return any(environ.get(name, "").strip() for name in self.tokens)


GITHUB = _Kind(
    "GitHub", "GITHUB_REPOSITORY", ("GITHUB_TOKEN", "GH_TOKEN"), ("GITHUB_API_URL",), "github.com",
    "GITHUB_TOKEN=$(gh auth token)",
)  # fmt: skip
GITLAB = _Kind(
    "GitLab", "CI_PROJECT_PATH", ("GITLAB_TOKEN",), ("CI_API_V4_URL", "CI_SERVER_URL"),
    "gitlab.com",
    "GITLAB_TOKEN=$(glab config get token)",
)  # fmt: skip


def look(ground: Ground) -> Iterator[Check]:
    """Look at the files of the CI, and hold their host against what they count on."""
    from qflow_gitops.cli import ci_files
    from qflow_gitops.doctor.ci.files import files

    environ, address = ground.wiring.environ, _address(ground)
    kind = _kind(environ, address)
    wanted = ci_files.expected(ground, kind.name)
    if isinstance(wanted, QflowError):
        yield unknown("workflow-files", "files of the CI", wanted.message, wanted.hint)
        return
    name = kind.repository_of(environ, address)
    if name and kind.has_token(environ):
        yield from _asked(ground, wanted, kind, name)
    else:
        yield from files(wanted)
        yield _nobody(kind, name, address)


def _kind(environ: Mapping[str, str], address: str) -> _Kind:
    """Say which kind is meant: the CI's, else that of the remote, else the one with a token."""
    if environ.get("GITHUB_ACTIONS") == "true" or environ.get(GITHUB.repository):
        return GITHUB
    if environ.get("GITLAB_CI") == "true" or environ.get(GITLAB.repository):
        return GITLAB
    of_remote = [kind for kind in (GITHUB, GITLAB) if kind.repository_of(environ, address)]
    with_token = [kind for kind in (GITHUB, GITLAB) if kind.has_token(environ)]
    return [*of_remote, *with_token, GITHUB][0]


def _asked(ground: Ground, wanted: Expected, kind: _Kind, name: str) -> Iterator[Check]:
    from qflow_gitops.doctor.ci.checks import LOOKS, checks
    from qflow_gitops.doctor.ci.files import files

    if ground.asked.offline:
        yield from files(wanted)
        yield from left_out([(each.name, each.about) for each in LOOKS], "--offline")
        return
    try:
        host = ground.wiring.connections.governance(kind.name, name)
    except QflowError as problem:
        yield from files(wanted)
        yield unknown(_HOST, _ABOUT, problem.message, problem.hint)
        return
    yield from checks(host, wanted, SystemClock().now())


def _nobody(kind: _Kind, name: str, address: str) -> Check:
    """Say why no host is asked, and how one is."""
    from qflow_gitops.base.addresses import without_secrets

    named = shlex.quote(without_secrets(name)) if name else "OWNER/NAME"
    how = f"`{kind.token} {kind.repository}={named} qflow-gitops doctor ci`"
    if name:
        why = f"{kind.name} isn't asked about {without_secrets(name)} without {kind.tokens[0]}"
        return unknown(_HOST, _ABOUT, why, how)
    where = f"the remote is {without_secrets(address)}" if address else "there is no remote"
    why = f"whether this repository is on {kind.name} can't be told: {where}"
    hint = f"If it is: {how}; of another server than {kind.server} with {kind.api[0]}."
    return unknown(_HOST, _ABOUT, why, hint)


def _address(ground: Ground) -> str:
    """Return the remote's address in its one form, "" for none."""
    git, settings = ground.git, ground.settings
    if isinstance(git, QflowError):
        return ""
    from qflow_gitops.git.remotes import GitRemotes

    remote = "" if isinstance(settings, QflowError) else settings.project.lock.remote
    return GitRemotes(git).address(remote)
