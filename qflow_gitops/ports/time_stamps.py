"""What is needed of a time-stamp server (RFC 3161), and of who looks at its answers later."""

from datetime import datetime
from typing import Protocol


class Untrusted(Exception):
    """A time stamp isn't one of this text, by a server that is trusted; says why in a few words."""


class StampChecker(Protocol):
    """Who looks at an answer, without asking anybody."""

    def check(self, response: bytes, text: bytes) -> datetime:
        """Return when a text existed, by a server's answer. Raises Untrusted."""


class StampServer(StampChecker, Protocol):
    """A server, and the certificate that its answers are held against."""

    @property
    def address(self) -> str:
        """The server's address."""

    def stamp(self, text: bytes) -> tuple[bytes, datetime]:
        """Ask for a time stamp of a text: the answer, already checked, and its time.

        Raises UnreachableError where the server gives none, or none that can be kept.
        """
