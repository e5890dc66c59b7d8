"""Authenticated calls: the token, one refresh, and the retries that a GET may have."""

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from qflow_gitops.base.times import BELIEVED
from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.http.evidence import is_rate_limited, number, refuses_token
from qflow_gitops.http.messages import ROLE_HINT, message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.retries import GivenUp, Retries
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.ports.qualys import Allowance
from qflow_gitops.qualys.token import TokenSource
from qflow_gitops.qualys.waits import Rests, Waits

BUDGET = 90.0
"""Seconds that the waits of one call may take in all."""


class Caller:
    """Calls one gateway as one user. Safe to use from several threads."""

    def __init__(
        self,
        transport: Transport,
        tokens: TokenSource,
        redact: Redactor,
        *,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the edges; `chance` spreads the waits, from 0 to 1."""
        self._transport = transport
        self._tokens = tokens
        self.redact = redact
        self._rests = Rests(sleep)
        self._waits = Waits(chance, now)
        self._retries = Retries(
            is_rate_limited,
            lambda attempt, answer: self.pause(attempt, answer.headers if answer else {}),
            self._rests.sleep,
            BUDGET,
        )
        self._skew_lock = threading.Lock()
        self.skew: float | None = None
        """Seconds by which the server's clock is ahead of ours; None until it answered."""
        self.allowance: Allowance | None = None
        """What the newest answer's rate headers say; None where none came yet."""

    def start_connecting(self) -> None:
        """Begin to get a token; whoever needs it first waits for it."""
        self._tokens.begin()

    def connect(self) -> None:
        """Get a token now. Raises AuthError or UnreachableError."""
        self._tokens.get()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._transport.close()

    def once(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        may_send: Callable[[], bool] = lambda: True,
        most: int = 0,
    ) -> HttpAnswer:
        """Send one request, and once more with a new token where the first was refused (401).

        What isn't a GET only where the answer is about the token: then nothing was done with
        it. No request begins once `may_send` says no; an answer of more than `most` bytes (0: as
        the transport has it) is none. Raises NoAnswerError, AuthError or UnreachableError (the
        last two from the token).
        """
        answer = self._send(method, path, body, may_send, most)
        refused = answer.status == 401 and (method == "GET" or refuses_token(answer))
        if refused and self._tokens.renewable and may_send():
            answer = self._send(method, path, body, may_send, most)
        return answer

    def _send(
        self, method: str, path: str, body: bytes | None, may_send: Callable[[], bool], most: int
    ) -> HttpAnswer:
        token = self._tokens.get()
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token.reveal()}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = self._transport.send(
            method, path, headers=headers, body=body, fresh=method == "POST", may_send=may_send,
            most=most,
        )  # fmt: skip
        self._note_skew(answer.headers)
        self.allowance = _allowance(answer.headers) or self.allowance
        if answer.status == 401 and self._tokens.renewable:
            self._tokens.drop(token)
        return answer

    def get(self, path: str, right: str, most: int = 0) -> HttpAnswer | None:
        """Read something; None where it doesn't exist (404). `right` is what the role needs.

        An answer of more than `most` bytes (0: as the transport has it) is none. Raises
        AuthError (401, 403) and UnreachableError, after retries within a budget.
        """
        answer = self._retries.ask(lambda: self.once("GET", path, most=most))
        if isinstance(answer, GivenUp):
            last = answer.last
            said = last.reason if isinstance(last, NoAnswerError) else self._what(last)
            often = f", {answer.tries} times in {math.ceil(answer.waited):,} s"
            raise UnreachableError(
                f"Qualys could not be asked: {said}{often if answer.tries > 1 else ''}.",
                not_done="No run was started by this call.",
                hint="Run the command again later; nothing is lost.",
            )
        if answer.status == 404:
            return None
        if 200 <= answer.status < 300 and answer.status != 206:  # a part of it, unasked
            return answer
        raise self._no(answer, right)

    def pause(self, attempt: int, headers: Mapping[str, str]) -> float:
        """Say how long to wait: what the server asks for, else longer each time."""
        return self._waits.pause(attempt, headers)

    def wait(self, seconds: float) -> None:
        """Wait, but never longer than a call's budget."""
        self._rests.sleep(min(seconds, BUDGET))

    @property
    def resting(self) -> float:
        """Seconds until what waits now, for a limit or a fault that may pass, is asked again."""
        return self._rests.left

    def _no(self, answer: HttpAnswer, right: str) -> AuthError | UnreachableError:
        what = self._what(answer)
        if answer.status == 403:
            return AuthError(
                f"Qualys doesn't permit this ({what}).",
                not_done="No run was started by this call.",
                hint=ROLE_HINT.format(right=right)
                + ("" if self._tokens.is_documented else f" {self._tokens.advice()}"),
                reason="permission",
            )
        if answer.status == 401:
            return AuthError(
                f"Qualys refused {self._tokens.noun} ({what}).",
                not_done="No run was started by this call.",
                hint=self._tokens.advice(),
                reason="token_refused",
            )
        return UnreachableError(
            f"Qualys could not be asked ({what}).",
            not_done="No run was started by this call.",
            hint="",
        )

    def _what(self, answer: HttpAnswer) -> str:
        said = self.redact(message_of(answer.content))
        return f"{answer.status}: {said}" if said else f"status {answer.status}"

    def _note_skew(self, headers: Mapping[str, str]) -> None:
        """Take the server's clock from `Date`, but not from a cache's copy (`Age`)."""
        skew = None if "age" in headers else self._waits.until(headers.get("date", ""))
        if skew is not None and abs(skew) <= BELIEVED:
            with self._skew_lock:
                self.skew = skew


def _allowance(headers: Mapping[str, str]) -> Allowance | None:
    """Read the documented rate headers (docs/api.md 4.3 [D], of siblings); None for none."""
    known = [number(headers.get(f"x-ratelimit-{name}", "")) for name in _RATE]
    return Allowance(*known) if known[0] is not None else None


_RATE = ("remaining", "limit", "window-sec")


def unwrapped(answer: HttpAnswer) -> dict[str, Any]:
    """Return an object, taken out of `{"data": …}` where it is in one (docs/api.md 1.9).

    Raises UnreachableError where the answer holds no object.
    """
    data = answer.data()
    if isinstance(data, dict) and isinstance(data.get("data"), dict):
        data = data["data"]
    if not isinstance(data, dict):
        raise UnreachableError(
            "Qualys' answer isn't what its documentation says.",
            not_done="No run was started by this call.",
        )
    return data
