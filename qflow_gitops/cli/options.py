"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from qflow_gitops.cli import everywhere
from qflow_gitops.render.formats import COPIES, RESULTS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from qflow_gitops.audit.span import Span

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
Copies = tuple[tuple[str, str], ...]
"""Further results to write: (format, file)."""


def output(*names: str) -> Decorator:
    """`--format` with these formats (the first is the default), and `--report`."""
    formats = click.option(
        "--format",
        "format_name",
        type=click.Choice(list(names or RESULTS)),
        multiple=True,
        callback=everywhere.one_format(names or RESULTS),
        help=f"What to write to stdout; without it {(names or RESULTS)[0]}.",
    )
    report = click.option(
        "--report",
        "copies",
        metavar="FORMAT=FILE",
        multiple=True,
        callback=_copies(tuple(dict.fromkeys((*names, *COPIES)))),
        help="Write a further copy of the result to a file, or to stdout (-); repeatable.",
    )

    def both(function: Callable[..., Any]) -> Callable[..., Any]:
        return formats(report(function))

    return both


def _copies(names: tuple[str, ...]) -> Callable[..., Copies]:
    """Read FORMAT=FILE before the work begins, so that a slip costs nothing."""

    def pairs(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> Copies:
        found = []
        for value in values:
            format_name, _, file = value.partition("=")
            if format_name not in names or not file:
                raise click.BadParameter(
                    f"{value!r} isn't FORMAT=FILE; the formats are: {', '.join(names)}."
                )
            found.append((format_name, file))
        return tuple(found)

    return pairs


def completed(what: str) -> Callable[..., list[CompletionItem]]:
    """Return what completes a value, by the name of a function of `cli.completing`."""

    def complete(ctx: click.Context, param: click.Parameter, text: str) -> list[CompletionItem]:
        from qflow_gitops.cli import completing

        found: list[CompletionItem] = getattr(completing, what)(ctx, param, text)
        return found

    return complete


def lock_name(_ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Refuse a name of a branch or remote that qflow.yaml couldn't have, before anything is done.

    The option is called as the setting is.
    """
    from qflow_gitops.commands.beginning import check_name

    if value and (problem := check_name(str(param.name), value)):
        raise click.BadParameter(problem)
    return value


def seconds(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """Read a duration as people write it, None where it isn't given."""
    if value is None:
        return None
    from qflow_gitops.base.times import duration

    try:
        return duration(value)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from None


def since(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Read a time that is over, as RFC 3339 in UTC; "" where none is given."""
    if not value:
        return ""
    from datetime import UTC, datetime

    from qflow_gitops.base import times

    try:
        return times.since(value, datetime.now(UTC))
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from None


def span(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--since` and `--until` of a report."""
    until = click.option(
        "--until",
        metavar="TIME",
        default="",
        callback=since,
        help="Only what was under way before: 2026-11-01 (UTC) for all of October.",
    )
    begin = click.option(
        "--since",
        metavar="TIME",
        default="",
        callback=since,
        help="Only what was under way since: 2026-10-01 (UTC), 12h, 30d, 4w.",
    )
    return begin(until(function))


def span_of(begin: str, end: str) -> Span:
    """Return the span of time that a report is about. Raises click.UsageError for none."""
    from qflow_gitops.audit.span import Span

    if begin and end and begin >= end:
        raise click.UsageError(f"--since {begin} isn't before --until {end}.")
    return Span(begin, end)


environment: Decorator = click.option(
    "-e",
    "--environment",
    default="",
    metavar="ENV",
    help="Only this environment.",
    shell_complete=completed("environments"),
)


runs: Decorator = click.argument(
    "runs", metavar="[RUN]...", nargs=-1, shell_complete=completed("runs")
)


def revision(*names: str, default: str, text: str) -> Decorator:
    """Return an option that takes a commit's name."""
    shown = bool(default)
    return click.option(
        *names, default=default, metavar="REV", show_default=shown, help=text,
        shell_complete=completed("revisions"),
    )  # fmt: skip


def _pairs(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} isn't KEY=VALUE")
        pairs[name] = value
    return pairs


labels: Decorator = click.option(
    "-l",
    "--label",
    "labels",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_pairs,
    help="Only specs with this label; repeatable, all have to match.",
)


def counts(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """Read NAME=COUNT, each name once."""
    counts = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not value.isdecimal():
            raise click.BadParameter(f"{text!r} isn't NAME=COUNT")
        counts[name] = int(value)
    return counts


acks: Decorator = click.option(
    "--ack",
    "acks",
    multiple=True,
    metavar="NAME=COUNT",
    callback=counts,
    help="Release a kind of hold (same_request, unmerged, window, limit:runs, …), or what "
    "--retry-failed takes (retry), if exactly so many are held; or let go of a history that was "
    "rewritten (rewritten=1), say that the lockfile belongs to this remote, too (place=1), or "
    "begin a new one (new-record=1). Needs --reason.",
)
