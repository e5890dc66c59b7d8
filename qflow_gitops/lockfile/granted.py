"""What a person released for the rest of a rollout, as events of a spec's run tell it.

Such an event stands at the run of the spec itself (`<environment>/<run>`), of which its targets are
runs of their own. It names the hold, the `digests` of the requests that it is about, and with
`rollout` the attempts whose failure doesn't hold these requests any more (`forgives`). It ends
where a target that sent one of them sends another request: to go back is a decision of its own.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from qflow_gitops.base.names import RunKey, spec_of
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import RELEASED, LedgerEvent


class Release(NamedTuple):
    """A hold that is released for requests; `forgives` names attempts."""

    hold: str
    digests: frozenset[str]
    forgives: frozenset[str]


class Granted(NamedTuple):
    """What is released for the targets of a spec."""

    releases: tuple[Release, ...] = ()

    def holds(self, digest: str) -> tuple[str, ...]:
        """Name the holds that are released for a request."""
        return tuple(dict.fromkeys(each.hold for each in self.releases if digest in each.digests))

    def forgiven(self, digest: str) -> frozenset[str]:
        """Name the attempts whose failure doesn't hold a request."""
        named = (each.forgives for each in self.releases if digest in each.digests)
        return frozenset(chain.from_iterable(named))


def granted(lockfile: Lockfile, group: RunKey) -> Granted:
    """Return what was released for the targets of a spec, given by its environment and name."""
    found = [event for event in lockfile.events(*group) if event.event == RELEASED]
    sent = _sent(lockfile, group) if found else []
    releases = (
        Release(event.text("hold"), _texts(event, "digests"), _texts(event, "forgives"))
        for event in found
    )
    return Granted(tuple(each for each in releases if not _is_over(each.digests, sent)))


def _is_over(digests: frozenset[str], sent: Iterable[Sequence[str]]) -> bool:
    return any(each[-1] not in digests and not digests.isdisjoint(each) for each in sent)


def _sent(lockfile: Lockfile, group: RunKey) -> list[list[str]]:
    """Return the digests that each target of a spec has sent, the newest last."""
    runs = lockfile.environment(group[0]).runs
    keys = [key for run in runs for key in [(group[0], run)] if spec_of(key) == group]
    lockfile.bring(keys)
    found = [[each.digest for each in lockfile.attempts(*key) if each.counted] for key in keys]
    return [each for each in found if each]


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
