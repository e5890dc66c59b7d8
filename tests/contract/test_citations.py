"""What is cited is in this repository: each section of `docs/api.md`, each page it names."""

import re
from pathlib import Path

import pytest

from tests.picture import ROOT

API, TICKETS = ROOT / "docs/api.md", ROOT / "docs/tickets.md"
FILES = sorted(
    one
    for folder, kinds in {
        "qflow_gitops": ("py",), "tests": ("py",), "schemas": ("json",),
        "docs": ("md",), ".github": ("md", "yml"), ".": ("README.md", "pyproject.toml"),
    }.items()
    for kind in kinds
    for one in (ROOT / folder).glob(kind if folder == "." else f"**/*.{kind}")
    if not {"node_modules", ".venv"}.intersection(one.parts)
)  # fmt: skip
ELSEWHERE = re.compile(r"qflow-api|\bhardening\b|\bDESIGN\b|\bfaults\.md\b")
CITED = re.compile(r"docs/api\.md`?((?:(?:,| and| to)?\s(?:# )?\s*[0-9]+(?:\.[0-9]+)?\b)+)")
PAGES = re.compile(r"\[D(?:\s#)?\s+([A-Z0-9]+(?:, [A-Z0-9]+)*)\]")


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    return {one: one.read_text(encoding="utf-8") for one in FILES}


def test_what_lies_elsewhere_is_not_cited(texts: dict[Path, str]) -> None:
    found = {one.relative_to(ROOT): ELSEWHERE.findall(text) for one, text in texts.items()}
    del found[Path(__file__).relative_to(ROOT)]
    assert {one: words for one, words in found.items() if words} == {}


def test_each_section_that_is_cited_is_there(texts: dict[Path, str]) -> None:
    there = set(re.findall(r"^##+ ([0-9.]+[0-9]|[0-9]+)\b", texts[API], re.MULTILINE))
    cited = {
        number
        for text in texts.values()
        for numbers in CITED.findall(text)
        for number in re.findall(r"[0-9]+(?:\.[0-9]+)?", numbers)
    }
    assert len(cited) > 20
    assert cited - there == set()


def test_each_section_about_tickets_that_is_cited_is_there(texts: dict[Path, str]) -> None:
    there = set(re.findall(r"^##+ ([0-9.]+[0-9]|[0-9])", texts[TICKETS], re.MULTILINE))
    cites = re.compile(
        r"(?:docs/tickets\.md |[(])([1-3](?:\.[0-9])?(?:, [1-3]\.[0-9])*)(?:[)]| \[)"
    )
    rooms = [one for one in texts if one.match("qflow_gitops/tickets/*.py")]
    cited = {
        number
        for one in rooms
        for numbers in cites.findall(texts[one])
        for number in numbers.split(", ")
    }
    assert len(cited) > 6
    assert cited - there == set()


def test_each_page_that_a_grade_names_has_an_address(texts: dict[Path, str]) -> None:
    rows = re.findall(r"^\| ([A-Z0-9, ]+) \| `", texts[API], re.MULTILINE)
    there = {name for row in rows for name in row.split(", ")}
    named = {
        name for text in texts.values() for names in PAGES.findall(text)
        for name in names.split(", ")
    }  # fmt: skip
    assert len(named) > 15
    assert named - there == set()


def test_the_sections_of_the_api_refer_to_each_other(texts: dict[Path, str]) -> None:
    """Their own citations are a number in brackets: `(1.9)`."""
    there = set(re.findall(r"^##+ ([0-9.]+[0-9]|[0-9]+)\b", texts[API], re.MULTILINE))
    numbers = re.findall(r"\(([0-9]{1,2}(?:\.[0-9]{1,2})?(?:, [0-9.]+)*)\)", texts[API])
    assert numbers
    assert {one for each in numbers for one in each.split(", ")} - there == set()
