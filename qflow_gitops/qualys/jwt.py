"""What a JSON Web Token says of itself; read without verifying, and trusted for nothing else."""

import base64
import math
import re
from collections.abc import Mapping
from typing import Any

from qflow_gitops.http import jsontext

_FORM = re.compile(r"[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_=-]+){2}")


def is_token(text: str) -> bool:
    """Whether a text has a token's form: three parts of base64url."""
    return _FORM.fullmatch(text) is not None


def claims(token: str) -> Mapping[str, Any]:
    """Return what a token claims, nothing where that can't be read."""
    if not is_token(token):
        return {}
    payload = token.split(".")[1]
    try:
        data = jsontext.read(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def expiry(token: str) -> float | None:
    """Return when a token ends, in seconds since 1970; None where it doesn't say."""
    try:
        until = float(claims(token)["exp"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return until if math.isfinite(until) else None


def audiences(token: str) -> tuple[str, ...]:
    """Return for whom a token is (RFC 7519 4.1.3: one text, or a list of them)."""
    found = claims(token).get("aud")
    each = found if isinstance(found, list) else [found]
    return tuple(one for one in each if isinstance(one, str))
