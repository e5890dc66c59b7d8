"""`qflow-gitops rules`."""

import click

from qflow_gitops.cli import options
from qflow_gitops.errors import ExitCode


@click.command("rules")
@click.argument("rule", required=False, metavar="[ID]", shell_complete=options.completed("rules"))
def command(rule: str | None) -> int:
    """List the rules that findings name; with an ID, explain that one by example."""
    from qflow_gitops.render import rules as output
    from qflow_gitops.specs.rules import RULES

    if rule is None:
        click.echo(output.listed(RULES.values()), nl=False)
    elif rule in RULES:
        click.echo(output.explained(RULES[rule]), nl=False)
    else:
        import difflib

        near = difflib.get_close_matches(rule, RULES, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        raise click.UsageError(f"There is no rule `{rule}`.{hint} List them: qflow-gitops rules")
    return ExitCode.OK
