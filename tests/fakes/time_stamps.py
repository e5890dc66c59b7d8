"""A time-stamp server without a network: its answers are texts."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from qflow_gitops.base.times import moment, stamp
from qflow_gitops.ports.time_stamps import Untrusted


@dataclass
class FakeStampServer:
    """Implements `ports.time_stamps.StampServer`. `now` is its time, `name` whom one trusts."""

    now: datetime = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    name: str = "one"
    address: str = "https://tsa.example.com/tsr"
    asked: list[bytes] = field(default_factory=list)

    def stamp(self, text: bytes) -> tuple[bytes, datetime]:
        """Answer by its name, the text's hash and the time."""
        self.asked.append(text)
        return f"{self.name} {sha256(text).hexdigest()} {stamp(self.now)}".encode(), self.now

    def check(self, response: bytes, text: bytes) -> datetime:
        """Return the time of an answer of its own."""
        name, digest, at = response.decode().split(" ")
        if (name, digest) != (self.name, sha256(text).hexdigest()):
            raise Untrusted("it is somebody else's, or of something else")
        return moment(at)
