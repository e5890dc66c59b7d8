"""An ID token that GitHub Actions issues to the job, and Forgejo Actions by the same contract.

A job that may have one (GitHub: `permissions: {id-token: write}`; Forgejo: `enable-openid-connect:
true`) has the address in ACTIONS_ID_TOKEN_REQUEST_URL and a token for it beside it; GET with the
audience as a parameter gives `{"value": "<JWT>"}` (docs.github.com, "OpenID Connect reference";
forgejo.org, "Forgejo Actions | Security OpenID Connect").
"""

import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import qflow_gitops
from qflow_gitops.errors import AuthError, QflowError, UnreachableError, UsageProblem
from qflow_gitops.http.evidence import is_rate_limited
from qflow_gitops.http.messages import message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.retries import GivenUp, Retries
from qflow_gitops.http.route import Route
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.qualys.credentials import Secret
from qflow_gitops.qualys.logins import id_token
from qflow_gitops.qualys.logins.login import NOTHING, Token
from qflow_gitops.qualys.platforms import PORT
from qflow_gitops.qualys.waits import Waits

ADDRESS, REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
MAX_ANSWER, DEADLINE, BUDGET = 64 * 1024, 15.0, 15.0
"""Bytes; seconds that a request may take; seconds that all waits between requests may."""

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9a-fA-F:]{2,45}\])"
_HERE = r"http://(?:127\.0\.0\.1|localhost|\[::1\])"
_FORM = re.compile(
    rf"(?P<base>(?:https://{_HOST}|{_HERE})(?::{PORT})?)(?P<path>/[!-\"$-~]{{0,2000}})?",
    re.ASCII,
)
"""https, or this machine; no user, no fragment, nothing that a header can't hold."""

_RIGHT = {
    "GitHub": "Give the job `permissions: {id-token: write}`; pull requests of forks get none.",
    "Forgejo": "Give the job `enable-openid-connect: true`.",
}


class Actions:
    """Asks the forge that runs the job."""

    is_documented, renewable = False, True

    def __init__(
        self,
        environ: Mapping[str, str],
        audience: str,
        route: Route,
        redact: Redactor,
        *,
        forge: str = "GitHub",
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the job's variables; raises UsageProblem where the address is none to ask."""
        self.noun = f"{forge}'s ID token"
        self._forge = forge
        self._audience = audience
        self._redact = redact
        self._now = now
        self._asked, self._with = environ.get(ADDRESS, ""), environ.get(REQUEST_TOKEN, "")
        redact.learn([self._with])
        waits = Waits(random.random, lambda: datetime.now(UTC))
        self._retries = Retries(
            is_rate_limited,
            lambda attempt, answer: waits.pause(attempt, answer.headers if answer else {}),
            sleep,
            BUDGET,
        )
        self._route = route

    def fetch(self) -> Token:
        """Ask for a token. Raises UsageProblem, AuthError or UnreachableError."""
        transport, path = self._way()
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._with}"}
        try:
            answer = self._retries.ask(lambda: transport.send("GET", path, headers=headers))
        finally:
            transport.close()
        if isinstance(answer, GivenUp):
            raise self._silent(answer.last)
        if answer.status != 200:
            raise self._no(answer)
        data = answer.data()
        value = data.get("value") if isinstance(data, dict) else None
        text = value if isinstance(value, str) else ""
        return id_token.checked(text, self._audience, self._now(), self._redact, issuer=self._forge)

    def has_changed(self) -> bool:
        """Nothing tells."""
        return False

    def advice(self, token: Secret) -> str:
        """Say what Qualys has to know of it."""
        return id_token.advice(token, self._redact)

    def _way(self) -> tuple[Transport, str]:
        """Return what leads to the one address that the request's token is for, and the path."""
        if not (self._asked and self._with):
            raise AuthError(
                f"This job may not have an ID token of {self._forge}: {ADDRESS} and "
                f"{REQUEST_TOKEN} aren't set.",
                not_done=NOTHING,
                hint=_RIGHT[self._forge],
                reason="id_token_missing",
            )
        form = _FORM.fullmatch(self._asked)
        if form is None or not (self._with.isascii() and self._with.isprintable()):
            raise UsageProblem(
                f"{ADDRESS} and {REQUEST_TOKEN} aren't what {self._forge} sets.",
                not_done=NOTHING,
                hint="The address is one of https, without a user, and a runner sets both: leave "
                "them out of your `env:`.",
                reason="id_token_address",
            )
        path = form["path"] or "/"
        mark = "&" if "?" in path else "?"
        transport = Transport(
            form["base"],
            route=self._route,
            user_agent=f"qflow-gitops/{qflow_gitops.__version__}",
            deadline=DEADLINE,
            max_answer=MAX_ANSWER,
        )
        return transport, f"{path}{mark}audience={quote(self._audience, safe='')}"

    def _silent(self, last: HttpAnswer | NoAnswerError) -> UnreachableError:
        said = last.reason if isinstance(last, NoAnswerError) else f"status {last.status}"
        return UnreachableError(
            f"{self._forge} gave no ID token: {said}.",
            not_done=NOTHING,
            hint="Run the command again later; nothing is lost.",
            reason="id_token_unreachable",
        )

    def _no(self, answer: HttpAnswer) -> QflowError:
        if 300 <= answer.status < 400:
            return AuthError(
                f"{self._forge} leads elsewhere for an ID token ({answer.status}); that wasn't "
                "followed.",
                not_done=NOTHING,
                hint=f"Check what sets {ADDRESS}: it has to be the address that answers.",
                reason="id_token_redirect",
            )
        said = self._redact(message_of(answer.content))
        return AuthError(
            f"{self._forge} issued no ID token ({answer.status}: {said}).",
            not_done=NOTHING,
            hint="What the runner set is no longer taken: run the job again.",
            reason="id_token_refused",
        )
