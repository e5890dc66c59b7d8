"""Windows open when Debian's cron would start the job: cron itself, under a clock that jumps.

The kind: a rule that is taken from another program, and only believed to be the same. The clock
of tests/c/clock.c is preloaded into cron's daemon, which so goes through weeks in a second; its
crontabs lie in a mount namespace of its own, and no command is run. `.ci/run` looks at Berlin's
clocks and at days, `.ci/nightly` at other zones, too.
"""

import os
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qflow_gitops.policy.windows import Window, problem_of, verdict
from tests.helpers.partners import requires, rows
from tests.helpers.story_clock import compiled

DAYS = (
    "0 2 1-7 * SUN", "0 2 */2 * MON", "0 2 * * *", "15 22 * * 5", "0 3 1,15 * *", "5 4 * * 0",
    "5 4 * * 7", "5 4 * * 6-7", "0 1 13 * FRI", "0 1 13 * *", "30 5 */10 * *", "0 6 1-31 * 2",
    "0 6 */1 * 2", "0 6 * * */2", "0 6 1 * */3", "7 7 31 * *", "0 0 29 2 *", "0 12 * mar mon",
    "0 12 * MAR-APR 1-5", "0 12 8-14 3,11 TUE", "0,30 9-17/4 * * MON-FRI", "59 23 28-31 * *",
    "0 8 * 1-12/2 3", "0 8 */31 * WED", "10 10 2-30/7 * 4,6",
)  # fmt: skip
HOURS = (
    "30 1 * * *", "30 2 * * *", "5,55 2 * * *", "0 3 * * *", "30 2,3 * * *", "0 2 * * *",
    "*/30 2 * * *", "30 */2 * * *", "15 * * * *", "45 * * * *", "0-59/20 1-3 * * *", "* 2 * * *",
    "0 0 * * *", "59 1 * * *", "45 1 * * *", "10 2 * * *", "45 2 * * *", "*/45 2 * * *",
    "30 2 29 3 *", "30 2 * * SUN", "30 2 */2 * SUN",
)  # fmt: skip
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def by_cron(
    crons: tuple[str, ...], zone: str, start: datetime, end: datetime, folder: Path
) -> dict[str, list[str]]:
    """Each expression's firings from a moment to another, as Debian's cron starts its jobs.

    Those that it makes up for in one minute are one: a window opens once.
    """
    for name in ("crontabs", "spool/crontabs", "run"):
        (folder / name).mkdir(parents=True)
    lines = (f"{cron} root {number}\n" for number, cron in enumerate(crons))
    (folder / "crontabs/jobs").write_text("".join(lines))
    (folder / "none").touch()
    log, clock = folder / "log", folder / "clock.so"
    log.touch()
    compiled(clock, log)
    places = {
        "crontabs": "/etc/cron.d", "spool": "/var/spool/cron", "none": "/etc/crontab",
        "run": "/run",
    }  # fmt: skip
    script = [f"mount --bind {shlex.quote(str(folder / a))} {b}" for a, b in places.items()]
    script += [f'LD_PRELOAD="{clock}" exec cron -f']
    subprocess.run(
        ["unshare", "--mount", "sh", "-ec", "\n".join(script)], check=True, timeout=100,
        env={
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "TZ": zone,
            "CLOCK_BEGIN": str(int(start.timestamp())), "CLOCK_END": str(int(end.timestamp())),
        },
    )  # fmt: skip
    found: dict[str, list[str]] = {one: [] for one in crons}
    for line in log.read_text().splitlines():
        at, number = line.split()
        found[crons[int(number)]].append(shown(datetime.fromtimestamp(int(at), UTC)))
    return {cron: list(dict.fromkeys(times)) for cron, times in found.items()}


def by_window(cron: str, zone: str, start: datetime, end: datetime) -> list[str]:
    """When a window of half a minute opens."""
    assert problem_of(cron, zone, 30) == ""
    window, at, found = [Window("allow", cron, 30, zone)], start, []
    while (at := verdict(window, "prod", at).changes_at or end) < end:
        if verdict(window, "prod", at).open:
            found.append(shown(at))
    return found


def shown(at: datetime) -> str:
    return at.strftime("%m-%dT%H:%M")


@requires("cron", "cc", "unshare")
@pytest.mark.parametrize(
    ("crons", "zone", "start", "days"),
    rows(
        (
            (DAYS, "UTC", "2026-02-26T00:00:30", 34),
            (HOURS, BERLIN, "2026-10-24T12:00:30", 1.5),
            (HOURS, NEW_YORK, "2026-10-31T12:00:30", 1.5),
            (HOURS, LORD_HOWE, "2026-04-04T02:00:30", 1.5),
            (HOURS, "Asia/Kolkata", "2026-03-28T12:00:30", 1.5),
        ),
        lambda row: row[1] == BERLIN,
    ),
)
def test_a_window_opens_when_cron_starts_the_job(
    crons: tuple[str, ...], zone: str, start: str, days: float, tmp_path: Path
) -> None:
    begin, end = utc(start), utc(start) + timedelta(days=days)
    theirs = by_cron(crons, zone, begin, end, tmp_path)
    assert sum(map(len, theirs.values())) > 100
    assert {cron: by_window(cron, zone, begin, end) for cron in crons} == theirs


@requires("cron", "cc", "unshare")
@pytest.mark.parametrize(
    ("zone", "start"),
    rows(
        (
            (BERLIN, "2026-03-28T22:00:30"),
            (NEW_YORK, "2026-03-08T04:00:30"),
            (LORD_HOWE, "2026-10-03T12:00:30"),
        ),
        lambda row: row[0] == BERLIN,
    ),
)
def test_likewise_where_an_hour_is_skipped(zone: str, start: str, tmp_path: Path) -> None:
    """One daemon a line: between two jobs that are made up for, cron pauses for ten seconds."""
    begin, end = utc(start), utc(start) + timedelta(hours=8)
    ours = {cron: by_window(cron, zone, begin, end) for cron in HOURS}
    theirs: dict[str, list[str]] = {}
    for number, cron in enumerate(HOURS):
        theirs |= by_cron((cron,), zone, begin, end, tmp_path / str(number))
    assert theirs == ours
