"""The three standard streams, made fit to be used: each may be closed, full, or of any encoding.

And whether anybody is at their other end.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from qflow_gitops.errors import UsageProblem
    from qflow_gitops.results.report import Report

_AS_IF = ((os.O_RDONLY, "stdin"), (os.O_RDONLY, "stdout"), (os.O_WRONLY, "stderr"))
"""How `/dev/null` stands in for a closed stream: what is written to a closed stdout is lost, and
that has to fail as it does on a full device, so it can't be written to."""

_BLOCK = 64 * 1024
"""Bytes that are written at once."""

_found_lost: set[bool] = set()
"""Whether stdout was; empty where it wasn't, as far as is known."""


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether no person watches; people say `CI=false` to have a tool behave as at a desk."""
    return environ.get("CI", "").lower() not in ("", "0", "false", "no", "off")


def prepare() -> None:
    """Call it before any file is opened, which would get the number of a closed stream.

    What a stream's encoding doesn't have is written as an escape.
    """
    _found_lost.clear()
    for number, (how, name) in enumerate(_AS_IF):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, how)  # gets the lowest number that is free: this one
        stream = getattr(sys, name)
        if stream is None:
            mode = "w" if number else "r"
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
        if hasattr(stream, "reconfigure"):  # not where a test or a caller put its own there
            stream.reconfigure(errors="backslashreplace" if number else "surrogateescape")


def width(stream: Any, environ: Mapping[str, str]) -> int:
    """Return the columns of the terminal that a stream goes to, 0 for no terminal."""
    if not stream.isatty():
        return 0
    with suppress(OSError, ValueError):
        return int(environ.get("COLUMNS") or os.get_terminal_size(stream.fileno()).columns)
    return 0


def echo(
    text: str | bytes, *, err: bool = False, nl: bool = True, color: bool | None = None
) -> OSError | None:
    """Write to stdout or stderr; give why that failed, instead of ending what is under way.

    After a failure the stream goes nowhere: neither the next line nor the buffer that Python
    empties at its end may fail again.
    """
    stream = sys.stderr if err else sys.stdout
    if isinstance(text, bytes) and not hasattr(stream, "buffer"):
        text = text.decode()  # a caller put a stream of texts there
    try:
        click.echo(text, nl=nl, err=err, color=color)
    except OSError as problem:
        _send_nowhere(stream)
        return problem
    return None


def in_blocks(texts: Iterable[str]) -> Iterator[bytes]:
    """Put texts together as UTF-8: of tens of thousands each would be a write of its own."""
    block: list[bytes] = []
    size = 0
    for text in texts:
        block.append(text.encode())
        size += len(block[-1])
        if size >= _BLOCK:
            yield b"".join(block)
            block, size = [], 0
    yield b"".join(block)


def lost() -> bool:
    """Whether stdout takes nothing more; from then on all goes nowhere, and it stays lost.

    Tried with a line break: what failed before isn't always left in a buffer to try again.
    """
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except OSError:
        _send_nowhere(sys.stdout)
        _found_lost.add(True)
    return bool(_found_lost)


def _send_nowhere(stream: TextIO) -> None:
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  a device
        os.dup2(nowhere.fileno(), stream.fileno())


def unwritten(problem: OSError, report: Report | None = None) -> UsageProblem:
    """Say that a text didn't reach its reader; `report`: the result of a command, if it is one."""
    from qflow_gitops.errors import UsageProblem
    from qflow_gitops.results.files import Draft

    if report is None or isinstance(report.body, Draft):  # nothing was done but to make the text
        return UsageProblem(
            f"This can't be written: {problem.strerror}.",
            where="stdout",
            hint="Have it written where there is room, and where it is taken.",
        )
    return UsageProblem(
        f"The report can't be written: {problem.strerror}.",
        where="stdout",
        not_done="The rest was done; what was sent is recorded.",
        hint="`qflow-gitops status` shows what was recorded.",
    )
