"""Small pieces of HTML that pages are full of: what they are given is made safe here."""

import re

from qflow_gitops.base import resources
from qflow_gitops.render.escape import in_html
from qflow_gitops.render.html_words import MARKS, TITLES, moment
from qflow_gitops.results.evidence import AttemptEvidence
from qflow_gitops.results.pages import commit_page, pull_page

_HTTPS = re.compile(r"https://[!-~]+")
_JOINTS = re.compile(r"([@._])(?=\w)")


def is_outward(address: str) -> bool:
    """Whether an address may be a link: https, and nothing in it that isn't seen."""
    return _HTTPS.fullmatch(address) is not None


def out(address: str, words: str) -> str:
    """Return words as a link to an address outside, where that may be one."""
    inside = in_html(words)
    return f'<a href="{in_html(address)}">{inside}</a>' if is_outward(address) else inside


def time(at: str, missing: str = "unknown") -> str:
    """Return a time that people and programs read."""
    if not at:
        return f"<i>{in_html(missing)}</i>"
    return f'<time datetime="{in_html(at)}">{in_html(moment(at))} UTC</time>'


def text(words: str, missing: str = "unknown") -> str:
    """Return words, or what is said where there are none."""
    return in_html(words) if words else f"<i>{in_html(missing)}</i>"


def code(words: str, missing: str = "unknown") -> str:
    """Return an id or a digest, or what is said where there is none."""
    return f"<code>{in_html(words)}</code>" if words else f"<i>{in_html(missing)}</i>"


def breakable(words: str) -> str:
    """Return an address or a name in which a line ends behind `@`, `.` or `_`, not in a word."""
    return _JOINTS.sub(r"\1<wbr>", in_html(words))


def row(one: AttemptEvidence, place: str, pages: str) -> str:
    """Return an attempt's row of the table; `place` is where it is told in full, "" nowhere."""
    name = in_html(one.key[1])
    change = "unknown"
    if one.commit:
        change = out(commit_page(pages, one.commit.id), one.commit.id[:10])
    if one.pull_request is not None:
        change += " " + out(pull_page(pages, one.pull_request), f"#{one.pull_request}")
    if one.merged_by:
        change += f" merged by {breakable(one.merged_by)}"
    return _ROW.format(
        anchor=in_html(one.anchor),
        begun=in_html(moment(one.opened_at)) or "unknown",
        environment=in_html(one.key[0]),
        run=f'<a href="{in_html(place)}">{name}</a>' if place else name,
        number=one.number,
        mark=MARKS[one.outcome],
        outcome=TITLES[one.outcome],
        asked=breakable(one.commit.author if one.commit else "") or "unknown",
        approved=breakable(", ".join(each.login for each in one.approvals)) or "none",
        actor=breakable(one.actor) or "unknown",
        ticket=in_html(one.ticket),
        released=breakable(", ".join(each.hold for each in one.releases)),
        change=change,
        execution=in_html(one.execution_id),
    )


_ROW = resources.text("render/templates/row.html")
