"""What a token says of itself: read, and never verified or trusted."""

import json
import math
import re
from typing import Any

from qflow_gitops.ports.tenant import Told
from qflow_gitops.qualys import jwt

_HARMLESS = ("iss", "aud", "sub")
_OF_WHOM = re.compile("customer|subscription|tenant|user|login", re.IGNORECASE)
_SECRET = re.compile("pass|secret|token|key|hash|sign|session|nonce", re.IGNORECASE)
_LONGEST = 80
_MOST = 40  # names of claims


def read(token: str, given: tuple[str, ...]) -> Told:
    """Read the payload of a JWT; nothing where it is none. `given` is what it was got by."""
    data = jwt.claims(token)
    shown = {name: text for name in data if (text := _shown(name, data[name]))}
    times = {"iat", "exp"} & data.keys()
    return Told(
        given,
        shown,
        tuple(sorted(name[:_LONGEST] for name in data.keys() - shown.keys() - times)[:_MOST]),
        _time(data.get("iat")),
        _time(data.get("exp")),
    )


def _shown(name: str, value: Any) -> str:
    """Return a claim's value, "" for one that isn't known to be harmless."""
    of_whom = _OF_WHOM.search(name) and not _SECRET.search(name)
    if not (name in _HARMLESS or of_whom) or len(name) > _LONGEST:
        return ""
    if name == "aud" and isinstance(value, list):
        value = ", ".join(each for each in value if isinstance(each, str))
    if isinstance(value, int) and not isinstance(value, bool):
        value = json.dumps(value) if abs(value) < 2**63 else ""
    return value if isinstance(value, str) and len(value) <= _LONGEST else ""


def _time(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds < 1e12 else None
