"""Signatures by a key of ours are those of public tools, and theirs of ours."""

import json
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it is

from qflow_gitops.audit.signing import NAMESPACE, Locked, Signer, Unfit

PAYLOAD = b'{"a":"\xc3\xa9"}'
SIGN = ["ssh-keygen", "-Y", "sign", "-q", "-n", NAMESPACE, "-f"]


def made(folder: Path, *command: str) -> Path:
    subprocess.run([*command, str(folder / "key")], check=True, capture_output=True)
    return folder / "key"


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    return made(tmp_path, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f")


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return made(tmp_path, "openssl", "genpkey", "-algorithm", "ed25519", "-out")


def test_securesystemslib_verifies_the_envelope(ssh: Path) -> None:
    signer = Signer(ssh.read_bytes())
    content = signer.envelope(PAYLOAD)
    key = SSlibKey.from_crypto(load_ssh_public_key(ssh.with_suffix(".pub").read_bytes()))
    envelope = Envelope.from_dict(json.loads(content))
    assert envelope.verify([key], 1)
    assert (envelope.payload, envelope.payload_type) == (PAYLOAD, "application/vnd.in-toto+json")
    assert signer.envelope(PAYLOAD) == content
    envelope.payload += b" "
    with pytest.raises(VerificationError):
        envelope.verify([key], 1)


def test_ssh_keygen_verifies_the_file_and_signs_it_alike(ssh: Path, tmp_path: Path) -> None:
    signature = Signer(ssh.read_bytes()).ssh_signature(PAYLOAD)
    theirs = subprocess.run([*SIGN, str(ssh)], input=PAYLOAD, capture_output=True, check=True)
    assert theirs.stdout == signature
    (tmp_path / "sig").write_bytes(signature)
    (tmp_path / "allowed").write_text(f"ada {ssh.with_suffix('.pub').read_text()}")
    verify = [
        "ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "ada", "-n", NAMESPACE, "-s", "sig",
    ]  # fmt: skip
    for payload, code in ((PAYLOAD, 0), (PAYLOAD + b" ", 255)):
        done = subprocess.run(verify, input=payload, cwd=tmp_path, capture_output=True)
        assert done.returncode == code


def test_openssl_verifies_the_envelope(pem: Path, tmp_path: Path) -> None:
    envelope = json.loads(Signer(pem.read_bytes()).envelope(PAYLOAD))
    public = ["openssl", "pkey", "-in", str(pem), "-pubout", "-out", str(tmp_path / "pub")]
    subprocess.run(public, check=True)
    payload, kind = b64decode(envelope["payload"]), envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    (tmp_path / "sig").write_bytes(b64decode(envelope["signatures"][0]["sig"]))
    verify = [
        "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "pub", "-rawin", "-in", "signed",
        "-sigfile", "sig",
    ]  # fmt: skip
    for content, code in ((signed, 0), (signed + b" ", 1)):
        (tmp_path / "signed").write_bytes(content)
        done = subprocess.run(verify, cwd=tmp_path, capture_output=True)
        assert done.returncode == code
    key = SSlibKey.from_crypto(load_pem_public_key((tmp_path / "pub").read_bytes()))
    assert envelope["signatures"][0]["keyid"] == key.keyid


def test_a_passphrase_opens_either_kind(tmp_path: Path) -> None:
    for command in (
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f"],
        ["openssl", "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:open sesame",
            "-out"],
    ):  # fmt: skip
        (tmp_path / "key").unlink(missing_ok=True)
        key = made(tmp_path, *command).read_bytes()
        assert Signer(key, "open sesame").ssh_signature(b"x")
        for wrong in ("", "another"):
            with pytest.raises(Locked):
                Signer(key, wrong)


def test_a_passphrase_that_is_not_needed_does_no_harm(ssh: Path) -> None:
    assert Signer(ssh.read_bytes(), "any").envelope(PAYLOAD)


@pytest.mark.parametrize(
    "command",
    [
        ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f"],
        ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"],
        ["openssl", "genpkey", "-algorithm", "ed448", "-out"],
        ["openssl", "genpkey", "-algorithm", "x25519", "-out"],
    ],
)
def test_another_kind_of_key_is_refused(command: list[str], tmp_path: Path) -> None:
    """Most of them sign the same bytes another way each time."""
    with pytest.raises(Unfit):
        Signer(made(tmp_path, *command).read_bytes())


@pytest.mark.parametrize(
    "content",
    [
        b"", b"x", b"\xff\x00", b"-----BEGIN OPENSSH PRIVATE KEY-----",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(content: bytes, ssh: Path) -> None:
    for unfit in (content, ssh.with_suffix(".pub").read_bytes(), ssh.read_bytes()[:-60]):
        with pytest.raises(Unfit):
            Signer(unfit)
