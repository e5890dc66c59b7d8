"""The report's pages answer who asked, who approved, and what was looked at, in plain words."""

from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from qflow_gitops.lockfile.states import State
from qflow_gitops.render import html
from qflow_gitops.render.html_parts import breakable
from qflow_gitops.render.html_words import named, spanned
from qflow_gitops.results.evidence import (
    ApprovalTold,
    AttemptEvidence,
    Compared,
    DifferenceTold,
    EventTold,
    Evidence,
    Kind,
    Outcome,
    ReleaseTold,
    RunEvidence,
)
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import CommitTold

BARE = Evidence(LockSeen("qflow.lock", exists=True), (), "2026-11-20T08:00:00Z", "1.0.0")
AT = "2026-10-03T14:05:33Z"


def sent(name: str, **facts: Any) -> AttemptEvidence:
    known = {"state": State.SUCCEEDED, "outcome": Outcome.SUCCEEDED, **facts}
    return AttemptEvidence(("prod", name), 1, anchor=f"{name}-1", opened_at=AT, changed_at=AT,
                           **known)  # fmt: skip


def evidence(*attempts: AttemptEvidence, **facts: Any) -> Evidence:
    runs = tuple(RunEvidence(one.key, (one,)) for one in attempts)
    return BARE._replace(runs=runs, **facts)


def source(of: Evidence) -> str:
    return html.render(Report("report", body=of))


def page(of: Evidence) -> LexborHTMLParser:
    return LexborHTMLParser(source(of))


def words(found: LexborHTMLParser, of: str) -> list[str]:
    return [" ".join(one.text().split()) for one in found.css(of)]


def facts(found: LexborHTMLParser) -> dict[str, str]:
    names, said = words(found, "article dt"), words(found, "article dd")
    return dict(zip(names, said, strict=True))


def test_each_role_has_its_name() -> None:
    commit = CommitTold("c" * 40, "Ada", AT, "Close it")
    one = sent("a", commit=commit, actor="ben@example.com", merged_by="grace", pull_request=3,
               approvals=(ApprovalTold("joao"),), approvals_needed=1)  # fmt: skip
    found = page(evidence(one))
    told = facts(found)
    assert told["Asked for by"] == "Ada, the author of the commit"
    assert (told["Merged by"], told["Sent by"]) == ("grace", "ben@example.com")
    assert (told["Approved by"], told["Pull request"]) == ("joao", "#3")
    heads = words(found, "table.attempts thead th")
    cells = dict(zip(heads, words(found, "#rows_ tr > *"), strict=True))
    assert [cells[role] for role in ("Asked for by", "Approved by", "Sent by")] == [
        "Ada", "joao", "ben@example.com",
    ]  # fmt: skip
    assert cells["Change"] == "cccccccccc #3 merged by grace"


def test_nobody_sent_what_was_declared() -> None:
    one = sent("a", state=State.BASELINED, outcome=Outcome.DECLARED, actor="ada")
    told = facts(page(evidence(one)))
    assert told["Declared by"] == "ada"
    assert not {"Sent by", "Policy"} & set(told)


def test_a_commit_that_is_not_here_has_an_unknown_author() -> None:
    told = facts(page(evidence(sent("a", commit=CommitTold("c" * 40)))))
    assert told["Asked for by"] == "unknown: the commit isn't in this clone"


@pytest.mark.parametrize(
    ("needed", "given", "said"),
    [(None, (), "what it asked for isn't known"), (0, (), "asked for no approval"),
     (1, ("joao",), "asked for 1 approval; given by joao"),
     (1, (), "asked for 1 approval; none is recorded"),
     (2, ("joao", "joao"), "asked for 2 approvals; only 1 given by joao")],
)  # fmt: skip
def test_what_the_policy_asked_for_is_at_the_attempt(
    needed: int | None, given: tuple[str, ...], said: str
) -> None:
    some = tuple(map(ApprovalTold, given))
    found = page(evidence(sent("a", approvals=some, approvals_needed=needed)))
    assert facts(found)["Policy"] == said
    assert bool(found.css("dd .bad")) == (needed not in (None, 0) and given != ("joao",))


def test_the_summary_counts_what_was_approved() -> None:
    approved = sent("a", approvals=(ApprovalTold("joao"),), approvals_needed=1)
    declared = sent("d", outcome=Outcome.DECLARED)
    some = [approved, sent("b", approvals_needed=1), declared, sent("e", approvals_needed=0),
            sent("f")]  # fmt: skip
    (note,) = [one for one in page(evidence(*some)).css(".note") if "Approved" in one.text()]
    said = " ".join(note.text().split())
    assert said.startswith("Approved 1 of 4 that were sent 1 without what the policy asked for: ")
    assert "prod/b #1" in said
    assert "1 without an approval, where the policy asked for none." in said
    assert "1 without an approval, where what the policy asked for isn't known." in said
    assert [one.attributes["href"] for one in note.css("a")] == ["#b-1_"]
    assert "n-bad" in str(note.attributes["class"])
    fine = words(page(evidence(approved)), ".note.n-ok")
    assert fine[0].startswith("Approved 1 of 1 that was sent None was sent without")


