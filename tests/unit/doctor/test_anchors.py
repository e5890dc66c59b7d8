"""What a doctor says of anchors by values alone; the rest is in test_doctor_anchors.py."""

from datetime import UTC, datetime, timedelta

import pytest

from qflow_gitops.base.times import stamp
from qflow_gitops.doctor import anchors
from qflow_gitops.lockfile.anchors import Anchor
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.checks import Verdict

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def ago(days: float) -> str:
    return stamp(NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("spans", "verdict", "words"),
    [
        ([(-9, 400)], Verdict.OK, f"valid until {ago(-400)}, for 400 days more"),
        ([(-9, 29)], Verdict.WARNING, "for 29 days more"),
        ([(-9, 1)], Verdict.WARNING, "for 24 hours more"),
        ([(-900, -90), (-90, 300), (-9, 29)], Verdict.OK, "for 300 days more"),
        ([(-900, -90), (-800, -2)], Verdict.FAILED, f"over since {ago(2)}"),
        ([(-900, -90), (2, 900)], Verdict.FAILED, f"not valid before {ago(-2)}"),
    ],
)
def test_until_when_a_certificate_is_valid(
    spans: list[tuple[int, int]], verdict: Verdict, words: str
) -> None:
    times = [(NOW + timedelta(days=begin), NOW + timedelta(days=end)) for begin, end in spans]
    found = anchors.certificate(anchors.Certificates("tsa.pem", times), NOW)
    assert (found.verdict, bool(found.hint)) == (verdict, verdict is not Verdict.OK)
    assert found.found.startswith("tsa.pem: ")
    assert words in found.found


def anchor(days: float) -> Anchor:
    return Anchor("1" * 40, 1, "1" * 32, "v1:sha256:" + "0" * 64, ago(days))


def recorded(*days: float) -> Lockfile:
    events = tuple(Event(ago(each), State.INTENT) for each in days)
    runs = {"a": (Attempt(1, State.INTENT, "d", events),)} if events else {}
    return Lockfile("1" * 32, 1, {"prod": EnvironmentRecord(runs=runs)})


@pytest.mark.parametrize(
    ("anchored", "at", "verdict", "words"),
    [
        ((), (), Verdict.OK, "none yet; nothing was recorded yet"),
        ((), (7,), Verdict.OK, f"none yet; what was recorded since {ago(7)} has none"),
        ((), (9, 1), Verdict.WARNING, f"none yet; what was recorded since {ago(9)} has none"),
        ((60,), (61,), Verdict.OK, f"0.json of {ago(60)}; nothing was recorded since"),
        ((60,), (61, 2), Verdict.OK, f"0.json of {ago(60)}; what was recorded since {ago(2)}"),
        ((60, 8), (61, 9, 2), Verdict.OK, f"1.json of {ago(8)}; what was recorded since {ago(2)}"),
        ((60, 20), (61, 9, 2), Verdict.WARNING, f"of {ago(20)}; what was recorded since {ago(9)}"),
    ],
)
def test_how_long_something_has_no_anchor(
    anchored: tuple[int, ...], at: tuple[int, ...], verdict: Verdict, words: str
) -> None:
    kept = {f"{number}.json": anchor(days) for number, days in enumerate(anchored)}
    found = anchors.newest(kept, recorded(*at), NOW, possible=True)
    assert (found.verdict, bool(found.hint)) == (verdict, verdict is Verdict.WARNING)
    assert words in found.found
    assert anchors.newest(kept, recorded(*at), NOW, possible=False).verdict is Verdict.OK


def test_a_freeze_and_an_event_of_a_run_are_recorded_as_well() -> None:
    event = LedgerEvent(ago(9), "frozen")
    environments = (EnvironmentRecord(events={"a": (event,)}), EnvironmentRecord(notes=(event,)))
    for lockfile in (
        Lockfile("1" * 32, notes=(event,)),
        Lockfile("1" * 32, places=(event,)),
        *(Lockfile("1" * 32, environments={"prod": each}) for each in environments),
    ):
        assert anchors.newest({}, lockfile, NOW, possible=True).verdict is Verdict.WARNING
