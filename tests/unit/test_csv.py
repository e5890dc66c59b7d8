"""The evidence as CSV: what a reader of it gets, and what no spreadsheet runs."""

import csv
import io
from typing import Any

import pytest

from qflow_gitops.lockfile.states import State
from qflow_gitops.render.csv import MARK, cell, render
from qflow_gitops.results.evidence import (
    AttemptEvidence,
    Compared,
    DifferenceTold,
    Evidence,
    Kind,
    Outcome,
    ReleaseTold,
    RunEvidence,
)
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import CommitTold

KEY = ("prod", "a")
NOTHING = Compared()
BEGINNINGS = (
    "=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20",
)  # fmt: skip
AT = "2026-10-06T12:00:00Z"


def attempt(**more: Any) -> AttemptEvidence:
    known: dict[str, Any] = {
        "key": KEY, "number": 1, "state": State.SUCCEEDED, "outcome": Outcome.SUCCEEDED,
        "anchor": "a-1", "opened_at": AT, "changed_at": AT,
    }  # fmt: skip
    return AttemptEvidence(**{**known, **more})


def evidence(*attempts: AttemptEvidence, compared: Compared = NOTHING) -> Report:
    run = RunEvidence(KEY, attempts)
    body = Evidence(LockSeen("here", True), (run,), AT, "0.1.0", compared=compared)
    return Report("report", body=body)


def rows(*attempts: AttemptEvidence, compared: Compared = NOTHING) -> list[dict[str, str]]:
    text = render(evidence(*attempts, compared=compared))
    assert text.startswith(MARK)
    assert "\n" not in text.replace("\r\n", "")
    return list(csv.DictReader(io.StringIO(text.removeprefix(MARK), newline=""), strict=True))


def test_each_attempt_is_a_row_that_a_reader_gets_back() -> None:
    hostile = 'a "quoted", text; with\nlines\r\nand, commas'
    told = attempt(
        status=hostile,
        commit=CommitTold("c" * 40, "Ada, Countess", AT, 'Say "yes"'),
        releases=(ReleaseTold("window", 2, "bob", "it burns", AT),),
        annotations={"ticket": "CHG0012345"},
        pull_request=12,
    )
    (first, second) = rows(told, attempt(number=2, state=State.FAILED, outcome=Outcome.FAILED))
    assert first["qualys_says"] == r'a "quoted", text; with\nlines\r\nand, commas'
    assert (first["asked_by"], first["subject"]) == ("Ada, Countess", 'Say "yes"')
    assert first["released"] == "window by bob: it burns"
    assert (first["ticket"], first["pull_request"]) == ("CHG0012345", "12")
    assert (first["opened_utc"], first["attempt"]) == ("2026-10-06 12:00:00", "1")
    assert second["outcome"] == "failed"


@pytest.mark.parametrize("begin", BEGINNINGS)
@pytest.mark.parametrize("before", ["", " ", "\u00a0", "\t"])
def test_no_cell_is_a_formula(begin: str, before: str) -> None:
    """A spreadsheet takes what begins so for one, or for what starts another program."""
    formula = f'{before}{begin}1+HYPERLINK("https://evil.example")'
    found = cell(formula)
    assert not found.lstrip().startswith(BEGINNINGS)
    (row,) = rows(attempt(status=formula, file=formula, actor=formula, key=("prod", formula)))
    assert [row[name] for name in ("qualys_says", "file", "sent_by", "run")] == [found] * 4


@pytest.mark.parametrize("begin", BEGINNINGS)
@pytest.mark.parametrize("before", ["", " ", '"', ' "', ";"])
def test_nothing_behind_a_semicolon_is_a_formula(begin: str, before: str) -> None:
    """Where lists are separated by semicolons, a row is taken apart there, quotes or not."""
    told = attempt(
        status=f"x;{before}{begin}1+1;y", annotations={"a": "b", f"{begin}1": f"{before}{begin}1"}
    )
    for piece in render(evidence(told)).split(";"):
        assert not piece.lstrip(' "').startswith(BEGINNINGS), piece


@pytest.mark.parametrize("text", ["a;b", "a; b", "a;", "; '", "1;2"])
def test_another_semicolon_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize("text", ["12", "CHG1", "2026-10-06 12:00:00", "a=b", "a-b", ""])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_no_cell_is_longer_than_a_spreadsheet_takes() -> None:
    assert len(cell("x" * 100_000)) == 32_000


def test_what_differs_stands_in_the_row_of_its_attempt() -> None:
    compared = Compared(
        (
            DifferenceTold(Kind.UNAPPROVED, "x", *KEY, 1),
            DifferenceTold(Kind.NOT_SHOWN, "x", *KEY, 1),
            DifferenceTold(Kind.NEVER_SENT, "x", "prod", "b"),
        )
    )
    first, second = rows(attempt(), attempt(number=2), compared=compared)
    assert (first["differences"], second["differences"]) == ("unapproved, not_shown", "")


def test_without_evidence_only_the_columns_are_named() -> None:
    assert render(Report("report")).count("\r\n") == 1
