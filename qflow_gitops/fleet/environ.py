"""What a member's process and its git find in their environment: nothing that isn't theirs.

A variable reaches them if it is named here. A set of credentials is a prefix: `ACME_QFLOW_TOKEN` is
`QFLOW_TOKEN` of the members whose set is `ACME`, and of no other.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base.addresses import Remote, plain, without_secrets
from qflow_gitops.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qflow_gitops.settings.fleet import FleetMember

_MACHINE = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SYSTEMROOT",
        "SUDO_UID",
        "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONPATH",
        "PYTHONPYCACHEPREFIX",
        "PYTHONUTF8", "VIRTUAL_ENV",
        # Where git's settings and the certificates that it trusts are: no secret is in them.
        "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH", "SSL_CERT_DIR", "SSL_CERT_FILE",
        "HTTPS_PROXY", "NO_PROXY", "https_proxy", "no_proxy",  # git's way out; the program has none
    }
)  # fmt: skip
_MACHINE_BEGINS = ("LC_", "XDG_")
_SSH = frozenset({"SSH_AUTH_SOCK", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT"})
_ALL = ("QFLOW_FREEZE", "QFLOW_FREEZE_FILE", "QFLOW_CA_FILE", "QFLOW_PROXY")
"""What every member gets, unless its set says otherwise."""
_FREEZES = frozenset({"QFLOW_FREEZE", "QFLOW_FREEZE_FILE"})
"""Of these, what no set takes back: a freeze of all holds all."""
_FILES = frozenset({"QFLOW_FREEZE_FILE", "QFLOW_CA_FILE", "QFLOW_TOKEN_FILE"})
"""Their relative paths begin where the fleet is, and not in the member's clone."""
OF_A_SET = (
    *_ALL, "QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET", "QFLOW_USERNAME", "QFLOW_PASSWORD",
    "QFLOW_TOKEN", "QFLOW_TOKEN_FILE", "QFLOW_CREDENTIAL_COMMAND", "QFLOW_LOGIN",
    "QFLOW_LOGIN_AUDIENCE", "QFLOW_ID_TOKEN", "QFLOW_PLATFORM", "QFLOW_GATEWAY",
    "QFLOW_API_USERNAME", "QFLOW_API_PASSWORD", "QFLOW_API_SERVER", "QFLOW_TICKET_URL",
    "QFLOW_TICKET_USERNAME", "QFLOW_TICKET_PASSWORD", "QFLOW_TICKET_TOKEN", "QFLOW_TICKET_COMMAND",
    "GITHUB_TOKEN", "GITLAB_TOKEN",
    "QFLOW_NOTIFY_URL", "QFLOW_NOTIFY_KEY", "QFLOW_NOTIFY_SLACK_URL", "QFLOW_NOTIFY_TEAMS_URL",
)  # fmt: skip
"""What a set of credentials may hold. Only these names: else a set called `ACME_QFLOW` would be a
part of the set `ACME`."""
_GIT_TOKEN = "GIT_TOKEN"  # noqa: S105  a variable's name
_READING = "QFLOW_FLEET_GIT_TOKEN"
"""A token that may read the repositories of all members, for a set that has none of its own.

It goes to the host of the fleet's own repository alone: which hosts there are besides is what a
change of fleet.yaml says."""
_SECRET = (
    "QFLOW_CLIENT_SECRET", "QFLOW_PASSWORD", "QFLOW_TOKEN", "QFLOW_ID_TOKEN", "QFLOW_API_PASSWORD",
    "QFLOW_TICKET_PASSWORD", "QFLOW_TICKET_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN",
    # Of a receiver the address is as secret as its key.
    "QFLOW_NOTIFY_URL", "QFLOW_NOTIFY_KEY", "QFLOW_NOTIFY_SLACK_URL", "QFLOW_NOTIFY_TEAMS_URL",
)  # fmt: skip
_HEADER = ".extraHeader"
_HTTPS = ":443"
_WHO = re.compile(r"(https://)[^/@]*@")  # a CI clones with a token in the address
_SHORTEST = 4
"""A secret with fewer characters would hide half of what is told, and is none."""


class Facts(NamedTuple):
    """What is told of whoever works on the fleet: evidence, and where relative paths begin.

    `home` is the address of the fleet's own repository, "" for none.
    """

    folder: str
    actor: str = ""
    run: str = ""
    home: str = ""


def environ_of(
    member: FleetMember, environ: Mapping[str, str], facts: Facts, *, sandbox: bool = False
) -> dict[str, str]:
    """Return the whole environment of a member's process, and of its git.

    `sandbox`: the member works on the local stand-in for Qualys, so that the gateway of everybody
    is its own. Raises InvalidInput for an address that git isn't given.
    """
    remote = remote_of(member)
    found = {name: value for name, value in environ.items() if _is_machines(name, remote.scheme)}
    found |= {name: environ[name] for name in _ALL if environ.get(name)}
    own = _own(member, environ)
    found |= {name: value for name, value in own.items() if name not in _FREEZES & found.keys()}
    found |= from_anywhere(found, facts.folder)
    if sandbox and "QFLOW_GATEWAY" not in own and environ.get("QFLOW_GATEWAY"):
        found["QFLOW_GATEWAY"] = environ["QFLOW_GATEWAY"]
    told = {"QFLOW_FLEET_ACTOR": facts.actor, "QFLOW_FLEET_RUN": facts.run}
    found |= {name: value for name, value in told.items() if value}
    found |= dict(_of_the_host(remote, own))
    return found | _for_git(remote, member, environ, facts.home)


