"""`qflow-gitops rules`."""

import os
import sys
from collections.abc import Sequence

import click

from qflow_gitops.cli import everywhere, options, streams
from qflow_gitops.errors import ExitCode


@click.command("rules", cls=everywhere.Bare)
@click.argument(
    "words",
    required=False,
    nargs=-1,
    metavar="[WORD...]",
    shell_complete=options.completed("rules"),
)
def command(words: tuple[str, ...]) -> int:
    """List the rules that findings name; with WORDs, explain those.

    A word is a rule's id, the reason of a plan or of an error (`reason` in JSON), the state of an
    attempt, a difference that `report` names, or an exit code.
    """
    from qflow_gitops.render import rules as output
    from qflow_gitops.results.known_words import WORDS
    from qflow_gitops.specs.rules import RULES

    if not words:
        _say(output.listed(RULES.values()))
    for word in words:
        if word not in RULES and word not in WORDS:
            raise _unknown(word, (*RULES, *WORDS))
    told = [output.explained(RULES[one]) if one in RULES else output.meaning(WORDS[one])
            for one in words]  # fmt: skip
    _say("\n".join(told))
    return ExitCode.OK


def _say(text: str) -> None:
    """Write it, on a terminal broken between words; an example, which is set in, stays whole."""
    columns = streams.width(sys.stdout, os.environ)
    if columns:
        from qflow_gitops.render.layout import laid_out

        lines = text.splitlines()
        fitting = [[line] if line.startswith("  ") else laid_out(line, columns) for line in lines]
        text = "".join(f"{row}\n" for rows in fitting for row in rows)
    click.echo(text, nl=False)


def _unknown(word: str, known: Sequence[str]) -> click.UsageError:
    import difflib

    near = difflib.get_close_matches(word, known, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return click.UsageError(
        f"There is no rule, reason or state `{word}`.{hint} List the rules: qflow-gitops rules"
    )
