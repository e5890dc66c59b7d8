"""`qflow-gitops sandbox`."""

from __future__ import annotations

import shlex
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from qflow_gitops.cli import everywhere, options
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.cli.groups import Group
from qflow_gitops.errors import UsageProblem

if TYPE_CHECKING:
    from qflow_gitops.results.report import Report


_WHOLE = 10_000
"""Columns that hold every line, where no terminal has fewer."""


def needs_flask() -> UsageProblem:
    """Say what is missing; by its own name, which a registry has whether or not it has ours."""
    return UsageProblem(
        "The sandbox needs Flask, which isn't installed.",
        not_done="The sandbox was not started.",
        hint="`pip install 'Flask>=3.0'`",
    )


@click.group("sandbox", cls=Group, invoke_without_command=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: any free one.")
@click.option("--data", type=click.Path(path_type=Path), help="Keep executions in this file.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[=VALUE][@TARGET][#COUNT]",
    help="Go wrong on purpose; repeatable. --fault list names them.",
    shell_complete=options.completed("faults"),
)
@click.option(
    "--duration", type=click.FloatRange(0), default=2.0, show_default=True,
    help="Seconds that an execution takes.",
)  # fmt: skip
@click.option(
    "--credentials", multiple=True, metavar="NAME:SECRET",
    help="Take this name and secret, in place of sandbox:sandbox; repeatable.",
)  # fmt: skip
@click.option(
    "--onboard", "onboarded", multiple=True, metavar="AUDIENCE",
    help="Take ID tokens of a CI that are meant for this audience; repeatable.",
)  # fmt: skip
@click.pass_context
def command(ctx: click.Context, /, faults: tuple[str, ...], **more: Any) -> int:
    """Run a local stand-in for Qualys Flow. It is not Qualys; nothing leaves this machine.

    Its root is a page to look at; `sandbox executions` lists what it executed.
    """
    if ctx.invoked_subcommand:
        _refuse_options(ctx)
        return 0
    if everywhere.given(ctx, "format_name"):
        raise click.UsageError("Only `sandbox executions` has --format.")
    try:
        from qflow_gitops.sandbox.faults import FAULTS
        from qflow_gitops.sandbox.identities import CREDENTIALS
        from qflow_gitops.sandbox.server import SandboxServer
    except ModuleNotFoundError:
        raise needs_flask() from None
    if "list" in faults:
        columns = ctx.obj.console.width_out or _WHOLE
        listed = click.HelpFormatter(width=columns)
        listed.write_dl([*FAULTS.items()])
        click.echo(listed.getvalue(), nl=False)
        return 0
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    credentials = more.pop("credentials") or CREDENTIALS
    with SandboxServer(faults=faults, credentials=credentials, **more) as server:
        _tell(ctx.obj, server.url, *credentials[0].split(":", 1))
        if faults:
            told = f"It goes wrong on purpose: {', '.join(faults)}. To change that: "
            ctx.obj.console.say(f"{told}{server.url}/faults")
        if more["onboarded"]:
            _tell_of_tokens(ctx.obj, server.url, credentials[0].partition(":")[2])
        while not ended.wait(1.0):
            continue
    return 0


def _refuse_options(ctx: click.Context) -> None:
    """Refuse options of a start before another command, which they would do nothing for."""
    for param in ctx.command.params:
        if (
            param.expose_value
            and ctx.get_parameter_source(param.name or "") == ParameterSource.COMMANDLINE
        ):
            raise click.UsageError(
                f"{param.opts[0]} is for starting a sandbox; this asks one that runs."
            )


def _tell(wiring: Wiring, url: str, name: str, secret: str) -> None:
    """Say where it is, and what to set."""
    say = wiring.console.say
    click.echo(f"listening on {url}")
    say("This is not Qualys: a sandbox, and nothing leaves this machine.")
    say(f"Look at it: {url}/")
    say("Say `platform: sandbox` in qflow.yaml, and in another terminal:")
    say(f"  export QFLOW_GATEWAY={url}")
    say(f"  export QFLOW_CLIENT_ID={shlex.quote(name)} QFLOW_CLIENT_SECRET={shlex.quote(secret)}")
    say("For `connectors pull --api v3` also, though here it is one server:")
    say(f"  export QFLOW_API_SERVER={url}")
    say(f"  export QFLOW_API_USERNAME={shlex.quote(name)} QFLOW_API_PASSWORD={shlex.quote(secret)}")


def _tell_of_tokens(wiring: Wiring, url: str, secret: str) -> None:
    say = wiring.console.say
    say("For an ID token, as a job of GitHub Actions has it:")
    say(f"  export ACTIONS_ID_TOKEN_REQUEST_URL='{url}/_sandbox/id-token?api-version=2.0'")
    say(f"  export ACTIONS_ID_TOKEN_REQUEST_TOKEN={shlex.quote(secret)}")


@command.command("executions")
@click.option("--url", metavar="URL", default="", help="Where it is. Usual: QFLOW_GATEWAY.")
@click.option(
    "--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="So many of them."
)
@options.output("text", "json")
@click.pass_obj
def executions(
    wiring: Wiring, url: str, limit: int, format_name: str, copies: options.Copies
) -> int:
    """List what a running sandbox executed, the newest first. Only on this machine."""

    def work() -> Report:
        from qflow_gitops.commands import sandbox

        return sandbox.executions(url or wiring.environ.get("QFLOW_GATEWAY", ""), limit)

    return run(wiring, "sandbox", work, format_name, copies)
