"""What each look at a code host stands on."""

from datetime import datetime
from typing import NamedTuple

from qflow_gitops.doctor.ci.expected import Expected
from qflow_gitops.ports.governance import Governance, HostedRepository


class Seen(NamedTuple):
    """The host, its repository as it is, what to hold it against, and the time."""

    host: Governance
    repository: HostedRepository
    expected: Expected
    now: datetime
