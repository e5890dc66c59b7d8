"""Lines on a terminal: nothing is lost, no word and no command is broken, tables fit."""

import re
from dataclasses import replace

import click
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.cli.painting import painted
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Plan
from qflow_gitops.render.escape import cells
from qflow_gitops.render.layout import Fixed, Table, laid_out
from qflow_gitops.render.marks import Mark, Marked, pieces, with_ids
from qflow_gitops.render.signs import of_state
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


GREEN, RED, GREY = "\x1b[32m", "\x1b[31m", "\x1b[90m"


def test_each_meaning_has_a_colour_and_the_text_stays() -> None:
    for mark in Mark:
        shown = painted(Marked("a ", mark("words"), " b"))
        assert "\x1b[" in shown
        assert click.unstyle(shown) == "a words b"
    assert painted("  + as it was typed") == "  + as it was typed"


def test_what_is_held_is_in_no_colour_of_what_starts() -> None:
    assert painted(Mark.HELD("x")).startswith(RED)
    assert painted(Mark.QUIET("x")).startswith(GREY)
    starts = {painted(mark("x")) for mark in (Mark.ADDED, Mark.MODIFIED, Mark.AGAIN)}
    assert starts.isdisjoint({painted(Mark.HELD("x")), painted(Mark.QUIET("x"))})


def test_states_of_one_kind_have_one_colour() -> None:
    for state in State:
        assert of_state(state) in Mark
    assert of_state(State.FAILED) is of_state(State.REFUSED) is Mark.FAILED
    assert of_state(State.SUCCEEDED) is Mark.DONE
    assert of_state(State.IN_DOUBT) is Mark.DOUBT
    assert of_state(None) is Mark.QUIET


@given(WORDS, st.integers(20, 140))
def test_a_line_that_is_wrapped_keeps_its_marks(words: list[str], width: int) -> None:
    line = Marked("  ", Mark.HELD("! prod/a"), "  ", Mark.HINT(" ".join(words)), " and more")
    parts = list(laid_out(line, width))
    assert parts == list(laid_out(str(line), width))
    for mark, meant in ((Mark.HELD, "! prod/a"), (Mark.HINT, " ".join(words))):
        told = [text for each in parts for text, its in pieces(each) if its is mark]
        assert " ".join(told).split() == meant.split()
    assert [click.unstyle(painted(each)) for each in parts] == parts


DIGEST = f"v1:sha256:{'0d4ff63b' * 8}"


def test_an_id_is_short_on_a_narrow_screen_alone() -> None:
    line = with_ids(f"  failed as {EXECUTION}: `show {EXECUTION}`", EXECUTION, "")
    assert list(laid_out(line, 80)) == [f"  failed as ed7079fb: `show {EXECUTION}`"]
    for width in (0, 120, 140):
        assert list(laid_out(line, width)) == [str(line)]
    assert list(laid_out(Mark.ID(DIGEST), 119)) == ["v1:sha256:0d4ff63b"]
    for odd in ("exec-1", "17", "0d4ff63b" * 8, "ocid1.instance.oc1..aaaa"):
        assert list(laid_out(Mark.ID(odd), 80)) == [odd]
    table = Table(("RUN", "EXECUTION"), [("prod/a", Mark.ID(EXECUTION))])
    assert list(laid_out(table, 80))[1] == "prod/a  ed7079fb"
    assert list(laid_out(table, 120))[1] == f"prod/a  {EXECUTION}"
    assert painted(list(laid_out(table, 80))[1]) == f"prod/a  {GREY}ed7079fb\x1b[0m"


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
