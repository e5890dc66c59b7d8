"""The only writer: results to stdout, progress and errors to stderr."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from qflow_gitops.cli.streams import echo, in_blocks, is_ci, unwritten, width
from qflow_gitops.errors import ExitCode, QflowError, UsageProblem
from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.explained import explained
from qflow_gitops.render.formats import pieces
from qflow_gitops.render.layout import laid_out
from qflow_gitops.render.text import error_lines
from qflow_gitops.render.text import render as as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from qflow_gitops.apply import events
    from qflow_gitops.lockfile.attempt import Attempt
    from qflow_gitops.results.report import Report

Result = TypeVar("Result")

HEARTBEAT = 30.0
"""Seconds between two signs of life where there is no terminal."""


class Copy(NamedTuple):
    """A further copy of a result: to a file, or to stdout (None); `append` keeps what is there."""

    format_name: str
    file: Path | None
    append: bool = False

    @property
    def adds(self) -> bool:
        """Whether it is added to what is there: a runner's file, a pipe or a device."""
        file = self.file
        return self.append or (file is not None and file.exists() and not file.is_file())

    def problem(self) -> UsageProblem | None:
        """Say why it can't be written: before the work begins, that costs nothing."""
        if self.file is None:
            return None
        try:
            if self.file.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            there = self.file if self.adds and self.file.exists() else self.file.parent
            if there != self.file and not stat.S_ISDIR(there.stat().st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(there, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as problem:
            return self.lost(problem, "Nothing was done.")
        return None

    def lost(self, problem: OSError, not_done: str) -> UsageProblem:
        """Say that it can't be written."""
        return UsageProblem(
            f"The report can't be written: {problem.strerror}.",
            where=str(self.file),
            not_done=not_done,
            hint="Name a file in a folder that is there: --report FORMAT=FILE",
        )


class Console(NamedTuple):
    """How this process writes. `live` is whether stderr is a terminal that a person watches."""

    colour_out: bool
    colour_err: bool
    live: bool
    interactive: bool
    quiet: bool
    verbose: bool
    width_out: int = 0
    width_err: int = 0

    @classmethod
    def for_process(
        cls, environ: Mapping[str, str], *, color: str, quiet: bool, verbose: bool
    ) -> Console:
        """Look at the terminal and the environment once."""
        in_ci = is_ci(environ)
        dumb = environ.get("TERM") == "dumb"

        def coloured(stream: Any) -> bool:
            if color != "auto":
                return color == "always"
            return stream.isatty() and not environ.get("NO_COLOR") and not dumb

        return cls(
            colour_out=coloured(sys.stdout),
            colour_err=coloured(sys.stderr),
            live=sys.stderr.isatty() and not in_ci and not dumb,
            interactive=sys.stdin.isatty() and sys.stderr.isatty() and not in_ci,
            quiet=quiet,
            verbose=verbose,
            width_out=width(sys.stdout, environ),
            width_err=width(sys.stderr, environ),
        )

    def result(self, report: Report, format_name: str, copies: Sequence[Copy] = ()) -> int:
        """Write a report to stdout, its copies to files and its error to stderr."""
        if format_name == "text":
            for note in () if report.already_told else report.notes:
                self.say(note)
            paint = _paint(colour=self.colour_out)
            written = [
                self._out(
                    [as_text(report, verbose=self.verbose, width=self.width_out, paint=paint)],
                    report,
                )
            ]
        else:
            written = [self._out(in_blocks(pieces(format_name, report)), report)]
        if report.error:
            self.error(report.error)
        if format_name == "text":
            for line in explained(report):
                self.say(line)
        written += [self._copy(copy, report) for copy in copies]
        return int(report.exit_code or (ExitCode.OK if all(written) else ExitCode.USAGE))

    def preview(self, report: Report) -> None:
        """Show on stderr what a question is about."""
        paint = _paint(colour=self.colour_err)
        text = as_text(report, verbose=self.verbose, width=self.width_err, paint=paint)
        echo(text, err=True, color=self.colour_err)

    def _out(self, parts: Iterable[str | bytes], report: Report) -> bool:
        """Write the result; the reader of a pipe (head, say) may have had enough of it.

        What programs read comes as bytes: it is UTF-8 whatever the terminal takes.
        """
        tried = (echo(part, nl=False, color=self.colour_out) for part in parts)
        problem = next(filter(None, tried), None)
        if problem is None or isinstance(problem, BrokenPipeError):
            return True
        self.error(unwritten(problem, report))
        return False

    def _copy(self, copy: Copy, report: Report) -> bool:
        parts = in_blocks(pieces(copy.format_name, report))
        if copy.file is None:
            return self._out(parts, report)
        try:
            if copy.append and copy.format_name == "markdown":
                parts = iter([_room(copy.file, b"".join(parts))])
            _put(copy.file, parts, append=copy.adds)
        except OSError as problem:
            self.error(copy.lost(problem, "The rest was done; its result is on stdout."))
            return False
        return True

    def error(self, problem: QflowError) -> None:
        """Say what stopped a command."""
        self._tell(error_lines(problem))

    def say(self, text: str) -> None:
        """Say a sentence on stderr, unless the person wants quiet."""
        if not self.quiet:
            self._tell([clean(text)])

    def _tell(self, lines: Sequence[str]) -> None:
        paint = _paint(colour=self.colour_err)
        for line in lines:
            for shown in laid_out(line, self.width_err):
                echo(paint(shown), err=True, color=self.colour_err)

    def detail(self, text: str) -> None:
        """Say on stderr what only somebody who looks for a cause wants to know (`-v`)."""
        if self.verbose:
            self._tell([clean(text)])

    def ask(self, question: str) -> bool:
        """Ask a person at the terminal; anything but yes is no."""
        return self.answer(f"{question} [y/N]").lower() in ("y", "yes")

    def answer(self, question: str) -> str:
        """Return what a person at the terminal answers; nothing more to read ends the command."""
        echo(f"{question} ", nl=False, err=True)
        listening = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            if not (line := sys.stdin.readline()):
                raise click.Abort
            return line.strip()
        except KeyboardInterrupt:
            raise click.Abort from None
        finally:
            signal.signal(signal.SIGINT, listening)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Show an apply while it works: a live view on a terminal, else lines and a heartbeat."""
        shown = Progress(self)
        try:
            yield shown
        finally:
            shown.close()


SUMMARY_LIMIT = 1024 * 1024
_FULL = b"> No more fits into this step's summary; the log has it.\n\n"


def _room(file: Path, content: bytes) -> bytes:
    """Return what still fits into a step's summary, to which each of its commands adds.

    Of more than 1 MiB GitHub takes nothing (docs.github.com, "Workflow commands").
    """
    taken = file.stat().st_size if file.exists() else 0
    if taken + len(content) + len(_FULL) <= SUMMARY_LIMIT:
        return content
    return _FULL if taken + len(_FULL) <= SUMMARY_LIMIT else b""


def _put(file: Path, parts: Iterable[bytes], *, append: bool) -> None:
    from qflow_gitops.base import atomic

    if append:
        with file.open("ab") as stream:
            stream.writelines(parts)
    else:
        atomic.replace(file, parts)


def _paint(*, colour: bool) -> Callable[[str], str]:
    if not colour:
        return str
    from qflow_gitops.cli.painting import painted

    return painted


def _brief(attempt: Attempt) -> str:
    """Say a new state in a few words; the result says the rest."""
    from qflow_gitops.lockfile.states import State
    from qflow_gitops.results.outcomes import word

    if attempt.state is State.INTENT:
        return "intent recorded, sending"
    words = word(attempt.state)
    if attempt.status:
        words += f' ("{clean(attempt.status)}")'
    if attempt.state is State.ACCEPTED:
        words += f" as {clean(attempt.execution_id)}"
    detail = clean(str(attempt.events[-1].extra.get("detail", ""))).partition(". ")[0]
    return f"{words}: {detail.removesuffix('.')}" if detail else words


class Progress:
    """What a person sees while an apply works."""

    def __init__(self, console: Console) -> None:
        """Begin; the live view appears with the first sign of work."""
        self._console = console
        self._live: Any = None
        self._last = time.monotonic()
        self._rests = False

    def follow(self, work: Generator[events.Event, None, Result]) -> Result:
        """Show every event of a work, and give what it returns at its end."""
        while True:
            try:
                self.show(next(work))
            except StopIteration as end:
                result: Result = end.value
                return result

    def show(self, event: events.Event) -> None:
        """Take the next event."""
        if self._console.quiet:
            return
        from qflow_gitops.apply import events

        match event:
            case events.Said(text):
                self._line(clean(text))
            case events.Ready(planned, due) if due and not self._console.interactive:
                platform = ", ".join(planned.plan.platforms.values())
                self._line(f"{count(due, 'run')} to start on {platform or 'no platform'}")
            case events.Moved(environment, name, attempt):
                self._line(f"{environment}/{name}: {_brief(attempt)}")
            case events.Looked(report) if self._console.live:
                self._update(as_text(report, verbose=self._console.verbose))
            case events.Tick():
                self._tick(event)

    def _line(self, text: str) -> None:
        self._last = time.monotonic()
        for shown in laid_out(text, self._console.width_err):
            if self._live:
                self._live.console.print(shown, markup=False, highlight=False, soft_wrap=True)
            else:
                echo(shown, err=True)

    def _tick(self, tick: events.Tick) -> None:
        text = (
            f"{tick.pending:,} to start, {tick.sending} being sent, {tick.under_way} under way, "
            f"{tick.finished:,} done, {tick.elapsed:.0f} s"
        )
        waits = f"; next try in {tick.resting:.0f} s" if tick.resting > 1 else ""
        begins, self._rests = bool(waits) and not self._rests, bool(waits)
        if self._console.live:
            self._update(text + waits)
        elif begins or time.monotonic() - self._last >= HEARTBEAT:
            self._line(text + waits)

    def _update(self, text: str) -> None:
        if self._live is None:
            from rich.console import Console as RichConsole
            from rich.live import Live

            terminal = RichConsole(stderr=True, no_color=not self._console.colour_err)
            self._live = Live(console=terminal, refresh_per_second=8, transient=True)
            self._live.start()
        from rich.text import Text

        self._live.update(Text(text))  # a text of its own would be read as rich's markup

    def close(self) -> None:
        """Take the live view away."""
        if self._live:
            self._live.stop()
            self._live = None
