"""The options of the program itself, which stand before a command or behind it.

Each may be said several times as long as it says the same; anything else is an error.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click.shell_completion import CompletionItem

    from qflow_gitops.cli.context import Wiring

_GIVEN = "qflow_gitops.given"


class Bare(click.Command):
    """A command that needs nothing of what others are made of, and doesn't wait for it."""


class _Everywhere(click.Option):
    """An option behind a command: completed there, and explained in the program's own help."""

    def get_help_record(self, ctx: click.Context) -> None:
        """Leave it out of the command's help."""
        del ctx


def _take(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep what is given; behind the program's own options the command gets what follows of it."""
    values = value if isinstance(value, tuple) else (value,) if value else ()
    if values:
        _note(ctx, param, values)
    behind = ctx.parent is not None and not ctx.resilient_parsing
    if behind and not isinstance(ctx.command, Bare) and (values or isinstance(ctx.obj, str)):
        ctx.obj = wiring(ctx)  # anew with each option; before the first it is what was typed


def _note(ctx: click.Context, param: click.Parameter, values: Sequence[Any]) -> None:
    given = ctx.meta.setdefault(_GIVEN, {})
    every = (*given.get(param.name, ()), *values)
    given[param.name] = every[:1]
    if ctx.resilient_parsing:  # a shell completes; nothing is a mistake yet
        return
    once(ctx, param.opts[-1], every)
    if {"quiet", "verbose"} <= given.keys():
        raise click.UsageError("-q and -v exclude each other.", ctx)


def once(ctx: click.Context, name: str, values: Sequence[str]) -> str:
    """Return what an option says, "" where it isn't given; UsageError for two different things."""
    different = [*dict.fromkeys(values)]
    if len(different) > 1:
        words = " and ".join(different[:2])
        raise click.UsageError(f"{name} is given twice, and differently: {words}.", ctx)
    return different[0] if different else ""


def given(ctx: click.Context, name: str) -> tuple[str, ...]:
    """Return what stood before or behind a command, () for nothing."""
    found: tuple[str, ...] = ctx.meta.get(_GIVEN, {}).get(name, ())
    return found


def wiring(ctx: click.Context) -> Wiring:
    """Make what commands are made of, as the options say; a help needs nothing of it."""
    from qflow_gitops.cli.console import Console
    from qflow_gitops.cli.context import Wiring

    console = Console.for_process(
        os.environ,
        color=next(iter(given(ctx, "color")), "auto"),
        quiet=bool(given(ctx, "quiet")),
        verbose=bool(given(ctx, "verbose")),
    )
    typed: str = ctx.find_root().obj
    return Wiring(next(iter(given(ctx, "directory")), "."), os.environ, console, typed=typed)


def _formats(_ctx: click.Context, _param: click.Parameter, text: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from qflow_gitops.render.formats import FORMATS

    return [CompletionItem(name) for name in FORMATS if name.startswith(text)]


def _options(kind: type[click.Option]) -> list[click.Option]:
    def option(*names: str, **more: Any) -> click.Option:
        return kind(names, expose_value=False, callback=_take, **more)

    return [
        option(
            "-C", "directory", metavar="DIR", multiple=True,
            type=click.Path(file_okay=False),
            help="Work as if started in this folder. The project is that of the nearest qflow.yaml "
            "at or above it, up to the repository's root.",
        ),
        option("-q", "--quiet", is_flag=True, help="No progress, only results and errors."),
        option(
            "-v", "--verbose", is_flag=True,
            help="Say which repository and gateway are used, each finding, and each target by "
            "itself.",
        ),
        option(
            "--color", multiple=True,
            type=click.Choice(["auto", "always", "never"]),
            help="Colour; auto, which counts without it, follows the terminal and NO_COLOR.",
        ),
    ]  # fmt: skip


def _format(kind: type[click.Option]) -> click.Option:
    """Make the option where it stands before a command, which says whether it takes that."""
    return kind(
        ["--format", "format_name"], metavar="FORMAT", multiple=True, expose_value=False,
        callback=_take, shell_complete=_formats,
        help="What the command writes to stdout; the same as --format behind it.",
    )  # fmt: skip


def before(command: click.Group) -> click.Group:
    """Give the program its options."""
    command.params[:0] = [*_options(click.Option), _format(click.Option)]
    return command


def behind(command: click.Command) -> click.Command:
    """Let a command take the program's options, too, but for those whose names it has itself."""
    if not any(isinstance(param, _Everywhere) for param in command.params):
        own = {name for param in command.params for name in param.opts}
        more = [_format(_Everywhere)] if isinstance(command, click.Group) else []
        all_ = [*_options(_Everywhere), *more]
        command.params += [one for one in all_ if own.isdisjoint(one.opts)]
    return command


def one_format(names: Sequence[str]) -> Callable[..., str]:
    """Return what chooses between a command's own `--format` and the program's; default: first."""

    def choose(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> str:
        found = once(ctx, "--format", (*given(ctx, "format_name"), *values)) or names[0]
        if found not in names:
            raise click.BadParameter(
                f"{found!r} is not one of {', '.join(map(repr, names))}.", ctx, param
            )
        return found

    return choose
