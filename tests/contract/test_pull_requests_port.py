"""The client of the GitHub API, over HTTP to a server of the tests, and the fake one tell alike."""

from collections.abc import Iterator
from typing import Protocol

import pytest

from qflow_gitops.errors import AuthError, UsageProblem
from qflow_gitops.github.client import Client
from qflow_gitops.github.comments import GitHubConversations
from qflow_gitops.github.connect import connect
from qflow_gitops.github.pulls import GitHubPulls
from qflow_gitops.ports.pull_requests import Author, Conversations, PullRequests, Update
from tests.fakes.github import ACTIONS, FakeGitHub
from tests.helpers.github_api import Fault, GitHubApi

HEAD, BASE, NEXT, MERGE = "1" * 40, "b" * 40, "2" * 40, "c" * 40
BOB = Author("bob", bot=False)


class Host(Protocol):
    """What people do there, and how a program sees it."""

    @property
    def pulls(self) -> PullRequests: ...
    @property
    def conversations(self) -> Conversations: ...
    def open(self, number: int, head: str, base_commit: str) -> None: ...
    def push(self, number: int, head: str, by: str) -> None: ...
    def update(self, number: int, head: str, by: str) -> None: ...
    def approve(self, number: int, by: str, commit: str = "") -> None: ...
    def withdraw(self, number: int, by: str) -> None: ...
    def without_rights(self, login: str) -> None: ...
    def strange(self, number: int, commit: str) -> None: ...
    def merge(self, number: int, commit: str, by: str = "ada") -> None: ...
    def say(self, number: int, body: str, author: Author) -> int: ...
    def known_as(self, author: Author) -> None: ...
    def refuse(self) -> None: ...


class Real:
    """The server, and the client that talks to it."""

    def __init__(self, api: GitHubApi, client: Client) -> None:
        self._api = api
        self.pulls: PullRequests = GitHubPulls(client)
        self.conversations: Conversations = GitHubConversations(client)

    def open(self, number: int, head: str, base_commit: str) -> None:
        self._api.open(number, head, base_commit)

    def push(self, number: int, head: str, by: str) -> None:
        before = self._api.pulls[number]["head"]["sha"]
        self._api.pulls[number]["head"]["sha"] = head
        self._api.committed(number, head, by)
        self._api.push(number, head, by, before)

    def update(self, number: int, head: str, by: str) -> None:
        self._api.update(number, head, by)

    def approve(self, number: int, by: str, commit: str = "") -> None:
        self._api.approve(number, by, commit)

    def withdraw(self, number: int, by: str) -> None:
        self._api.approve(number, by, state="CHANGES_REQUESTED")

    def without_rights(self, login: str) -> None:
        self._api.rights[login] = "read"

    def strange(self, number: int, commit: str) -> None:
        self._api.pulls[number]["head"]["sha"] = commit
        self._api.committed(number, commit, by="")
        self._api.push(number, commit)

    def merge(self, number: int, commit: str, by: str = "ada") -> None:
        self._api.merge(number, commit, by)

    def say(self, number: int, body: str, author: Author) -> int:
        login = f"{author.login}[bot]" if author.bot else author.login
        user = {"login": login, "type": "Bot" if author.bot else "User"}
        return int(self._api.say(number, body, user)["id"])

    def known_as(self, author: Author) -> None:
        self._api.user = {"login": author.login, "type": "User"}

    def refuse(self) -> None:
        self._api.faults += [Fault(method, ".", 403) for method in ("GET", "POST", "PATCH")]


class Fake:
    """The fake one."""

    def __init__(self) -> None:
        self._hub = FakeGitHub()
        self.pulls: PullRequests = self._hub
        self.conversations: Conversations = self._hub

    def open(self, number: int, head: str, base_commit: str) -> None:
        self._hub.open(number, head, base_commit)

    def push(self, number: int, head: str, by: str) -> None:
        self._hub.push(number, head, by)

    def update(self, number: int, head: str, by: str) -> None:
        self._hub.push(number, head, by)

    def approve(self, number: int, by: str, commit: str = "") -> None:
        self._hub.approve(number, by, commit)

    def withdraw(self, number: int, by: str) -> None:
        self._hub.withdraw(number, by)

    def without_rights(self, login: str) -> None:
        self._hub.rights[login] = False

    def strange(self, number: int, commit: str) -> None:
        self._hub.push(number, commit, by="")

    def merge(self, number: int, commit: str, by: str = "ada") -> None:
        self._hub.merge(number, commit, by)

    def say(self, number: int, body: str, author: Author) -> int:
        return self._hub.say(number, body, author).id

    def known_as(self, author: Author) -> None:
        self._hub.user = author

    def refuse(self) -> None:
        self._hub.problem = AuthError("no", reason="github_permission")


