"""The report as a folder of pages: written beside it, and then put in its place at once."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from qflow_gitops.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MARKER = ".qflow-gitops-report"
"""The file that names all others of a folder which a report made: only those are replaced."""


def place(begin: Path, named: str, option: str = "--output") -> Path:
    """Return the folder that is meant, from where paths `begin`; refuse it as `check` does."""
    folder = Path(os.path.abspath(begin / named))  # noqa: PTH100  links stay links
    check(folder, option)
    return folder


def check(folder: Path, option: str = "--output") -> None:
    """Refuse a folder that holds anything but a report, before any work. Raises UsageProblem.

    `option` is the one that names it.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise _refused(folder, "it is there, and no folder", option)
    if not folder.parent.is_dir():
        raise _refused(folder, "the folder that it is to be in isn't there", option)
    if not folder.exists():
        return
    known = _known(folder)
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file() or name not in known:
            raise _refused(folder, f"it holds {name}, which no report wrote", option)


def write(folder: Path, pages: Iterable[tuple[str, bytes]], option: str = "--output") -> int:
    """Write all pages, or none; how many. Raises UsageProblem."""
    from secrets import token_hex

    beside = folder.with_name(f".{folder.name}.{token_hex(4)}.tmp")
    try:
        beside.mkdir()
        names = [_put(beside, name, content) for name, content in pages]
        (beside / MARKER).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        check(folder, option)  # what came there meanwhile
        _swap(beside, folder)
    except OSError as problem:
        raise UsageProblem(
            f"The report can't be written: {problem.strerror}.",
            where=str(folder),
            not_done="The folder is as it was.",
            hint=f"Name one in a folder that is there and may be written: "
            f"`qflow-gitops report {option} DIR`",
            reason="output_refused",
        ) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return len(names)


def _put(folder: Path, name: str, content: bytes) -> str:
    path = PurePosixPath(name)
    assert not path.is_absolute()  # noqa: S101  names of pages are the program's own
    assert ".." not in path.parts  # noqa: S101
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    return name


def _swap(beside: Path, folder: Path) -> None:
    """Put a new folder in an old one's place; that one comes back where it can't be."""
    if not folder.exists():
        beside.rename(folder)
        return
    old = beside.with_suffix(".old")
    folder.rename(old)
    try:
        beside.rename(folder)
    except OSError:
        with suppress(OSError):  # where another report came there meanwhile, that one stays
            old.rename(folder)
        raise
    finally:
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)


def _known(folder: Path) -> frozenset[str]:
    """Name the files that the report there is made of; only the marker where there is none."""
    marker = folder / MARKER
    names: list[str] = []
    if marker.is_file() and not marker.is_symlink():
        with suppress(OSError, UnicodeDecodeError):
            names = marker.read_text(encoding="utf-8").splitlines()
    return frozenset((MARKER, *names))


def _files(folder: Path) -> Iterator[Path]:
    """Go through what a folder holds, without following a link."""
    for above, folders, names in os.walk(folder):
        links = (name for name in folders if (Path(above) / name).is_symlink())
        yield from (Path(above) / name for name in (*names, *links))


def _refused(folder: Path, why: str, option: str) -> UsageProblem:
    return UsageProblem(
        f"The report isn't written there: {why}.",
        where=str(folder),
        not_done="Nothing was done.",
        hint=f"Name a folder that isn't there yet, or that a report made: "
        f"`qflow-gitops report {option} DIR`",
        reason="output_refused",
    )
