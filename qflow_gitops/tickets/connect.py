"""Connect to the system that a rule names: address and account from the environment alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import qflow_gitops
from qflow_gitops.errors import UsageProblem
from qflow_gitops.http.route import from_environment as route_of
from qflow_gitops.http.transport import Transport
from qflow_gitops.policy.tickets import COMMAND, JIRA, NAMES, SERVICENOW, TicketRule
from qflow_gitops.ports.tickets import Tickets
from qflow_gitops.tickets import jira, servicenow
from qflow_gitops.tickets.calls import (
    ANSWER,
    CONNECT,
    PASSWORD,
    TOKEN,
    URL,
    USERNAME,
    Account,
    Api,
)  # fmt: skip
from qflow_gitops.tickets.command import LINE, Program

_NOTHING = "No ticket was looked up."


def connect(
    rule: TicketRule,
    environ: Mapping[str, str],
    is_tracked: Callable[[Path], bool],
    time_left: Callable[[], float],
) -> Tickets:
    """Build what reads tickets by a rule. Sends nothing yet.

    `is_tracked` says whether git keeps a file, `time_left` how many seconds a program may take.
    Raises UsageProblem for what isn't set up, or not so that it can be used.
    """
    if rule.system == COMMAND:
        return Program(environ, is_tracked, time_left)
    if environ.get(LINE):
        raise _problem(
            f"{LINE} is set, and the policy asks for tickets of {NAMES[rule.system]}", LINE,
            f"Leave {LINE} out, or write `system: command`.",
        )  # fmt: skip
    address, account = _address(rule, environ), _account(environ)
    transport = Transport(
        f"{address.scheme}://{address.netloc}",
        user_agent=f"qflow-gitops/{qflow_gitops.__version__}",
        route=route_of(environ),
        connect_timeout=CONNECT,
        read_timeout=ANSWER,
        deadline=ANSWER,
    )
    name, prefix = NAMES[rule.system], address.path.rstrip("/")
    if rule.system == JIRA:
        return jira.Jira(Api(name, transport, prefix, account, jira.MESSAGES), rule)
    api = Api(name, transport, prefix, account, servicenow.MESSAGES)
    return servicenow.ServiceNow(api, rule)


def _address(rule: TicketRule, environ: Mapping[str, str]) -> SplitResult:
    text = environ.get(URL, "").strip()
    if not text:
        raise _problem(
            f"{URL} isn't set", URL, f"Set it to {NAMES[rule.system]}'s address, like "
            f"{_EXAMPLES.get(rule.system)}, and the account beside it.",
        )  # fmt: skip
    try:
        address = urlsplit(text)
        is_usable = bool(address.hostname) and address.port != 0
    except ValueError:
        is_usable = False
    loopback = is_usable and address.hostname in ("127.0.0.1", "localhost", "::1")
    schemes = ("https", "http") if loopback else ("https",)
    if not is_usable or address.scheme not in schemes or set("@?#\\") & set(text):
        raise _problem(
            f"{URL} is no https address without a name, a password or a query", URL,
            f"Write it like {_EXAMPLES.get(rule.system)}.",
        )  # fmt: skip
    return address


_EXAMPLES = {
    SERVICENOW: "https://example.service-now.com",
    JIRA: "https://example.atlassian.net",
}


def _account(environ: Mapping[str, str]) -> Account:
    """Take a name and a password, or a token alone."""
    found = Account(*(environ.get(name, "").strip() for name in (USERNAME, PASSWORD, TOKEN)))
    pair = bool(found.username) + bool(found.password)
    if (pair, bool(found.token)) not in ((2, False), (0, True)):
        raise _problem(
            f"there has to be {USERNAME} with {PASSWORD}, or {TOKEN} alone", URL,
            f"Set {USERNAME} and {PASSWORD} (of Jira: the address and an API token), or {TOKEN}.",
        )  # fmt: skip
    plain = all(part.isprintable() for part in found) and found.token.isascii()
    if not plain or ":" in found.username:
        raise _problem(
            f"{USERNAME}, {PASSWORD} or {TOKEN} holds what can't be in a header", URL,
            "Set it again, without line breaks; a name has no colon.",
        )  # fmt: skip
    return found


def _problem(message: str, where: str, hint: str) -> UsageProblem:
    return UsageProblem(message, where=where, not_done=_NOTHING, hint=hint, reason="ticket_unset")
