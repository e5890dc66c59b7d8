"""Lines on a terminal: nothing is lost, no word and no command is broken, tables fit."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.cli.painting import Painter
from qflow_gitops.plan.change import Plan
from qflow_gitops.render.escape import cells
from qflow_gitops.render.layout import Fixed, Table, laid_out
from qflow_gitops.render.text import render
from qflow_gitops.results.applies import Applied
from qflow_gitops.results.plans import LockSeen, Planned
from qflow_gitops.results.report import Report

WORDS = st.lists(
    st.one_of(
        st.from_regex(r"[a-z0-9/:.,→✗é漢-]{1,30}", fullmatch=True),
        st.from_regex(r"`[a-z -]{1,40}`[,.]?", fullmatch=True),
    ),
    min_size=1,
    max_size=30,
)
EXECUTION = "ed7079fb-559b-4f55-bfbd-eb3f24c25346"


@given(WORDS, st.sampled_from(["", "  ", "  ! ", "      → ", "    · "]), st.integers(20, 140))
def test_a_line_is_wrapped_between_words(words: list[str], begin: str, width: int) -> None:
    line = begin + " ".join(words)
    parts = list(laid_out(line, width))
    assert " ".join(part.strip() for part in parts).split() == line.split()
    for word in words:
        assert any(word in part for part in parts), (word, parts)
    for part in parts:
        assert cells(part) <= width or len(part.split("`")[0].split()) <= 1 or "`" in part
    assert list(laid_out(line, 0)) == [line]
    assert list(laid_out(Fixed(line), width)) == [line]


def test_what_goes_on_hangs_below_its_sign() -> None:
    line = "      → `qflow-gitops reconcile -e prod` looks it up, and says what it found there"
    first, second = laid_out(line, 60)
    assert first.startswith("      → `")
    assert re.match(r" {8}\S", second)


TITLES = ("RUN", "STATE", "QUALYS SAYS", "SINCE", "CONNECTOR", "SPEC", "EXECUTION")
ROW = ("prod/encrypt", "failed", "Failed", "2026-11-29T05:55:07Z")
LONG = "payments (ocid1.tenancy.oc1..aaaaaaaaz7yhqkd3f4cbmvxkrn2q5wzjg6nvqbxy)"


def test_a_table_fits_its_screen() -> None:
    """What doesn't is told below, by its name; an OCID is cut in its middle."""
    table = Table(TITLES, [(*ROW, LONG, "", EXECUTION), (*ROW, "", "removed", "")])
    for width in (80, 100, 140):
        parts = list(laid_out(table, width))
        assert all(cells(part) <= width for part in parts), parts
        assert any(EXECUTION in part for part in parts)
        assert any(part.rstrip().endswith("removed") for part in parts)
        assert any("payments (o…" in part for part in parts)
    assert any(part == f"    execution {EXECUTION}" for part in laid_out(table, 80))
    title, *_ = laid_out(table, 0)
    assert title.split("  ")[0] == "RUN"
    assert LONG in "".join(laid_out(table, 0))


def test_a_column_without_a_value_isnt_shown() -> None:
    assert list(laid_out(Table(("RUN", "SPEC"), [("a", ""), ("b", "")]), 0)) == ["RUN", "a", "b"]
    assert list(laid_out(Table(("RUN",), []), 80)) == []


def test_every_column_has_a_name() -> None:
    assert all(TITLES)


GREEN = "\x1b[32m"


def test_what_is_held_is_in_no_colour_of_what_starts() -> None:
    paint = Painter(colour=True)
    start = [paint(line, line) for line in ("To start (1)", "  + prod/a  added", "  ~ prod/b")]
    assert all(GREEN in line for line in start[1:])
    held = ("Held (2)", "  ! 2 runs  limit", "    + prod/a", "    ~ prod/b", "      + /input/x")
    painted = [paint(line, line) for line in held]
    assert not any(GREEN in line for line in painted)
    assert "\x1b[33m" in painted[1]
    assert GREEN in [paint(line, line) for line in ("To start (1)", "  + prod/c")][1]
    assert Painter(colour=False)("  + a", "  + a") == "  + a"


def test_a_line_that_is_wrapped_has_one_colour() -> None:
    paint = Painter(colour=True)
    line = "  ! prod/a  limit: " + "words " * 30
    assert all("\x1b[33m" in paint(line, part) for part in laid_out(line, 60))


def test_what_was_saved_to_a_file_is_no_page_of_a_screen() -> None:
    """In a log it is: a CI's files are gone when it ends."""
    lock = LockSeen("qflow.lock on branch qflow-lock of origin", exists=True)
    planned = Planned(Plan((), {"prod": "US1"}), "c" * 40, "", full=True, lock=lock)
    lines = '{"rescueVersion": 1}\n' * 50
    body = Applied(planned, "prod", "US1", rescued="/runs/qflow.lock.rescue", rescued_lines=lines)
    report = Report("apply", body=body)
    assert "rescueVersion" in render(report)
    assert "rescueVersion" not in render(report, width=80)
    assert render(report, width=80).endswith("  → `qflow-gitops lock push`\n")
    lost = Report("apply", body=replace(body, rescued="not to a file (No space left), only here"))
    assert render(lost, width=80).count("rescueVersion") == 50
