"""Which gits were started, by what git itself notes of each."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

_WITH_VALUE = ("-c", "-C", "--shallow-file")


class Gits:
    """Counts every git of a test from here on, also those that a git starts."""

    def __init__(self) -> None:
        home = Path(os.environ["HOME"])
        self._file = home / "gits"
        with (home / ".gitconfig").open("a") as config:
            config.write(f"[trace2]\n\teventTarget = {self._file}\n")

    def started(self) -> Sequence[Sequence[str]]:
        """The commands since the last time this was asked, without options before their names."""
        lines = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        self._file.unlink(missing_ok=True)
        events = (json.loads(line) for line in lines)
        return [_command(event["argv"]) for event in events if event["event"] == "start"]

    def count(self) -> dict[str, int]:
        """How many of each command, since the last time."""
        found: dict[str, int] = {}
        for name, *_ in filter(None, self.started()):
            found[name] = found.get(name, 0) + 1
        return found


def _command(argv: Sequence[str]) -> Sequence[str]:
    words = iter(argv[1:] if Path(argv[0]).name == "git" else [Path(argv[0]).name, *argv[1:]])
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return [word, *words]
    return []
