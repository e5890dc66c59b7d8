"""Regions as people say them: loaded only where a value is no region."""

import re
import unicodedata
from collections.abc import Iterator

from qflow_gitops.specs.connectors import region_names

_MOST = 3


def advice(variable: str, value: str) -> str:
    """Say which region of the variable's cloud is called so, "" for none or too many."""
    found = meant(variable, value)
    names = " or ".join(f"`{region}`" for region in found)
    return f"Did you mean {names}?" if 0 < len(found) <= _MOST else ""


def meant(variable: str, value: str) -> list[str]:
    """Return the regions of which this is a name: the whole one, a city's, a key, the id's words.

    What stands in brackets says more than what stands before them.
    """
    names, spoken = (
        (region_names.AWS, _spoken_aws) if variable == "region" else (region_names.OCI, _spoken_oci)
    )
    for said in (value, *re.findall(r"\(([^()]*)\)", value)[:1]):
        word = _folded(said)
        found = [region for region, name in names.items() if word in spoken(region, name)]
        if word and found:
            return found
    return []


def _spoken_aws(region: str, name: str) -> Iterator[str]:
    area, _, place = name.partition(" (")
    yield from map(_folded, (region, name, area, place, re.sub(r"^[A-Z]\. ", "", place)))


def _spoken_oci(region: str, key: str) -> Iterator[str]:
    area, *words, _ = region.split("-")
    city = [word for word in words if word not in ("dcc", "gov")]
    yield from map(_folded, (region, key, "".join(city), "".join((area, *words))))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text[:100].lower())
    return re.sub(r"[^a-z0-9]", "", plain)
