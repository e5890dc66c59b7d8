"""Lists of GitHub: read to their end, or not at all."""

import json
from typing import Any

import pytest

from qflow_gitops.errors import UnreachableError
from qflow_gitops.github.client import Client
from qflow_gitops.github.pulls import GitHubPulls
from qflow_gitops.http import rest as module
from qflow_gitops.http.transport import HttpAnswer
from qflow_gitops.ports.pull_requests import PullRequest

NEXT = (
    '<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=9>; rel="last"'
)
PREVIOUS = '<https://api.github.com/x?page=1>; rel="prev", <https://x.example/next>; rel="first"'


class Answers:
    """A transport that gives these answers: by what the path holds, or one after the other."""

    def __init__(self, *answers: HttpAnswer, **by_path: HttpAnswer) -> None:
        self.answers, self.by_path = list(answers), by_path
        self.asked: list[str] = []

    def send(self, _method: str, path: str, **_more: object) -> HttpAnswer:
        self.asked.append(path)
        found = [given for part, given in self.by_path.items() if f"/{part}" in path]
        return found[0] if found else self.answers.pop(0)

    def close(self) -> None:
        """Nothing is open."""


def answer(data: Any, status: int = 200, **headers: str) -> HttpAnswer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status, names, json.dumps(data).encode())


def client(*answers: HttpAnswer, **by_path: HttpAnswer) -> tuple[Client, list[float]]:
    waited: list[float] = []
    transport: Any = Answers(*answers, **by_path)
    return Client(transport, "ghs_x", "", "octo/runs", sleep=waited.append), waited


def ids(*answers: HttpAnswer) -> list[int]:
    one, _ = client(*answers)
    return [each["id"] for each in one.pages("things")]


def test_a_list_goes_on_while_its_link_says_so() -> None:
    """A page may be short in the middle of it."""
    assert ids(answer([{"id": 1}], link=NEXT), answer([{"id": 2}], link=PREVIOUS)) == [1, 2]
    assert ids(answer([{"id": n} for n in range(100)]), answer([])) == list(range(100))
    assert ids(answer([])) == []


@pytest.mark.parametrize(
    "given",
    [
        answer({"message": "Not Found"}, 404),
        answer([{"id": 1}, None]),
        answer(["x"]),
        answer({"id": 1}),
        answer(None),
        answer([], link=NEXT),
    ],
)
def test_a_list_that_cannot_be_seen_is_not_an_empty_one(given: HttpAnswer) -> None:
    with pytest.raises(UnreachableError):
        ids(given)


def test_a_list_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGES", 5)
    with pytest.raises(UnreachableError):
        ids(*[answer([{"id": 1}], link=NEXT)] * 5)


@pytest.mark.parametrize(
    ("asked", "waited"), [("0", 0), ("7", 7), ("", 1), ("-7", 1), ("7, 8", 1), ("٣", 1), ("x", 1)]
)
def test_how_long_is_waited_is_asked_in_plain_numbers(asked: str, waited: float) -> None:
    one, waits = client(answer({}, 429, retry_after=asked), answer({}))
    assert one.get("x") == {}
    assert waits == [waited]


SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
LIMITED = [
    answer({}, 403, retry_after="3"),
    answer({}, 403, x_ratelimit_remaining="0"),
    answer({}, 429),
    answer(SECONDARY, 403),
]
FAULTS = [answer({}, status) for status in (500, 502, 503, 504)]


@pytest.mark.fault(25)
@pytest.mark.parametrize("refused", LIMITED)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_that_a_rate_limit_refused_is_tried_again(method: str, refused: HttpAnswer) -> None:
    """GitHub limits writes most of all: 80 a minute that make content."""
    one, waits = client(refused, answer({"id": 1}))
    assert one.send(method, "issues/1/comments", {"body": "x"}) == {"id": 1}
    assert waits == [
        3 if "3" in refused.headers.values() else 60 if refused.data() == SECONDARY else 1
    ]


@pytest.mark.fault(25)
@pytest.mark.parametrize("fault", FAULTS)
def test_only_a_write_that_may_be_done_twice_is_tried_again_after_a_fault(
    fault: HttpAnswer,
) -> None:
    for method in ("PATCH", "DELETE"):
        one, _ = client(fault, answer({"id": 1}))
        assert one.send(method, "issues/comments/1") == {"id": 1}
    one, waits = client(fault, answer({"id": 1}))
    with pytest.raises(UnreachableError) as refused:
        one.send("POST", "issues/1/comments", {"body": "x"})
    assert (waits, refused.value.not_done) == ([], "It may have been done or not.")


def test_one_try_that_may_have_been_done_is_not_taken_back_by_a_limit() -> None:
    one, _ = client(FAULTS[0], *[LIMITED[2]] * 3)
    with pytest.raises(UnreachableError) as refused:
        one.send("PATCH", "issues/comments/1", {"body": "x"})
    assert refused.value.not_done == "It may have been done or not."


