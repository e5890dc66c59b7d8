"""A token that the environment holds, QFLOW_TOKEN: as long as Qualys takes it."""

import math

from qflow_gitops.qualys.credentials import Secret
from qflow_gitops.qualys.logins.login import Token


class Given:
    """Gives what was given."""

    noun = "the token"
    is_documented, renewable = True, False

    def __init__(self, token: Secret) -> None:
        self._token = token

    def fetch(self) -> Token:
        """Return it; when it ends isn't looked at, Qualys says so."""
        return Token(self._token, math.inf)

    def has_changed(self) -> bool:
        """It can't."""
        return False

    def advice(self, _token: Secret) -> str:
        """Say how to get another one."""
        return "Get a new one and set QFLOW_TOKEN again, or use QFLOW_CLIENT_ID and _SECRET."
