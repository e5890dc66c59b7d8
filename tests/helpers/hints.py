"""What an answer tells a person to type, followed as it stands, in this process."""

import re
import shlex

from tests.helpers import typed
from tests.helpers.cli import Cli, Done

_PLACE = re.compile(r" -C \S+")


def commands(done: Done) -> list[str]:
    """The commands in backticks that an answer holds, in their order."""
    return [one for one in typed.commands(done.out + done.err) if " " in one]


def command(done: Done, *words: str) -> str:
    """The one command of an answer that holds all of these words."""
    (found,) = {one for one in commands(done) if all(word in one for word in words)}
    return found


def follow(cli: Cli, line: str, reason: str = "on purpose") -> Done:
    """Do what a command says, as a person who puts in a reason and confirms what is asked for.

    Where nobody can be asked, that is the command which the answer gives.
    """
    if line.startswith("git "):
        return Done(0, typed.typed(cli.folder, line), "")
    words = shlex.split(_PLACE.sub("", line).replace("TEXT", shlex.quote(reason)))
    done = cli(*words[1:])
    if "there is no terminal to ask at" in done.err:
        return follow(cli, command(done, "--yes"), reason)
    return done
