"""No link of what people read is dead: on a code host, where files are shown as they are committed,
and on the site that is built of them.
"""

import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import cmarkgfm
import pytest

from tests.helpers.sites import built
from tests.picture import ROOT


def _files() -> frozenset[str]:
    """What is, or will be, committed."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return frozenset(one for one in listed.split("\0") if (ROOT / one).is_file())


FILES = _files()
PAGES = sorted(one for one in FILES if one.endswith(".md") and not one.startswith("tests/"))


class Page(NamedTuple):
    """Where a page leads to, and what can be led to in it."""

    links: tuple[str, ...]
    anchors: frozenset[str]


class _Reader(HTMLParser):
    """Collects links, ids, and what GitHub calls the headings: the second of a name has `-1`."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self._heading: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.links += [value for name in ("href", "src") if (value := known.get(name))]
        self.anchors.update(value for name in ("id", "name") if (value := known.get(name)))
        if re.fullmatch("h[1-6]", tag):
            self._heading = ""

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading += data

    def handle_endtag(self, tag: str) -> None:
        if self._heading is None or not re.fullmatch("h[1-6]", tag):
            return
        slug = re.sub(r"[^\w -]", "", self._heading.strip().lower()).replace(" ", "-")
        number = sum(1 for one in self.anchors if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", one))
        self.anchors.add(f"{slug}-{number}" if number else slug)
        self._heading = None


def read(html: str) -> Page:
    reader = _Reader()
    reader.feed(html)
    return Page(tuple(reader.links), frozenset(reader.anchors))


def rendered(path: str) -> Page:
    """A page as GitHub's own renderer makes it."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return read(cmarkgfm.github_flavored_markdown_to_html(text))


@pytest.mark.parametrize("page", PAGES)
def test_on_a_code_host_each_link_leads_somewhere(page: str) -> None:
    """To a file that is committed and a heading in it; not to what only a build makes."""
    dead = []
    for link in rendered(page).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        there = urlsplit(urljoin(f"/{page}", parts.path)).path.lstrip("/") if parts.path else page
        there = unquote(there)
        if there.rstrip("/") in {Path(one).parent.as_posix() for one in FILES}:
            continue
        if there not in FILES or (
            parts.fragment and unquote(parts.fragment) not in rendered(there).anchors
        ):
            dead.append(link)
    assert dead == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """The pages of the site by their addresses, `guides/github/` for one."""
    folder = built(tmp_path_factory.getbasetemp())
    return {
        file.relative_to(folder).as_posix().removesuffix("index.html"): read(
            file.read_text(encoding="utf-8")
        )
        for file in folder.rglob("*.html")
        if file.name != "404.html"
    }


def _dead(site: dict[str, Page], folder: Path) -> Iterator[str]:
    for name, page in site.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            there = unquote(urlsplit(urljoin(f"/{name}", parts.path)).path.lstrip("/"))
            found = site.get(there if parts.path else name)
            if found is None and (folder / there).is_file():
                continue
            if found is None or (
                parts.fragment and unquote(parts.fragment) not in {"", "__top", *found.anchors}
            ):
                yield f"{name or 'index'}: {link}"


def test_on_the_site_each_link_leads_somewhere(
    site: dict[str, Page], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert len(site) > len(PAGES)
    assert sorted(_dead(site, built(tmp_path_factory.getbasetemp()))) == []


def test_a_dead_link_is_noticed() -> None:
    text = "# One `a`\n## Two\n## Two\n[a](#one-a) [b](#two-1) [c](x.md#y) ![d](d.svg)\n"
    page = read(cmarkgfm.github_flavored_markdown_to_html(text))
    assert page == Page(
        ("#one-a", "#two-1", "x.md#y", "d.svg"), frozenset({"one-a", "two", "two-1"})
    )
    site = {"": Page(("b/#c", "d/", "#e"), frozenset()), "b/": Page((), frozenset({"d"}))}
    assert [*_dead(site, Path("/nowhere"))] == ["index: b/#c", "index: d/", "index: #e"]
