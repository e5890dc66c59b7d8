"""What a code host says is judged: names of any kind, times, and what isn't told."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.doctor.ci.checks import LOOKS, checks
from qflow_gitops.doctor.ci.expected import Expected, Pipeline, Written
from qflow_gitops.errors import UnreachableError
from qflow_gitops.policy.windows import interval
from qflow_gitops.ports.governance import (
    BranchRules,
    HostedEnvironment,
    HostedRepository,
    JobRights,
    Pages,
    Schedule,
    ScheduledRun,
    Secrets,
    Variable,
)
from qflow_gitops.render.textchecks import examination
from qflow_gitops.results.checks import Check, Examination, Examined, Verdict
from tests.fakes.governance import GUARDED, RAN, FakeGovernance

NOW = datetime(2026, 11, 29, 6, 40, tzinfo=UTC)
PIPELINE = Pipeline(
    files=("f",), scheduled="f", gates=("gate",), applies=("prod",), check="check",
    crons=("17 * * * *",), started_by=("main",), secrets=("SECRET",), place="octo/runs",
)  # fmt: skip
EXPECTED = Expected(PIPELINE, lock="lock", timeout=1800.0)


def healthy() -> FakeGovernance:
    return FakeGovernance(
        environments={
            "gate": HostedEnvironment(1, 1),
            "prod": HostedEnvironment(branches=("main",)),
        },
        branches={"main": GUARDED, "lock": GUARDED._replace(reviewed=False)},
        secret=Secrets(frozenset({"SECRET"}), frozenset()),
        timed=[Schedule("f", last=RAN)],
    )


def look(host: FakeGovernance, expected: Expected = EXPECTED) -> dict[str, Check]:
    return {check.name: check for check in checks(host, expected, NOW)}


def test_a_healthy_host_is_in_order() -> None:
    assert {check.verdict for check in look(healthy()).values()} == {Verdict.OK}


@pytest.mark.parametrize(
    ("last", "due", "verdict"),
    [
        (RAN, "", Verdict.OK),
        (ScheduledRun("2026-11-29T04:41:00Z", ""), "", Verdict.OK),
        (ScheduledRun("2026-11-29T04:39:00Z", "success"), "", Verdict.WARNING),
        (ScheduledRun("2026-11-29T06:39:00Z", "cancelled"), "", Verdict.WARNING),
        (ScheduledRun("soon", "success"), "", Verdict.OK),
        (ScheduledRun("", "success"), "2026-11-29T07:17:00Z", Verdict.OK),
        (ScheduledRun("", "success"), "2026-11-29T05:30:00Z", Verdict.WARNING),
        (
            ScheduledRun("9999-12-31T23:59:59-23:59", "success"),
            "0001-01-01T00:00:00+23:59",
            Verdict.OK,
        ),
        (None, "", Verdict.WARNING),
    ],
)
def test_a_schedule_is_late_after_twice_its_time(
    last: ScheduledRun | None, due: str, verdict: Verdict
) -> None:
    host = healthy()
    host.timed = [Schedule("f", last=last, due=due)]
    assert look(host)["schedule"].verdict is verdict


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("17 * * * *", timedelta(hours=1)), ("43 2 * * *", timedelta(days=1)),
        ("*/5 * * * *", timedelta(minutes=5)), ("0 0 1 1 *", timedelta(days=365)),
        ("0 0 31 2 *", None), ("often", None), ("", None),
    ],
)  # fmt: skip
def test_the_time_between_two_firings(cron: str, expected: timedelta | None) -> None:
    assert interval(cron, NOW) == expected


def test_what_stops_the_first_look_stops_them_all() -> None:
    host = healthy()
    host.problem = UnreachableError("it is away", hint="later")
    found = look(host)
    assert found.pop("repository").verdict is Verdict.UNKNOWN
    assert set(found) == {each.name for each in LOOKS}
    assert {check.verdict for check in found.values()} == {Verdict.LEFT_OUT}


def test_a_copy_that_is_meant_is_no_fork() -> None:
    host = healthy()
    host.is_at = HostedRepository("octo/runs", "main", fork_of="other/runs")
    assert look(host)["repository"].verdict is Verdict.OK
    host.is_at = HostedRepository("Octo/Runs", "main")
    assert look(host)["repository"].verdict is Verdict.OK


NAMES = st.text(max_size=30) | st.sampled_from(
    [
        "::error::x",
        "a\nb",
        "\x1b[31m",
        "`rm -rf ~`",
        "$(reboot)",
        "main'; --",
        "a/b",
        "\u202ex",
        "[x](y)",
    ]
)
PLACE = st.just("octo/runs") | NAMES
FLAG, FEW = st.booleans(), st.integers(0, 3)
RULES = st.builds(
    BranchRules, FLAG, st.none() | FEW, st.none() | FLAG, st.none() | FLAG,
    st.frozensets(NAMES, max_size=2), FLAG, FLAG, NAMES, st.tuples(NAMES), FLAG, NAMES, NAMES,
)  # fmt: skip
ENVIRONMENT = st.builds(
    HostedEnvironment, FEW, FEW, st.none() | FLAG, st.none() | st.tuples(NAMES, NAMES), NAMES, NAMES
)
HOSTS = st.builds(
    FakeGovernance,
    host=NAMES, elsewhere=NAMES, pages=st.builds(Pages, *[NAMES] * 7),
    is_at=st.builds(HostedRepository, PLACE, NAMES, st.just("") | NAMES, NAMES),
    environments=st.dictionaries(st.sampled_from(["gate", "prod"]), ENVIRONMENT),
    branches=st.dictionaries(st.just("lock") | NAMES, RULES, max_size=2),
    set_to=st.dictionaries(st.just("QFLOW_FREEZE"), st.builds(Variable, NAMES, NAMES)),
    secret=st.builds(
        Secrets, st.frozensets(NAMES, max_size=2), st.frozensets(NAMES, max_size=2),
        st.lists(st.tuples(NAMES, NAMES), max_size=2),
    ),
    timed=st.lists(st.builds(
        Schedule, NAMES, NAMES, NAMES, st.tuples(NAMES),
        st.none() | st.builds(ScheduledRun, NAMES, NAMES, NAMES), NAMES,
    ), max_size=2),
    rights=st.builds(
        JobRights, NAMES, st.tuples(NAMES), st.tuples(NAMES), st.none() | FLAG, st.none() | FLAG,
        st.none() | FLAG, st.none() | st.floats(0, 1e9),
    ),
    days=st.none() | st.integers(0, 10**6), version=NAMES,
)  # fmt: skip
EXPECTATIONS = st.builds(
    Expected,
    st.builds(
        Pipeline, st.tuples(NAMES), NAMES, st.tuples(st.just("gate")), st.tuples(st.just("prod")),
        NAMES, st.tuples(NAMES), st.tuples(NAMES), st.tuples(NAMES), st.tuples(NAMES),
        st.tuples(NAMES), st.tuples(NAMES), PLACE, st.none() | st.floats(0, 1e6),
    ),
    st.tuples(st.builds(Written, NAMES, st.none() | st.binary(max_size=9), NAMES, FLAG)),
    st.just("lock") | NAMES, st.floats(0, 1e6), NAMES, NAMES,
)  # fmt: skip


@given(HOSTS, EXPECTATIONS)
def test_whatever_a_host_says_becomes_lines_that_are_safe_to_print(
    host: FakeGovernance, expected: Expected
) -> None:
    found = tuple(checks(host, expected, NOW))
    text = list(examination(Examination((Examined("CI", found),))))
    assert all("\n" not in line and "\x1b" not in line for line in text)
    assert not any(line.strip().startswith("::") for line in text)
    named = {check.name for check in found}
    assert "repository" in named
    assert all(check.found for check in found)
