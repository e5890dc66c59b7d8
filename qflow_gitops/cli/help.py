"""`qflow-gitops help`."""

import click

from qflow_gitops.cli import everywhere, options
from qflow_gitops.errors import ExitCode


@click.command("help", cls=everywhere.Bare)
@click.argument(
    "words", metavar="[COMMAND]...", nargs=-1, shell_complete=options.completed("helped")
)
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...]) -> int:
    """Print the help of the program, or of a COMMAND, as --help behind it does."""
    about = ctx.find_root()
    for at, word in enumerate(words):
        if not isinstance(about.command, click.Group):
            raise click.UsageError(
                f"`{' '.join(words[:at])}` has no commands of its own, as `{word}` would be."
            )
        name, found, _ = about.command.resolve_command(about, [word])
        assert found is not None  # noqa: S101  else it has failed
        about = click.Context(found, parent=about, info_name=name)
    click.echo(about.command.get_help(about))
    return ExitCode.OK
