"""`qflow-gitops rules`."""

import click

from qflow_gitops.cli import everywhere, options
from qflow_gitops.errors import ExitCode


@click.command("rules", cls=everywhere.Bare)
@click.argument("word", required=False, metavar="[WORD]", shell_complete=options.completed("rules"))
def command(word: str | None) -> int:
    """List the rules that findings name; with a WORD, explain that one.

    A word is a rule's id, the reason of a plan or of an error (`reason` in JSON), or an exit code.
    """
    from qflow_gitops.render import rules as output
    from qflow_gitops.results.known_words import WORDS
    from qflow_gitops.specs.rules import RULES

    if word is None:
        click.echo(output.listed(RULES.values()), nl=False)
    elif word in RULES:
        click.echo(output.explained(RULES[word]), nl=False)
    elif word in WORDS:
        click.echo(output.meaning(WORDS[word]), nl=False)
    else:
        import difflib

        near = difflib.get_close_matches(word, (*RULES, *WORDS), n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        raise click.UsageError(
            f"There is no rule and no reason `{word}`.{hint} List the rules: qflow-gitops rules"
        )
    return ExitCode.OK
