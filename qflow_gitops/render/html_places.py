"""Where a page tells an attempt in full: further down in the same file, or on its run's page."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple, Self

from qflow_gitops.base.names import RunKey
from qflow_gitops.results.evidence import Evidence

_PLAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,98}[a-z0-9])?")


class Places(NamedTuple):
    """Addresses by the attempts' anchors, relative to the page that holds the table."""

    by_anchor: Mapping[str, str]

    @classmethod
    def of_pages(cls, evidence: Evidence) -> Self:
        """Each attempt on its run's page."""
        return cls(
            {
                one.anchor: f"{page_of(run.key)}#{one.anchor}"
                for run in evidence.runs
                for one in run.attempts
            }
        )

    def of(self, anchor: str) -> str:
        """Return where an attempt is told, "" where it isn't."""
        return self.by_anchor.get(anchor, "")


def page_of(key: RunKey) -> str:
    """Return the path of a run's page: its names, where these are fit to name files."""
    parts = [key[0], *key[1].split("/")]
    return "/".join(["runs", *map(_named, parts)]) + ".html"


def _named(part: str) -> str:
    if _PLAIN.fullmatch(part):
        return part
    return "_" + sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:24]
