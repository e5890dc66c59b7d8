"""A plan's Markdown: nothing from outside gets out of its place, and it always fits.

Held against two readers: markdown-it, whose tokens say what each text became, and cmark-gfm, with
which GitHub renders (its limits are its own: it takes no long delimiter).
"""

import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from qflow_gitops.base.jsondiff import Difference
from qflow_gitops.findings.finding import Diagnostic, Position, Range, Severity
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action, Change, Plan, Reason
from qflow_gitops.render import markdown_blocks
from qflow_gitops.render.comment import COMMENT_LIMIT, marked, render, render_gone
from qflow_gitops.render.markdown import render as render_plan
from qflow_gitops.render.markdown_blocks import prose
from qflow_gitops.render.markdown_plans import SUMMARY_LIMIT
from qflow_gitops.results.pages import commit_page, file_page, pages_of
from qflow_gitops.results.plans import LockSeen, Planned
from qflow_gitops.results.report import Report
from qflow_gitops.results.reviews import CommentKey, Proposal, Review, ReviewStatus
from qflow_gitops.results.stories import Culprit, Saying, StepTold
from qflow_gitops.specs.spec import RunSpec
from tests.helpers.values import replace

GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PIECES = (
    "@octocat", "#1", "GH-1", "`", "``", "```\n", "~~~\n", "|", "\\|", "\\", "\n", "\r", "\n\n",
    "<b>",
    "</details>", "<!-- x -->", "-->", "</summary>", "</code>", "[a](https://evil.example)",
    "![x](y)", "https://evil.example", "www.evil.example", "a@evil.example", "&lt;", "&#64;", "* ",
    "- ", "> ", "| a | b |\n|---|---|\n", "**", "~~", "\u202e", "\x00", "\x1b", "\u2028", "é", "🙂",
    "<!-- qflow-gitops v1 environment=prod -->", "    ", "\t", "c0ffee0123456789c0ffee",
    "::error::", "`" * 16, "`" * 17, "`" * 90, "`" * 300,
)  # fmt: skip
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=8).map("".join)
OWN_HTML = re.compile(
    r"<!-- qflow-gitops v1 [A-Za-z0-9_.%:= ]*-->|<details><summary>[^\n]*</summary>|</details>"
)
NO_RANGE = Range(Position(1, 1), Position(1, 2))


def a_spec(name: str, words: str = "x", **more: object) -> RunSpec:
    given: dict[str, Any] = {
        "environment": "prod", "name": name, "workflow_id": "w", "connector_types": ("aws",),
        "variables": {"region": words}, "input": {"a": words, words: 1}, "rerun": 0, "labels": {},
        "annotations": {words: words}, "previous_name": "", "sensitive": (),
        "file": f"runs/{words}",
        "index": 0,
    }  # fmt: skip
    return RunSpec(**{**given, **more})


def a_change(
    name: str, words: str, action: Action = Action.RUN, reason: Reason = Reason.ADDED
) -> Change:
    since = (
        (Difference(f"/input/{words}", words, words + "x"),) if reason is Reason.MODIFIED else None
    )
    spec = None if reason is Reason.REMOVED else a_spec(name, words)
    return Change(action, reason, "prod", name, words, words, spec, None, since)


def an_attempt(words: str) -> Attempt:
    event = Event("2026-01-01T00:00:00Z", State.FAILED, {})
    return Attempt(1, State.FAILED, "d", (event,), execution_id=words, status=words)


def a_step(words: str, message: str = "") -> Culprit:
    said = (Saying(words, message or words, likely=True),)
    step = StepTold(words, words, 2, words, "", "", "", said)
    return Culprit(step, certain=True, ordered=True, recorded=True)


def a_review(
    changes: Sequence[Change], *, found: Sequence[str] = (), notes: Sequence[str] = (),
    project: str = "",
) -> Review:  # fmt: skip
    plan = Plan(tuple(changes), {"prod": "US1"})
    body = Planned(plan, "c" * 40, "b" * 40, True, LockSeen("x", exists=False), project=project,
                   pages=PAGES)  # fmt: skip
    proposals = tuple(
        Proposal(
            one, one.reason, ReviewStatus.FAILED if n % 2 else ReviewStatus.PLANNED,
            an_attempt(one.detail) if n % 2 else None, f"{one.detail}<",  # else it is an address
            failed_at=a_step(one.detail) if n % 2 else None,
        )
        for n, one in enumerate(plan.of(Action.RUN))
    )  # fmt: skip
    return Review(
        "prod", 1, body, ReviewStatus.PLANNED, plan.digest, proposals, plan.of(Action.HOLD),
        plan.of(Action.SKIP),
        tuple(Diagnostic(Severity.ERROR, "r", one, one, NO_RANGE, one) for one in found),
        tuple(notes),
    )  # fmt: skip


