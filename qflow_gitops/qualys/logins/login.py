"""What every way to a bearer token has, and what it may use of the machine."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from qflow_gitops.qualys.credentials import Secret

NOTHING = "No run was started by this call."


class Token(NamedTuple):
    """A bearer token, and when it ends: seconds since 1970, infinity where nobody knows."""

    value: Secret
    until: float


class Login(Protocol):
    """One way to a bearer token. Called by one thread at a time."""

    @property
    def noun(self) -> str:
        """What the token is called where Qualys refuses it: `the token`."""

    @property
    def is_documented(self) -> bool:
        """Whether a page says that Qualys Flow takes such tokens."""

    @property
    def renewable(self) -> bool:
        """Whether a refused token can be replaced by fetching it anew."""

    def fetch(self) -> Token:
        """Get a token now; the redactor learns every secret on the way before it is used.

        Raises UsageProblem, AuthError or UnreachableError.
        """

    def has_changed(self) -> bool:
        """Whether what was fetched last is known to be superseded."""

    def advice(self, token: Secret) -> str:
        """Say what to do where Qualys doesn't take a token (401)."""


class Machine(NamedTuple):
    """What a way may use beside the environment's variables.

    A relative path begins at `folder`. `is_tracked` says whether git keeps a file, which is then
    no place for a secret. `tell` says a sentence to the person. `time_left` are the seconds until
    all has to be over.
    """

    folder: Path
    is_tracked: Callable[[Path], bool] = lambda _: False
    tell: Callable[[str], None] = lambda _: None
    time_left: Callable[[], float] = lambda: math.inf
