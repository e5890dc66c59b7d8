"""Checks of the lockfile, as JSON data."""

from typing import Any

from qflow_gitops.results.records import Verified


def verified(body: Verified) -> dict[str, Any]:
    """Return what a check of the lockfile found."""
    held = body.anchors
    return {
        "where": body.where,
        "versions": body.versions,
        "attempts": body.attempts,
        "digests": body.digests,
        "digestsUnseen": body.unseen,
        "signed": body.signed,
        "anchors": None if held is None else [each._asdict() for each in held],
        "problems": list(body.problems),
    }
