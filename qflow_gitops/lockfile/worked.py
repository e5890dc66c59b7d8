"""How far environments were worked on, version by version of the lockfile. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from qflow_gitops.lockfile.ledger import EnvironmentRecord


class Worked(NamedTuple):
    """How far an environment was worked on by a version of the lockfile, as in its record.

    `at` is when that version was written (RFC 3339), "" unknown.
    """

    environment: str
    latest: str
    through: str
    at: str = ""


def steps_of(
    versions: Iterable[tuple[str, Mapping[str, EnvironmentRecord]]],
) -> list[Worked]:
    """Return how far environments were worked on wherever a version says it anew, oldest first.

    `versions` are when each was written, and what its head says of environments.
    """
    last: dict[str, tuple[str, str]] = {}
    found = []
    for at, environments in versions:
        for name, record in environments.items():
            now = (record.latest, record.applied_through)
            if any(now) and last.get(name) != now:
                found.append(Worked(name, *now, at))
            last[name] = now
    return found
