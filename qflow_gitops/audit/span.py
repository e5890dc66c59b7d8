"""The span of time that a report is about."""

from typing import NamedTuple

from qflow_gitops.audit.outcomes import OVER
from qflow_gitops.lockfile.attempt import Attempt


class Span(NamedTuple):
    """A span of time, RFC 3339 in UTC; "" for no limit. `until` itself isn't in it."""

    since: str = ""
    until: str = ""

    def holds(self, at: str) -> bool:
        """Whether a time is in it."""
        return self.since <= at and (not self.until or at < self.until)

    def before(self, attempt: Attempt) -> bool:
        """Whether an attempt was over when it began: one that is still open never was."""
        return attempt.changed_at < self.since and attempt.state in OVER

    def after(self, attempt: Attempt) -> bool:
        """Whether an attempt began after it."""
        return bool(self.until) and attempt.opened_at >= self.until
