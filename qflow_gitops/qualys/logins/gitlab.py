"""An ID token that GitLab put into a variable of the job.

`id_tokens:` in the job names the variable and the audience; the token is made when the job begins,
ends with the job's timeout, and no job gets another one (docs.gitlab.com, "OpenID Connect (OIDC)
authentication using ID tokens").
"""

import json
import time
from collections.abc import Callable, Mapping

from qflow_gitops.errors import AuthError
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.qualys import jwt
from qflow_gitops.qualys.credentials import Secret
from qflow_gitops.qualys.logins import id_token
from qflow_gitops.qualys.logins.login import NOTHING, Token

VARIABLE = "QFLOW_ID_TOKEN"
_OVER = (
    "It lasts as long as the job's timeout, and the job gets no other: what is left is done by the "
    "next job. Raise the job's `timeout:`, or let `--timeout` end the waiting before it."
)


class GitLab:
    """Gives the job's token while it lasts."""

    noun = "GitLab's ID token"
    is_documented = renewable = False

    def __init__(
        self,
        environ: Mapping[str, str],
        audience: str,
        redact: Redactor,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the job's variables."""
        self._token = environ.get(VARIABLE, "").strip()
        self._audience = audience
        self._redact = redact
        self._now = now
        redact.learn([self._token])

    def fetch(self) -> Token:
        """Return the token. Raises AuthError where there is none, it is over, or not for this."""
        if not self._token:
            audience = json.dumps(self._audience)
            raise AuthError(
                f"QFLOW_LOGIN is gitlab, and {VARIABLE} isn't set.",
                not_done=NOTHING,
                hint=f"Give the job `id_tokens: {{{VARIABLE}: {{aud: {audience}}}}}`.",
                reason="id_token_missing",
            )
        return id_token.checked(
            self._token,
            self._audience,
            self._now(),
            self._redact,
            issuer="GitLab",
            once=_OVER,
        )

    def has_changed(self) -> bool:
        """A variable doesn't."""
        return False

    def advice(self, token: Secret) -> str:
        """Say what Qualys has to know of it, or that it ended by now."""
        if (jwt.expiry(token.reveal()) or 0.0) <= self._now():
            return _OVER
        return id_token.advice(token, self._redact)
