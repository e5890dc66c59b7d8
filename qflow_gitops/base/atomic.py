"""Local files that survive a crash: replaced whole, or appended to line by line."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_CHUNK = 64 * 1024


def replace(path: Path, content: bytes | Iterable[bytes], *, mode: int = 0o644) -> None:
    """Put a new content, or its parts, in place of a file's, atomically and durably.

    Readers see the old or the new content, whole, also after a crash. The folder has to
    exist. Raises OSError; the old content is then intact.
    """
    import secrets  # loads what signs and hashes; who writes nothing needs none of it

    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            os.fchmod(descriptor, mode)  # what the umask took away
            for part in (content,) if isinstance(content, bytes) else content:
                _write_all(descriptor, part)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sweep(path: Path) -> None:
    """Remove what interrupted `replace` calls for this file left behind."""
    for left in path.parent.glob(f".{path.name}.????????.tmp"):
        with contextlib.suppress(OSError):
            left.unlink()


def sync_folder(folder: Path) -> None:
    """Make names that were created, replaced or removed in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes, offset: int | None = None) -> None:
    view = memoryview(content)
    while view:
        if offset is None:
            written = os.write(descriptor, view)
        else:
            written = os.pwrite(descriptor, view, offset)
            offset += written
        view = view[written:]


class AppendLog:
    """A file of lines, each durable when `append` returns.

    Room for what comes next is reserved ahead, so that a disk that fills up is noticed
    before something is sent and not after. The reserve reads as NUL bytes, which
    `read_lines` leaves out, as it does a last line that a crash cut short.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises OSError."""
        existed = path.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, 0o600)
        self._end = len(_kept(path.read_bytes()))
        self._room = os.fstat(self._descriptor).st_size
        self._broken = False
        if not existed:
            sync_folder(path.parent)

    def append(self, lines: list[bytes], *, reserve: int = 0) -> None:
        """Add lines, all or none, and keep `reserve` bytes free for later ones.

        Raises OSError. After a failure that leaves the file's state unknown (a failed
        sync), each further call raises as well.
        """
        if self._broken:
            raise OSError("an earlier write to the journal failed")
        content = b"".join(line + b"\n" for line in lines)
        self._make_room(len(content) + reserve)
        try:
            _write_all(self._descriptor, content, self._end)
            _sync(self._descriptor)
        except OSError:
            self._undo(len(content))
            raise
        self._end += len(content)

    def _make_room(self, size: int) -> None:
        missing = self._end + size - self._room
        if missing > 0:
            grow = (missing // _CHUNK + 1) * _CHUNK
            _reserve(self._descriptor, self._room, grow)
            self._room += grow

    def _undo(self, size: int) -> None:
        """Wipe what a failed append may have left: nobody may read it as recorded."""
        self._broken = True
        with contextlib.suppress(OSError):
            _write_all(self._descriptor, b"\0" * size, self._end)
            _sync(self._descriptor)

    def close(self) -> None:
        """Let go of the file; it stays where it is."""
        os.close(self._descriptor)


def _reserve(descriptor: int, offset: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, offset, size)
    else:  # macOS
        _write_all(descriptor, b"\0" * size, offset)


def _sync(descriptor: int) -> None:
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:  # macOS
        os.fsync(descriptor)


def _kept(content: bytes) -> bytes:
    """The whole lines before the reserve."""
    content = content.split(b"\0", 1)[0]
    return content[: content.rfind(b"\n") + 1]


def read_lines(path: Path) -> Iterator[bytes]:
    """Return the whole lines of an append log, none where there is no file."""
    with contextlib.suppress(FileNotFoundError):
        yield from _kept(path.read_bytes()).splitlines()
