"""What is on disk and isn't ignored by git: paths, contents, and what git knows them to be."""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

MAX_CONTENT = 1024 * 1024
"""Contents are cut after one byte more, so that a caller sees "too big" and no memory is lost."""

_MODES = {stat.S_IFLNK: "120000", stat.S_IFDIR: "160000"}
_PLAIN = (b"H 100644 ", b"H 100755 ")
_SPECIAL = re.compile(rb"(?:^|\0)(?!H 100(?:644|755) [0-9a-f]+ 0\t)[^\0\t]+\t([^\0]+)")
_DETAILS = re.compile(rb"(?:  [^\n]*\n)*")
_DETAILED = re.compile(rb"(?:  [^\n]*\n)*[A-Za-z?] [0-7]{6} [0-9a-f]+ [0-3]\t(.+)", re.DOTALL)
_COMMANDS = {
    "indexed": ("ls-files", "-z", "-v", "--stage"),
    # the times, size and place on disk of each file that git saw last, behind its entry
    "detailed": ("ls-files", "-z", "-v", "--stage", "--debug"),
    "changed": ("diff-files", "-z", "--name-only", "--ignore-submodules=all"),
    "others": ("ls-files", "-z", "--others", "--exclude-standard"),
}


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
        begin: Callable[[Sequence[str]], Callable[[], bytes]],
        object_format: str,
    ) -> None:
        """Take the paths as git wants them, and what begins a git command.

        What `begin` gives waits for it, and gives what it wrote. `object_format` is the hash
        that the repository makes ids with, `sha1` say.
        """
        self._root = os.fsencode(root)
        self._git_dir = git_dir
        self._paths = ("--", *paths)
        self._begin = begin
        self._asked: dict[str, Callable[[], bytes]] = {}
        self._object_format = object_format

    @cached_property
    def identity(self) -> str:
        """What is the same only as long as no file here, tracked or not, has changed."""
        found = sha256()
        try:
            found.update(sha256((self._git_dir / "index").read_bytes()).digest())
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

    @cached_property
    def state(self) -> tuple[Sequence[str], bytes]:
        """What `changed_since` compares with later. Take it before anything is read."""
        unsure = [path.decode("latin-1") for path in sorted(self._unsure)]
        return unsure, self._outputs("detailed")[0]

    def prepare(self) -> None:
        """Let git begin on what `changed_since` needs."""
        self._ask("detailed", "changed", "others")

    def changed_since(self, state: tuple[Sequence[str], bytes]) -> frozenset[bytes]:
        """Name the paths that aren't there any more, are new, or may hold something else.

        For any other path, git's index says the same as it said then, to the time of the
        file's last change, and that this is how the file is now. Raises ValueError for what
        is no `state`.
        """
        unsure, before = state
        detailed, changed, others = self._outputs("detailed", "changed", "others")
        paths = {path.encode("latin-1") for path in unsure}
        paths.update((changed + others).split(b"\0")[:-1])
        if detailed and b"\0  " not in detailed:
            raise ValueError("git doesn't give the details of its index")
        if detailed != before:
            now, then = detailed.split(b"\0"), before.split(b"\0")
            paths |= _differing(now, then) | _differing(then, now)
        return frozenset(paths)

    def among(self, paths: Iterable[bytes]) -> "WorkTree":
        """Give the same, as if it held no more than these paths, and git knew none of them."""
        changed, others = self._outputs("changed", "others")
        unsure = frozenset((changed + others).split(b"\0")[:-1])
        (indexed,) = self._outputs("detailed" if "detailed" in self._asked else "indexed")
        there = [path for path in paths if path in unsure or b"\t%s\0" % path in indexed]
        root = Path(os.fsdecode(self._root))
        some = WorkTree(root, self._git_dir, (), self._begin, self._object_format)
        those = b"".join(b"%s\0" % path for path in there)
        some._asked = {"indexed": bytes, "changed": bytes, "others": lambda: those}
        return some

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
        try:
            about = os.fstat(descriptor)
            return _read(descriptor, about.st_size) if stat.S_ISREG(about.st_mode) else None
        finally:
            os.close(descriptor)

    def identify(self, content: bytes) -> str:
        """Give the id that a blob with this content has in this repository."""
        return hashlib.new(self._object_format, b"blob %d\0" % len(content) + content).hexdigest()

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

    def _ask(self, *names: str) -> None:
        """Let git begin on these of `_COMMANDS`, each once."""
        for name in names:
            if name not in self._asked:
                self._asked[name] = cache(self._begin([*_COMMANDS[name], *self._paths]))

    def _outputs(self, *names: str) -> list[bytes]:
        """Give what git says to these of `_COMMANDS`."""
        self._ask(*names)
        return [self._asked[name]() for name in names]

    def _full(self, path: bytes) -> bytes:
        return os.path.join(self._root, path)  # noqa: PTH118  a Path can't hold every name

    @cached_property
    def _listings(self) -> tuple[bytes, frozenset[bytes]]:
        """The index's entries as git lists them, and the paths that have to be looked at.

        Those are what differs from the index (by times and size, then by content), what isn't
        in it, and what git doesn't keep an eye on: links, submodules, conflicts, entries that
        somebody marked as not to be looked at.
        """
        indexed, changed, others = self._outputs("indexed", "changed", "others")
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


def _differing(listing: Sequence[bytes], other: Sequence[bytes]) -> set[bytes]:
    """Name the paths whose entries aren't in another detailed listing.

    The details of an entry stand in front of the next one, so that a piece that differs
    speaks of two paths.
    """
    if len(listing) == len(other):  # as a rule nothing was added or removed
        places = {
            place
            for place, pair in enumerate(zip(listing, other, strict=True))
            if pair[0] != pair[1]
        }
    else:
        known = frozenset(other)
        places = {place for place, piece in enumerate(listing) if piece not in known}
    pieces = [listing[place] for place in places | {one - 1 for one in places if one}]
    found = [_DETAILED.fullmatch(piece) for piece in pieces if not _DETAILS.fullmatch(piece)]
    if not all(found):
        raise ValueError("git lists its index in another way")
    return {match[1] for match in found if match}
