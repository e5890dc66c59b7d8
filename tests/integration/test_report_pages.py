"""The report in a browser: search, filters, sorting, a run's page, print, widths, any eyes."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from qflow_gitops.render import html
from qflow_gitops.results.evidence import Evidence, Outcome
from qflow_gitops.results.fleets import FleetReported, MemberReported
from qflow_gitops.results.report import Report
from tests.benchmarks.report import SEARCH
from tests.helpers import browser
from tests.helpers.browser import Window, window
from tests.helpers.evidence import HOSTILE, Maker
from tests.helpers.node import NODE, requires_node
from tests.helpers.partners import nightly, requires

pytestmark = requires_node
WIDTHS = (380, 1400)


def written(evidence: Evidence, folder: Path) -> Path:
    """Write the one file, and beside it the folder; return the one file."""
    report = Report("report", body=evidence)
    file = folder / "evidence.html"
    file.write_text(html.render(report), "utf-8")
    for path, content in html.pages(report):
        page = folder / "pages" / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_bytes(content)
    return file


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.opened() as started:
        yield started


@pytest.fixture
def evidence() -> Evidence:
    return Maker().evidence(240, targets=20)


def attempts(evidence: Evidence) -> list[Any]:
    return [one for run in evidence.runs for one in run.attempts]


def rows(page: Page) -> int:
    return page.locator("#rows_ tr").count()


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"#rows_ tr > :nth-child({number})").all_inner_texts()


def said(page: Page) -> str:
    return page.locator("#count_").inner_text()


def narrowed(page: Page, evidence: Evidence) -> None:
    """Search, filter and sort, and see that what is shown is what was asked for."""
    every = attempts(evidence)
    one = every[7]
    assert said(page) == "240 attempts; the first 100 are shown"
    page.get_by_role("button", name="Show all").click()
    assert rows(page) == 240
    search = page.get_by_role("searchbox", name="Search")
    search.fill(f"{one.key[0].upper()} {one.execution_id[:13]}")
    assert (rows(page), said(page)) == (1, "1 of 240 attempts")
    expect(page.get_by_role("status")).to_have_text("1 of 240 attempts")
    search.fill("no such thing")
    assert (rows(page), said(page)) == (0, "0 of 240 attempts")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#count_")).to_have_text("240 attempts; the first 100 are shown")
    form = page.locator("#find_")
    form.get_by_label("Environment").select_option("staging")
    form.get_by_label("Outcome").select_option("Failed")
    failed = sum(one.outcome is Outcome.FAILED and one.key[0] == "staging" for one in every)
    assert rows(page) == failed > 0
    page.get_by_role("button", name="Clear").click()
    form.get_by_label("Released by hand").check()
    assert rows(page) == sum(bool(one.releases) for one in every) > 0
    form.get_by_label("Released by hand").uncheck()
    form.get_by_label("No approval recorded").check()
    assert rows(page) == sum(not one.approvals for one in every) > 0
    page.get_by_role("button", name="Clear").click()
    form.get_by_label("Begun from").fill("2026-10-01")
    form.get_by_label("to", exact=True).fill("2026-10-31")
    assert rows(page) == sum(one.opened_at[:7] == "2026-10" for one in every) > 0
    page.get_by_role("button", name="Clear").click()


def ordered(page: Page) -> None:
    """Sort by the keyboard: the column says how, and its cells are in order."""
    table = page.locator("table.attempts")
    head = table.get_by_role("columnheader", name="Run", exact=True)
    assert head.get_attribute("aria-sort") is None
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    found = column(page, 3)
    assert found == sorted(found)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, 3) == sorted(column(page, 3), reverse=True)
    table.get_by_role("columnheader", name="No.").get_by_role("button").click()
    expect(page.locator("#attempts_")).to_have_text("Attempts, by no.")
    numbers = [int(one) for one in column(page, 4)]
    assert numbers == sorted(numbers)
    table.get_by_role("columnheader", name="Begun").get_by_role("button").click()
    expect(page.locator("#attempts_")).to_have_text("Attempts, oldest first")


def printed(page: Page, file: Path) -> str:
    """Print, and return the text of it; without a program that reads it only see that it is one."""
    file.write_bytes(page.pdf(format="A4", prefer_css_page_size=True))
    assert file.read_bytes().startswith(b"%PDF-")
    return subprocess.run(
        ["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True
    ).stdout


def in_order(seen: Window) -> None:
    """Nothing went wrong, nothing is wider than the window, and axe-core finds nothing."""
    wide, at_most = seen.widths()
    assert wide <= at_most
    assert seen.violations() == []
    assert seen.troubles == []


@requires("pdftotext")
def test_an_auditor_reads_it(tmp_path: Path, evidence: Evidence) -> None:
    """One browser: what `.ci/run` sees of all that the night looks at."""
    file = written(evidence, tmp_path)
    index = tmp_path / "pages/index.html"
    with browser.opened() as started:
        with window(started) as seen:
            seen.page.goto(index.as_uri())
            narrowed(seen.page, evidence)
            ordered(seen.page)
            text = printed(seen.page, tmp_path / "evidence.pdf")
            assert all(one.ticket in text for one in attempts(evidence))
            in_order(seen)
        with window(started, width=380, dark=True) as seen:
            seen.page.goto(index.as_uri())
            in_order(seen)
            seen.page.locator("#rows_ th a").first.click()
            expect(seen.page.locator("article:target")).to_be_visible()
            in_order(seen)
            seen.page.locator("header a").click()
            expect(seen.page.locator("#rows_")).to_be_visible()
        with window(started, width=380) as seen:
            seen.page.goto(file.as_uri())
            seen.page.locator("#rows_ th a").first.click()
            expect(seen.page.locator("article:target")).to_be_in_viewport()
            wide, at_most = seen.widths()
            assert (wide <= at_most, seen.troubles) == (True, [])


def fits(page: Page) -> bool:
    """Whether the table of attempts is no wider than where it stands."""
    script = "(e => e.scrollWidth <= e.clientWidth)(document.querySelector('.wide:has(.attempts)'))"
    return bool(page.evaluate(script))


def test_a_table_without_tickets_fits_a_window(chromium: Browser, tmp_path: Path) -> None:
    """No column is cut, none that holds nothing takes room, and no word or address is torn."""
    made = Maker().evidence(40)
    runs = tuple(
        run._replace(
            attempts=tuple(
                one._replace(annotations={}, actor="mallory@example.com") for one in run.attempts
            )
        )
        for run in made.runs
    )
    file = written(made._replace(runs=runs), tmp_path)
    with window(chromium, width=1200) as seen:
        seen.page.goto(file.as_uri())
        assert fits(seen.page)
        expect(seen.page.get_by_role("columnheader", name="Ticket")).to_be_hidden()
        sender = seen.page.locator("#rows_ td:nth-child(8)").first
        assert sender.inner_text() == "mallory@example.com"
        lines = """e => {
          const range = document.createRange();
          range.selectNodeContents(e);
          return new Set(Array.from(range.getClientRects(), (box) => box.top)).size;
        }"""
        assert sender.evaluate(lines) == 2


@nightly
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", ["plain", "hostile"])
def test_people_with_any_eyes_and_hands_can_read_it(
    words: str, width: int, dark: bool, chromium: Browser, tmp_path: Path
) -> None:
    """Hostile words run nothing and break nothing, in each page."""
    maker = Maker(lambda text: text + (HOSTILE if words == "hostile" else ""))
    made = maker.evidence(30, targets=4)
    file = written(made, tmp_path)
    runs = sorted((tmp_path / "pages/runs").rglob("*.html"))[:4]
    for one in (file, tmp_path / "pages/index.html", *runs):
        with window(chromium, width=width, dark=dark) as seen:
            seen.page.goto(one.as_uri())
            in_order(seen)
            assert not seen.page.locator("img, iframe, [onerror], [style]").count()


@nightly
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_fleets_index_fits_any_eyes(
    width: int, dark: bool, chromium: Browser, tmp_path: Path
) -> None:
    said = f"Its file asks for something else. {HOSTILE}"
    members = (
        MemberReported("acme", "https://git.example.com/acme/runs.git", "prod", {"attempts": 1}),
        MemberReported("globex", "/srv/git/globex.git", "", {}, (said,), (said,), has_pages=True),
        MemberReported("a-rather-long-name-of-one", "/srv/git/one.git", problem=said, exit_code=12),
    )
    body = FleetReported("f" * 40, "2026-10-06T09:30:00Z", "2026-10-01T00:00:00Z", "", members)
    (page := tmp_path / "index.html").write_bytes(html.fleet_index(body))
    with window(chromium, width=width, dark=dark) as seen:
        seen.page.goto(page.as_uri())
        in_order(seen)
        expect(
            seen.page.locator("p").filter(has_text="2 reported, 1 without a report")
        ).to_be_visible()
        assert seen.troubles == []


@nightly
@pytest.mark.parametrize("width", WIDTHS)
def test_without_a_script_all_of_it_is_there(
    width: int, chromium: Browser, tmp_path: Path, evidence: Evidence
) -> None:
    with window(chromium, width=width, script=False) as seen:
        seen.page.goto(written(evidence, tmp_path).as_uri())
        assert rows(seen.page) == len(attempts(evidence))
        expect(seen.page.locator("#rows_ tr").last).to_be_visible()
        expect(seen.page.locator("#find_")).to_be_hidden()
        expect(seen.page.locator("article").last).to_be_attached()
        assert seen.troubles == []


@nightly
def test_an_address_leads_to_a_row_that_was_not_shown(
    chromium: Browser, tmp_path: Path, evidence: Evidence
) -> None:
    oldest = min(attempts(evidence), key=lambda one: str(one.opened_at))
    address = f"{written(evidence, tmp_path).as_uri()}#{oldest.anchor}"
    with window(chromium) as seen:
        seen.page.goto(address)
        expect(seen.page.locator("tr.here")).to_be_in_viewport()
        seen.page.get_by_role("searchbox").fill("nothing like it")
        assert rows(seen.page) == 0
        seen.page.evaluate("location.hash = ''")
        seen.page.evaluate(f"location.hash = '{oldest.anchor}'")
        expect(seen.page.locator("tr.here")).to_be_in_viewport()


@nightly
def test_the_keyboard_reaches_all_of_it(
    chromium: Browser, tmp_path: Path, evidence: Evidence
) -> None:
    """The first key skips to the table, and what has the focus is seen."""
    with window(chromium) as seen:
        seen.page.goto(written(evidence, tmp_path).as_uri())
        seen.page.keyboard.press("Tab")
        expect(seen.page.get_by_role("link", name="Skip to the table")).to_be_in_viewport()
        seen.page.keyboard.press("Enter")
        seen.page.keyboard.press("Tab")
        expect(seen.page.get_by_role("searchbox")).to_be_focused()
        shown = "getComputedStyle(document.activeElement).outlineStyle"
        assert seen.page.evaluate(shown) == "solid"


@nightly
@requires("pdftotext")
def test_each_printed_page_of_the_table_has_its_heads(
    chromium: Browser, tmp_path: Path, evidence: Evidence
) -> None:
    written(evidence, tmp_path)
    with window(chromium) as seen:
        seen.page.goto((tmp_path / "pages/index.html").as_uri())
        text = printed(seen.page, tmp_path / "evidence.pdf")
        assert rows(seen.page) == 100  # as before
    pages = [one for one in text.split("\f") if re.search(r"rollout-\d+/account|#\d{1,4}", one)]
    assert len(pages) > 6
    for one in pages[-5:]:
        assert "Execution" in one
        assert "Ticket" in one


@nightly
def test_ten_thousand_attempts_are_searched_at_once(chromium: Browser, tmp_path: Path) -> None:
    """A search is answered, and laid out, within 100 ms: the best of several, on shared cores."""
    made = Maker().evidence(10_000)
    begun = time.process_time()
    page = html.render(Report("report", body=made))
    took = time.process_time() - begun
    file = tmp_path / "evidence.html"
    file.write_text(page, "utf-8")
    assert file.stat().st_size <= 6_000_000
    assert took < 5
    with window(chromium) as seen:
        seen.page.goto(file.as_uri())
        for words in ("ada", "prod encrypt", "nothing like it", "e"):
            assert min(seen.page.evaluate(SEARCH, words) for _ in range(5)) < 100, words
        assert seen.troubles == []


@nightly
@requires("java")
@pytest.mark.parametrize("words", ["plain", "hostile"])
def test_the_nu_checker_finds_no_fault(words: str, tmp_path: Path) -> None:
    """The W3C's own: markup, roles, styles and the picture."""
    maker = Maker(lambda text: text + (HOSTILE if words == "hostile" else ""))
    made = maker.evidence(60, targets=5)
    file = written(made, tmp_path)
    files = [file, tmp_path / "pages/index.html", *(tmp_path / "pages/runs").rglob("*.html")]
    jar = NODE / "vnu-jar/build/dist/vnu.jar"
    done = subprocess.run(["java", "-jar", jar, *files], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
