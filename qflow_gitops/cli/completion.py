"""`qflow-gitops completion`."""

import click

from qflow_gitops.cli import everywhere
from qflow_gitops.errors import ExitCode


@click.command("completion", cls=everywhere.Bare)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print what makes a shell complete commands, options, runs, environments and rules.

    In ~/.bashrc (bash 4.4 or newer): eval "$(qflow-gitops completion bash)". In ~/.zshrc, after
    compinit: eval "$(qflow-gitops completion zsh)". For fish, once: qflow-gitops completion fish >
    ~/.config/fish/completions/qflow-gitops.fish.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  click has these three
    made = found(ctx.find_root().command, {}, "qflow-gitops", "_QFLOW_GITOPS_COMPLETE")
    text = made.source_template % made.source_vars()
    # click's fish script cuts a description at its first comma (8.5.1).
    click.echo(text.replace('string split ","', 'string split -m 1 ","'), nl=False)
    return ExitCode.OK
