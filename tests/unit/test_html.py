"""The report's pages: what they say, that they are whole whatever the words, and their size."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from qflow_gitops.base.printable import shown
from qflow_gitops.errors import ExitCode, UsageProblem
from qflow_gitops.lockfile.states import State
from qflow_gitops.render import html
from qflow_gitops.render.html_places import page_of
from qflow_gitops.render.html_timeline import drawn
from qflow_gitops.render.html_words import KINDS, MARKS, SIGNS, TITLES
from qflow_gitops.results.evidence import (
    AttemptEvidence,
    Compared,
    Evidence,
    Kind,
    Outcome,
    RunEvidence,
)
from qflow_gitops.results.pages import file_page, pull_page
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.results.report import Report, failed
from tests.helpers.evidence import HOSTILE, Maker

SMALL = Maker().evidence(40, targets=5)
AT = "2026-10-03T14:05:33Z"
BARE = Evidence(LockSeen("qflow.lock", exists=True), (), "2026-11-20T08:00:00Z", "1.0.0")


def reported(evidence: Evidence) -> Report:
    return replace(Report("report"), body=evidence)


def one_file(evidence: Evidence) -> str:
    return html.render(reported(evidence))


def read(page: str) -> LexborHTMLParser:
    return LexborHTMLParser(page)


def texts(page: str, of: str) -> list[str]:
    return [one.text().strip() for one in read(page).css(of)]


def of_one(**facts: Any) -> Evidence:
    """Evidence of one attempt of which nothing else is known."""
    attempt = AttemptEvidence(
        ("prod", "a"), 1, State.SUCCEEDED, Outcome.SUCCEEDED, "a-1", "", "", **facts
    )
    return BARE._replace(runs=(RunEvidence(("prod", "a"), (attempt,)),))


# --- what it says ------------------------------------------------------------------------


def test_every_word_has_its_own_sign_and_class() -> None:
    for words in (MARKS, SIGNS, TITLES):
        assert set(words) == set(Outcome)
        assert len(set(words.values())) == len(Outcome)
    assert set(KINDS) == set(Kind)


def test_the_style_sheet_says_the_same_signs_as_the_picture() -> None:
    style = str(html._frame()["style"])
    for outcome in Outcome:
        assert f'.{MARKS[outcome]}::before {{ content: "{SIGNS[outcome]}"' in style, outcome


def test_the_counts_are_those_of_the_attempts() -> None:
    every = [one for run in SMALL.runs for one in run.attempts]
    page = read(one_file(SMALL))
    total = page.css_first("table.counts tfoot")
    assert total is not None
    heads = [one.text().strip() for one in page.css("table.counts thead th")][1:-1]
    numbers = [int(one.text()) for one in total.css("td")]
    counts = Counter(TITLES[one.outcome] for one in every)
    assert dict(zip(heads, numbers, strict=False)) == counts
    assert numbers[-1] == len(every) == len(page.css("#rows_ tr"))


def test_what_is_not_known_is_called_unknown() -> None:
    page = one_file(of_one(request_unknown="The commit isn't in this clone."))
    (row,) = read(page).css("#rows_ tr")
    cells = [one.text() for one in row.css("th, td")]
    assert cells == ["unknown", "prod", "a", "1", "Succeeded", "unknown", "none", "unknown", "", "",
                     "unknown", ""]  # fmt: skip
    told = read(page).css_first("article")
    assert told is not None
    facts = {
        one.css_first("dt").text(): one.css_first("dd").text()  # type: ignore[union-attr]
        for one in told.css("dl div")
    }
    assert {facts[name] for name in ("Begun", "Asked for by", "Sent by", "Commit", "Tool")} == {
        "unknown"
    }
    assert facts["Approved by"] == "no approval is recorded"
    assert facts["Ticket"] == facts["Execution"] == "none is recorded"
    assert "The commit isn't in this clone." in told.text()


def test_what_was_not_compared_is_said() -> None:
    assert "were not compared" in one_file(BARE)
    looked = one_file(BARE._replace(compared=Compared(commits=3)))
    assert "No difference was found" in looked
    assert "wasn't asked" in looked
    limit = Compared(limits=("Qualys shows 30 days only.",))
    assert "Qualys shows 30 days only." in texts(one_file(BARE._replace(compared=limit)), "li")


def test_open_doubts_come_first() -> None:
    table = read(one_file(Maker().evidence(900))).css_first("[aria-labelledby=doubts_]")
    assert table is not None
    settled = [one.css("td")[1].text() for one in table.css("tbody tr")]
    is_open = [words == "still open" for words in settled]
    assert is_open == sorted(is_open, reverse=True)
    assert 0 < sum(is_open) < len(is_open)


def test_each_attempt_in_full_is_where_its_row_leads() -> None:
    page = read(one_file(SMALL))
    ids = [one.attributes["id"] for one in page.css("[id]")]
    assert len(ids) == len(set(ids))
    leads = [one.attributes["href"] for one in page.css("#rows_ th a")]
    assert {f"#{one}" for one in ids} >= set(leads)
    assert len(leads) == 40
    named = [str(one.attributes["aria-labelledby"]) for one in page.css("[aria-labelledby]")]
    assert set(" ".join(named).split()) <= set(ids)


def test_a_folder_has_a_page_for_each_run_and_no_dead_link() -> None:
    made = dict(html.pages(reported(SMALL)))
    assert len(made) == 1 + len(SMALL.runs)
    index = read(made["index.html"].decode())
    for link in index.css("#rows_ th a"):
        path, _, anchor = str(link.attributes["href"]).partition("#")
        page = read(made[path].decode())
        assert page.css_first(f"article[id='{anchor}']") is not None
        back = page.css_first("header a")
        assert back is not None
        assert back.attributes["href"] == "../" * path.count("/") + "index.html"
    assert not index.css("article")


def test_a_command_that_stopped_says_so() -> None:
    page = html.render(failed("report", UsageProblem("There is <no> such run.", hint="Look.")))
    assert texts(page, "p") == ["There is <no> such run.", "Look."]
    assert not list(html.pages(Report("report", ExitCode.USAGE)))


# --- safety ------------------------------------------------------------------------------


def skeleton(page: str) -> list[tuple[str, str]]:
    """The elements of a page as a browser reads them, with the names of their attributes.

    A bare `wbr`, where a line may end in an address, is the text's own.
    """

    def walk(node: LexborNode | None) -> list[tuple[str, str]]:
        if node is None:
            return []
        if node.tag == "wbr" and not node.attributes:
            return []
        found = [(str(node.tag), " ".join(sorted(node.attributes)))]
        for child in node.iter():
            found += walk(child)
        return found

    return walk(read(page).root)


def same_shape(said: Callable[[str], str]) -> None:
    plain, odd = Maker().evidence(8, targets=2), Maker(said).evidence(8, targets=2)
    assert skeleton(one_file(odd)) == skeleton(one_file(plain))
    pages = [[skeleton(one.decode()) for _, one in html.pages(reported(e))] for e in (plain, odd)]
    assert sorted(pages[0]) == sorted(pages[1])


def test_hostile_words_stay_words() -> None:
    same_shape(lambda text: text + HOSTILE)
    page = one_file(Maker(lambda text: text + HOSTILE).evidence(8, targets=2))
    assert "\u202e" not in page
    assert [one for one in texts(page, "#rows_ th") if one.endswith(shown(HOSTILE))]


def test_half_a_character_stays_a_word() -> None:
    """No page of a code host shows a file of such a name: there is no link to it."""
    made = Maker(lambda text: text + "\ud800").evidence(8, targets=2)
    page = one_file(made)
    assert "close-ports-1\\ud800" in page
    assert f"{made.pages}/blob/" not in page
    assert all(content.decode() for _, content in html.pages(reported(made)))


def test_bytes_that_are_no_text_still_name_a_file() -> None:
    assert file_page("https://h/a/b", "c0", "runs/\udcff.yaml") == (
        "https://h/a/b/blob/c0/runs/%FF.yaml"
    )


@settings(max_examples=10, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_words_stay_words(some: str) -> None:
    same_shape(lambda text: text + some)


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "http://example.com", "https://a b", "https://x\u202e",
     "data:text/html,x", "https://x\"onclick=\"y", "//example.com", ""],
)  # fmt: skip
def test_no_other_address_becomes_a_link(address: str) -> None:
    page = read(one_file(of_one(ci_run=address)._replace(pages=address)))
    found = [str(one.attributes["href"]) for one in page.css("a")]
    assert all(one.startswith("#") for one in found) or address.startswith('https://x"')
    assert not [one for one in page.css("*") if "onclick" in one.attributes]


def test_only_its_own_script_and_styles_may_run() -> None:
    for page in (one_file(SMALL), *(one.decode() for _, one in html.pages(reported(SMALL)))):
        found = read(page)
        policy = found.css_first("meta[http-equiv]")
        assert policy is not None
        said = str(policy.attributes["content"])
        assert said.startswith("default-src 'none'; ")
        for tag in ("style", "script"):
            hashes = re.findall(rf"{tag}-src ('sha256-[^']+')", said)
            inside = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
            taken = [b64encode(sha256(one.encode()).digest()).decode() for one in inside]
            assert [f"'sha256-{one}'" for one in taken] == hashes
        assert not found.css("link, iframe, object, embed, img, base, [style], [src]")
        assert "url(" not in page.replace("url(#", "")


def test_paths_of_pages_lead_nowhere_else() -> None:
    odd = ["..", ".", "a/../../b", "", "A", "x" * 300, "con\x00", "a b", "ä", "-x", "/etc"]
    paths = [page_of(("prod", name)) for name in (*odd, "a", "a/b", "a.b", "a-b")]
    assert len({one.lower() for one in paths}) == len(paths)
    for path in paths:
        assert re.fullmatch(r"runs(/[a-z0-9_][a-z0-9.-]*)+\.html", path), path
        assert not {"..", "."} & set(path.split("/"))


def test_gitlabs_requests_have_their_own_address() -> None:
    assert pull_page("https://git.example/a/b/-", 7).endswith("/-/merge_requests/7")
    assert pull_page("https://github.com/a/b", 7).endswith("/pull/7")
    assert pull_page("", 7) == pull_page("https://github.com/a/b", None) == ""


# --- the picture -------------------------------------------------------------------------


def test_the_picture_counts_every_attempt_once() -> None:
    picture = drawn(SMALL)
    assert picture is not None
    told = Counter[Outcome]()
    for one in picture.counted:
        told.update(one.counts)
    assert told == Counter(one.outcome for run in SMALL.runs for one in run.attempts)
    totals = [lane.total for lane in picture.lanes if not lane.is_band]
    assert sum(map(int, totals)) == 40


@pytest.mark.parametrize(
    "times",
    [[AT], [AT] * 3, ["1970-01-01T00:00:00Z"] * 2, [AT, "2026-10-03T14:06:00Z"],
     ["2020-02-29T00:00:00Z", AT], ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
     ["", "no time", AT]],
)  # fmt: skip
def test_any_times_are_drawn_inside_of_it(times: list[str]) -> None:
    made = of_one().runs[0].attempts[0]
    attempts = tuple(
        made._replace(opened_at=at, number=place, anchor=f"a-{place}")
        for place, at in enumerate(times)
    )
    evidence = BARE._replace(runs=(RunEvidence(("prod", "a"), attempts, group=("prod", "a")),))
    picture = drawn(evidence)
    assert picture is not None
    boxes = [box for lane in picture.lanes for box in lane.boxes]
    assert boxes
    assert all(one.x >= 188 and one.x + one.width <= 908 and one.width > 0 for one in boxes)
    assert all(0 <= one.y <= one.y + one.height <= picture.height for one in boxes)
    assert one_file(evidence)


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawn(BARE) is None
    assert "No attempt is in this time." in one_file(BARE)


def test_many_environments_and_rollouts_are_left_out_aloud() -> None:
    made = of_one().runs[0].attempts[0]
    runs = []
    for number in range(15):
        for run in range(10 if number == 0 else 1):
            key = (f"e{number}", f"r{run}/t")
            one = made._replace(key=key, opened_at=AT, anchor=f"a-{number}-{run}")
            runs.append(RunEvidence(key, (one,), group=(key[0], f"r{run}")))
    picture = drawn(BARE._replace(runs=tuple(runs)))
    assert picture is not None
    assert picture.left_out == "of e0 2 more rollouts; 3 more environments"


# --- size --------------------------------------------------------------------------------


def test_a_file_that_is_sent_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts are told in full as far as they fit: first those that somebody will look at."""
    evidence = Maker().evidence(300)
    monkeypatch.setattr(html, "LIMIT", 400_000)
    page = one_file(evidence)
    assert 350_000 < len(page.encode()) <= 400_000
    told = texts(page, "article h3 .mark")
    assert 10 < len(told) < 300
    every = [one for run in evidence.runs for one in run.attempts]
    failed = sum(one.outcome is Outcome.FAILED for one in every)
    assert told.count("Failed") == failed
    assert "makes a page for each run" in page
    assert len(read(page).css("#rows_ tr")) == 300
