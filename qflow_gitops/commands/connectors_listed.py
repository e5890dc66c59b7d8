"""Which API lists the connectors of an environment, and what is to be said of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from qflow_gitops.ports.qualys import ConnectorListing, ConnectorLists, Qualys
from qflow_gitops.specs.connectors.registry import CONNECTORS

LISTED = ("aws", "azure", "gcp")
"""The clouds whose connectors TotalCloud lists by a call that is documented (docs/api.md 7.1)."""

V1, V3 = "v1", "v3"

_PULL = "`qflow-gitops connectors pull -e {environment} --api v3`"
_UNASKED = (
    "OCI's connectors weren't asked for: only Connector v3 lists them, on Qualys' API server, "
    f"which takes a name and a password: {_PULL}. Entries may also be written by hand."
)
_NO_LIST = (
    "Connector v3 may still list connectors of {clouds}, on Qualys' API server: set "
    f"QFLOW_API_USERNAME and QFLOW_API_PASSWORD, then {_PULL}."
)
_INSTEAD = "TotalCloud has no list of {clouds}, so Connector v3 was asked."
_NOT_SHOWN = (
    "Connector v3 has no list of {clouds}, or none for this user: it takes a manager with full "
    "scope."
)
_WITHOUT = (
    "{clouds}: {count} without a UUID, so not written. One of them may be a connector that seems "
    "to be gone, so none of that cloud was marked."
)


class Sources(NamedTuple):
    """Who lists connectors. `v1` and `v3` connect to a platform: its gateway, its API server.

    `asked` is the one that a person asked for, "" for v1 and, where that has no list, v3. Then
    `has_password` says whether there is what the API server takes.
    """

    v1: Callable[[str], Qualys]
    v3: Callable[[str], ConnectorLists]
    asked: str = ""
    has_password: Callable[[], bool] = lambda: False


class Listed(NamedTuple):
    """The connectors by cloud, None where there is no list; and what a person should know."""

    listings: Mapping[str, ConnectorListing | None]
    notes: tuple[str, ...]


def listed(sources: Sources, platform: str, environment: str) -> Listed:
    """Ask for the connectors of every cloud that an API lists, all of them or nothing.

    Raises QflowError.
    """
    if sources.asked == V3:
        server = sources.v3(platform)
        shown = {cloud: server.connectors(cloud) for cloud in CONNECTORS}
        return Listed(shown, (*_not_shown(shown), *_without(shown)))
    client = sources.v1(platform)
    client.connect()
    listings = {cloud: client.connectors(cloud) for cloud in LISTED}
    missing = [cloud for cloud, listing in listings.items() if listing is None]
    notes = [_UNASKED.format(environment=environment)]
    if missing and not sources.asked and sources.has_password():
        server = sources.v3(platform)
        listings |= (shown := {cloud: server.connectors(cloud) for cloud in missing})
        notes += [_INSTEAD.format(clouds=", ".join(missing)), *_not_shown(shown)]
    elif missing:
        notes.append(_NO_LIST.format(clouds=", ".join(missing), environment=environment))
    return Listed(listings, (*notes, *_without(listings)))


def _not_shown(shown: Mapping[str, ConnectorListing | None]) -> Iterator[str]:
    clouds = [cloud for cloud, listing in shown.items() if listing is None]
    if clouds:
        yield _NOT_SHOWN.format(clouds=", ".join(clouds))


def _without(listings: Mapping[str, ConnectorListing | None]) -> Iterator[str]:
    for cloud, listing in listings.items():
        if listing and listing.without:
            yield _WITHOUT.format(clouds=cloud, count=len(listing.without))
