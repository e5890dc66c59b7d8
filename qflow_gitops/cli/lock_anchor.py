"""`qflow-gitops lock anchor`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.errors import QflowError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.commands.verify_anchors import AnchorsGiven, Trusted
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.lockfile import Standing
    from qflow_gitops.ports.time_stamps import StampServer
    from qflow_gitops.results.report import Report


_MOST = 1024 * 1024
"""Bytes that are read of a file which a person names."""
_UNCHECKED = "Nothing was checked."


@click.command("anchor")
@click.option(
    "--to", "file", metavar="FILE", type=click.Path(path_type=Path),
    help="Ask no server: write what proves it to a new file, which you keep elsewhere.",
)  # fmt: skip
@click.option("--again", is_flag=True, help="Also where nothing was recorded since the last one.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring, file: Path | None, again: bool, format_name: str, copies: options.Copies
) -> int:
    """Prove what stands in the lockfile now, for whoever looks later.

    Gets a time stamp (RFC 3161) of all that its branch holds, from the server that the settings
    name, and keeps it on the branch. `lock verify` holds each against the history.
    """
    if file and again:
        raise click.UsageError("--again is for a server's time stamps; --to writes a new file.")

    def work() -> Report:
        from qflow_gitops.commands import anchor

        project = wiring.project(wiring.newest())
        store = wiring.store(project)
        if file is None:
            return anchor.anchor(store, server, again=again)
        path = wiring.directory / file
        return anchor.deposit(store, SystemClock(), str(file), lambda data: _write(path, data))

    def server(now: Standing) -> StampServer:
        from qflow_gitops.audit import time_stamps
        from qflow_gitops.sources.anchoring import authority

        head = wiring.newest()
        found = authority(wiring.git, wiring.project(head), now.lockfile, head)
        if not time_stamps.is_installed():
            raise time_stamps.needs_attest()
        return wiring.connections.stamp_server(found, SystemClock())

    return run(wiring, "lock", work, format_name, copies)


def given(wiring: Wiring, files: tuple[Path, ...], certificate: Path | None) -> AnchorsGiven:
    """Read what a person holds the history against. Raises UsageProblem, InvalidInput."""
    from qflow_gitops.commands.verify_anchors import AnchorsGiven, Trusted, read_anchor

    held = {str(file): read_anchor(_read(wiring.directory / file), str(file)) for file in files}
    own = None if certificate is None else _read(wiring.directory / certificate)

    def trusted(lockfile: Lockfile) -> Trusted:
        from qflow_gitops.audit import time_stamps
        from qflow_gitops.sources.anchoring import authority

        with _only_looking():
            if not time_stamps.is_installed():
                raise time_stamps.needs_attest()
            content, where, whose = own, str(certificate), "as you gave it"
            if content is None:
                head = wiring.newest()
                found = authority(wiring.git, wiring.project(head), lockfile, head)
                content, where, whose = (
                    found.certificates,
                    found.where,
                    "as the settings of that commit say",
                )
            some = time_stamps.certificates_in(content, where)
        said = f"{where}, {whose}: {time_stamps.subjects(some)}"
        return Trusted(time_stamps.Checker(some), said)

    return AnchorsGiven(held, trusted, strict=own is not None)


@contextmanager
def _only_looking() -> Iterator[None]:
    """Say of what is raised that no check was made; no anchor was meant to be written."""
    try:
        yield
    except QflowError as problem:
        problem.not_done = _UNCHECKED
        raise


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST)
    except OSError as problem:
        raise UsageProblem(
            f"It can't be read: {problem.strerror}.",
            where=str(path),
            not_done=_UNCHECKED,
            hint="Name a file that is there.",
            reason="anchor_file",
        ) from None


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Leave no file behind that is a part of an anchor: the next try would take it for one."""
    try:
        yield
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _write(path: Path, content: bytes) -> None:
    """Write a new file; UsageProblem where that can't be, or one is there."""
    try:
        with path.open("xb") as file, _whole(path):
            file.write(content)
            file.flush()
    except OSError as problem:
        there = isinstance(problem, FileExistsError)
        raise UsageProblem(
            "There is a file of this name, and it may be an earlier anchor."
            if there
            else f"It can't be written: {problem.strerror}.",
            where=str(path),
            not_done="No anchor was written.",
            hint="Name another file: `qflow-gitops lock anchor --to FILE`",
            reason="anchor_file",
        ) from None
