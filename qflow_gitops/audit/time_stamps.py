"""Time stamps by RFC 3161: asked for over HTTP, and held against a certificate.

The only file that knows rfc3161_client, which is one of the extra `attest`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import AGAIN, InvalidInput, UnreachableError, UsageProblem
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.lockfile.audit import CLOCKS_DIFFER
from qflow_gitops.ports.time_stamps import Untrusted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography.x509 import Certificate
    from rfc3161_client.tsp import TimeStampResponse

    from qflow_gitops.ports.clock import Clock

NOT_KEPT = "No anchor was written: the lockfile is as it was."
MOST = 32 * 1024
"""Bytes of an answer; with its certificates it has some thousand."""
_SHA256 = "2.16.840.1.101.3.4.2.1"
_VERIFY_ERROR = re.compile(r'data: "Verify error: ?([^"]*)"')
_PEM = re.compile(b"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def needs_attest() -> UsageProblem:
    """Say what is missing; by its own name, which a registry has whether or not it has ours."""
    return UsageProblem(
        "Time stamps need rfc3161-client, which isn't installed.",
        not_done=NOT_KEPT,
        hint="`pip install 'rfc3161-client>=1.0.6'`. Or anchor without a server: "
        "`qflow-gitops lock anchor --to FILE`",
        reason="attest_missing",
    )


def is_installed() -> bool:
    """Whether answers can be read at all."""
    try:
        import rfc3161_client  # noqa: F401
    except ImportError:
        return False
    return True


def certificates_in(content: bytes, where: str) -> Sequence[Certificate]:
    """Read a file of certificates (PEM). Raises InvalidInput for none, and for what isn't one."""
    try:
        from cryptography.x509 import load_pem_x509_certificate
    except ImportError:
        raise needs_attest() from None
    try:
        found = [load_pem_x509_certificate(each) for each in _PEM.findall(content)]
    except ValueError:
        found = []
    if not found:
        raise InvalidInput(
            "There is no certificate in this file.",
            where=where,
            not_done=NOT_KEPT,
            hint="It has the one of the time-stamp server's authority in PEM form, which begins "
            "`-----BEGIN CERTIFICATE-----`; several stand one below the other.",
            reason="anchor_certificate",
        )
    return found


def subjects(certificates: Iterable[Certificate]) -> str:
    """Return whose each is, by its subject."""
    return " and ".join(each.subject.rfc4514_string() or "no name" for each in certificates)


def validity(certificates: Iterable[Certificate]) -> list[tuple[datetime, datetime]]:
    """Return from when and until when each is valid."""
    return [(each.not_valid_before_utc, each.not_valid_after_utc) for each in certificates]


@dataclass(frozen=True)
class Checker:
    """Implements `ports.time_stamps.StampChecker`. An answer by any of the `trusted` will do."""

    trusted: Sequence[Certificate]

    def check(self, response: bytes, text: bytes) -> datetime:
        """Return when a text existed, by an answer that was kept."""
        return self.checked(response, text, None)

    def checked(self, response: bytes, text: bytes, nonce: int | None) -> datetime:
        """Check the status, the signature, its chain as of its time, the hash, and the nonce."""
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

        try:
            answer = decode_timestamp_response(response)
        except ValueError:
            raise Untrusted("it is no time stamp") from None
        try:
            info = answer.tst_info if answer.status in (0, 1) else None
            if info is None:
                raise Untrusted(f"the server refused it{_said(answer)}")
            imprint = info.message_imprint
            if imprint.hash_algorithm.dotted_string != _SHA256 or (
                imprint.message != sha256(text).digest()
            ):
                raise Untrusted("it is of something else: another hash than the one asked for")
            if nonce is not None and info.nonce != nonce:
                raise Untrusted("it answers another request: its nonce is another one")
            verifier = VerifierBuilder(roots=list(self.trusted)).build()
            verifier.verify(answer, imprint.message)
        except VerificationError as problem:
            raise Untrusted(_why(str(problem))) from None
        except ValueError:
            raise Untrusted("it is no sound time stamp") from None
        return info.gen_time.astimezone(UTC)


def _said(answer: TimeStampResponse) -> str:
    text = " ".join(" ".join(answer.status_string).split())[:200]
    return f": {text}" if text else f" (status {answer.status})"


def _why(said: str) -> str:
    """Say in a few words what OpenSSL, or the library, found."""
    found = _VERIFY_ERROR.search(said)
    if found:
        return f"its certificate isn't one of those that are trusted, as of its time: {found[1]}"
    if said.startswith("Error while verifying certificates"):
        return "its signature isn't sound, or not by a certificate that is trusted"
    return " ".join(said.split())[:200].rstrip(".")


@dataclass(frozen=True)
class Server:
    """Implements `ports.time_stamps.StampServer`."""

    address: str
    path: str
    transport: Transport
    checker: Checker
    clock: Clock

    def check(self, response: bytes, text: bytes) -> datetime:
        """Return when a text existed, by an answer that was kept."""
        return self.checker.check(response, text)

    def stamp(self, text: bytes) -> tuple[bytes, datetime]:
        """Ask for a time stamp of a text."""
        from rfc3161_client import TimestampRequestBuilder
        from rfc3161_client.base import HashAlgorithm

        builder = TimestampRequestBuilder(text, HashAlgorithm.SHA256)
        request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
        answer = self._asked(request.as_bytes())
        try:
            at = self.checker.checked(answer.content, text, request.nonce)
        except Untrusted as problem:
            kind = answer.headers.get("content-type", "")[:60]
            about = "" if kind == "application/timestamp-reply" else f" (it came as {kind!r})"
            raise self._problem(
                f"The time-stamp server's answer can't be trusted: {problem}{about}.",
                "Correct `anchor` in qflow.yaml: the server's address, and the file with its "
                "authority's certificate. Older certificates stay in that file.",
                reason="anchor_untrusted",
            ) from None
        now = self.clock.now()
        if abs(at - now) > CLOCKS_DIFFER:
            raise self._problem(
                f"The time stamp says {stamp(at)}, and this machine's clock {stamp(now)}: one of "
                "the two is wrong.",
                f"Set the machine's clock by the network's time, then `{AGAIN}`",
                reason="anchor_clock",
            )
        return answer.content, at

    def _asked(self, request: bytes) -> HttpAnswer:
        headers = {
            "Content-Type": "application/timestamp-query",
            "Accept": "application/timestamp-reply",
        }
        try:
            answer = self.transport.send(
                "POST", self.path, headers=headers, body=request, most=MOST
            )
        except NoAnswerError as problem:
            raise self._problem(
                f"The time-stamp server gave no answer: {problem.reason}.",
                f"Run it again later: `{AGAIN}`",
                reason="anchor_unreachable",
            ) from None
        if answer.status != 200:
            moved = 300 <= answer.status < 400
            raise self._problem(
                f"The time-stamp server answered {answer.status}"
                f"{', as if it were elsewhere, which is not followed' if moved else ''}.",
                "Correct its address, `anchor.url` in qflow.yaml."
                if moved or answer.status in (400, 404, 405, 410)
                else f"Run it again later: `{AGAIN}`",
                reason="anchor_unreachable",
            )
        return answer

    def _problem(self, message: str, hint: str, *, reason: str) -> UnreachableError:
        return UnreachableError(
            message, where=self.address, not_done=NOT_KEPT, hint=hint, reason=reason
        )
