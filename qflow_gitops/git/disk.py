"""What is on disk: plain files, no further than is of use, and what is none."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from qflow_gitops.base.paths import TreeFile
from qflow_gitops.errors import Unreadable

MAX_CONTENT = 1024 * 1024
"""Contents are cut after one byte more, so that a caller sees "too big" and no memory is lost."""

_MODES = {stat.S_IFLNK: "120000", stat.S_IFDIR: "160000"}  # git lists no other kind of folder
_READ_AS = {**_MODES, stat.S_IFDIR: "040000", stat.S_IFREG: "unreadable"}


def size(full: bytes) -> int:
    """Return a plain file's size in bytes, -1 for anything else."""
    try:
        found = os.lstat(full)
    except OSError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def read(full: bytes, path: bytes) -> bytes | None:
    """Read a plain file, cut after `MAX_CONTENT` + 1 bytes; None where nothing is there.

    Raises Unreadable, with its `mode`, for anything else that is there; `path` names it.
    """
    content = plain(full)
    if content is not None:
        return content
    try:
        kind = stat.S_IFMT(os.lstat(full).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        kind = stat.S_IFREG
    raise Unreadable(
        "This is no plain file, or this user may not read it.",
        where=os.fsdecode(path),
        not_done="Nothing was planned and nothing was sent.",
        mode=_READ_AS.get(kind, "000000"),
    )


def irregular(full: bytes) -> str:
    """Return the git mode of what is no plain file, `unreadable` for one that can't be read.

    "" for a plain file, and where nothing is there.
    """
    try:
        kind = stat.S_IFMT(os.lstat(full).st_mode)
    except OSError:
        return ""  # removed, but not yet committed
    if kind != stat.S_IFREG:
        return _MODES.get(kind, "000000")
    return "" if os.access(full, os.R_OK) else "unreadable"


def on_disk(root: Path, folder: str) -> Mapping[bytes, TreeFile]:
    """What a folder ("": the root) holds itself, as `GitTree.listing` has it.

    Raises Unreadable for a folder that this user may not look into.
    """
    inside = os.fsencode(f"{folder}/" if folder else "")
    try:
        with os.scandir(os.fsencode(root) + b"/" + inside) as entries:
            return {
                inside + dir_entry.name: TreeFile(inside + dir_entry.name, _mode(dir_entry), "")
                for dir_entry in entries
            }
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as problem:
        raise Unreadable(
            f"The folder can't be read: {problem.strerror}.",
            where=folder or ".",
            not_done="Nothing was planned and nothing was sent.",
            hint="Give yourself the right to read it.",
            mode="unreadable",
        ) from None


def _mode(entry: os.DirEntry[bytes]) -> str:
    if entry.is_symlink():
        return "120000"
    if entry.is_dir(follow_symlinks=False):
        return "040000"
    return "100644" if entry.is_file(follow_symlinks=False) else "000000"


def plain(full: bytes) -> bytes | None:
    """Read a plain file, None where it is none or can't be read."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(full, flags)
    except OSError:
        return None
    try:
        about = os.fstat(descriptor)
        return _read(descriptor, about.st_size) if stat.S_ISREG(about.st_mode) else None
    except OSError:  # of the disk, say
        return None
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int) -> bytes:
    """Read a file that had so many bytes just now, as a rule in one go."""
    pieces, length = [], 0
    wanted = min(size, MAX_CONTENT) + 1
    while length < wanted:
        piece = os.read(descriptor, wanted - length)
        pieces.append(piece)
        length += len(piece)
        if not piece or length == size:  # the end; or as much as there was, and not a byte more
            break
        if length == wanted:  # it has grown
            wanted = MAX_CONTENT + 1
    return b"".join(pieces)
