"""What a person released for the rest of a rollout, as events of a spec's run tell it.

Such an event stands at the run of the spec itself (`<environment>/<run>`), of which its targets are
runs of their own. It names the hold, the `digests` of the requests that it is about, and with
`rollout` the attempts whose failure is forgiven (`forgives`).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import RELEASED, LedgerEvent


class Granted(NamedTuple):
    """The digests for which each hold is released, and the attempts that are forgiven."""

    digests: Mapping[str, frozenset[str]] = {}
    forgiven: frozenset[str] = frozenset()

    def holds(self, digest: str) -> tuple[str, ...]:
        """Name the holds that are released for a request."""
        return tuple(hold for hold, digests in self.digests.items() if digest in digests)


def granted(lockfile: Lockfile, group: RunKey) -> Granted:
    """Return what was released for the targets of a spec, given by its environment and name."""
    digests: dict[str, frozenset[str]] = {}
    forgiven: frozenset[str] = frozenset()
    for event in lockfile.events(*group):
        if event.event == RELEASED:
            hold = event.text("hold")
            digests[hold] = digests.get(hold, frozenset()) | _texts(event, "digests")
            forgiven |= _texts(event, "forgives")
    return Granted(digests, forgiven)


def _texts(event: LedgerEvent, name: str) -> frozenset[str]:
    found = event.extra.get(name)
    some = found if isinstance(found, list | tuple) else ()
    return frozenset(each for each in some if isinstance(each, str))


def named(each: Placed) -> str:
    """Name an attempt as `forgives` has it: `<environment>/<name> <number>`."""
    return f"{'/'.join(each.key)} {each.attempt.number}"


def released(
    at: str, hold: str, digests: Collection[str], forgives: Iterable[str], more: Mapping[str, Any]
) -> LedgerEvent:
    """Return the event that says so; `at` is RFC 3339, `more` who released it and why."""
    extra: dict[str, Any] = {"hold": hold, "digests": sorted(digests)}
    forgiven = sorted(forgives)
    return LedgerEvent(
        at, RELEASED, {**extra, **({"forgives": forgiven} if forgiven else {}), **more}
    )
