"""Signs statements with an Ed25519 key: in a DSSE envelope, and as OpenSSH signs a file.

Both are public forms, which securesystemslib, openssl and ssh-keygen verify without this program
(docs/predicate.md). The signed bytes begin differently in the two, so that neither signature can be
taken for the other. Ed25519 signs the same bytes the same way each time; other keys don't, and are
refused.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from qflow_gitops.audit.statements import PAYLOAD, to_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMESPACE = "qflow-gitops"
"""What `ssh-keygen -Y verify -n` is given."""
_HASH = "sha512"


class Locked(Exception):
    """The key needs a passphrase, or another one."""


class Unfit(Exception):
    """It is no Ed25519 key that can be read."""


class Signer:
    """Signs with one key. Raises ImportError where the extra `attest` isn't installed."""

    def __init__(self, key: bytes, passphrase: str = "") -> None:
        """Read a private key, PEM or OpenSSH's. Raises Locked or Unfit."""
        from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # it is

        self._key = _read(key, passphrase.encode() if passphrase else None)
        self._signer = CryptoSigner(self._key)

    def envelope(self, payload: bytes) -> bytes:
        """Return a statement in its DSSE envelope, as JSON."""
        from securesystemslib.dsse import Envelope

        envelope = Envelope(payload, PAYLOAD, {})
        envelope.sign(self._signer)
        return to_bytes(envelope.to_dict())

    def ssh_signature(self, payload: bytes) -> bytes:
        """Return what `ssh-keygen -Y sign -n qflow-gitops` makes of a file with these bytes."""
        head = b"SSHSIG"
        about = (NAMESPACE.encode(), b"", _HASH.encode())
        message = b"".join([head, *map(_text, (*about, hashlib.sha512(payload).digest()))])
        signature = _text(b"ssh-ed25519") + _text(self._key.sign(message))
        public = _text(b"ssh-ed25519") + _text(self._key.public_key().public_bytes_raw())
        whole = [head, (1).to_bytes(4, "big"), *map(_text, (public, *about, signature))]
        lines = base64.b64encode(b"".join(whole)).decode()
        cut = [lines[at : at + 70] for at in range(0, len(lines), 70)]
        armored = ["-----BEGIN SSH SIGNATURE-----", *cut, "-----END SSH SIGNATURE-----", ""]
        return "\n".join(armored).encode()


def _read(key: bytes, passphrase: bytes | None) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    is_ssh = key.lstrip().startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    load = serialization.load_ssh_private_key if is_ssh else serialization.load_pem_private_key
    try:
        found = load(key, password=passphrase)
    except TypeError:  # a passphrase is needed, or there is one and none is needed
        if passphrase is not None:
            return _read(key, None)
        raise Locked from None
    except UnsupportedAlgorithm:
        raise Unfit from None
    except ValueError:
        if passphrase is not None:
            raise Locked from None
        raise Unfit from None
    if not isinstance(found, Ed25519PrivateKey):
        raise Unfit
    return found


def _text(content: bytes) -> bytes:
    """Put a length before bytes, as SSH does."""
    return len(content).to_bytes(4, "big") + content
