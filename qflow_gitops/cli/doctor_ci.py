"""What `doctor` says of the code host and its CI.

Which host is asked is what the environment says, else github.com where the remote is there. The
token goes to that address alone: nothing in a repository chooses where it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.errors import QflowError
from qflow_gitops.results.checks import Check, left_out, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qflow_gitops.cli.doctor_ground import Ground
    from qflow_gitops.doctor.ci.expected import Expected

_HOST, _ABOUT = "host", "code host"


def look(ground: Ground) -> Iterator[Check]:
    """Look at the files of the CI, and hold their host against what they count on."""
    from qflow_gitops.cli.ci_files import expected
    from qflow_gitops.doctor.ci.files import files

    wanted = expected(ground)
    if isinstance(wanted, QflowError):
        yield unknown("workflow-files", "files of the CI", wanted.message, wanted.hint)
        return
    environ = ground.wiring.environ
    name = environ.get("GITHUB_REPOSITORY", "") or _of_remote(ground, environ)
    if not name or not _token(environ):
        yield from files(wanted)
        yield _nobody(name, _address(ground))
        return
    yield from _asked(ground, wanted, name)


def _asked(ground: Ground, wanted: Expected, name: str) -> Iterator[Check]:
    from qflow_gitops.doctor.ci.checks import LOOKS, checks
    from qflow_gitops.doctor.ci.files import files

    if ground.asked.offline:
        yield from files(wanted)
        yield from left_out([(each.name, each.about) for each in LOOKS], "--offline")
        return
    try:
        host = ground.wiring.connections.governance(name)
    except QflowError as problem:
        yield from files(wanted)
        yield unknown(_HOST, _ABOUT, problem.message, problem.hint)
        return
    yield from checks(host, wanted, SystemClock().now())


def _token(environ: Mapping[str, str]) -> str:
    return (environ.get("GITHUB_TOKEN", "") or environ.get("GH_TOKEN", "")).strip()


def _nobody(name: str, address: str) -> Check:
    """Say why no host is asked, and how one is."""
    shown = name or "OWNER/NAME"
    how = f"`GITHUB_TOKEN=$(gh auth token) GITHUB_REPOSITORY={shown} qflow-gitops doctor ci`"
    if name:
        return unknown(_HOST, _ABOUT, f"GitHub isn't asked about {name} without a token", how)
    where = f"the remote is {address}" if address else "there is no remote"
    why = f"whether this repository is on GitHub can't be told: {where}"
    return unknown(_HOST, _ABOUT, why, f"If it is: {how}; of another server with GITHUB_API_URL.")


def _address(ground: Ground) -> str:
    """Return the remote's address in its one form, "" for none."""
    git, settings = ground.git, ground.settings
    if isinstance(git, QflowError):
        return ""
    from qflow_gitops.git.remotes import GitRemotes

    remote = "" if isinstance(settings, QflowError) else settings.project.lock.remote
    return GitRemotes(git).address(remote)


def _of_remote(ground: Ground, environ: Mapping[str, str]) -> str:
    """Return OWNER/NAME of the remote where it is on the server that is asked, else ""."""
    from qflow_gitops.commands.workflow_files import repository_of

    address = _address(ground)
    api = urlsplit(environ.get("GITHUB_API_URL", "") or "https://api.github.com").hostname or ""
    same = address.partition("/")[0] == api.removeprefix("api.")
    return repository_of(address) if same else ""
