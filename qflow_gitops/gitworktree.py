"""What is on disk and isn't ignored by git: paths, contents, and what git knows them to be."""

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha1, sha256
from pathlib import Path

MAX_CONTENT = 1024 * 1024
"""Contents are cut after one byte more, so that a caller sees "too big" and no memory is lost."""

_MODES = {stat.S_IFLNK: "120000", stat.S_IFDIR: "160000"}
_PLAIN = (b"H 100644 ", b"H 100755 ")
_SPECIAL = re.compile(rb"(?:^|\0)(?!H 100(?:644|755) [0-9a-f]+ 0\t)[^\0\t]+\t([^\0]+)")


class WorkTree:
    """Some folders of a work tree; implements `interfaces.WorkTree`.

    git's index holds each file's times, size and blob. Where git says that a file still has
    them, the file needn't be read to know what it holds, unless something (a filter, line
    endings) stands between blob and file; then their sizes differ.
    """

    def __init__(
        self,
        root: Path,
        git_dir: Path,
        paths: Sequence[str],
        ask: Callable[..., list[bytes]],
    ) -> None:
        """Take the paths as git wants them, and what runs git commands at the same time."""
        self._root = os.fsencode(root)
        self._index = git_dir / "index"
        self._paths = ["--", *paths]
        self._ask = ask

    @cached_property
    def identity(self) -> str:
        """What is the same only as long as no file here, tracked or not, has changed."""
        found = sha256()
        try:
            found.update(sha256(self._index.read_bytes()).digest())
        except OSError:  # nothing was ever added
            found.update(b"none")
        for path in sorted(self._unsure):
            try:
                mode = os.lstat(self._full(path)).st_mode
            except OSError:
                mode = 0
            content = self.read(path) or b""
            found.update(b"%d %d %s" % (len(path), mode, path) + sha256(content).digest())
        return found.hexdigest()

    @cached_property
    def listed(self) -> Sequence[bytes]:
        """All paths, sorted."""
        return sorted({*self._indexed, *self._unsure})

    def blob(self, path: bytes) -> str:
        """Give the id of the blob that a file was when git last looked, "" where that is over."""
        return self._indexed.get(path, "")

    def size(self, path: bytes) -> int:
        """Give a plain file's size in bytes, -1 for anything else."""
        try:
            found = os.lstat(self._full(path))
        except OSError:
            return -1
        return found.st_size if stat.S_ISREG(found.st_mode) else -1

    def read(self, path: bytes) -> bytes | None:
        """Read a plain file, cut after `MAX_CONTENT` + 1 bytes; None for anything else."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self._full(path), flags)
        except OSError:
            return None
        with open(descriptor, "rb") as file:  # noqa: PTH123  from a descriptor
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            return file.read(MAX_CONTENT + 1)

    def identify(self, content: bytes) -> str:
        """Give the id that a blob with this content has in this repository."""
        some = next(iter(self._indexed.values()), "")
        found = (sha256 if len(some) == 64 else sha1)(b"blob %d\0" % len(content) + content)
        return found.hexdigest()

    def files(self) -> Mapping[bytes, bytes]:
        """Path and content of every plain file."""
        contents = {path: self.read(path) for path in self.listed}
        return {path: content for path, content in contents.items() if content is not None}

    def oddities(self) -> Sequence[tuple[bytes, str]]:
        """Path and git mode (`120000`, `160000`, …) of what is on disk and no plain file.

        The mode is `unreadable` for a plain file that this user may not read.
        """
        found = []
        for path in sorted(self._unsure):
            full = self._full(path)
            try:
                kind = stat.S_IFMT(os.lstat(full).st_mode)
            except OSError:
                continue  # removed, but not yet committed
            if kind != stat.S_IFREG:
                found.append((path.rstrip(b"/"), _MODES.get(kind, "000000")))
            elif not os.access(full, os.R_OK):
                found.append((path, "unreadable"))
        return found

    def _full(self, path: bytes) -> bytes:
        return os.path.join(self._root, path)  # noqa: PTH118  a Path can't hold every name

    @cached_property
    def _listings(self) -> tuple[bytes, frozenset[bytes]]:
        """The index's entries as git lists them, and the paths that have to be looked at.

        Those are what differs from the index (by times and size, then by content), what isn't
        in it, and what git doesn't keep an eye on: links, submodules, conflicts, entries that
        somebody marked as not to be looked at.
        """
        indexed, changed, others = self._ask(
            ["ls-files", "-z", "-v", "--stage", *self._paths],
            ["diff-files", "-z", "--name-only", "--ignore-submodules=all", *self._paths],
            ["ls-files", "-z", "--others", "--exclude-standard", *self._paths],
        )
        plain = sum((b"\0" + indexed).count(b"\0" + start) for start in _PLAIN)
        special = _SPECIAL.findall(indexed) if plain < indexed.count(b"\0") else []
        return indexed, frozenset([*(changed + others).split(b"\0")[:-1], *special])

    @cached_property
    def _indexed(self) -> Mapping[bytes, str]:
        """Path and blob of the entries that git keeps an eye on."""
        entries = (entry.partition(b"\t") for entry in self._listings[0].split(b"\0")[:-1])
        return {
            path: about[9:-2].decode() for about, _, path in entries if path not in self._unsure
        }

    @property
    def _unsure(self) -> frozenset[bytes]:
        return self._listings[1]
