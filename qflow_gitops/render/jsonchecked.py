"""What was looked at for whoever has to prove it, as JSON data: each kind by its own form."""

from dataclasses import asdict
from typing import Any

from qflow_gitops.render.jsonchecks import examination
from qflow_gitops.render.jsonevidence import evidence
from qflow_gitops.render.jsonfleet import fleet, reported
from qflow_gitops.results.checks import Examination
from qflow_gitops.results.evidence import Evidence
from qflow_gitops.results.fleets import FleetReported, FleetTold
from qflow_gitops.results.records import Anchored, Verified

CHECKED = (Verified, Anchored, Evidence, Examination, FleetTold, FleetReported)
"""What has a form here."""


def checked(
    body: Verified | Anchored | Evidence | Examination | FleetTold | FleetReported,
) -> dict[str, Any]:
    """Return a check of the lockfile, an anchor of it, an auditor's report, doctor's, a fleet's."""
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
