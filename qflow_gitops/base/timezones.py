"""Time zones by the newest rules at hand: the system's, or those of the `tzdata` package.

zoneinfo prefers the system's, however old they are; a window would then be open by rules that
a country has given up.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_VERSION = re.compile(r"(?:# version )?([0-9]{4}[a-z]{1,2})\s*")


@cache
def version() -> str:
    """Name the rules that are used, as IANA does (`2026f`); a system's only where it is newer."""
    return max(_system(), _packaged())


@cache
def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises LookupError, ValueError or OSError for none."""
    from importlib.resources import files
    from zoneinfo import ZoneInfo

    known = ZoneInfo(name)  # which refuses what is no name, such as `../x`
    if version() == _system():
        return known
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _packaged() -> str:
    import tzdata

    return str(tzdata.IANA_VERSION)


@cache
def _system() -> str:
    """Name the system's rules, "" where it has none or doesn't say which: then they count as old.

    zoneinfo takes the first folder that has a zone, so the first that is there counts.
    """
    from zoneinfo import TZPATH

    for folder in (Path(folder_name) for folder_name in TZPATH):
        if (folder / "UTC").exists():
            for file in (folder / "tzdata.zi", folder / "+VERSION"):
                try:
                    with file.open(encoding="ascii") as lines:
                        found = _VERSION.fullmatch(lines.readline())
                except (OSError, ValueError):
                    continue
                if found:
                    return found[1]
            break
    return ""
