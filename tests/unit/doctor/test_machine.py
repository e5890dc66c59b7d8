"""What a doctor says of a machine: healthy, then with one thing broken at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from qflow_gitops.doctor import clocks, disks, machine, routes
from qflow_gitops.doctor.disks import MIB, Place
from qflow_gitops.doctor.machine import Machine
from qflow_gitops.errors import UsageProblem
from qflow_gitops.git.program import parsed
from qflow_gitops.results.checks import Check, Verdict

NOW = datetime(2026, 11, 29, tzinfo=UTC)
HEALTHY = Machine("CPython 3.11.2", parsed("git version 2.45.1"), "utf-8", "2026f")


def by_name(checks: Iterator[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.mark.parametrize(
    ("broken", "line", "verdict"),
    [
        (HEALTHY._replace(git=parsed("git version 2.30.9")), "git", Verdict.FAILED),
        (HEALTHY._replace(git=UsageProblem("no git", hint="get it")), "git", Verdict.FAILED),
        (HEALTHY._replace(git=parsed("my own git")), "git", Verdict.UNKNOWN),
        (HEALTHY._replace(encoding="latin-1"), "encoding", Verdict.WARNING),
        (HEALTHY._replace(encoding=""), "encoding", Verdict.WARNING),
        (HEALTHY._replace(rules="2025b", zones=["Europe/Rome"]), "zones", Verdict.WARNING),
        (HEALTHY._replace(rules="2025b", zones=None), "zones", Verdict.WARNING),
        (HEALTHY._replace(rules=""), "zones", Verdict.WARNING),
    ],
)
def test_each_line_speaks_of_one_thing(broken: Machine, line: str, verdict: Verdict) -> None:
    healthy, found = (by_name(machine.checks(each, NOW)) for each in (HEALTHY, broken))
    assert {check.verdict for check in healthy.values()} == {Verdict.OK}
    assert {name for name in healthy if healthy[name] != found[name]} == {line}
    assert found[line].verdict is verdict
    assert found[line].hint or verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "fine",
    [
        HEALTHY._replace(git=parsed("git version 2.31.0")),
        HEALTHY._replace(git=parsed("git version 2.39.5 (Apple Git-154)")),
        HEALTHY._replace(git=parsed("git version 3.0.windows.1")),
        HEALTHY._replace(encoding="UTF8"),
        HEALTHY._replace(rules="2025b"),
        HEALTHY._replace(rules="2025b", zones=["UTC"]),
    ],
)
def test_what_is_fine_is_not_told_of(fine: Machine) -> None:
    assert {check.verdict for check in machine.checks(fine, NOW)} == {Verdict.OK}


@pytest.mark.parametrize(
    ("said", "offline"),
    [
        ("2.39.3", False), ("2.39.5", True), ("2.43.3", False), ("2.43.4", True),
        ("2.44.0", False), ("2.45.0", True), ("3.0", True), ("none", False),
    ],
)  # fmt: skip
def test_which_git_fetches_nothing_by_itself(said: str, offline: bool) -> None:
    assert parsed(f"git version {said}").stays_offline is offline


@pytest.mark.parametrize(
    ("skew", "verdict"),
    [
        (0.4, Verdict.OK), (-59, Verdict.OK), (61, Verdict.WARNING), (-61, Verdict.WARNING),
        (90_000, Verdict.FAILED), (None, Verdict.UNKNOWN),
    ],
)  # fmt: skip
def test_a_clock_beside_that_of_qualys(skew: float | None, verdict: Verdict) -> None:
    assert clocks.clock(skew).verdict is verdict


def test_a_clock_beside_the_newest_commit() -> None:
    ahead = clocks.beside_commit(NOW + timedelta(hours=3), NOW)
    assert ahead.verdict is Verdict.WARNING
    assert "3 hours ahead" in ahead.found
    for fine in (None, NOW - timedelta(days=400), NOW + timedelta(seconds=30)):
        assert clocks.beside_commit(fine, NOW).verdict is Verdict.OK


ROOM = Place("the git directory", "/r/.git", 900 * MIB, writable=True)


@pytest.mark.parametrize(
    ("place", "line", "verdict"),
    [
        (ROOM._replace(free=99 * MIB), "disk", Verdict.WARNING),
        (ROOM._replace(free=4 * MIB), "disk", Verdict.FAILED),
        (ROOM._replace(writable=False), "writable", Verdict.FAILED),
        (ROOM._replace(writable=False, needed=False), "writable", Verdict.WARNING),
    ],
)
def test_places_to_write_to(place: Place, line: str, verdict: Verdict) -> None:
    healthy, found = (by_name(disks.checks([ROOM, each])) for each in (ROOM, place))
    assert {check.verdict for check in healthy.values()} == {Verdict.OK}
    assert {name for name in healthy if healthy[name] != found[name]} == {line}
    assert found[line].verdict is verdict
    assert place.path in found[line].found


def test_nobody_knows_of_room_and_rights() -> None:
    found = by_name(disks.checks([ROOM._replace(free=None)]))
    assert {check.verdict for check in found.values()} == {Verdict.OK}
    assert {check.verdict for check in disks.checks([])} == {Verdict.OK}


def test_no_password_is_shown() -> None:
    environ = {"HTTPS_PROXY": "http://ada:s3cr3t@proxy:3128", "SSL_CERT_FILE": "/x", "A": "b"}
    found = by_name(routes.checks(environ, NOW))
    assert "s3cr3t" not in str(found)
    assert found["proxy"].found == "none; HTTPS_PROXY=http://***@proxy:3128 counts for git alone"
    assert routes.masked("ada:p@ss@proxy:1") == "***@proxy:1"
    assert routes.masked("http://ada:pa/ss@proxy:1") == "http://***@proxy:1"
    assert routes.masked("http://proxy:1/path") == "http://proxy:1/path"


@pytest.mark.parametrize(
    ("broken", "line", "verdict"),
    [
        ({"QFLOW_PROXY": "proxy"}, "proxy", Verdict.FAILED),
        ({"QFLOW_CA_FILE": "/nowhere/ca.pem"}, "certificates", Verdict.FAILED),
        ({"GIT_SSL_NO_VERIFY": "1"}, "git-tls", Verdict.WARNING),
    ],
)
def test_ways_to_elsewhere(broken: dict[str, str], line: str, verdict: Verdict) -> None:
    healthy, found = (by_name(routes.checks(each, NOW)) for each in ({}, broken))
    assert {name for name in found if healthy.get(name) != found[name]} == {line}
    assert found[line].verdict is verdict
    assert found[line].hint
