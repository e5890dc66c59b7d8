"""Which receivers there are, and where: what the environment says, and nothing else.

Nothing in a repository chooses where anything is sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from qflow_gitops.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qflow_gitops.notify.posting import Post
    from qflow_gitops.ports.notices import Receiver

URL, KEY = "QFLOW_NOTIFY_URL", "QFLOW_NOTIFY_KEY"
SLACK, TEAMS = "QFLOW_NOTIFY_SLACK_URL", "QFLOW_NOTIFY_TEAMS_URL"
SECRETS = (URL, KEY, SLACK, TEAMS)
"""None of these is ever shown: of an incoming webhook the address is the secret."""
_NAMES = {URL: "cloudevents", SLACK: "slack", TEAMS: "teams"}
_NOTHING = "Nothing was sent to any receiver."
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PLAIN = re.compile(r"[!-~]{1,2000}")  # no space, nothing that isn't seen


def names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name the receivers that the environment sets up, right or wrong."""
    return tuple(name for variable, name in _NAMES.items() if environ.get(variable))


def receivers(environ: Mapping[str, str]) -> tuple[Receiver, ...]:
    """Build them; sends nothing yet. UsageProblem for an address or a key that can't be used."""
    if environ.get(KEY) and not environ.get(URL):
        raise UsageProblem(
            f"{KEY} is set, and {URL}, for which it signs, isn't.",
            not_done=_NOTHING,
            hint=f"Set {URL} to the receiver's address. Without one: `unset {KEY}`",
            reason="notify_key",
        )
    return tuple(make(environ) for variable, make in _MAKERS.items() if environ.get(variable))


def _cloudevents(environ: Mapping[str, str]) -> Receiver:
    from qflow_gitops.notify import signing
    from qflow_gitops.notify.receivers import CloudEvents

    try:
        keys = signing.keys_in(environ.get(KEY, ""))
    except ValueError as problem:
        raise UsageProblem(
            f"{KEY} is no key to sign with: {problem}.",
            not_done=_NOTHING,
            hint=f"Make one, and give it to the receiver, too: `export {KEY}=whsec_$(openssl rand "
            "-base64 32)`. For a while there may be two, the new one first, divided by a space.",
            reason="notify_key",
        ) from None
    return CloudEvents(_post(URL, environ), keys)


def _slack(environ: Mapping[str, str]) -> Receiver:
    from qflow_gitops.notify.receivers import slack_at

    return slack_at(_post(SLACK, environ))


def _teams(environ: Mapping[str, str]) -> Receiver:
    from qflow_gitops.notify.receivers import teams_at

    return teams_at(_post(TEAMS, environ))


_MAKERS: Mapping[str, Callable[[Mapping[str, str]], Receiver]] = {
    URL: _cloudevents,
    SLACK: _slack,
    TEAMS: _teams,
}


def _post(variable: str, environ: Mapping[str, str]) -> Post:
    import qflow_gitops
    from qflow_gitops.http.redaction import Redactor
    from qflow_gitops.http.route import from_environment as route_of
    from qflow_gitops.http.transport import Transport
    from qflow_gitops.notify.posting import DEADLINE, MAX_ANSWER, Post

    address = _address(variable, environ[variable])
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    redact = Redactor()
    redact.learn([*environ.get(KEY, "").split(), environ[variable], path])
    transport = Transport(
        f"{address.scheme}://{address.netloc}",
        route=route_of(environ),
        user_agent=f"qflow-gitops/{qflow_gitops.__version__}",
        read_timeout=DEADLINE,
        deadline=DEADLINE,
        max_answer=MAX_ANSWER,
    )
    return Post(transport, path, redact)


def _address(variable: str, text: str) -> SplitResult:
    """Read an address; what is wrong with it is said without any of it."""
    try:
        address = urlsplit(text)
        port_fits = address.port != 0
    except ValueError:
        address, port_fits = urlsplit(""), False
    plain = _PLAIN.fullmatch(text) and not address.fragment and "@" not in address.netloc
    near = address.scheme == "http" and address.hostname in _LOOPBACK
    if plain and port_fits and address.hostname and (address.scheme == "https" or near):
        return address
    raise UsageProblem(
        f"{variable} is no address that notices are sent to.",
        not_done=_NOTHING,
        hint="It begins with https:// (http:// for this machine alone), and has no user, no space "
        f"and no `#`. Without this receiver: `unset {variable}`",
        reason="notify_address",
    )
