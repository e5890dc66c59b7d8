"""Which credentials the environment holds; their values never show."""

from collections.abc import Mapping
from dataclasses import dataclass

from qflow_gitops.errors import AuthError, UsageProblem

FILE, COMMAND = "QFLOW_TOKEN_FILE", "QFLOW_CREDENTIAL_COMMAND"
LOGIN, AUDIENCE = "QFLOW_LOGIN", "QFLOW_LOGIN_AUDIENCE"
SETS = (
    ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"),
    ("QFLOW_USERNAME", "QFLOW_PASSWORD"),
    ("QFLOW_TOKEN",),
    (FILE,),
    (COMMAND,),
    (LOGIN, AUDIENCE),
)
WAYS = (
    "QFLOW_CLIENT_ID and QFLOW_CLIENT_SECRET, or QFLOW_USERNAME and QFLOW_PASSWORD, or QFLOW_TOKEN"
    f", or {FILE}, or {COMMAND}, or {LOGIN} and {AUDIENCE}"
)
OPEN = frozenset((FILE, COMMAND, LOGIN, AUDIENCE))
"""Those that are no secrets themselves."""
API_SERVER = ("QFLOW_API_USERNAME", "QFLOW_API_PASSWORD")
"""Those of the API server, which nothing else gets."""

_NOTHING = "Nothing was sent."
_HALVES = {
    LOGIN: f"Set {LOGIN} to `github`, `gitlab` or `forgejo`, or leave both out.",
    AUDIENCE: f"Set {AUDIENCE} to the audience that Qualys Support was told of for this login.",
}
"""What to do where one of them is missing."""


class Secret(str):
    """A text that doesn't show itself when it is printed, formatted or represented."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __str__(self) -> str:
        return "***"

    def __format__(self, _form: str) -> str:
        return "***"

    def reveal(self) -> str:
        """Return the text itself, to be put into a header or a form."""
        return str.__str__(self)


@dataclass(frozen=True, slots=True)
class Credentials:
    """One set of `SETS`, by its variables' names."""

    values: Mapping[str, Secret]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be printed."""
        return tuple(value.reveal() for name, value in self.values.items() if name not in OPEN)


def from_environment(environ: Mapping[str, str]) -> Credentials:
    """Take the one set of credentials that is there.

    Raises UsageProblem for two sets at once, and for half of a login; AuthError for none, for half
    a set of secrets, and for a value that can't be a credential.
    """
    begun = [names for names in SETS if any(environ.get(name) for name in names)]
    if not begun:
        raise AuthError(
            "There are no credentials for Qualys.",
            not_done=_NOTHING,
            hint=f"Set {WAYS}.",
            reason="credentials_missing",
        )
    if len(begun) > 1:
        raise UsageProblem(
            "There are two sets of credentials: "
            + " and ".join(name for names in begun for name in names if environ.get(name))
            + ".",
            not_done=_NOTHING,
            hint="Unset one of them.",
            reason="credentials_twice",
        )
    (names,) = begun
    missing = [name for name in names if not environ.get(name)]
    if LOGIN in names and missing:
        raise UsageProblem(
            f"{missing[0]} isn't set, but its other half is.",
            not_done=_NOTHING,
            hint=_HALVES[missing[0]],
            reason="login_incomplete",
        )
    if missing:
        raise AuthError(
            f"{' and '.join(missing)} isn't set, but its other half is.",
            not_done=_NOTHING,
            hint=f"Set {WAYS}.",
            reason="credentials_missing",
        )
    return Credentials({name: _read(name, environ[name]) for name in names})


def _read(name: str, value: str) -> Secret:
    return Secret(value) if name in OPEN else _checked(name, value)


def for_api_server(environ: Mapping[str, str]) -> Credentials:
    """Take the name and the password that the API server gets with each request.

    Raises AuthError where one is missing, or can't be sent.
    """
    missing = [name for name in API_SERVER if not environ.get(name)]
    if missing:
        raise AuthError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'}n't set: Qualys' API "
            "server takes a name and a password, and no token.",
            not_done=_NOTHING,
            hint=f"Set {' and '.join(API_SERVER)}, of a user who may use the API.",
            reason="credentials_missing",
        )
    values = {name: _checked(name, environ[name]) for name in API_SERVER}
    if ":" in values[API_SERVER[0]].reveal():  # RFC 7617 2: where the password begins
        raise AuthError(
            f"{API_SERVER[0]} holds a colon, which no name has that is sent with its password.",
            not_done=_NOTHING,
            reason="credentials_form",
        )
    return Credentials(values)


def _checked(name: str, value: str) -> Secret:
    if not value.isprintable() or value != value.strip():
        raise AuthError(
            f"{name} holds a line break, a space at its end, or another character that no "
            "credential has.",
            not_done=_NOTHING,
            hint=f"Set {name} again; a line break often comes along when pasting.",
            reason="credentials_form",
        )
    if not value.isascii() and not name.endswith("_PASSWORD"):
        raise AuthError(
            f"{name} holds a character that can't stand in a header.",
            not_done=_NOTHING,
            reason="credentials_form",
        )
    return Secret(value)
