"""Signs what is sent, by Standard Webhooks 1.0.0 (symmetric). Pure.

Facts [documented] (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): the
HMAC-SHA256 of `id.timestamp.body`, in base64 after `v1,`; a key is `whsec_` and base64 of 24 to 64
bytes; several signatures are divided by spaces, so that a key can be changed without a gap.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64


def keys_in(text: str) -> tuple[bytes, ...]:
    """Read one key, or several divided by spaces; ValueError, which holds none of it, for else."""
    keys = tuple(map(_key, text.split()))
    if not keys:
        raise ValueError("there is no key in it")
    return keys


def _key(word: str) -> bytes:
    if not word.startswith(_PREFIX):
        raise ValueError(f"a key begins with `{_PREFIX}`")
    try:
        key = base64.b64decode(word.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what comes after `{_PREFIX}` isn't base64") from None
    if not _LEAST <= len(key) <= _MOST:
        raise ValueError(f"a key has {_LEAST} to {_MOST} bytes")
    return key


def headers(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a message; its id must hold no dot."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{one.decode()}" for one in signatures),
    }
