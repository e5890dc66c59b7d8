"""`qflow-gitops comment`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.errors import UsageProblem

if TYPE_CHECKING:
    from qflow_gitops.commands.comment import CommentRequest, CommentServices
    from qflow_gitops.results.report import Report


@click.command("comment")
@click.option(
    "--pull-request", "number", type=click.IntRange(min=1), metavar="N",
    help="Which pull request; in its own CI job that is known.",
)  # fmt: skip
@options.revision("--to", "head", default="", text="The commit to plan, instead of its head.")
@options.environment
@click.option("--merged", is_flag=True, help="After an apply: all whose runs recently changed.")
@click.option("--always", is_flag=True, help="Comment even where nothing is selected.")
@click.option(
    "--dry-run", is_flag=True,
    help="Write the comments to stdout, post nothing; without a token from git alone.",
)  # fmt: skip
@click.option(
    "--author", default="", metavar="LOGIN",
    help="Whose comments these are, for the token of a GitHub App: `app-name[bot]`.",
)  # fmt: skip
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring,
    number: int | None,
    head: str,
    environment: str,
    merged: bool,
    always: bool,
    dry_run: bool,
    author: str,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Keep the plan on a pull request up to date, in one comment for each environment.

    It shows what the pull request would run and, once merged, what became of it. Made from
    git and the lockfile; nothing of the pull request is executed. The token is GITHUB_TOKEN.
    """
    if merged and (number or head):
        raise click.UsageError("--merged finds its pull requests and commits itself.")

    def work() -> Report:
        from qflow_gitops.commands.comment import CommentRequest
        from qflow_gitops.github.connect import server
        from qflow_gitops.results.pages import pages_of

        request = CommentRequest(
            platform=wiring.platform,
            revision=head,
            environment=environment,
            always=always,
            dry_run=dry_run,
            freezes=wiring.freezes(),
            server=wiring.environ.get("GITHUB_SERVER_URL", ""),
            pages=pages_of(server(wiring.environ), wiring.environ.get("GITHUB_REPOSITORY", "")),
        )
        if dry_run and not merged and _is_alone(wiring, number):
            return _preview(wiring, request)
        return _comment(wiring, request, 0 if merged else _number(wiring, number), author)

    return run(wiring, "comment", work, format_name, copies)


def _is_alone(wiring: Wiring, asked: int | None) -> bool:
    """Whether only git is there to ask: no pull request that is named, or no token for its host."""
    token = any(wiring.environ.get(name, "").strip() for name in ("GITHUB_TOKEN", "GH_TOKEN"))
    return asked is None and not (token and wiring.ci.pull_request)


def _preview(wiring: Wiring, request: CommentRequest) -> Report:
    """Show the comments on what is checked out, as git alone knows it."""
    from qflow_gitops.commands.comment import Branch, LocalServices, preview
    from qflow_gitops.git.history import HistoryRepo
    from qflow_gitops.git.remotes import GitRemotes
    from qflow_gitops.render.comment import render

    remotes, ci = GitRemotes(wiring.git), wiring.ci
    target = ci.target or remotes.default_of("origin")
    branch = Branch(remotes.current(), target, int(ci.pull_request or 0))
    services = LocalServices(
        git=HistoryRepo.of(wiring.git),
        store=wiring.store_to_look_at,
        clock=SystemClock(),
        render=render,
    )
    request = replace(request, revision=request.revision or ci.commit)
    return preview(request, branch, services)


def _number(wiring: Wiring, asked: int | None) -> int:
    number = asked or int(wiring.ci.pull_request or 0)
    if not number:
        raise UsageProblem(
            "Cannot tell which pull request to use.",
            not_done="Nothing was posted.",
            hint="`qflow-gitops comment --pull-request N`, or after an apply "
            "`qflow-gitops comment --merged`",
            reason="pull_request_unknown",
        )
    return number


def _comment(wiring: Wiring, request: CommentRequest, number: int, author: str) -> Report:
    """Comment on one pull request; on those that recently changed where `number` is 0."""
    from qflow_gitops.commands.comment import comment, comment_on_merged
    from qflow_gitops.lockfile.ledger import Lockfile

    services = _edges(wiring, author)
    if number:
        return comment(request, number, services)
    recorded = wiring.store(wiring.project(wiring.git.resolve("HEAD"))).read().lockfile
    return comment_on_merged(request, services, recorded or Lockfile(""))


def _edges(wiring: Wiring, author: str) -> CommentServices:
    from qflow_gitops.commands.comment import CommentServices, author_of
    from qflow_gitops.git.history import HistoryRepo
    from qflow_gitops.github.comments import GitHubConversations
    from qflow_gitops.ports.pull_requests import Author
    from qflow_gitops.render.comment import marked, render, render_gone

    conversations = GitHubConversations(wiring.connections.github)
    found = None if author else conversations.author()
    return CommentServices(
        git=HistoryRepo.of(wiring.git),
        store=wiring.store,
        conversations=conversations,
        clock=SystemClock(),
        author=author_of(found, author, wiring.environ) or Author("", bot=False),
        pulls=wiring.connections.pulls(),
        render=render,
        render_gone=render_gone,
        marked=marked,
    )