def for_a_set(credentials: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which what has no prefix is of this set, as a CI's job has it."""
    names = (name for name in (*OF_A_SET, _GIT_TOKEN) if environ.get(name))
    own = {f"{credentials}_{name}": environ[name] for name in names if name not in _ALL}
    return {**environ, **(own if credentials else {})}


def from_anywhere(environ: Mapping[str, str], folder: str) -> dict[str, str]:
    """Return the variables with relative paths, for a process that starts in another folder.

    Those of this program begin in `folder`, Python's where this process is.
    """
    found = {
        name: os.path.join(folder, environ[name])  # noqa: PTH118  as it was written
        for name in _FILES & environ.keys()
    }
    if "PYTHONPATH" in environ:
        places = environ["PYTHONPATH"].split(os.pathsep)
        found["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, places))
    return found


def remote_of(member: FleetMember) -> Remote:
    """Read a member's address. Raises InvalidInput for one that git isn't given."""
    remote = plain(member.repository)
    if remote is None:
        raise InvalidInput(
            f"The address of the member {member.name} is none that git is given.",
            where=without_secrets(member.repository),
            not_done="Nothing was fetched from there, and no credential was sent.",
            hint="Write https://HOST/PATH, ssh://HOST/PATH, USER@HOST:PATH or an absolute path, "
            "without a password.",
            reason="member_address",
        )
    return remote


def masked(text: str, environ: Mapping[str, str]) -> str:
    """Return a text without the secrets of the environment that it comes from."""
    for secret in secrets_of(environ):
        text = text.replace(secret, "***")
    return without_secrets(text)


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """Return what may not be told of a process' environment, the longest first."""
    found = {environ.get(name, "").strip() for name in _SECRET}
    for number in range(len(environ)):  # so many at most, whatever GIT_CONFIG_COUNT says
        if environ.get(f"GIT_CONFIG_KEY_{number}", "").endswith(_HEADER):
            basic = environ.get(f"GIT_CONFIG_VALUE_{number}", "").rpartition(" ")[2]
            found |= {basic, _decoded(basic), _decoded(basic).partition(":")[2]}
    return sorted((one for one in found if len(one) >= _SHORTEST), key=len, reverse=True)


def _is_machines(name: str, scheme: str) -> bool:
    also = scheme == "ssh" and name in _SSH
    return name in _MACHINE or name.startswith(_MACHINE_BEGINS) or also


def _own(member: FleetMember, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the member's set of credentials holds, under the names that programs read."""
    if not member.credentials:
        return {}
    named = {name: f"{member.credentials}_{name}" for name in OF_A_SET}
    return {name: environ[full] for name, full in named.items() if full in environ}


def _of_the_host(remote: Remote, own: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Say whom a token is for: the host of the member, and never that of the fleet."""
    if remote.scheme == "file":
        return
    # ssh has a port of its own, which says nothing about the one of the API.
    host = remote.host if remote.scheme == "https" else _without_port(remote.host)
    if "GITHUB_TOKEN" in own:
        yield "GITHUB_REPOSITORY", remote.path.strip("/").removesuffix(".git")
        if host != "github.com":
            yield "GITHUB_API_URL", f"https://{host}/api/v3"
            yield "GITHUB_SERVER_URL", f"https://{host}"
    if "GITLAB_TOKEN" in own:
        yield "CI_SERVER_URL", f"https://{host}"


def _without_port(host: str) -> str:
    return re.sub(r":[0-9]+\Z", "", host)


def _for_git(
    remote: Remote, member: FleetMember, environ: Mapping[str, str], home: str
) -> dict[str, str]:
    """Tell git how far it may go, as variables: a clone's files hold no credential."""
    told = [
        ("http.followRedirects", "false"),  # a header goes to no host that it wasn't meant for
        ("protocol.allow", "never"),
        ("protocol.https.allow", "always"),
        ("protocol.ssh.allow", "always"),
        ("core.askPass", ""),
        ("credential.interactive", "false"),
        ("gc.auto", "0"),  # a store's objects are others' as well
        ("maintenance.auto", "false"),
    ]
    if remote.scheme == "file":
        told.append(("protocol.file.allow", "always"))
    if member.credentials:
        told.append(("credential.helper", ""))  # those of whoever is logged in here aren't its own
    token = environ.get(f"{member.credentials}_{_GIT_TOKEN}", "") if member.credentials else ""
    if not token and _is_at(remote, home):
        token = environ.get(_READING, "")
    token = token.strip()
    if token and remote.scheme == "https":
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        told.append((f"http.https://{remote.host}/{_HEADER}", f"Authorization: Basic {basic}"))
    found = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(told))}
    for number, (key, value) in enumerate(told):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def _is_at(remote: Remote, home: str) -> bool:
    """Whether an address is on the host of another; a port of ssh is none of https."""
    there = plain(_WHO.sub(r"\1", home))
    if there is None or not there.host:
        return False
    if there.scheme != "https":
        return remote.host == _without_port(there.host)
    return remote.host.removesuffix(_HTTPS) == there.host.removesuffix(_HTTPS)


def _decoded(basic: str) -> str:
    try:
        return base64.b64decode(basic).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
