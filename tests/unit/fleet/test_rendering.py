"""What is told of a fleet: to a person at a terminal, in a job's summary, and to a machine."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry

from qflow_gitops.errors import ExitCode, LockError
from qflow_gitops.policy.waves import MemberStanding
from qflow_gitops.render import html, markdown, text
from qflow_gitops.render import json as as_json
from qflow_gitops.render.escape import cells
from qflow_gitops.render.markdown_plans import SUMMARY_LIMIT
from qflow_gitops.render.textfleet import SHOWN
from qflow_gitops.results.fleets import (
    FleetReported,
    FleetTold,
    MemberReported,
    MemberTold,
    Turn,
    WaveTold,
)
from qflow_gitops.results.report import Report, failed
from qflow_gitops.specs import schemas
from tests.helpers.fleets import fits
from tests.unit.fleet.test_applying import DOUBT, FAILED, World, fleet
from tests.unit.test_markdown import HOSTILE, harmless

GOLDEN = Path(__file__).parent / "golden"
VALIDATOR = Draft202012Validator(schemas.load("fleet-report"), registry=Registry())
ACK = "`qflow-gitops fleet apply --ack wave=2 --reason TEXT`"
WAY = f"Fix a member and apply again, or let the wave go on without it: {ACK}"
DONE, OPEN, UNSENT = MemberStanding.DONE, MemberStanding.OPEN, MemberStanding.UNSENT
STOPPED, HELD = MemberStanding.FAILED, MemberStanding.HELD


def member(
    name: str, wave: int, standing: MemberStanding, turn: Turn,
    counts: Mapping[str, int] = {}, **more: Any,
) -> MemberTold:  # fmt: skip
    address = f"https://git.example.com/{name}/runs.git"
    given = {
        "commit": "32bb11c0f3b6a1e0d9c8b7a6f5e4d3c2b1a09f8e",
        "seen_at": "2026-10-06T09:29:15Z",
        **more,
    }
    return MemberTold(name, wave, standing, turn, address, counts=counts, **given)


MEMBERS = (
    member("acme", 1, DONE, Turn.SKIP, {"skip": 30}, reason="ok"),
    member(
        "globex", 2, STOPPED, Turn.HOLD, {"run": 2, "done": 1, "failed": 1, "hold": 1},
        exit_code=1, reason="run_failed", why="it failed", way=WAY,
        problem='prod/encrypt-prod-buckets: failed ("Failed")', worked=True,
        clone="`git clone --branch main https://git.example.com/globex/runs.git "
        "../globex && qflow-gitops -C ../globex plan`",
    ),
    member("initech", 2, DONE, Turn.SKIP, {"run": 12, "done": 12, "unchanged": 18}, worked=True),
    member("umbrella-corporation-emea", 2, OPEN, Turn.WAIT, {"wait": 1}, exit_code=8),
    member(
        "soylent", 2, STOPPED, Turn.HOLD, exit_code=13, reason="member_unreachable", way=WAY,
        commit="", why="it failed", problem="The remote of the member soylent doesn't answer.",
    ),
    member("hooli", 3, UNSENT, Turn.HOLD, {"run": 3, "hold": 2}, why="wave 2 is stopped", way=WAY,
           seen_at=""),
    member("piedpiper", 3, HELD, Turn.HOLD, {"hold": 4}, exit_code=5, why="wave 2 is stopped",
           problem="prod/rotate-keys: outside of every window", way=WAY),
)  # fmt: skip
WAVES = (
    WaveTold(1, 1, {DONE: 1}, "0", 1800.0, is_over=True),
    WaveTold(2, 4, {DONE: 1, STOPPED: 2, OPEN: 1}, "25%"),
    WaveTold(3, 2, {HELD: 1, UNSENT: 1}, "5%"),
)
TOLD = FleetTold(
    "f" * 40, "fleet.lock on branch qflow-fleet of origin", 1042, MEMBERS, WAVES, 2, stopped=True
)
SOAKING = TOLD._replace(
    members=(
        MEMBERS[0],
        member("hooli", 2, UNSENT, Turn.WAIT, {"run": 3}, why="wave 1 soaks"),
    ),
    waves=(
        WaveTold(1, 1, {DONE: 1}, "0", 1800.0, "2026-10-06T10:00:00Z"),
        WaveTold(2, 1, {UNSENT: 1}, "0"),
    ),
    wave=1, stopped=False,
)  # fmt: skip
LOOSENED = SOAKING._replace(
    loosened=(
        "wave 1: maxFailures 0 → 5%",
        "in an earlier wave: acme (wave 2 → 1), globex (wave 2 → 1), initech (wave 3 → 1)",
    )
)
FROZEN = TOLD._replace(frozen="incident 42, by ada since 2026-10-06T09:30:00Z", remembered=True)
CASES: Mapping[str, Report] = {
    "plan": Report("fleet plan", ExitCode.UNREACHABLE, "members", body=TOLD),
    "apply": Report("fleet apply", ExitCode.RUN_FAILED, "members",
                    body=TOLD._replace(applied=True)),
    "soaking": Report("fleet plan", body=SOAKING),
    "frozen": Report("fleet status", body=FROZEN),
    "loosened": Report("fleet plan", body=LOOSENED),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", ["80", "140", "markdown", "json"])
def test_what_a_reader_sees(name: str, form: str, request: pytest.FixtureRequest) -> None:
    """`--golden` writes it anew, to be read."""
    report = CASES[name]
    if form == "markdown":
        told = markdown.render(report)
        harmless(told)
    elif form == "json":
        VALIDATOR.validate(json.loads(as_json.render(report)))
        told = json.dumps(json.loads(as_json.render(report)), indent=1) + "\n"
    else:
        told = text.render(report, width=int(form))
        whole = [one for one in told.splitlines() if "git clone" not in one]  # to be copied
        assert max(map(cells, whole)) <= int(form)
    file = GOLDEN / f"{name}.{form}.txt"
    if request.config.getoption("--golden"):
        file.write_text(told, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == told


def test_what_came_of_runs_takes_the_place_of_what_was_planned() -> None:
    told = text.render(CASES["apply"], width=140)
    (line,) = [one for one in told.splitlines() if one.startswith("✗  globex")]
    assert "1 done, 1 failed, 1 held" in line
    assert "2 to run" not in told
    assert "3 to run, 2 held" in told, "what wasn't worked on shows what is due"


def _stopped(name: str, **more: Any) -> str:
    """Return the line of the wave that is stopped, with one member that stands as it is given."""
    held = member(name, 3, more.pop("standing"), Turn.HOLD)
    body = TOLD._replace(members=(held,), **more)
    told = text.render(Report("fleet plan", body=body))
    return next(one for one in told.splitlines() if "is stopped" in one)


def test_a_wave_that_is_stopped_names_who_stops_it() -> None:
    """It may be a member of a later wave, whom the wave's own line doesn't count."""
    waves = (WaveTold(1, 1, {UNSENT: 1}, "0"), WaveTold(2, 39, {STOPPED: 1, UNSENT: 38}, "0"))
    line = _stopped("hooli", standing=STOPPED, waves=waves, wave=1)
    assert line.endswith("1 due; at most 0 may fail; hooli failed")
    line = _stopped("hooli", standing=MemberStanding.DOUBT, waves=waves, wave=1)
    assert line.endswith("; hooli is in doubt")


def test_a_wave_that_a_stricter_file_stops_says_so() -> None:
    waves = (WaveTold(1, 10, {STOPPED: 1, UNSENT: 9}, "10%"),)
    line = _stopped("hooli", standing=STOPPED, waves=waves, wave=1)
    assert (
        "at most 1 (10%) may fail; hooli failed; the waves of the commit before let fewer" in line
    )


def test_what_is_done_is_shown_where_all_is_asked_for() -> None:
    assert "acme" not in text.render(CASES["plan"])
    assert "acme" in text.render(CASES["plan"], verbose=True)


def test_more_members_than_a_screen_holds_are_counted() -> None:
    many = tuple(member(f"m{number}", 1, UNSENT, Turn.RUN, {"run": 1}) for number in range(300))
    body = TOLD._replace(members=many, stopped=False)
    told = text.render(Report("fleet plan", body=body), width=80)
    assert f"… {300 - SHOWN} more (-v: all)" in told
    assert "m299" in text.render(Report("fleet plan", body=body), verbose=True)
    shown = markdown.render(Report("fleet plan", body=body))
    assert "m299" in shown
    assert len(shown) <= SUMMARY_LIMIT


@pytest.mark.fault(14)
@given(HOSTILE, HOSTILE, HOSTILE, st.integers(0, 3))
def test_hostile_words_stay_where_they_are_put(name: str, why: str, where: str, more: int) -> None:
    """Names, reasons and addresses come from other repositories, whoever may write there."""
    shown = tuple(
        one._replace(name=f"{name}{number}", why=why, problem=why, way=why, commit=why)
        for number, one in enumerate(MEMBERS * (more + 1))
    )
    body = TOLD._replace(members=shown, where=where, frozen=why)
    report = Report("fleet plan", body=body)
    for token in (found := harmless(markdown.render(report))):
        assert token.type != "text" or "evil" not in token.content
    rows = [one for one in found if one.type == "tr_open"]
    listed = [one for one in shown if one.turn is not Turn.SKIP or one.worked]
    assert len(rows) == len(WAVES) + 1 + len(listed) + 1
    told = text.render(report, width=80)
    assert not {"\x1b", "\x00", "\u202e", "\u2028"} & {*told}
    VALIDATOR.validate(json.loads(as_json.render(report)))


def test_each_result_of_a_fleet_fits_its_schema() -> None:
    world = World(fleet("a", "c1", "c2"))
    world.reach.ends |= {"c1": FAILED, "c2": DOUBT}
    for report in (world.plan(), world.apply(), world.plan(exit_code=True)):
        VALIDATOR.validate(json.loads(as_json.render(report)))
    broken = failed("fleet status", LockError("fleet.lock can't be read.", reason="fleet_broken"))
    VALIDATOR.validate(json.loads(as_json.render(broken)))


def test_a_report_of_members_escapes_what_they_tell() -> None:
    """A member's program tells of its repository's contents, whoever may write there."""
    odd = "<script>alert(1)</script>\x1b[31m `x`"
    members = (
        MemberReported("acme", odd, odd, {"attempts": 2, "succeeded": 2}, (odd,), (odd,)),
        MemberReported("globex", odd, problem=odd, exit_code=12),
    )
    body = FleetReported("f" * 40, "2026-10-06T09:30:00Z", "", "", members)
    report = Report("fleet report", ExitCode.UNREACHABLE, "members", body=body)
    page = html.fleet_index(body).decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page + text.render(report)
    assert "2 succeeded" in page
    assert "2 members, 1 reported" in text.render(report)
    data = fits(json.loads(as_json.render(report)))
    assert [one["counts"] for one in data["members"]] == [{"attempts": 2, "succeeded": 2}, None]
    fits(json.loads(as_json.render(failed("fleet report", LockError("It can't be read.")))))
    harmless(markdown.render(report))
