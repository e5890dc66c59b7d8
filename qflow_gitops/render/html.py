"""The evidence as HTML: one file to send, or an index with a page for each run.

Nothing is fetched, and nothing but this page's own script may run, by the page's own policy: the
hashes of that script and of its styles. Each value is escaped where it is written (Jinja2), and
what isn't seen in it is written out. Without the script all of it can be read.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from qflow_gitops.base import resources
from qflow_gitops.base.jsontext import indented
from qflow_gitops.base.printable import is_hidden, shown
from qflow_gitops.render import textfleet
from qflow_gitops.render.events import in_words as event_in_words
from qflow_gitops.render.html_parts import code, is_outward, out, row, text, time
from qflow_gitops.render.html_places import Places, page_of
from qflow_gitops.render.html_summary import Summary, summarised
from qflow_gitops.render.html_timeline import Picture, drawn
from qflow_gitops.render.html_words import (
    KINDS,
    MARKS,
    SIGNS,
    TITLES,
    moment,
    named,
    spanned,
)
from qflow_gitops.results.evidence import AttemptEvidence, Evidence
from qflow_gitops.results.fleets import FleetReported
from qflow_gitops.results.pages import commit_page, file_page, pull_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from qflow_gitops.results.report import Report

LIMIT = 5_900_000
"""Bytes of one file, so that a mail takes it: attempts are told in full as far as they fit."""


def render(report: Report) -> str:
    """Return one file: summary, timeline and table, and each attempt in full as far as it fits."""
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """Return the same bit by bit."""
    body = report.body
    if not isinstance(body, Evidence):
        yield from _template("problem.html").generate(**_frame(), report=report)
        return
    index = _Index.of(report, body)
    attempts = _sorted(body)
    rows = [_markup(row(one, "", body.pages)) for one in attempts]
    room = LIMIT - sum(len(piece.encode()) for piece in index.pieces(rows, Places({}), []))
    told = dict(_fitting(body, attempts, room))
    places = Places({one: f"#{one}_" for one in told})
    for number, one in enumerate(attempts):
        if one.anchor in told:
            rows[number] = _markup(row(one, places.of(one.anchor), body.pages))
    in_full = [told[one.anchor] for one in attempts if one.anchor in told]
    yield from index.pieces(rows, places, in_full)


def pages(report: Report) -> Iterator[tuple[str, bytes]]:
    """Yield each file of a folder by its path: `index.html`, and a page for each run.

    Paths have `/` and are safe as such: names that are none for files have a hash instead.
    Nothing is yielded of a report without evidence.
    """
    body = report.body
    if not isinstance(body, Evidence):
        return
    places = Places.of_pages(body)
    rows = [_markup(row(one, places.of(one.anchor), body.pages)) for one in _sorted(body)]
    yield "index.html", "".join(_Index.of(report, body).pieces(rows, places, [])).encode()
    del rows
    template, frame = _template("run.html"), _frame()
    for run in body.runs:
        path = page_of(run.key)
        up = "../" * path.count("/")
        yield path, template.render(**frame, evidence=body, run=run, up=up).encode()


class _Index(NamedTuple):
    """The page with the table of attempts, and what it shows of all of them."""

    report: Report
    body: Evidence
    summary: Summary
    picture: Picture | None

    @classmethod
    def of(cls, report: Report, body: Evidence) -> Self:
        return cls(report, body, summarised(body), drawn(body))

    def pieces(self, rows: list[Markup], places: Places, told: list[Markup]) -> Iterator[str]:
        return _template("report.html").generate(
            **_frame(with_script=True), report=self.report, evidence=self.body, rows=rows,
            places=places, told=told, summary=self.summary, picture=self.picture,
        )  # fmt: skip


def fleet_index(body: FleetReported) -> bytes:
    """Return the index of a fleet's reports; each member's pages lie in a folder beside it."""
    frame = _frame(sheet="fleet.css")
    found = _template("fleet.html").render(**frame, fleet=body, outcomes=textfleet.outcomes)
    return found.encode()


def _sorted(body: Evidence) -> list[AttemptEvidence]:
    """The newest first."""
    every = (one for run in body.runs for one in run.attempts)
    return sorted(every, key=lambda one: (one.opened_at, one.key, one.number), reverse=True)


def _fitting(
    body: Evidence, rows: Iterable[AttemptEvidence], room: int
) -> Iterator[tuple[str, Markup]]:
    """Tell attempts in full until the file is full: first those that somebody will look at.

    Yields anchors and HTML; `room` is in bytes.
    """
    template = _template("attempt.html")
    for one in sorted(rows, key=_is_plain):
        made = _markup(template.render(attempt=one, evidence=body, below=True))
        room -= len(made.encode()) + len(one.anchor) + _LINK
        if room < 0:
            return
        yield one.anchor, made


_LINK = 32
"""Bytes that lead to an attempt from its row, but for its anchor."""


def _is_plain(one: AttemptEvidence) -> bool:
    return MARKS[one.outcome] in ("ok", "none") and not (one.doubts or one.releases)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(lambda name: resources.text(f"render/templates/{name}")),
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined,
        finalize=_seen, keep_trailing_newline=True,
    )  # fmt: skip
    made.filters.update(lines=_lines, json=_json, moment=moment)
    made.tests["outward"] = is_outward
    made.globals.update(
        out=_safe(out), time=_safe(time), text=_safe(text), code=_safe(code),
        commit_page=commit_page, file_page=file_page, pull_page=pull_page, page_of=page_of,
        marks=MARKS, signs=SIGNS, kinds=KINDS, titles=TITLES, named=named,
        spanned=spanned, event_in_words=event_in_words,
    )  # fmt: skip
    return made


def _template(name: str) -> Template:
    return _environment().get_template(name)


def _seen(value: Any) -> Any:
    """Show what isn't seen in a text; what is HTML already was made so."""
    if type(value) is str:
        return shown(value) if is_hidden(value) else value
    return value if isinstance(value, Markup) else _seen(str(value))


def _lines(text: str) -> Markup:
    """Make a text of several lines safe, its lines kept."""
    return Markup("\n").join(escape(shown(line)) for line in text.split("\n"))


def _json(value: Any) -> Markup:
    """Write JSON on several lines, as a person reads it."""
    return _lines(indented(_bare(value)))


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _bare(each) for name, each in value.items()}
    return [_bare(each) for each in value] if isinstance(value, list | tuple) else value


def _safe(piece: Callable[..., str]) -> Callable[..., Markup]:
    """Let a template write a piece of HTML as it is."""
    return lambda *words: _markup(piece(*words))


def _markup(html: str) -> Markup:
    """Mark what is HTML and safe: our own files, and what was made so by `html_parts`."""
    return Markup(html)  # noqa: S704


@cache
def _frame(*, with_script: bool = False, sheet: str = "") -> dict[str, Any]:
    """What each page has: its styles, its script, and the policy that allows no others."""
    sheet = "report.css" if with_script else sheet
    sheets = ["style.css", sheet] if sheet else ["style.css"]
    style = _packed("".join(resources.text(f"render/templates/{one}") for one in sheets))
    script = resources.text("render/templates/script.js").strip() if with_script else ""
    policy = ["default-src 'none'", f"style-src {_hash(style)}"]
    if script:
        policy.append(f"script-src {_hash(script)}")
    return {
        "style": _markup(style),
        "script": _markup(script),
        "policy": "; ".join([*policy, "base-uri 'none'", "form-action 'none'"]),
    }


def _packed(style: str) -> str:
    """Take comments and line ends out of a style sheet, of which each page has a copy."""
    bare = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", " ", bare).strip()


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