@pytest.mark.fault(25)
@pytest.mark.parametrize("answered", [*LIMITED, *FAULTS])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_what_stays_busy_is_no_missing_right_and_no_wrong_number(
    method: str, answered: HttpAnswer
) -> None:
    one, waits = client(*[answered] * 4)
    with pytest.raises(UnreachableError, match="tried 4 times") as refused:
        one.send(method, "x") if method == "PATCH" else one.get("x")
    assert refused.value.reason == "github_unreachable"
    assert "again" in refused.value.hint
    assert len(waits) == 3


PULL = PullRequest(
    7, "a" * 40, "main", "b" * 40, author="ada", branch="x", repository="octo/runs",
    opened_at="2026-11-01T00:00:00Z",
)  # fmt: skip
APPROVED = {
    "user": {"login": "mara", "type": "User"}, "state": "APPROVED", "commit_id": "a" * 40,
    "submitted_at": "2026-11-01T12:00:00Z",
}  # fmt: skip
COMMIT = {"author": {"login": "ada"}, "committer": {"login": "ada"}, "commit": {"message": "x"}}
PUSH = {"ref": "refs/heads/x", "after": "a" * 40, "actor": {"login": "ada"}}
KNOWN = {
    "reviews": answer([APPROVED]), "events": answer([]), "commits": answer([COMMIT]),
    "activity": answer([PUSH]), "collaborators": answer({"permission": "write"}),
}  # fmt: skip


def approvers(**other: HttpAnswer) -> tuple[str, ...]:
    one, _ = client(**{**KNOWN, **other})
    return tuple(GitHubPulls(one).review(PULL, ()).approvers)


def test_an_approval_counts_only_where_all_that_speaks_against_it_could_be_seen() -> None:
    """A list of events that isn't shown doesn't say that the target branch was never changed."""
    assert approvers() == ("mara",)
    hidden = answer({"message": "Not Found"}, 404)
    for what in ("reviews", "events", "commits"):
        with pytest.raises(UnreachableError):
            approvers(**{what: hidden})
    assert approvers(activity=hidden) == ()
    assert approvers(activity=answer([PUSH], link=NEXT)) == ()
    assert approvers(activity=answer([PUSH | {"ref": "refs/heads/y"}] * 99 + [PUSH])) == ()
    assert approvers(collaborators=hidden) == ()


@pytest.mark.parametrize(
    ("events", "by"),
    [
        ([], ""),
        ([{"event": "closed", "actor": {"login": "ada"}}], ""),
        ([{"event": "merged", "actor": {"login": "dora"}}], "dora"),
        ([{"event": "merged", "actor": None}], ""),
        ([{"event": "merged", "actor": {"login": None}}], ""),
        ([{"event": "merged", "actor": "dora"}], ""),
        ([{"event": "merged"}], ""),
    ],
)
def test_who_merged_it_is_what_its_events_tell(events: list[dict[str, Any]], by: str) -> None:
    one, _ = client(**{**KNOWN, "events": answer(events)})
    assert GitHubPulls(one).review(PULL, ()).merged_by == by


@pytest.mark.parametrize(
    ("id_", "known"), [(80, {"mara": 80}), (None, {}), ("80", {}), (True, {}), (8.5, {})]
)
def test_a_review_without_a_number_has_none(id_: object, known: dict[str, int]) -> None:
    one, _ = client(**{**KNOWN, "reviews": answer([APPROVED | {"id": id_}])})
    found = GitHubPulls(one).review(PULL, ())
    assert (found.reviews, dict(found.approvers)) == (known, {"mara": "a" * 40})


@pytest.mark.parametrize(
    ("reset", "until"),
    [
        ("1795849200", ", until 2026-11-28T07:00:00Z."),
        ("-5", "."),
        ("", "."),
        ("9" * 12, "."),
        ("1e9", "."),
        ("٣", "."),
    ],
)
def test_a_limit_says_until_when(reset: str, until: str) -> None:
    refused = [
        answer({"message": "too many"}, 403, x_ratelimit_remaining="0", x_ratelimit_reset=reset)
    ] * 4
    one, _ = client(*refused)
    with pytest.raises(UnreachableError) as problem:
        one.get("")
    assert (
        problem.value.message == f"GitHub could not be asked, tried 4 times: 403: too many{until}"
    )


def test_who_was_renamed_is_told_so() -> None:
    one, _ = client(answer({"message": "Moved Permanently"}, 301, location="https://x.example/"))
    with pytest.raises(UnreachableError) as problem:
        one.get("")
    assert problem.value.reason == "github_moved"
    assert "GITHUB_REPOSITORY" in problem.value.hint
