"""The bearer token: got once, refreshed in time, never shown."""

import base64
import json
import math
import re
import threading
import time
from collections.abc import Callable

from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.http.messages import ROLE_HINT, message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.qualys.credentials import Credentials, Secret

LIFETIME = 4 * 3600.0  # where a token doesn't say: docs/api.md 5.2 and 5.3 [D]
EARLY = 60.0  # refresh so many seconds before the end
_JWT = re.compile(r"[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_=-]+){2}")


class TokenSource:
    """Gives a valid token; several threads may ask at once, one of them fetches."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        redact: Redactor,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take what is needed to fetch; nothing is fetched before `get`."""
        self._transport = transport
        self._credentials = credentials
        self._redact = redact
        self._now = now
        self._lock = threading.Lock()
        self._begun: threading.Thread | None = None  # fetches, until somebody asks for the token
        self._problem: BaseException | None = None  # of that
        self._token: Secret | None = credentials.values.get("QFLOW_TOKEN")
        self._until = float("inf") if self._token else 0.0
        redact.learn(credentials.secrets)

    @property
    def renewable(self) -> bool:
        """Whether a refused token can be replaced: not one that was given as such."""
        return "QFLOW_TOKEN" not in self._credentials.values

    def get(self) -> Secret:
        """Return a token. Raises AuthError or UnreachableError; refused credentials end at once."""
        with self._lock:
            just_fetched = self._end_begun()
            if self._token is None or (not just_fetched and self._now() > self._until - EARLY):
                self._fetch()
            assert self._token is not None  # noqa: S101  fetched, or an exception
            return self._token

    def begin(self) -> None:
        """Begin to fetch, where there is no token: the next `get` takes what comes of it."""
        with self._lock:
            if self._token is None and self._begun is None:
                self._begun = threading.Thread(target=self._fetch_ahead, daemon=True)
                self._begun.start()

    def _fetch_ahead(self) -> None:
        try:
            self._fetch()
        except BaseException as problem:  # noqa: BLE001  it is raised where the token is asked for
            self._problem = problem

    def _end_begun(self) -> bool:
        """Wait for what was begun, if it was, and raise what went wrong: it is tried once."""
        begun, self._begun = self._begun, None
        if begun is None:
            return False
        begun.join()
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem
        return True

    def drop(self, refused: Secret) -> None:
        """Forget a token that was refused, unless another thread already replaced it."""
        with self._lock:
            if self._token is refused:
                self._token = None

    def _fetch(self) -> None:
        try:
            answer = self._ask()
        except NoAnswerError as problem:
            raise UnreachableError(
                f"Qualys gave no token: {problem.reason}.",
                not_done="No run was started by this call.",
                hint="Check the network and the platform, then run the command again.",
                reason="token_unreachable",
            ) from None
        if answer.status not in (200, 201):
            raise self._refused(answer)
        token = answer.content.decode("ascii", "replace").strip()
        if not _JWT.fullmatch(token):
            raise UnreachableError(
                "What Qualys answered is no token.",
                not_done="No run was started by this call.",
                hint="Check the platform: another kind of server may answer there.",
                reason="token_form",
            )
        self._redact.learn([token])
        self._token = Secret(token)
        self._until = _expiry(token, self._now())

    def _ask(self) -> HttpAnswer:
        values = self._credentials.values
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
        said = self._redact(message_of(answer.content))
        if answer.status in (400, 401, 403):
            return AuthError(
                f"Qualys refused the credentials ({answer.status}: {said}).",
                not_done="No run was started by this call.",
                hint=f"Check {' and '.join(self._credentials.values)}; Qualys Flow takes only "
                "user-level clients." + _role(answer.status),
                reason="credentials_refused",
            )
        return UnreachableError(
            f"Qualys gave no token ({answer.status}: {said}).",
            not_done="No run was started by this call.",
            hint="Check the platform, then run the command again.",
            reason="token_unreachable",
        )


def _role(status: int) -> str:
    return " " + ROLE_HINT.format(right="execute") if status == 403 else ""


def _expiry(token: str, now: float) -> float:
    """Read when a token ends, without trusting it for anything else."""
    try:
        payload = token.split(".")[1]
        data = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        until = float(data["exp"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return now + LIFETIME
    return until if math.isfinite(until) else now + LIFETIME
