"""The ways to a token by the variables that ask for them, each read when it is used."""

import difflib
from collections.abc import Mapping

from qflow_gitops.errors import UsageProblem
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.route import from_environment as route_of
from qflow_gitops.http.transport import Transport
from qflow_gitops.qualys.credentials import AUDIENCE, COMMAND, FILE, LOGIN, Credentials
from qflow_gitops.qualys.logins.exchange import Exchange
from qflow_gitops.qualys.logins.given import Given
from qflow_gitops.qualys.logins.login import Login, Machine

FORGES = {"github": "GitHub", "gitlab": "GitLab", "forgejo": "Forgejo"}
"""What QFLOW_LOGIN may say, and who issues the ID token then."""

_NOTHING = "Nothing was sent."


def login_of(
    credentials: Credentials,
    environ: Mapping[str, str],
    transport: Transport,
    redact: Redactor,
    machine: Machine,
) -> Login:
    """Build the way that the environment asks for; nothing is fetched, read or run yet.

    `transport` leads to the gateway. Raises UsageProblem or AuthError for what can't be used.
    """
    values = credentials.values
    if LOGIN in values:
        return _of_forge(values[LOGIN].reveal(), values[AUDIENCE].reveal(), environ, redact)
    if FILE in values:
        from qflow_gitops.qualys.logins.token_file import TokenFile

        return TokenFile(values[FILE].reveal(), machine, redact)
    if COMMAND in values:
        from qflow_gitops.qualys.logins.command import Command

        return Command(values[COMMAND].reveal(), environ, transport, redact, machine)
    if "QFLOW_TOKEN" in values:
        return Given(values["QFLOW_TOKEN"])
    return Exchange(transport, values, redact)


def _of_forge(name: str, audience: str, environ: Mapping[str, str], redact: Redactor) -> Login:
    if name not in FORGES:
        near = difflib.get_close_matches(name.lower(), FORGES, n=1)
        raise UsageProblem(
            f"{LOGIN} names no login.",
            not_done=_NOTHING,
            hint=(f"Did you mean {near[0]}? " if near else "")
            + f"Set {LOGIN} to one of: {', '.join(FORGES)}.",
            reason="login_unknown",
        )
    if not audience.isprintable() or not audience.isascii() or audience != audience.strip():
        raise UsageProblem(
            f"{AUDIENCE} holds a line break, a space at its end, or another character that no "
            "audience has.",
            not_done=_NOTHING,
            hint=f"Set {AUDIENCE} again, in plain letters.",
            reason="login_audience",
        )
    if name == "gitlab":
        from qflow_gitops.qualys.logins.gitlab import GitLab

        return GitLab(environ, audience, redact)
    from qflow_gitops.qualys.logins.github import Actions

    return Actions(environ, audience, route_of(environ), redact, forge=FORGES[name])
