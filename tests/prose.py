"""What the program says, as Markdown, for what checks our words: `python -m tests.prose`.

The help of each command, what explains rules, reasons and exit codes, and each hint.
"""

import sys
from collections.abc import Iterator

import click

from qflow_gitops.cli.main import COMMANDS, program
from qflow_gitops.results.known_words import WORDS
from qflow_gitops.specs.rules import RULES
from tests.helpers.hinttexts import hints


def _helps(command: click.Command, name: str) -> Iterator[str]:
    yield f"{name}: {command.help or ''}"
    for param in command.params:
        if isinstance(param, click.Option) and param.help:
            yield f"{name} `{param.opts[-1]}`: {param.help}"
    if isinstance(command, click.Group):
        context = click.Context(command)
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from _helps(found, f"{name} {inner}")


def said() -> Iterator[str]:
    """Give each text, with what it is of."""
    yield from _helps(program, "qflow-gitops")
    yield from COMMANDS.values()
    yield from (f"`{word.id}`: {word.meaning} {word.way}" for word in WORDS.values())
    yield from (f"`{rule.id}`: {rule.why}" for rule in RULES.values())
    yield from (f"`{one.where}`: {one.text}" for one in hints())


if __name__ == "__main__":
    sys.stdout.write("\n\n".join(said()) + "\n")
