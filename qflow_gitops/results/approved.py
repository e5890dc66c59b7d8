"""Of the attempts that were sent: which somebody approved, and which lack what the policy asked."""

from collections.abc import Iterable
from typing import NamedTuple, Self

from qflow_gitops.results.evidence import AttemptEvidence, Outcome

Attempts = tuple[AttemptEvidence, ...]


class Approved(NamedTuple):
    """How many were sent, how many of them somebody approved, and the others.

    `lacking` are those without what the policy asked for; of those that nobody approved
    `none_asked` are where it asked for none, `not_known` where nobody knows what it asked for.
    """

    sent: int
    approved: int
    lacking: Attempts
    none_asked: Attempts
    not_known: Attempts

    @classmethod
    def of(cls, attempts: Iterable[AttemptEvidence]) -> Self:
        """Sort them, each list in their order."""
        sent = [one for one in attempts if one.outcome not in (Outcome.DECLARED, Outcome.NOT_RUN)]
        without = [one for one in sent if not one.approvals]
        return cls(
            len(sent),
            len(sent) - len(without),
            tuple(one for one in sent if one.lacks_approvals),
            tuple(one for one in without if one.approvals_needed == 0),
            tuple(one for one in without if one.approvals_needed is None),
        )
