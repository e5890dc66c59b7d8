"""Windows are held against the newest rules at hand, wherever they are installed."""

import zoneinfo
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import tzdata

from qflow_gitops.base import timezones


def _forget() -> None:
    for one in (timezones.zone, timezones.version, timezones._system):
        one.cache_clear()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Path]:
    """A system whose Berlin has the clocks of UTC, so that it is told whose rules are used."""
    before = zoneinfo.TZPATH
    utc = files("tzdata").joinpath("zoneinfo", "UTC").read_bytes()
    for name in ("UTC", "Europe/Berlin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(utc)
    zoneinfo.reset_tzpath([str(tmp_path)])
    _forget()
    yield tmp_path
    zoneinfo.reset_tzpath(before)
    _forget()


@pytest.mark.parametrize(
    ("file", "said", "own"),
    [
        ("tzdata.zi", "# version 2020a\n# This zic input file is in the public domain.\n", False),
        ("tzdata.zi", "# version 2999b\n", True),
        ("+VERSION", "2999b\n", True),
        ("tzdata.zi", "# something else\n", False),
        ("README", "", False),
    ],
)
def test_the_newer_rules_are_used(system: Path, file: str, said: str, own: bool) -> None:
    """The kind: what is installed twice, and found where it is older. What says no age is old."""
    (system / file).write_text(said)
    assert timezones.version() == ("2999b" if own else tzdata.IANA_VERSION)
    berlin = datetime(2026, 1, 1, tzinfo=timezones.zone("Europe/Berlin"))
    assert berlin.utcoffset() == timedelta(hours=0 if own else 1)


def test_what_is_no_zone_is_none(system: Path) -> None:
    for name in ("Europe/Nowhere", "../x", "", "Europe", "/etc/passwd"):
        with pytest.raises((LookupError, ValueError, OSError)):
            timezones.zone(name)
