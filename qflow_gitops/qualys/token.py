"""The bearer token: got once, renewed in time, never shown."""

import threading
import time
from collections.abc import Callable

from qflow_gitops.errors import QflowError, UnreachableError
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.qualys.credentials import Secret
from qflow_gitops.qualys.logins.login import Login, Token

EARLY = 60.0
"""Seconds before a token's end in which it is renewed; one that lives shorter is got each time."""
PAUSE, LAST = 5.0, 5.0
"""Seconds until a renewal that found nobody is tried again; how long a token has to last still."""


class TokenSource:
    """Gives a valid token; several threads may ask at once, one of them fetches."""

    def __init__(
        self, login: Login, redact: Redactor, *, now: Callable[[], float] = time.time
    ) -> None:
        """Take where the token comes from; nothing is fetched before `get`."""
        self._login = login
        self._redact = redact
        self._now = now
        self._lock = threading.Lock()
        self._begun: threading.Thread | None = None  # fetches, until somebody asks for the token
        self._problem: BaseException | None = None  # of that
        self._token: Token | None = None
        self._last: Token | None = None  # also one that was refused
        self._due = 0.0  # when to renew it
        self._failed: list[QflowError] = []  # at fetching, for who waited for that

    @property
    def noun(self) -> str:
        """What the token is called where Qualys refuses it."""
        return self._login.noun

    @property
    def is_documented(self) -> bool:
        """Whether a page says that Qualys Flow takes such tokens."""
        return self._login.is_documented

    def advice(self) -> str:
        """Say what to do where Qualys doesn't take the token that was fetched last."""
        return self._login.advice(self._last.value) if self._last else ""

    @property
    def renewable(self) -> bool:
        """Whether a refused token can be replaced: not one that was given as such."""
        return self._login.renewable

    def get(self) -> Secret:
        """Return a token. Raises what the login does; refused credentials end at once.

        Who waited for a thread whose try failed is told the same: else each would try in turn.
        """
        failed = len(self._failed)
        with self._lock:
            just_fetched = self._end_begun()
            due = self._token is None or self._now() > self._due or self._login.has_changed()
            if due and not just_fetched:
                if len(self._failed) > failed:
                    raise self._failed[-1]
                self._renew()
            assert self._token is not None  # noqa: S101  fetched, or an exception
            return self._token.value

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
            if self._token is not None and self._token.value is refused:
                self._token = None

    def _renew(self) -> None:
        """Fetch; while nobody can be reached, the token that is there goes on until its end.

        What says no ends it at once.
        """
        try:
            self._fetch()
        except QflowError as problem:
            lasts = self._token is not None and self._now() <= self._token.until - LAST
            if not (lasts and isinstance(problem, UnreachableError)):
                self._failed.append(problem)
                raise
            self._due = self._now() + PAUSE

    def _fetch(self) -> None:
        token = self._login.fetch()
        if self._token is None or token.value.reveal() != self._token.value.reveal():
            self._redact.learn([token.value.reveal()])
            self._token = self._last = token
        self._due = token.until - EARLY
