"""A token of Qualys, for a client and its secret or for a user and its password."""

import time
from collections.abc import Callable, Mapping

from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.http.messages import ROLE_HINT, message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.qualys import jwt
from qflow_gitops.qualys.credentials import Secret
from qflow_gitops.qualys.logins.login import NOTHING, Token

LIFETIME = 4 * 3600.0
"""Seconds, where a token doesn't say: docs/api.md 5.2 and 5.3 [D]."""


class Exchange:
    """Asks the gateway, with the values of one of the first two of `credentials.SETS`."""

    noun = "the token"
    is_documented = renewable = True

    def __init__(
        self,
        transport: Transport,
        values: Mapping[str, Secret],
        redact: Redactor,
        *,
        told_by: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the values; `told_by` names who gave them, where it isn't the environment."""
        self._transport = transport
        self._values = values
        self._redact = redact
        self._named = told_by or " and ".join(values)
        self._now = now
        redact.learn(value.reveal() for value in values.values())

    def fetch(self) -> Token:
        """Get a token; refused credentials are tried once."""
        try:
            answer = self._ask()
        except NoAnswerError as problem:
            raise UnreachableError(
                f"Qualys gave no token: {problem.reason}.",
                not_done=NOTHING,
                hint="See how far it comes: `qflow-gitops doctor qualys`. Then run the command "
                "again.",
                reason="token_unreachable",
            ) from None
        if answer.status not in (200, 201):
            raise self._refused(answer)
        token = answer.content.decode("ascii", "replace").strip()
        if not jwt.is_token(token):
            raise UnreachableError(
                "What Qualys answered is no token.",
                not_done=NOTHING,
                hint="Check the platform: another kind of server may answer there.",
                reason="token_form",
            )
        until = jwt.expiry(token)
        return Token(Secret(token), self._now() + LIFETIME if until is None else until)

    def has_changed(self) -> bool:
        """Nothing tells."""
        return False

    def advice(self, _token: Secret) -> str:
        """Say what to do where Qualys doesn't take its own token."""
        return "Check the credentials, and that their user may use Qualys Flow's API."

    def _ask(self) -> HttpAnswer:
        values = self._values
        form = "application/x-www-form-urlencoded"
        if "QFLOW_CLIENT_ID" in values:
            # Credentials as headers, no body: docs/api.md 5.1 [D QAUTH].
            headers = {
                "Content-Type": form,
                "clientId": values["QFLOW_CLIENT_ID"].reveal(),
                "clientSecret": values["QFLOW_CLIENT_SECRET"].reveal(),
            }
            return self._transport.send("POST", "/auth/oidc", headers=headers, body=b"")
        from urllib.parse import urlencode

        # docs/api.md 5.3 [D for other gateway modules]
        fields = {
            "username": values["QFLOW_USERNAME"].reveal(),
            "password": values["QFLOW_PASSWORD"].reveal(),
            "token": "true",
        }
        body = urlencode(fields).encode()
        return self._transport.send("POST", "/auth", headers={"Content-Type": form}, body=body)

    def _refused(self, answer: HttpAnswer) -> AuthError | UnreachableError:
        said = self._redact(message_of(answer.content)).rstrip(".")
        if answer.status in (400, 401, 403):
            return AuthError(
                f"Qualys refused the credentials ({answer.status}: {said}).",
                not_done=NOTHING,
                hint=f"Check {self._named}; Qualys Flow takes only user-level clients."
                + _role(answer.status),
                reason="credentials_refused",
            )
        return UnreachableError(
            f"Qualys gave no token ({answer.status}: {said}).",
            not_done=NOTHING,
            hint="See what answers there: `qflow-gitops doctor qualys`. Then run the command "
            "again.",
            reason="token_unreachable",
        )


def _role(status: int) -> str:
    return " " + ROLE_HINT.format(right="execute") if status == 403 else ""
