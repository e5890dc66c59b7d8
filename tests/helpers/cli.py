"""The program as a user calls it, in this process."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.cli.main import main


@dataclass(frozen=True)
class Done:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Cli:
    """Calls the program with `-C` set to a folder, unless the call begins with its own."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capfd = capfd

    def __call__(self, *arguments: str) -> Done:
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*(() if arguments[:1] == ("-C",) else ("-C", str(self.folder))), *arguments])
        out, err = self._capfd.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, out, err)

    def json(self, *arguments: str) -> Any:
        """Run a command with `--format json` and give its data."""
        return self(*arguments, "--format", "json").data