@pytest.fixture(params=["client", "fake"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host with the pull request 7, whose newest commit is HEAD."""
    if request.param == "fake":
        made: Host = Fake()
        made.open(7, HEAD, BASE)
        yield made
        return
    with GitHubApi() as api:
        client = connect(api.environ)
        real = Real(api, client)
        real.open(7, HEAD, BASE)
        yield real
        client.close()


def approvers(host: Host, *updates: Update) -> dict[str, str]:
    """Who approved pull request 7; where nobody counts, it is said why, unless nobody did."""
    found = host.pulls.review(host.pulls.pull_request(7), updates)
    assert not (found.why and found.approvers)
    return dict(found.approvers)


def why(host: Host) -> str:
    return host.pulls.review(host.pulls.pull_request(7), ()).why


def uncounted(host: Host) -> list[str]:
    """Why a review is no approval is told also where another one is."""
    return sorted(host.pulls.review(host.pulls.pull_request(7), ()).uncounted)


# --- pull requests -------------------------------------------------------------------


def test_a_pull_request_says_where_it_comes_from_and_goes_to(host: Host) -> None:
    found = host.pulls.pull_request(7)
    assert found == host.conversations.pull_request(7)
    assert (found.number, found.head, found.base, found.base_commit) == (7, HEAD, "main", BASE)
    assert (found.merged, found.merge_commit) == (False, "")
    assert (found.author, found.branch, found.repository) == ("ada", "pull-7", "octo/runs")
    assert found.opened_at
    assert host.pulls.default_branch() == "main"
    for ask in (host.pulls, host.conversations):
        with pytest.raises(UsageProblem) as refused:
            ask.pull_request(8)
        assert refused.value.reason == "pull_request_unknown"


def test_a_merge_names_the_pull_request_that_brought_it(host: Host) -> None:
    assert list(host.pulls.merged_with(MERGE)) == []
    host.merge(7, MERGE)
    (found,) = host.pulls.merged_with(MERGE)
    assert (found.number, found.merged, found.merge_commit) == (7, True, MERGE)
    assert host.pulls.pull_request(7).merge_commit == MERGE
    assert list(host.pulls.merged_with(HEAD)) == []


# --- reviews -------------------------------------------------------------------------


def test_who_may_write_and_had_no_hand_in_it_approves(host: Host) -> None:
    assert approvers(host) == {}
    assert not why(host)
    host.approve(7, "bob")
    host.approve(7, "carol")
    assert approvers(host) == {"bob": HEAD, "carol": HEAD}
    host.without_rights("carol")
    assert approvers(host) == {"bob": HEAD}
    assert uncounted(host) == ["carol approved it, who may not write here"]
    host.withdraw(7, "bob")
    assert approvers(host) == {}


def test_each_approval_has_its_review_and_the_merge_says_by_whom(host: Host) -> None:
    host.approve(7, "bob")
    host.approve(7, "carol")
    found = host.pulls.review(host.pulls.pull_request(7), ())
    assert (set(found.reviews), found.merged_by) == ({"bob", "carol"}, "")
    assert len(set(found.reviews.values())) == 2
    first = found.reviews["bob"]
    host.approve(7, "bob")
    host.merge(7, MERGE, by="dora")
    found = host.pulls.review(host.pulls.pull_request(7), ())
    assert found.reviews["bob"] > first  # the newer one counts
    assert found.merged_by == "dora"


def test_who_opened_or_pushed_it_approves_nothing(host: Host) -> None:
    host.approve(7, "ada")
    assert approvers(host) == {}
    assert "ada" in why(host)
    host.push(7, NEXT, by="bob")
    host.approve(7, "bob")
    assert approvers(host) == {}
    host.approve(7, "carol")
    assert approvers(host) == {"carol": NEXT}
    assert "bob approved it, who had a hand in it" in uncounted(host)


def test_an_approval_is_of_one_commit(host: Host) -> None:
    host.approve(7, "bob")
    host.push(7, NEXT, by="ada")
    assert approvers(host) == {}
    assert "bob" in why(host)
    host.approve(7, "carol")
    assert approvers(host) == {"carol": NEXT}
    assert uncounted(host) == [f"bob approved commit {HEAD[:10]}, not its newest one, {NEXT[:10]}"]
    host.approve(7, "bob")
    assert approvers(host) == {"bob": NEXT, "carol": NEXT}
    assert uncounted(host) == []


def test_an_update_takes_nobodys_approval_and_is_nobodys_hand(host: Host) -> None:
    host.approve(7, "bob")
    host.update(7, NEXT, by="bob")
    assert approvers(host) == {}
    assert approvers(host, Update(NEXT, HEAD)) == {"bob": HEAD}


def test_who_is_not_known_may_have_approved_their_own(host: Host) -> None:
    host.strange(7, NEXT)
    host.approve(7, "bob")
    assert approvers(host) == {}
    assert why(host)


def test_signatures_are_told(host: Host) -> None:
    assert host.pulls.review(host.pulls.pull_request(7), ()).signed


# --- what is said --------------------------------------------------------------------


def test_comments_come_oldest_first_whoever_wrote_them(host: Host) -> None:
    assert list(host.conversations.comments(7)) == []
    host.say(7, "one", BOB)
    made = host.conversations.create(7, "two")
    host.say(7, "three", Author("other-app", bot=True))
    found = host.conversations.comments(7)
    assert [comment.body for comment in found] == ["one", "two", "three"]
    assert [comment.author for comment in found] == [BOB, ACTIONS, Author("other-app", bot=True)]
    assert found[1] == made
    assert made.url
    assert found[0].id < found[1].id < found[2].id


def test_a_comment_is_changed_and_removed_as_long_as_it_is_there(host: Host) -> None:
    made = host.conversations.create(7, "one")
    edited = host.conversations.edit(made.id, "two")
    assert edited == made._replace(body="two")
    assert [comment.body for comment in host.conversations.comments(7)] == ["two"]
    host.conversations.delete(made.id)
    host.conversations.delete(made.id)
    assert list(host.conversations.comments(7)) == []
    assert host.conversations.edit(made.id, "three") is None


def test_as_whom_a_token_writes_may_not_be_told(host: Host) -> None:
    assert host.conversations.author() is None
    host.known_as(BOB)
    assert host.conversations.author() == BOB


def test_who_may_not_is_told_so(host: Host) -> None:
    host.refuse()
    for call in (
        lambda: host.pulls.pull_request(7),
        lambda: host.conversations.comments(7),
        lambda: host.conversations.create(7, "one"),
        lambda: host.conversations.edit(1, "two"),
    ):
        with pytest.raises(AuthError):
            call()
