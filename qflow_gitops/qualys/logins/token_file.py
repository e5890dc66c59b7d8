"""A token in a file that somebody else keeps fresh: QFLOW_TOKEN_FILE.

Kubernetes and agents of vaults write such files anew before the token ends, by a rename or by a
link that is turned; so a change is looked for each time the token is asked for.
"""

import math
import os
import stat
import time
from collections.abc import Callable

from qflow_gitops.errors import AuthError
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.qualys import jwt
from qflow_gitops.qualys.credentials import FILE, Secret
from qflow_gitops.qualys.logins.id_token import identity, time_of
from qflow_gitops.qualys.logins.login import NOTHING, Machine, Token

MOST = 64 * 1024
"""Bytes of the file."""
TRIES, PAUSE = 4, 0.1
"""How often a file is read that holds no token, as one does that is just being written."""

_Seen = tuple[int, int, int, int]


class TokenFile:
    """Reads the file when it is asked, and again when it has changed or its token nears its end."""

    noun = "the token of the file that QFLOW_TOKEN_FILE names"
    is_documented = renewable = True

    def __init__(
        self,
        name: str,
        machine: Machine,
        redact: Redactor,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the path, relative to the machine's folder; it isn't looked at yet."""
        self._path = machine.folder / name
        self._machine = machine
        self._redact = redact
        self._now = now
        self._sleep = sleep
        self._seen: _Seen | None = None
        self._warned = False

    def fetch(self) -> Token:
        """Read the token. Raises AuthError where there is none, or it is over."""
        for left in reversed(range(TRIES)):
            try:
                text = self._read()
                break
            except ValueError as problem:
                if not left:
                    raise self._unfit(str(problem)) from None
            self._sleep(PAUSE)
        self._redact.learn([text])
        until = jwt.expiry(text)
        if until is not None and until <= self._now():
            raise AuthError(
                f"The token in this file ended at {time_of(until)}, and by this machine's clock "
                f"it is {time_of(self._now())}.",
                where=str(self._path),
                not_done=NOTHING,
                hint="See that what writes the file still does, then run the command again.",
                reason="token_file_over",
            )
        return Token(Secret(text), math.inf if until is None else until)

    def has_changed(self) -> bool:
        """Whether another file lies there, or none any more."""
        try:
            return _seen(self._path.stat()) != self._seen
        except OSError:
            return True

    def advice(self, token: Secret) -> str:
        """Say what the token is, by what it says of itself."""
        return identity(token, self._redact)

    def _read(self) -> str:
        """Return the token. Raises ValueError for a file that holds none, AuthError for no file."""
        try:
            descriptor = os.open(
                self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            )
        except FileNotFoundError:
            raise ValueError("isn't there") from None
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", "") or "its name is none of a file"
            raise self._unfit(f"can't be read: {why}") from None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise self._unfit("is no plain file")
            content = _content(descriptor)
        except OSError as problem:
            raise self._unfit(f"can't be read: {problem.strerror}") from None
        finally:
            os.close(descriptor)
        self._check_place(found.st_mode)
        self._seen = _seen(found)
        text = content.decode("utf-8-sig", "replace").strip()
        if not jwt.is_token(text):
            raise ValueError("holds something else than a token on one line")
        return text

    def _check_place(self, mode: int) -> None:
        if self._machine.is_tracked(self._path):
            raise AuthError(
                "Git keeps this file, so whoever may read the repository has its token.",
                where=str(self._path),
                not_done=NOTHING,
                hint=f"Revoke the token, and let {FILE} name a file that is in no commit.",
                reason="token_file_tracked",
            )
        if mode & 0o077 and not self._warned:
            self._warned = True
            self._machine.tell(
                f"Others than its owner may read the file of {FILE} (mode {mode & 0o777:o})."
            )

    def _unfit(self, why: str) -> AuthError:
        return AuthError(
            f"The file that {FILE} names {why}.",
            where=str(self._path),
            not_done=NOTHING,
            hint=f"Let {FILE} name a file that holds a token, of at most 64 KiB.",
            reason="token_file",
        )


def _content(descriptor: int) -> bytes:
    """Read a file's bytes. Raises ValueError for too many."""
    content = b""
    while piece := os.read(descriptor, MOST + 1 - len(content)):
        content += piece
        if len(content) > MOST:
            raise ValueError("is too long")
    return content


def _seen(found: os.stat_result) -> _Seen:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
