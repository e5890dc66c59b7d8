"""The entry point: finds the command, and turns whatever happens into an exit code."""

from __future__ import annotations

import gc
import os
import shlex
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from qflow_gitops.cli import everywhere, streams
from qflow_gitops.cli.groups import Group
from qflow_gitops.cli.streams import echo
from qflow_gitops.errors import ExitCode, QflowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

COMMANDS = {
    "init": "Make a repository of run specs ready to use.",
    "new": "Print a spec to fill in, for a cloud.",
    "validate": "Check specs offline.",
    "plan": "Show what would run, and why.",
    "comment": "Keep the plan on a pull request up to date.",
    "apply": "Run what is due, wait, record.",
    "status": "Every run, its last attempt and execution.",
    "show": "One run or execution: its whole story, and its steps.",
    "history": "All attempts of a run, or of all.",
    "report": "For an audit: what ran, what allowed it, what is missing.",
    "rules": "List the rules; explain a rule, a reason or an exit code.",
    "migrate": "Rewrite legacy variables to connectorId.",
    "rerun": "Raise a spec's rerun, with a reason.",
    "baseline": "Declare present specs as already run.",
    "freeze": "Hold everything, with a reason, also an apply that runs.",
    "unfreeze": "Lift every freeze of the lockfile, with a reason.",
    "reconcile": "Settle runs in doubt by looking them up.",
    "resolve": "Settle a run by a person's decision, or put one back.",
    "notify": "Tell others what is still to be told.",
    "lock": "Verify the lockfile, move it, push a rescued one.",
    "workflows": "The catalog of workflows: pull, list, show, new.",
    "connectors": "The catalogs of connectors: pull.",
    "watch": "Apply a branch again and again, where no CI does it.",
    "fleet": "Many projects, wave by wave: plan, apply, status, freeze.",
    "doctor": "What works here and what doesn't, with the next command.",
    "schema": "Print or export the JSON Schemas.",
    "help": "The help of the program, or of a command.",
    "version": "The program's version.",
    "completion": "What makes bash, zsh or fish complete.",
    "sandbox": "A local Qualys Flow to try and test against.",
    "action": "What action.yml runs: a command named by its inputs.",
    "demo": "The whole story on this machine, in less than a minute.",
}
"""Each command's one line of help; its code is only loaded when it is called."""

_GARBAGE = 50_000
"""So many new objects before cycles of them are looked for: what a command reads stays till its
end, and of 10,000 specs a tenth of the time went into looking through it."""


def _command(name: str) -> click.Command | None:
    if name not in COMMANDS:
        return None
    command: click.Command = import_module(f"qflow_gitops.cli.{name}").command
    return command


class _Commands(Group):
    """A group that imports a command's file when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        found = _command(cmd_name)
        return everywhere.behind(found) if found else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        if ctx._protected_args or (incomplete and not incomplete[0].isalpha()):
            return super().shell_complete(ctx, incomplete)
        known = COMMANDS.items()
        return [CompletionItem(name, help=about) for name, about in known
                if name.startswith(incomplete)]  # fmt: skip

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from qflow_gitops.cli import version

        version.tell()
        ctx.exit()


@everywhere.before
@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-V", "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version,
    help="Show the version and exit.",
)  # fmt: skip
def program() -> None:
    """Runs of Qualys Flow workflows as reviewed changes in git.

    Run specs are YAML files in a git repository. `plan` shows what would run and why,
    `apply` runs it at most once, and a lockfile records the executions.
    """


def _show(problem: click.ClickException, typed: str) -> None:
    """Say what is wrong with a command line, its own words made safe to print."""
    from qflow_gitops.render.escape import clean

    if isinstance(problem, click.exceptions.NoArgsIsHelpError):  # its words are the whole help
        echo(problem.format_message(), err=True)
        return
    context = problem.ctx if isinstance(problem, click.UsageError) else None
    if context:
        echo(context.get_usage(), err=True)
        echo(f"Try '{context.command_path} --help' for help.\n", err=True)
    _tell([f"Error: {clean(_message(problem, typed))}"])


def _tell(lines: Sequence[str]) -> None:
    """Write to stderr what comes from before a command's own console, or from beside it."""
    from qflow_gitops.render.layout import laid_out

    for line in lines:
        for shown in laid_out(line, streams.width(sys.stderr, os.environ)):
            echo(shown, err=True)


def _message(problem: click.ClickException, typed: str) -> str:
    if not isinstance(problem, click.NoSuchOption):
        return problem.format_message().replace("\n\t", " ")  # click's list of choices
    from qflow_gitops.cli import slips

    return f"{problem.message} {slips.of_option(problem, typed, _command)}".rstrip()


def _leave(status: int, *, at_once: bool) -> NoReturn:
    """End the process; `at_once` without taking every object apart, which takes a while.

    By then all that is durable has been written. Not where a thread runs that an end waits for.
    """
    if at_once and not _is_waited_for():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _is_waited_for() -> bool:
    """Whether there are threads beside this one that don't just end with the process."""
    running = set(sys._current_frames())
    if len(running) == 1:
        return False
    import threading

    ending = {thread.ident for thread in threading.enumerate() if thread.daemon}
    return not running <= {threading.get_ident(), *ending}


def _unwritten(problem: OSError) -> ExitCode:
    """Say that a help, a list or a schema didn't reach its reader."""
    from qflow_gitops.render.text import error_lines

    _tell(error_lines(streams.unwritten(problem)))
    return ExitCode.USAGE


def start(words: Sequence[str]) -> Any:
    """Call a command in this process; its exit code. Raises what stopped it."""
    typed = shlex.join(("qflow-gitops", *words))
    return program.main(list(words), prog_name="qflow-gitops", standalone_mode=False, obj=typed)


def main(arguments: Sequence[str] | None = None) -> Any:
    """Run the program; ends the process with an exit code of `results.words`."""
    if arguments is None:
        gc.set_threshold(_GARBAGE)
    try:
        streams.prepare()
        words = list(sys.argv[1:] if arguments is None else arguments)
        status = start(words)
        _leave(status if isinstance(status, int) else ExitCode.OK, at_once=arguments is None)
    except SystemExit as end:  # a shell was told how a line goes on
        _leave(int(end.code or 0), at_once=arguments is None)
    except click.ClickException as problem:
        _show(problem, shlex.join(("qflow-gitops", *words)))
        sys.exit(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        echo("Interrupted.", err=True)
        sys.exit(ExitCode.SIGINT)
    except QflowError as problem:
        from qflow_gitops.render.text import error_lines

        _tell(error_lines(problem))
        sys.exit(problem.exit_code)
    except Exception as problem:  # noqa: BLE001  the boundary: no traceback reaches a user
        if isinstance(problem, OSError) and streams.lost():
            # Of a pipe, the reader (head, say) has gone: nothing more to say to it.
            sys.exit(ExitCode.OK if isinstance(problem, BrokenPipeError) else _unwritten(problem))
        from qflow_gitops.cli.crash import report_bug

        sys.exit(report_bug(problem))
