"""What every group of commands does alike: the program itself, `lock`, `schema` and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import everywhere

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click.shell_completion import CompletionItem


_HYPHEN = "\u2011"  # one that no line ends at


class _Whole(click.HelpFormatter):
    """A help whose lines end between words: a path, an address or an option is one word."""

    def write_text(self, text: str) -> None:
        super().write_text(text.replace("-", _HYPHEN))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        told = [(name, about.replace("-", _HYPHEN)) for name, about in rows]
        super().write_dl(told, col_max, col_spacing)

    def getvalue(self) -> str:
        return super().getvalue().replace(_HYPHEN, "-")


click.Context.formatter_class = _Whole


class Group(click.Group):
    """A group that says what was meant where there is no such command, and its help whole."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; while a line is completed none is a mistake, and nothing is said."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            from qflow_gitops.cli import slips

            group = "" if ctx.parent is None else f"{ctx.info_name} "
            hint = slips.of_command(name, known, group)
            ctx.fail(f"There is no command `{name}`. {hint}".rstrip())
        known_as, found, rest = super().resolve_command(ctx, args)
        takes = {param.name for param in found.params} if found else set()
        may = isinstance(found, click.Group) or "format_name" in takes
        if everywhere.given(ctx, "format_name") and not may:
            ctx.fail(f"`{name}` has no --format.")
        return known_as, found, rest

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command, which takes the program's options, too."""
        found = super().get_command(ctx, cmd_name)
        return everywhere.behind(found) if found else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command, but none behind one that there isn't."""
        if ctx._protected_args:
            return []
        return super().shell_complete(ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its first sentence, however long it is."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, found.get_short_help_str(500)) for name, found in commands if found]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