def tokens(text: str) -> list[Token]:
    found = []
    for one in GFM.parse(text):
        found += [one, *(one.children or ())]
    return found


PAGES = "https://github.example/octo/runs"
OWN_LINK = re.compile(PAGES + r"/(?:commit/[bc]{40}|blob/c{40}/runs/[A-Za-z0-9._~%/-]*)")
"""Links lead to commits and files of one repository on one host, whatever files are called."""
OWN_TAGS = {
    "a",
    "h3", "h4", "p", "strong", "em", "ul", "li", "table", "thead", "tbody", "tr", "th", "td",
    "code", "pre", "details", "summary", "blockquote",
}  # fmt: skip
SPEAKS = r"@|https?:|www\.|GH-|#\d|[0-9a-f]{7}"
"""What GitHub makes something of where it stands outside code."""


class Outside(HTMLParser):
    """What cmark-gfm makes of a text: its tags and comments, and what stands outside code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.comments: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "a":
            self.links += [value or "" for _, value in attributes]
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(f"<!--{data}-->")

    def handle_data(self, data: str) -> None:
        if "code" not in self._open:
            self.words += data


def harmless(text: str) -> list[Token]:
    """No HTML but ours, no link but ours, no mention or reference outside code."""
    seen = Outside(text)
    assert seen.tags <= OWN_TAGS, seen.tags - OWN_TAGS
    assert all(OWN_HTML.fullmatch(one) for one in seen.comments)
    assert all(OWN_LINK.fullmatch(one) for one in seen.links), seen.links
    assert not re.search(SPEAKS, seen.words), seen.words
    found = tokens(text)
    for one in found:
        assert one.type not in ("html_inline", "image", "code_block"), one.content
        if one.type == "link_open":
            assert OWN_LINK.fullmatch(str(one.attrs["href"])), one.attrs
        if one.type == "html_block":
            assert all(OWN_HTML.fullmatch(x) for x in one.content.split("\n") if x), one.content
        if one.type == "text":
            assert not re.search(SPEAKS, one.content), one.content
    assert text.count("\n<details>") == text.count("\n</details>\n")
    return found


REASONS = [
    (Action.RUN, Reason.ADDED), (Action.RUN, Reason.MODIFIED), (Action.HOLD, Reason.FAILED),
    (Action.HOLD, Reason.RENAMED), (Action.SKIP, Reason.ALREADY_RAN), (Action.SKIP, Reason.REMOVED),
]  # fmt: skip


@pytest.mark.fault(14)
@given(st.lists(st.tuples(HOSTILE, st.sampled_from(REASONS)), max_size=6), HOSTILE, HOSTILE)
def test_hostile_words_stay_where_they_are_put(
    given_changes: list[tuple[str, tuple[Action, Reason]]], found: str, note: str
) -> None:
    """As name, file, value, key, detail, hint, status, execution, link, finding and note."""
    changes = [
        a_change(f"{n}{words}", words, *kind) for n, (words, kind) in enumerate(given_changes)
    ]
    one = a_review(changes, found=[found], notes=[note])
    runs = len(one.planned.plan.of(Action.RUN))
    text = render(one)
    for written, columns in ((text, 6), (render_plan(_plan_report(one)), 5)):
        shown = harmless(written)
        rows = [token for token in shown if token.type == "tr_open"]
        cells = [token for token in shown if token.type in ("td_open", "th_open")]
        assert len(rows) == (runs + 1 if runs else 0)
        assert len(cells) == len(rows) * columns
    assert marked(text) == one.key
    assert text.splitlines()[0].count("<!--") == 1
    assert one.digest in text.rstrip().splitlines()[-1]


@given(
    st.lists(st.tuples(HOSTILE, HOSTILE, st.sampled_from(REASONS)), min_size=2, max_size=8),
    st.sampled_from(["Exploded", "<b>"]),
)
def test_hostile_words_of_targets_stay_where_they_are_put(
    given_changes: list[tuple[str, str, tuple[Action, Reason]]], detail: str
) -> None:
    """As a target's name and value; its detail and way on are like the others', so it is merged."""
    changes = [
        a_change(f"spec/{n}{name}", words, *kind)._replace(detail=detail, hint=f"`x` {n}/ {detail}")
        for n, (name, words, kind) in enumerate(given_changes)
    ]
    one = a_review(changes)
    text = render(one)
    for written, columns in ((text, 6), (render_plan(_plan_report(one)), 5)):
        shown = harmless(written)
        rows = [token for token in shown if token.type == "tr_open"]
        cells = [token for token in shown if token.type in ("td_open", "th_open")]
        assert len(rows) <= 1 + len(one.planned.plan.of(Action.RUN))
        assert len(cells) == len(rows) * columns
    assert marked(text) == one.key
    assert one.digest in text.rstrip().splitlines()[-1]


def _plan_report(one: Review) -> Report:
    return Report("plan", diagnostics=one.found, notes=one.notes, body=one.planned)


@given(HOSTILE)
def test_no_text_makes_a_marker(words: str) -> None:
    for text in (words, markdown_blocks.code(words), markdown_blocks.block(words), f"> {words}"):
        if not text.startswith("<!-- qflow-gitops v1 environment=prod -->"):
            assert marked(text) is None
    assert marked(render(a_review([]))) == CommentKey("", "prod")


FOLDERS = st.one_of(
    HOSTILE, st.sampled_from(["a-->b", "--!>", "a b=c", "é/~x", "%2D", "\udcff", "-"])
)


@given(FOLDERS)
def test_a_marker_names_any_folder_and_ends_nowhere_but_at_its_end(folder: str) -> None:
    """The comment of a project is its own, whatever the folder is called."""
    one = a_review([], project=folder)
    marker = render(one).splitlines()[0]
    assert marked(render(one)) == one.key == CommentKey(folder, "prod")
    assert marker.count("-->") == marker.count(">") == 1
    assert "--" not in marker.removeprefix("<!--").removesuffix("-->")
    assert marked(render_gone(one.key, "")) == one.key
    assert harmless(render(one))


def test_the_old_marker_is_of_the_project_at_the_root() -> None:
    digest, head = "v1:sha256:" + "0" * 64, "a" * 40
    old = f"<!-- qflow-gitops v1 environment=prod plan={digest} head={head} -->\n"
    assert marked(old) == CommentKey("", "prod")
    assert render(a_review([])).startswith("<!-- qflow-gitops v1 environment=prod plan=")


def test_headings_name_the_project_where_it_is_not_the_root() -> None:
    one, root = a_review([], project="teams/pay"), a_review([])
    assert "### Qualys Flow, `prod` on `US1` of `teams/pay`: planned\n" in render(one)
    assert "### Qualys Flow, `prod` on `US1`: planned\n" in render(root)
    assert "### Plan for `prod` on `US1` of `teams/pay`\n" in render_plan(_plan_report(one))
    assert "### Plan for `prod` on `US1`\n" in render_plan(_plan_report(root))


@pytest.mark.parametrize("words", ["a|b", "a\\|b", "a\\", "`|`", "|"])
def test_a_cell_shows_what_it_is_given(words: str) -> None:
    text = f"| a | b |\n|---|---|\n| {markdown_blocks.cell(words)} | x |\n"
    (shown, *_) = [one.content for one in tokens(text) if one.type == "code_inline"]
    assert shown.replace("\\x5c", "\\") == words


# --- it fits -------------------------------------------------------------------------


def many(number: int, action: Action = Action.RUN, reason: Reason = Reason.ADDED) -> list[Change]:
    return [
        replace(a_change(f"{reason}-{n:04}", "x", action, reason), hint=f"do prod/{reason}-{n:04}")
        for n in range(number)
    ]


def test_a_thousand_runs_make_a_comment_that_says_what_they_are() -> None:
    one = a_review(many(1_000) + many(300, reason=Reason.MODIFIED))
    text = render(one)
    assert len(text.encode()) <= COMMENT_LIMIT
    rows = len(re.findall(r"(?m)^\| `prod/", text))
    assert rows > 300
    assert f"… and {1_300 - rows:,} more runs, see `qflow-gitops plan`." in text
    assert re.search(r"… and 1,[23]\d\d more requests, see `qflow-gitops plan`", text)
    assert "- Why: `added` 1,000, `modified` 300" in text
    assert "Shortened to what fits here" in text
    assert one.digest in text.splitlines()[-1]
    harmless(text)


def failed_targets(number: int, message: Callable[[int], str]) -> str:
    """The comment on so many targets of one spec that failed, each with a step that says so."""
    changes = [a_change(f"many/t-{n:04}", "x") for n in range(number)]
    review = a_review(changes)
    proposals = tuple(
        Proposal(
            change, "added", ReviewStatus.FAILED, an_attempt("x"), failed_at=a_step("s", message(n))
        )
        for n, change in enumerate(changes)
    )
    return render(replace(review, proposals=proposals))


def test_a_thousand_failed_targets_are_told_in_a_few_lines() -> None:
    body = failed_targets(1000, lambda _: "no such bucket")
    assert len(body.splitlines()) < 30
    assert "- `prod/many · 1,000 targets` `t-0000, " in body
    assert 'step 2 (s) "s": no such bucket' in body
    varying = failed_targets(1000, lambda n: f"no bucket b-{n}")
    assert len(varying.splitlines()) < 30
    assert "no bucket …" in varying


def test_a_thousand_targets_that_failed_in_as_many_ways_are_cut_short() -> None:
    letters = "abcdefghij"
    body = failed_targets(1000, lambda n: "".join(letters[int(digit)] for digit in f"{n:03}"))
    assert len(body.splitlines()) < 40
    assert "- … and 990 more lines alike" in body


def test_nine_hundred_holds_of_one_reason_leave_room_for_the_rest() -> None:
    one = a_review([*many(900, Action.HOLD, Reason.FAILED), *many(2, Action.HOLD, Reason.PLATFORM),
                    *many(200)])  # fmt: skip
    text = render(one)
    assert len(text.encode()) <= COMMENT_LIMIT
    assert "**`failed`**, 900 runs: x → do RUN" in text
    assert "- `prod/platform-0001`" in text
    assert len(re.findall(r"(?m)^\| `prod/", text)) == 200


@given(st.integers(0, 120), st.integers(1, 120), HOSTILE, st.integers(2_500, 20_000))
def test_whatever_there_is_fits_and_adds_up(runs: int, held: int, words: str, limit: int) -> None:
    """Rows shown and rows said to be missing are all rows."""
    changes = [a_change(f"r{n}", words) for n in range(runs)]
    changes += [a_change(f"h{n}", words, Action.HOLD, Reason.FAILED) for n in range(held)]
    one = a_review(changes)
    import qflow_gitops.render.comment as output

    whole, output.COMMENT_LIMIT = output.COMMENT_LIMIT, limit
    try:
        text = render(one)
    finally:
        output.COMMENT_LIMIT = whole
    # What always stays is a few lines, of which each text is cut.
    assert len(text.encode()) <= max(limit, 8_000)
    harmless(text)
    rows = [token for token in tokens(text) if token.type == "tr_open"]
    shown = max(len(rows) - 1, 0)
    said = re.search(r"… and (\d+) more runs, see `qflow-gitops plan`", text)
    assert shown + (int(said[1]) if said else 0) == runs
    assert one.digest in text.splitlines()[-1]
    assert f"; {held:,} stay" in text


def test_a_report_of_any_kind_fits_a_job_summary() -> None:
    found = tuple(
        Diagnostic(Severity.ERROR, "r", "m" * 200, f"f{n}", NO_RANGE, "h" * 200)
        for n in range(5_000)
    )
    text = render_plan(Report("validate", diagnostics=found))
    assert len(text.encode()) <= SUMMARY_LIMIT
    assert "more lines." in text


def test_a_request_is_shown_whole_and_its_secrets_are_not() -> None:
    spec = a_spec("a", "x", input={"a": "s" * 500 + "end", "b": "hide"}, sensitive=("/input/b",))
    change = Change(Action.RUN, Reason.ADDED, "prod", "a", "never sent before", "", spec)
    text = render(a_review([change]))
    assert "send" in text
    assert "hide" not in text
    assert "(sensitive)" in text


# --- what a reviewer reads first -----------------------------------------------------


def unsent(changes: Sequence[Change]) -> Review:
    """A review of a pull request of which nothing was sent yet."""
    one = a_review(changes)
    proposals = (Proposal(each.change, each.why, ReviewStatus.PLANNED) for each in one.proposals)
    return replace(one, proposals=tuple(proposals))


def test_few_differences_are_open_and_many_are_folded() -> None:
    """Differences before requests; what is open is no longer than a screen in all."""
    change = a_change("z", "x", reason=Reason.MODIFIED)
    small = render(unsent([a_change("a", "x"), change]))
    differs = small.index("**What changes in** `prod/z`")
    assert differs < small.index("**The request of** `prod/a`")
    text = render(unsent([change, *many(40)]))
    assert "**What changes in** `prod/z`" in text
    assert "<summary>The request of <code>prod/added-0001</code></summary>" in text
    since = tuple(Difference(f"/input/{n}", n, -n) for n in range(1, 14))
    text = render(unsent([replace(change, since=since)]))
    assert "<summary>What changes in <code>prod/z</code></summary>" in text


def test_what_was_sent_is_folded() -> None:
    text = render(a_review([a_change("a", "x"), a_change("b", "x")]))
    assert "**The request of** `prod/a`" in text
    assert "<summary>The request of <code>prod/b</code></summary>" in text


def test_ids_are_short_in_the_table_and_whole_in_the_details() -> None:
    workflow = "0ffaf046-768b-79fc-83f6-aa25be52c2a1"
    change = a_change("a", "x", reason=Reason.MODIFIED)
    assert change.spec is not None
    change = replace(change, spec=replace(change.spec, workflow_id=workflow))
    text = render(a_review([change]))
    (row,) = re.findall(r"(?m)^\| `prod/.*", text)
    assert "`0ffaf046`" in row
    assert workflow not in row
    assert f"`workflow {workflow}`" in text


def test_the_summary_says_the_same_sentence_as_the_comment() -> None:
    changes = [
        *many(5),
        *many(2, Action.HOLD, Reason.APPROVAL),
        *many(1, Action.HOLD, Reason.WINDOW),
    ]
    one = unsent(changes)
    comment = render(one)
    said = "**Merging starts 5 runs in `prod` on `US1`; 3 stay held: 2 `approval`, 1 `window`**"
    assert said in comment
    body = one.planned._replace(merging=True)
    assert said in render_plan(_plan_report(replace(one, planned=body)))
    later = said.replace("Merging starts", "The next apply starts")
    assert later in render_plan(_plan_report(one))
    assert comment.index("> [!WARNING]\n> **Held (3)**") < comment.index("| Run |")
    html = cmarkgfm.github_flavored_markdown_to_html(comment)
    assert html.count("<blockquote>") == 1


@pytest.mark.parametrize(
    ("server", "repository", "pages"),
    [
        ("https://github.com", "octo/runs", "https://github.com/octo/runs"),
        ("https://git.example:8443/", "a/b", "https://git.example:8443/a/b"),
        ("http://git.example", "a/b", ""),
        ("https://git.example", "", ""),
        ("https://git.example", "a", ""),
        ("https://git.example", "a/../b", ""),
        ("https://git.example", "a/b)[x](https://evil.example", ""),
        ("https://u:p@git.example", "a/b", ""),
        ("", "a/b", ""),
    ],
)
def test_links_lead_only_where_a_ci_says(server: str, repository: str, pages: str) -> None:
    assert pages_of(server, repository) == pages
    assert file_page(pages, "c" * 40, "runs/a b|`)].yaml") == (
        f"{pages}/blob/{'c' * 40}/runs/a%20b%7C%60%29%5D.yaml" if pages else ""
    )


def test_without_pages_nothing_is_linked() -> None:
    one = a_review([a_change("a", "x")])
    alone = replace(one, planned=one.planned._replace(pages=""))
    assert "](" in render(one)
    assert "](" not in render(alone)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("the policy asks for `ticket` to match CHG[0-9]{7}, and it has none",
         "the policy asks for `ticket` to match `CHG[0-9]{7}`, and it has none"),
        ("Add `ticket:` in runs/a.yaml.", "Add `ticket:` in `runs/a.yaml`."),
        ("has 0: who (if anybody) may", "has 0: who (if anybody) may"),
        ("`a``b` ` @mara", "`a` `b` `` ` @mara ``"),
        ("    @indented ", "`@indented`"),
        ("1. one - two", "`1`. one `-` two"),
        ("see www.x.com, GH-12 or deadbeef", "see `www.x.com`, `GH-12` or `deadbeef`"),
        ("[x](y) <b> *z* _u_ :smile: &amp #3", "`[x](y) <b> *z* _u_ :smile: &amp #3`"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_sentence_is_words_and_code(words: str, shown: str) -> None:
    """Nothing but letters stands outside of code; two spans never touch."""
    assert prose(words) == shown


@pytest.mark.parametrize(
    ("commit", "path"),
    [
        ("c0ffee", "../../../other/repository"), ("c0ffee", "runs//a.yaml"), ("c0ffee", ""),
        ("c0ffee", "runs/\ud800.yaml"), ("../../other", "a.yaml"), ("c0ffee/..", "a.yaml"),
    ],
)  # fmt: skip
def test_what_is_no_place_in_a_repository_has_no_page(commit: str, path: str) -> None:
    """As a lockfile written by hand may say: else a link led elsewhere at the host."""
    pages = "https://github.com/org/runs"
    assert file_page(pages, "c0ffee", "runs/a.yaml").startswith(pages)
    assert file_page(pages, commit, path) == ""
    assert commit_page(pages, "c0ffee") == f"{pages}/commit/c0ffee"
    assert commit_page(pages, f"{commit}/..") == ""
