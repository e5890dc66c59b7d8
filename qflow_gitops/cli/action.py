"""`qflow-gitops action`: what `action.yml` runs, so that no logic stands in YAML or bash.

Each input is a variable of the environment and becomes whole arguments of a command line; no
shell and no splitting at spaces comes near it, and no input can become another's option.
"""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from qflow_gitops.cli.context import Wiring
from qflow_gitops.errors import ExitCode, QflowError

DIRECT = (
    "validate", "plan", "apply", "comment", "status", "history", "reconcile", "lock", "report",
    "fleet",
)  # fmt: skip
"""Commands that are called by their own name, with INPUT_ARGUMENTS."""
ANYWAY = "-although-different"
DECISIONS = (
    "absent", "adopt", f"adopt{ANYWAY}", "assume-ran", "reopen", "succeeded", "failed",
)  # fmt: skip
_SENDING = ["apply", "--approved", "--yes"]

Inputs = Mapping[str, str]


@click.command("action")
@click.pass_obj
def command(wiring: Wiring) -> int:
    """Run the command that INPUT_COMMAND names, with the other inputs of `action.yml`.

    INPUT_ARGUMENTS and INPUT_REPORTS hold one argument, or one FORMAT=FILE, a line. The result
    goes to GITHUB_OUTPUT and, with INPUT_SUMMARY=true, as Markdown to GITHUB_STEP_SUMMARY.
    """
    from qflow_gitops.cli.main import start

    inputs = {
        name.removeprefix("INPUT_").lower().replace("_", "-"): value.strip()
        for name, value in wiring.environ.items()
        if name.startswith("INPUT_")
    }
    output = wiring.environ.get("GITHUB_OUTPUT", "")
    if output:
        _tell(Path(output), "reports", _files(inputs))
    try:
        words = command_line(inputs, output, wiring.environ.get("GITHUB_STEP_SUMMARY", ""))
        status = start(words)
    except (click.UsageError, QflowError) as problem:
        if output:
            _stopped(Path(output), problem)
        raise
    return status if isinstance(status, int) else ExitCode.OK


def command_line(inputs: Inputs, output: str = "", summary: str = "") -> list[str]:
    """Make the arguments of the program. Raises UsageError for inputs that don't fit."""
    name = inputs.get("command", "")
    folder = inputs.get("working-directory", "") or "."
    words = ["-C", folder, *_command(name, inputs)]
    if inputs.get("environment") and name not in _WHOLE:
        words.append(f"--environment={inputs['environment']}")
    if name in _OPERATIONS:
        return [*words, *_copies(inputs, output, summary), *_released(name, inputs)]
    return [*words, *_lines(inputs, "arguments"), *_copies(inputs, output, summary)]


def _command(name: str, inputs: Inputs) -> list[str]:
    if name in DIRECT:
        chosen = inputs.get("format", "")
        return [name, *([f"--format={chosen}"] if chosen else [])]
    if name not in _OPERATIONS:
        known = ", ".join((*DIRECT, *_OPERATIONS))
        raise click.UsageError(f"The input `command` is {name!r}; it has to be one of: {known}.")
    return [name] if name in _WHOLE else list(_SENDING)


def _released(name: str, inputs: Inputs) -> list[str]:
    """What a person decides about a run or a hold, and why."""
    return [f"--reason={_needed(inputs, 'reason', name)}", *_OPERATIONS[name](inputs)]


def _resolve(inputs: Inputs) -> list[str]:
    decision = _needed(inputs, "decision", "resolve")
    if decision not in DECISIONS:
        raise click.UsageError(f"The input `decision` has to be one of: {', '.join(DECISIONS)}.")
    told = [f"--{decision.removesuffix(ANYWAY)}"]
    if told == ["--adopt"]:
        told = [f"--adopt={_needed(inputs, 'execution', 'resolve')}"]
    if decision.endswith(ANYWAY):
        told.append(f"-{ANYWAY}")
    return [*told, "--", _run(inputs, "resolve")]


def _retry(inputs: Inputs) -> list[str]:
    return [f"--retry={_run(inputs, 'retry')}"]


def _retry_failed(inputs: Inputs) -> list[str]:
    """Without a count, the refusal says which one it takes."""
    count = inputs.get("count", "")
    return ["--retry-failed", *([f"--ack=retry={count}"] if count else [])]


def _run(inputs: Inputs, command: str) -> str:
    run, environment = _needed(inputs, "run", command), inputs.get("environment", "")
    named = not environment or run.startswith(f"{environment}/")
    return run if named else f"{environment}/{run}"


def _acknowledge(inputs: Inputs) -> list[str]:
    hold, count = (_needed(inputs, name, "acknowledge") for name in ("hold", "count"))
    return [f"--ack={hold}={count}"]


_OPERATIONS: Mapping[str, Callable[[Inputs], list[str]]] = {
    "resolve": _resolve,
    "retry": _retry,
    "retry-failed": _retry_failed,
    "acknowledge": _acknowledge,
    "freeze": lambda _: [],
    "unfreeze": lambda _: [],
}
"""What a person on call does with inputs of their own, instead of with INPUT_ARGUMENTS."""
_WHOLE = frozenset({"resolve", "freeze", "unfreeze"})
"""Commands of these names that take no environment: a RUN names it, or all are meant."""


def _needed(inputs: Inputs, name: str, command: str) -> str:
    if not inputs.get(name):
        raise click.UsageError(f"`{command}` needs the input `{name}`.")
    return inputs[name]


def _copies(inputs: Inputs, output: str, summary: str) -> list[str]:
    copies = _lines(inputs, "reports")
    if summary and inputs.get("summary") == "true":
        copies.append(f"markdown={summary}")
    if output:
        copies.append(f"outputs={output}")
    return [f"--report={copy}" for copy in copies]


def _files(inputs: Inputs) -> str:
    """The files of the reports asked for, one a line, as an upload step takes them.

    Such a step knows nothing of the folder that the command works in.
    """
    folder = Path(inputs.get("working-directory", ""))
    files = (line.partition("=")[2] for line in _lines(inputs, "reports"))
    return "\n".join(str(folder / file) for file in files if file != "-")


def _lines(inputs: Inputs, name: str) -> list[str]:
    return [line.strip() for line in inputs.get(name, "").splitlines() if line.strip()]


def _stopped(file: Path, problem: click.UsageError | QflowError) -> None:
    """Add what a command that never began has to say."""
    code, reason = ExitCode.USAGE, "usage"
    if isinstance(problem, QflowError):
        code, reason = problem.exit_code, problem.reason
    _tell(file, "exit-code", str(int(code)))
    _tell(file, "reason", reason)


def _tell(file: Path, name: str, value: str) -> None:
    """Add an output, between delimiters that nobody can know beforehand."""
    mark = f"qflow_{secrets.token_hex(16)}"
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"{name}<<{mark}\n{value}\n{mark}\n")
