"""What was meant by a command line that can't be carried out: said, and never another act.

A command or an option is only named where one letter tells it from what was typed, where that is
its beginning, or where other programs call the very same thing so.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from qflow_gitops.findings.suggest import slip

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_ELSEWHERE = {
    "retry": "apply --retry RUN",
    "resume": "apply",
    "run": "apply",
    "deploy": "apply",
    "diff": "plan",
    "preview": "plan",
    "dry-run": "plan",
    "check": "validate",
    "lint": "validate",
    "ls": "status",
    "list": "status",
    "log": "history",
    "logs": "history",
    "create": "new CLOUD",
    "pause": "freeze --reason TEXT",
}
"""What other programs call a command -> how it is typed here. Each looks, asks first, or does the
very same."""
_OPTIONS_ELSEWHERE = {
    "--auto-approve": "--yes", "-y": "--yes", "--assume-yes": "--yes",
    "--json": "--format json", "--output": "--format", "-o": "--format",
    "--no-color": "--color never", "--debug": "--verbose",
    "--chdir": "-C", "--cwd": "-C", "--directory": "-C",
    "--base": "--from", "--since": "--from", "--head": "--to", "--commit": "--to",
    "--all": "--full", "--selector": "--label",
    "--parallelism": "--concurrency", "-j": "--concurrency",
    "--message": "--reason", "-m": "--reason", "--wait-timeout": "--timeout",
}  # fmt: skip
"""What other programs call an option -> how a command that has it is typed here."""
_FEW = 3
_LOOKS = frozenset({"--dry-run", "-n", "--check", "--what-if"})
"""What asks elsewhere for nothing to be done yet; here that is a command of its own."""


def of_command(name: str, known: Collection[str], group: str = "") -> str:
    """Say which command was meant, of the program or a group; "" where that can't be told."""
    elsewhere = "" if group else _ELSEWHERE.get(name.lower(), "")
    typed = elsewhere or slip(name.lower(), known)
    return f"Did you mean `qflow-gitops {group}{typed}`?" if typed else ""


def of_option(problem: click.NoSuchOption, typed: str, find: Callable[[str], object]) -> str:
    """Say which option was meant, or where it has to stand, in a sentence; "" for neither.

    `typed` is the whole command line, `find` gives a command by its name, None for none.
    """
    context = problem.ctx
    if context is None:
        return ""
    name, root = problem.option_name, context.find_root()
    words = shlex.split(typed)[1:]
    if context is not root and (option := _option(root.command, name)) and option.is_flag:
        return f"It goes before the command: {_moved(words, name, option, None)}"
    if context is root:
        command = next((word for word in words if isinstance(find(word), click.Command)), "")
        found = find(command)
        if isinstance(found, click.Command) and (option := _option(found, name)):
            return f"It goes behind the command: {_moved(words, name, option, command)}"
        return ""
    own = {one for param in context.command.params for one in (*param.opts, *param.secondary_opts)}
    if name in _LOOKS and "--yes" in own:
        return "`qflow-gitops plan` shows what would be sent."
    meant = _OPTIONS_ELSEWHERE.get(name, "")
    if meant.partition(" ")[0] not in own:
        meant = slip(name, [one for one in own if one.startswith("--")])
    return f"Did you mean `{meant}`?" if meant else _of_others(root, name, find)


def _of_others(root: click.Context, name: str, find: Callable[[str], object]) -> str:
    """Say which other commands have an option, where they are few."""
    assert isinstance(root.command, click.Group)  # noqa: S101  the program
    known = ((each, find(each)) for each in root.command.list_commands(root))
    have = [f"`{each}`" for each, one in known
            if isinstance(one, click.Command) and _option(one, name)]  # fmt: skip
    if not 0 < len(have) <= _FEW:
        return ""
    return f"{' and '.join(have)} {'have' if len(have) > 1 else 'has'} it."


def _option(command: click.Command, name: str) -> click.Option | None:
    options = (param for param in command.params if isinstance(param, click.Option))
    return next((one for one in options if name in (*one.opts, *one.secondary_opts)), None)


def _moved(words: list[str], name: str, option: click.Option, behind: str | None) -> str:
    """Return the command line with an option in its place: first, or behind a command."""
    at = next(i for i, word in enumerate(words) if word.partition("=")[0][: len(name)] == name)
    apart = not option.is_flag and words[at] == name
    taken, rest = words[at : at + 1 + apart], words[:at] + words[at + 1 + apart :]
    place = rest.index(behind) + 1 if behind in rest else 0
    return f"`{shlex.join(('qflow-gitops', *rest[:place], *taken, *rest[place:]))}`"
