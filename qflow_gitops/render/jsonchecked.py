"""What was looked at for whoever has to prove it, as JSON data: each kind by its own form."""

from dataclasses import asdict
from typing import Any

from qflow_gitops.render.jsonchecks import examination
from qflow_gitops.render.jsonevidence import evidence
from qflow_gitops.render.jsonfleet import fleet, reported
from qflow_gitops.results.checks import Examination
from qflow_gitops.results.evidence import Evidence
from qflow_gitops.results.fleets import FleetReported, FleetTold
from qflow_gitops.results.notices import Delivered
from qflow_gitops.results.records import Anchored, Verified

CHECKED = (Verified, Anchored, Evidence, Examination, FleetTold, FleetReported, Delivered)
"""What has a form here."""


def checked(
    body: Verified | Anchored | Evidence | Examination | FleetTold | FleetReported | Delivered,
) -> dict[str, Any]:
    """Return a check or an anchor of the lockfile, a report, doctor's, a fleet's, a delivery."""
    match body:
        case Verified():
            return _verified(body)
        case Anchored():
            return asdict(body)
        case Evidence():
            return evidence(body)
        case Examination():
            return examination(body)
        case FleetTold():
            return fleet(body)
        case FleetReported():
            return reported(body)
        case Delivered(receivers, told, left, troubles, given_up, noted, unnoted):
            counts = {"told": told, "left": left, "givenUp": given_up, "noted": noted}
            why = {"troubles": dict(troubles), "unnoted": unnoted}
            return {"receivers": list(receivers), **counts, **why}


def _verified(body: Verified) -> dict[str, Any]:
    held = body.anchors
    return {
        "where": body.where,
        "versions": body.versions,
        "serial": body.serial,
        "attempts": body.attempts,
        "digests": body.digests,
        "digestsUnseen": body.unseen,
        "signed": body.signed,
        "anchors": None if held is None else [each._asdict() for each in held],
        "certificates": body.certificates or None,
        "problems": list(body.problems),
    }
