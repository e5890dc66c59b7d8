"""What a program of QFLOW_CREDENTIAL_COMMAND may print, read from its bytes."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from qflow_gitops.http import jsontext
from qflow_gitops.qualys import jwt

WANTED = (
    'It has to print one JSON object and end with 0: {"version": 1, "token": "…", "expiresAt": '
    '"…"} (a time of RFC 3339, which may be left out), {"version": 1, "clientId": "…", '
    '"clientSecret": "…"} or {"version": 1, "username": "…", "password": "…"}.'
)
_OTHER = "printed something else than credentials"
_FORMS: tuple[Mapping[str, str], ...] = (
    {"clientId": "QFLOW_CLIENT_ID", "clientSecret": "QFLOW_CLIENT_SECRET"},
    {"username": "QFLOW_USERNAME", "password": "QFLOW_PASSWORD"},
)
"""What may stand beside `version` in place of a token, and the variable that would hold it."""
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)  # RFC 3339 5.6


class Printed(NamedTuple):
    """A token with its end (seconds since 1970, infinity where nothing says), or credentials.

    `values` are credentials by the variables that would hold them; then there is no token.
    """

    token: str
    until: float
    values: Mapping[str, str]


def read(content: bytes) -> Printed:
    """Read it whole. Raises ValueError, whose text says what it printed, for anything else."""
    data = jsontext.read(content)
    if not isinstance(data, dict):
        return _refused("printed no JSON object, or more than one")
    version = data.pop("version", None)
    if type(version) is not int or version != 1:
        return _refused("printed JSON whose `version` isn't 1")
    if "token" in data:
        return _token(**data) if data.keys() <= {"token", "expiresAt"} else _refused(_OTHER)
    form = next((form for form in _FORMS if form.keys() == data.keys()), None)
    if form is None or not all(_is_credential(name, data[name]) for name in form):
        return _refused(_OTHER)
    return Printed("", 0.0, {variable: data[name] for name, variable in form.items()})


def _refused(why: str) -> Printed:
    raise ValueError(why)


def _token(token: Any, expiresAt: Any = None) -> Printed:  # noqa: N803  as it is in the JSON
    if not isinstance(token, str) or not jwt.is_token(token):
        return _refused("printed a `token` that is none")
    says, told = jwt.expiry(token), math.inf if expiresAt is None else _seconds(expiresAt)
    if told is None:
        return _refused("printed an `expiresAt` that is no time of RFC 3339")
    return Printed(token, min(math.inf if says is None else says, told), {})


def _seconds(text: Any) -> float | None:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        return None


def _is_credential(name: str, value: Any) -> bool:
    """Whether a value can be one (as of the variables: `credentials`)."""
    if not isinstance(value, str) or not value or not value.isprintable():
        return False
    return value == value.strip() and (value.isascii() or name == "password")
