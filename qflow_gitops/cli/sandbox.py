"""`qflow-gitops sandbox`."""

import signal
import threading
from pathlib import Path

import click

from qflow_gitops.cli.context import Wiring
from qflow_gitops.errors import UsageProblem


def needs_flask() -> UsageProblem:
    """Say what is missing; by its own name, which a registry has whether or not it has ours."""
    return UsageProblem(
        "The sandbox needs Flask, which isn't installed.",
        not_done="The sandbox was not started.",
        hint="`pip install 'Flask>=3.0'`",
    )


@click.command("sandbox")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: any free one.")
@click.option("--data", type=click.Path(path_type=Path), help="Keep executions in this file.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[=VALUE][@TARGET][#COUNT]",
    help="Go wrong on purpose; repeatable. --fault list names them.",
)
@click.option(
    "--duration", type=click.FloatRange(0), default=2.0, show_default=True,
    help="Seconds that an execution takes.",
)  # fmt: skip
@click.option(
    "--credentials",
    multiple=True,
    metavar="NAME:SECRET",
    help="Take this name and secret, in place of sandbox:sandbox; repeatable.",
)
@click.option(
    "--onboard", "onboarded", multiple=True, metavar="AUDIENCE",
    help="Take ID tokens of a CI that are meant for this audience; repeatable.",
)  # fmt: skip
@click.pass_obj
def command(
    wiring: Wiring,
    port: int,
    data: Path | None,
    faults: tuple[str, ...],
    duration: float,
    credentials: tuple[str, ...],
    onboarded: tuple[str, ...],
) -> int:
    """Run a local stand-in for Qualys Flow. It is not Qualys; nothing leaves this machine."""
    try:
        from qflow_gitops.sandbox.faults import FAULTS
        from qflow_gitops.sandbox.identities import CREDENTIALS
        from qflow_gitops.sandbox.server import SandboxServer
    except ModuleNotFoundError:
        raise needs_flask() from None
    if "list" in faults:
        for name, about in FAULTS.items():
            click.echo(f"{name:18}{about}")
        return 0
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with SandboxServer(
        port=port,
        data=data,
        faults=faults,
        duration=duration,
        credentials=credentials or CREDENTIALS,
        onboarded=onboarded,
    ) as server:
        click.echo(f"listening on {server.url}")
        wiring.console.say("This is not Qualys: a sandbox, and nothing leaves this machine.")
        wiring.console.say("Say `platform: sandbox` in qflow.yaml, and in another terminal:")
        wiring.console.say(f"  export QFLOW_GATEWAY={server.url}")
        wiring.console.say("  export QFLOW_CLIENT_ID=sandbox QFLOW_CLIENT_SECRET=sandbox")
        wiring.console.say("For `connectors pull --api v3` also, though here it is one server:")
        wiring.console.say(f"  export QFLOW_API_SERVER={server.url}")
        wiring.console.say("  export QFLOW_API_USERNAME=sandbox QFLOW_API_PASSWORD=sandbox")
        while not ended.wait(1.0):
            continue
    return 0