def test_only_what_was_compared_is_named() -> None:
    one = sent("a", execution_id="e")
    found = DifferenceTold.about(Kind.UNAPPROVED, one, "nobody approved it")
    git = page(evidence(one, compared=Compared((found,), 6)))
    (headline, *_), text = words(git, ".note strong"), words(git, ".note")[0]
    assert headline == "1 difference between commits, their policy and the lockfile"
    assert "Qualys wasn't asked: qflow-gitops report --live" in text
    assert "It is listed below." in text
    live = page(evidence(one, compared=Compared((found, found), 6, 3)))
    assert words(live, ".note strong")[0] == (
        "2 differences between commits, their policy, the lockfile and Qualys"
    )
    assert "They are listed below." in words(live, ".note")[0]


def test_a_difference_leads_to_its_attempt_and_has_its_word() -> None:
    one = sent("a")
    about = DifferenceTold.about(Kind.UNAPPROVED, one, "nobody approved it")
    never = DifferenceTold(Kind.NEVER_SENT, "It was never sent.", "prod", "b")
    found = page(evidence(one, compared=Compared((about, never), 6)))
    table = "[aria-labelledby=differences_] tbody"
    assert words(found, f"{table} th") == ["Not approved (unapproved)", "Never sent (never_sent)"]
    assert [each.attributes["href"] for each in found.css(f"{table} a")] == ["#a-1_"]
    assert "qflow-gitops rules unapproved never_sent" in words(found, "code")


def test_it_says_what_it_does_not_check() -> None:
    said = words(page(BARE), "header")[0]
    assert "doesn't check whether the lockfile is whole: qflow-gitops lock verify does" in said
    none = BARE._replace(lock=LockSeen("qflow.lock", exists=False))
    assert "lock verify" not in source(none)


def test_no_event_of_the_lockfile_contradicts_a_release_of_a_run() -> None:
    one = sent("a", releases=(ReleaseTold("window", 1, "ben", "INC-1", AT),))
    assert "no release for a whole environment." in source(evidence(one))


def test_events_of_the_lockfile_are_told_in_words_but_not_of_a_run() -> None:
    event = EventTold(AT, "movedTo", "ada", "We moved.")
    told = words(page(evidence(events=(("", event),))), "[aria-labelledby=events_] tbody th")
    assert told == ["the lockfile was moved elsewhere"]
    assert not page(evidence(sent("a"), of_runs=True)).css("#events_")


def test_columns_that_hold_nothing_are_left_out() -> None:
    bare = page(evidence(sent("a"))).css_first("table.attempts")
    ticket = page(evidence(sent("a"), sent("b", annotations={"ticket": "CHG1"})))
    assert bare is not None
    assert str(bare.attributes["class"]).split()[1:] == ["no-ticket", "no-release", "no-execution"]
    assert not ticket.css("table.no-ticket")
    assert ticket.css("table.no-release")


def test_an_address_ends_its_line_at_a_joint() -> None:
    assert breakable("ben@exam.ple_a") == "ben@<wbr>exam.<wbr>ple_<wbr>a"
    assert breakable("<@>.") == "&lt;@&gt;."


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [("2026-10-01", "2026-11-01", "October 2026"), ("2026-12-01", "2027-01-01", "December 2026"),
     ("2026-10-01", "2026-12-01", "2026-10-01 to 2026-12-01"),
     ("2026-10-01", "2026-10-15", "2026-10-01 to 2026-10-15"),
     ("2026-10-01", "", "since 2026-10-01"), ("", "2026-10-01", "before 2026-10-01"),
     ("", "", "all that is recorded")],
)  # fmt: skip
def test_the_heading_says_the_span(since: str, until: str, said: str) -> None:
    whole = [f"{day}T00:00:00Z" if day else "" for day in (since, until)]
    of = BARE._replace(since=whole[0], until=whole[1], repository="git.example/octo/runs")
    assert spanned(of) == said
    assert words(page(of), "h1") == [f"git.example/octo/runs: {said}"]
    assert words(page(of), "title") == [f"Evidence of git.example/octo/runs: {said}"]


def test_a_time_within_a_day_is_said_whole() -> None:
    assert spanned(BARE._replace(since="2026-10-01T12:30:00Z")) == "since 2026-10-01 12:30:00"


@pytest.mark.parametrize(
    ("repository", "said"),
    [("/srv/git/runs", "runs"), ("C:/git/runs", "runs"), ("git.example/octo/runs", None),
     ("", "this repository"), ("/", "this repository")],
)  # fmt: skip
def test_the_heading_names_no_folder(repository: str, said: str | None) -> None:
    assert named(BARE._replace(repository=repository)) == (said or repository)
    with_project = BARE._replace(repository=repository, project="teams/cloud")
    assert named(with_project) == f"{said or repository}, teams/cloud"


def test_the_order_is_in_the_heading() -> None:
    assert words(page(evidence(sent("a"))), "#attempts_, #told_") == [
        "Attempts, newest first", "Attempts in full, newest first",
    ]  # fmt: skip
