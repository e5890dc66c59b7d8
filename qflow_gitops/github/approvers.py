"""Who approved a pull request, and may count as somebody else than who made it.

A review counts for the commit that it was given on, from a person with write access who had no
hand in the pull request: didn't open it, wrote or committed none of its commits, pushed none.
Merges that only bring the target branch in (`Update`) are nobody's hand.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from qflow_gitops.github.client import Client
from qflow_gitops.ports.pull_requests import PullRequest, Reviewed, Update

MOST_COMMITS = 250
"""So many commits of a pull request the API lists; of more the rest can't be known."""
_VERDICTS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")  # a comment changes no verdict
_HOST = "web-flow"  # who GitHub says committed what was made in the browser
_MOVES = ("base_ref_changed", "automatic_base_change_succeeded")
_TOGETHER = re.compile(r"^\s*co-authored-by:(.*)$", re.IGNORECASE | re.MULTILINE)
_NOREPLY = re.compile(r"<(?:[0-9]+\+)?([\w-]+(?:\[bot\])?)@users\.noreply\.[\w.-]+>\s*$")


def review(client: Client, request: PullRequest, updates: Sequence[Update]) -> Reviewed:
    """Say who approved it, without those who had a hand in it."""
    commits = list(client.pages(f"pulls/{request.number}/commits"))
    made = {each.commit for each in updates}
    hands, why = _hands(commits, made)
    pushers, more = _pushers(client, request, updates)
    hands |= pushers | {request.author.lower()}
    signed = bool(commits) and all(map(_is_verified, commits))
    happened = list(client.pages(f"issues/{request.number}/events"))
    reviews, uncounted = _approved(client, request, _moved_at(happened))
    said = {who: str(each.get("commit_id") or "") for who, each in reviews.items()}
    counted = {request.head, *(each.before for each in updates)}
    approved = {who: commit for who, commit in said.items() if commit in counted}
    approvers = {who: at for who, at in approved.items() if who.lower() not in hands}
    why = why or more
    uncounted += [
        f"{who} approved it, who had a hand in it"
        if who in approved
        else f"{who} approved commit {at[:10]}, not its newest one, {request.head[:10]}"
        for who, at in said.items()
        if who not in approvers
    ]
    if not why and approved and not approvers:
        why = f"only {', '.join(sorted(approved))} approved it, who had a hand in it"
    elif not why and said and not approved:
        who, at = min(said.items())
        why = f"{who} approved commit {at[:10]}, not its newest one, {request.head[:10]}"
    ids = {who: reviews[who].get("id") for who in approvers}
    return Reviewed(
        {} if why else dict(sorted(approvers.items())), why, signed, tuple(uncounted),
        {who: each for who, each in ids.items() if type(each) is int}, _merged_by(happened),
    )  # fmt: skip


def _approved(
    client: Client, request: PullRequest, moved: str
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the reviews of who said yes, and nothing else after that; and why others didn't.

    What was said before it went to another branch (`moved`) was said of another difference.
    """
    last: dict[str, dict[str, Any]] = {}
    for review in client.pages(f"pulls/{request.number}/reviews"):
        user = review.get("user") or {}
        if review.get("state") in _VERDICTS and user.get("login"):
            last[user["login"]] = review
    why = {login: _no_yes(client, login, review, moved) for login, review in sorted(last.items())}
    yes = {who: last[who] for who, not_ in why.items() if not not_}
    return yes, [not_ for not_ in why.values() if not_]


def _no_yes(client: Client, login: str, review: dict[str, Any], moved: str) -> str:
    """Say why a person's last word approves nothing, "" where it does."""
    if review.get("state") != "APPROVED":
        asked = review.get("state") == "CHANGES_REQUESTED"
        return f"{login} asked for changes" if asked else f"the review of {login} was dismissed"
    if str(review.get("submitted_at") or "") <= moved:
        return f"{login} approved it before it went to another branch"
    if (review.get("user") or {}).get("type") != "User":
        return f"{login} approved it, and is no person"
    return "" if _may_write(client, login) else f"{login} approved it, who may not write here"


def _moved_at(happened: Sequence[dict[str, Any]]) -> str:
    """Return when its target branch was last changed, "" for never (docs, Issue event types)."""
    times = (str(event.get("created_at")) for event in happened if event.get("event") in _MOVES)
    return max(times, default="")


def _merged_by(happened: Sequence[dict[str, Any]]) -> str:
    """Return who merged it, "" where that isn't told: lists of pull requests don't say it."""
    actors = [each.get("actor") for each in happened if each.get("event") == "merged"]
    last = actors[-1] if actors else None
    return str(last.get("login") or "") if isinstance(last, dict) else ""


def _may_write(client: Client, login: str) -> bool:
    found = client.get(f"collaborators/{quote(login)}/permission")
    return isinstance(found, dict) and found.get("permission") in ("admin", "write")


def _pushers(
    client: Client, request: PullRequest, updates: Sequence[Update]
) -> tuple[set[str], str]:
    """Return who pushed to the pull request's branch, or why that can't be told.

    The list is the repository's activity; it tells all that was pushed if it shows how the
    newest commit came, and begins before the pull request was opened.
    """
    if request.repository.lower() != client.repository.lower():
        return set(), "it comes from a fork, and who pushed there isn't told"
    ref = f"refs/heads/{request.branch}"
    shown, more = client.page("activity", {"ref": ref, "per_page": 100})
    found = [each for each in shown if each.get("ref") == ref]
    updated = {(each.before, each.commit) for each in updates}
    pushers = {
        str((each.get("actor") or {}).get("login", "")).lower()
        for each in found
        if (each.get("before"), each.get("after")) not in updated
    }
    whole = not more and len(shown) < 100
    whole = whole or (bool(shown) and str(shown[-1].get("timestamp")) <= request.opened_at)
    if "" in pushers or not whole or not any(each.get("after") == request.head for each in found):
        return pushers, "GitHub doesn't tell who pushed its commits"
    return pushers, ""


def _hands(commits: Sequence[dict[str, Any]], but: Collection[str]) -> tuple[set[str], str]:
    """Return who wrote or committed its commits `but` some, or why that can't be told."""
    if not commits or len(commits) >= MOST_COMMITS:
        return set(), "GitHub doesn't list all of its commits"
    found: set[str] = set()
    for commit in commits:
        if commit.get("sha") in but:
            continue
        logins = set(_logins(commit))
        if "" in logins:
            sha = str(commit.get("sha", ""))[:10]
            return found, f"who wrote its commit {sha} is no user that GitHub knows"
        found |= logins
    return found - {_HOST}, ""


def _logins(commit: dict[str, Any]) -> Iterator[str]:
    for role in ("author", "committer"):
        yield str((commit.get(role) or {}).get("login", "")).lower()
    message = str((commit.get("commit") or {}).get("message", ""))
    for who in _TOGETHER.findall(message):
        known = _NOREPLY.search(who)  # any other address may be that of whoever approves
        yield known[1].lower() if known else ""


def _is_verified(commit: dict[str, Any]) -> bool:
    return ((commit.get("commit") or {}).get("verification") or {}).get("verified") is True
