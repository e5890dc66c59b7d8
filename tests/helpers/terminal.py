"""A person at a terminal, who types what the program says, in a state that can be put back."""

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.console import Console
from qflow_gitops.cli.main import main
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Done
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT
from tests.helpers.waits import at_once

_SHELL = re.compile(r"[|&;<>()$`*?\n]")
"""What a shell reads otherwise than as words."""
_ENVIRONMENTS = "  environments:\n    prod: {platform: sandbox}\n"


class Terminal:
    """A clone, its remote, a sandbox, and a shell whose folder is the clone.

    `answers` is what the person says to every question, `stdin` what a command reads that asks
    none. `store` is `worktree` or `branch`. `open` holds what a scenario keeps open, `meanwhile`
    is what happens elsewhere, once, while the person thinks about a question.
    """

    def __init__(
        self,
        store: str,
        folder: Path,
        sandbox: SandboxServer,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        self.store = store
        self.folder = folder
        self.sandbox = sandbox
        self.answers = "y\n" * 5
        self.stdin = ""
        self.interactive = True
        self.open = contextlib.ExitStack()
        self.meanwhile: Callable[[], object] = lambda: None
        self._faults: tuple[str, ...] = ()
        self._ahead = timedelta()
        self._patch = monkeypatch
        self._capfd = capfd
        self._base = SANDBOX_PROJECT if store == "worktree" else BRANCH_PROJECT
        self.clone = self._cloned()
        monkeypatch.chdir(self.clone.path)
        at_once(monkeypatch)
        monkeypatch.setattr(SystemClock, "now", lambda _clock: datetime.now(UTC) + self._ahead)
        at_process = Console.for_process.__func__  # type: ignore[attr-defined]

        def here(cls: type[Console], *arguments: Any, **options: Any) -> Console:
            made: Console = at_process(cls, *arguments, **options)
            return made._replace(interactive=self.interactive)

        monkeypatch.setattr(Console, "for_process", classmethod(here))

    def _cloned(self) -> Workspace:
        if self.store == "branch":
            shutil.rmtree(Remote(self.folder / "remote.git").path / "hooks")
        clone = self.folder / "clone"
        clone.mkdir()
        made = Workspace(clone)
        made.git("init", "--quiet", "--initial-branch=main", "--template=")
        if self.store == "branch":
            made.git("remote", "add", "origin", (self.folder / "remote.git").as_uri())
        made.write("qflow.yaml", self._base)
        return made

    # --- what a person does beside the program -------------------------------------------

    def settings(self, environments: str = "", *, default: str = "", more: str = "") -> None:
        """Write the settings: these environments, a default one, further lines of `spec`."""
        lines = f"  defaultEnvironment: {default}\n" if default else ""
        lines += f"  environments:\n{environments}" if environments else _ENVIRONMENTS
        self.clone.write("qflow.yaml", self._base.replace(_ENVIRONMENTS, lines) + more)

    def specs(self, **texts: str) -> None:
        """Let these be the specs, and merge that."""
        for old in (self.clone.path / "runs").rglob("*.yaml"):
            old.unlink()
        for name, text in texts.items():
            self.clone.write(f"runs/{name}.yaml", text)
        self.merge()

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a text in a file, once."""
        text = self.clone.read(name)
        assert text.count(old) == 1, (old, text)
        self.clone.write(name, text.replace(old, new))

    def merge(self) -> str:
        """Commit what there is, and push it where there is a remote."""
        commit = self.clone.commit()
        if self.store == "branch":
            (remote,) = self.clone.git("remote").split()
            self.clone.git("push", "--quiet", "--force", remote, "HEAD:main")
        return commit

    def faults(self, *names: str) -> None:
        """Let Qualys have these faults from now on."""
        self._faults = names
        self.sandbox.set_faults(*names)

    def later(self, **time: float) -> None:
        """Let time go by."""
        self._ahead += timedelta(**time)
        self.sandbox.elapse(timedelta(**time).total_seconds())

    def environ(self, name: str, value: str | None) -> None:
        """Set a variable of the shell, or unset it."""
        if value is None:
            self._patch.delenv(name, raising=False)
        else:
            self._patch.setenv(name, value)

    # --- the shell -----------------------------------------------------------------------

    def __call__(self, *words: str) -> Done:
        """Run the program in this process."""
        self._capfd.readouterr()
        self._patch.setattr(sys, "stdin", _Asked(self))
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        out, err = self._capfd.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, out, err)

    def typed(self, command: str) -> Done:
        """Type a command, to the letter."""
        words = shlex.split(command)
        if words[0] in ("export", "unset"):
            for word in words[1:]:
                name, _, value = word.partition("=")
                self.environ(name, value if words[0] == "export" else None)
            return Done(0, "", "")
        if words[0] == "qflow-gitops" and not _SHELL.search(command):
            return self(*words[1:])
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command], env={**os.environ, "PATH": path}, cwd=Path.cwd(), check=False,
            capture_output=True, text=True, input=self.stdin or self.answers,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    # --- the state -----------------------------------------------------------------------

    @property
    def sent(self) -> Counter[str]:
        """How often each request was executed."""
        begun = self.sandbox.executions()
        return Counter(json.dumps([one["workflow"], one["body"]]) for one in begun)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Put everything back afterwards: files, executions, variables, time."""
        copy = self.folder.with_name(self.folder.name + "-kept")
        shutil.copytree(self.folder, copy, symlinks=True)
        ahead, faults, environ = self._ahead, self._faults, dict(os.environ)
        with contextlib.closing(sqlite3.connect(":memory:")) as executions:
            store = self.sandbox._store
            store._db.backup(executions)
            elapsed = store.elapsed
            try:
                yield
            finally:
                executions.backup(store._db)
                store.elapsed = elapsed
                self._ahead = ahead
                self.faults(*faults)
                _put_back(environ)
                self.folder.rename(Path(tempfile.mkdtemp(dir=copy.parent)) / "left")
                copy.rename(self.folder)  # what is left goes with the other temporary files
                os.chdir(self.clone.path)


class _Asked(io.StringIO):
    """What a person types; before the first answer something happens elsewhere."""

    def __init__(self, at: Terminal) -> None:
        super().__init__(at.stdin or at.answers)
        self._at = at

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # as typeshed's has
        meanwhile, self._at.meanwhile = self._at.meanwhile, lambda: None
        meanwhile()
        return super().readline(size)


def _put_back(environ: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(environ):
        del os.environ[name]
    os.environ.update(environ)


Maker = Callable[[str], Terminal]
