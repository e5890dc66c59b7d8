"""What is on disk and isn't ignored by git: paths, contents, and what git knows them to be."""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

from qflow_gitops.base.paths import TreeFile
from qflow_gitops.errors import Unreadable

MAX_CONTENT = 1024 * 1024
"""Contents are cut after one byte more, so that a caller sees "too big" and no memory is lost."""

_MODES = {stat.S_IFLNK: "120000", stat.S_IFDIR: "160000"}  # git lists no other kind of folder
_READ_AS = {**_MODES, stat.S_IFDIR: "040000", stat.S_IFREG: "unreadable"}
_PLAIN = (b"H 100644 ", b"H 100755 ")
_LEFT_OUT = (b"S 1", b"s 1")  # flags of `ls-files -v` (skip-worktree), and a mode
_DETAILS = rb"(?:  [^\n\0]*\n)*"
_ENTRY = re.compile(rb"(?:\A|\0)" + _DETAILS + rb"([A-Za-z?] [0-7]{6} [0-9a-f]+ [0-3])\t([^\0]+)")
_LAST_DETAILS = re.compile(
    rb"\0  ctime: \d+:\d+\n  mtime: \d+:\d+\n  dev: \d+\tino: \d+\n"
    rb"  uid: \d+\tgid: \d+\n  size: \d+\tflags: [0-9a-f]+\n\Z"
)
"""What `--debug` adds to an entry; git-ls-files(1) promises no form, so no other is trusted."""
_COMMANDS = {
    "indexed": ("ls-files", "-z", "-v", "--stage"),
    # the times, size and place on disk of each file that git saw last, behind its entry
    "detailed": ("ls-files", "-z", "-v", "--stage", "--debug"),
    "changed": ("diff-files", "-z", "--name-only", "--ignore-submodules=all"),
    "others": ("ls-files", "-z", "--others", "--exclude-standard"),
}


class WorkTree:
    """Some folders of a work tree; implements `ports.git.WorkTree`.

    git's index holds each file's times, size and blob. Where git says that a file still has
    them, the file needn't be read to know what it holds, unless something (a filter, line
    endings) stands between blob and file, which their sizes show as a rule. What is sent is
    always what a commit holds.
    """

    def __init__(
        self,
        root: Path,
        git_dir: Path,
        paths: Sequence[str],
        begin: Callable[[Sequence[str]], Callable[[], tuple[bytes, bytes]]],
        object_format: str,
    ) -> None:
        """Take the paths as git wants them, and what begins a git command.

        What `begin` gives waits for it, and gives what it wrote and what it complained of.
        `object_format` is the hash that the repository makes ids with, `sha1` say.
        """
        self._root = os.fsencode(root)
        self._git_dir = git_dir
        self._paths = ("--", *paths)
        self._begin = begin
        self._asked: dict[str, Callable[[], tuple[bytes, bytes]]] = {}
        self._object_format = object_format

    @cached_property
    def identity(self) -> str:
        """What is the same only as long as no file here, tracked or not, has changed.

        "" where git couldn't look at everything.
        """
        unsure = self._changed_paths
        if self._is_partly_hidden:
            return ""
        found = hashlib.sha256(self._index)
        for path in sorted(unsure):
            try:
                mode = os.lstat(self._full(path)).st_mode
            except OSError:
                mode = 0
            content = _plain(self._full(path)) or b""
            found.update(b"%d %d %s" % (len(path), mode, path) + hashlib.sha256(content).digest())
        return found.hexdigest()

    @cached_property
    def listed(self) -> Sequence[bytes]:
        """All paths, sorted."""
        return sorted({*self._indexed, *self._changed_paths})

    @cached_property
    def state(self) -> tuple[Sequence[str], bytes]:
        """What `changed_since` compares with later. Take it before anything is read."""
        unsure = [path.decode("latin-1") for path in sorted(self._changed_paths)]
        return unsure, self._outputs("detailed")[0]

    def prepare(self) -> None:
        """Let git begin on what `changed_since` needs."""
        self._ask("detailed", "changed", "others")

    def changed_since(self, state: tuple[Sequence[str], bytes]) -> frozenset[bytes]:
        """Name the paths that aren't there any more, are new, or may hold something else.

        For any other path, git's index says the same as it said then, to the time of the
        file's last change, and that this is how the file is now. Raises ValueError for what
        is no `state`, and where git couldn't look at everything.
        """
        unsure, before = state
        detailed, changed, others = self._outputs("detailed", "changed", "others")
        self._check_whole(detailed)
        if self._is_partly_hidden:
            raise ValueError("git couldn't look at everything")
        paths = {path.encode("latin-1") for path in unsure}
        paths.update((changed + others).split(b"\0")[:-1])
        if detailed and not _LAST_DETAILS.search(detailed):
            raise ValueError("git doesn't give the details of its index as it did")
        if detailed != before:
            now, then = detailed.split(b"\0"), before.split(b"\0")
            paths |= _differing(now, then) | _differing(then, now)
        return frozenset(paths)

    def restricted_to(self, paths: Iterable[bytes]) -> "WorkTree":
        """Return the same, as if it held no more than these paths, and git knew none of them."""
        changed, others = self._outputs("changed", "others")
        unsure = frozenset((changed + others).split(b"\0")[:-1])
        there = [path for path in paths if path in unsure or _lists(self._entries, path)]
        root = Path(os.fsdecode(self._root))
        some = WorkTree(root, self._git_dir, (), self._begin, self._object_format)
        those = b"".join(b"%s\0" % path for path in there)
        nothing = (b"", b"")
        some._asked = dict.fromkeys(_COMMANDS, lambda: nothing)
        some._asked["others"] = lambda: (those, b"")
        return some

    def tracked(self, also: Iterable[str] = ()) -> "WorkTree":
        """Return the same without what git doesn't know, but for these files."""
        given = frozenset(map(os.fsencode, also))
        root = Path(os.fsdecode(self._root))
        some = WorkTree(root, self._git_dir, self._paths[1:], self._begin, self._object_format)
        others = self._begin([*_COMMANDS["others"], *self._paths])

        def left() -> tuple[bytes, bytes]:
            out, err = others()
            return b"".join(b"%s\0" % path for path in out.split(b"\0") if path in given), err

        some._asked["others"] = cache(left)
        return some

    def blob(self, path: bytes) -> str:
        """Return the id of the blob that a file was when git last looked, "" where that is over."""
        return self._indexed.get(path, "")

    def size(self, path: bytes) -> int:
        """Return a plain file's size in bytes, -1 for anything else."""
        try:
            found = os.lstat(self._full(path))
        except OSError:
            return -1
        return found.st_size if stat.S_ISREG(found.st_mode) else -1

    def read(self, path: bytes) -> bytes | None:
        """Read a plain file, cut after `MAX_CONTENT` + 1 bytes; None where nothing is there.

        Raises Unreadable, with its `mode`, for anything else that is there.
        """
        full = self._full(path)
        content = _plain(full)
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

    def identify(self, content: bytes) -> str:
        """Return the id that a blob with this content has in this repository."""
        return hashlib.new(self._object_format, b"blob %d\0" % len(content) + content).hexdigest()

    def files(self) -> Mapping[bytes, bytes]:
        """Path and content of every plain file that may be read; others: `irregular_files`."""
        contents = {path: _plain(self._full(path)) for path in self.listed}
        return {path: content for path, content in contents.items() if content is not None}

    def irregular_files(self) -> Sequence[tuple[bytes, str]]:
        """Path and git mode (`120000`, `160000`, …) of what is on disk and no plain file.

        The mode is `unreadable` for a plain file that this user may not read.
        """
        found = []
        for path in sorted(self._changed_paths):
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
        """Let git begin on these of `_COMMANDS`, each once.

        The index is read before: what changes meanwhile then shows as another `identity`.
        """
        _ = self._index
        for name in names:
            if name not in self._asked:
                self._asked[name] = cache(self._begin([*_COMMANDS[name], *self._paths]))

    def _outputs(self, *names: str) -> list[bytes]:
        """Return what git says to these of `_COMMANDS`."""
        self._ask(*names)
        return [self._asked[name]()[0] for name in names]

    @property
    def _is_partly_hidden(self) -> bool:
        """Whether git complained, as it does of a folder that this user may not enter."""
        return any(self._asked[name]()[1] for name in ("changed", "others"))

    @cached_property
    def _index(self) -> bytes:
        try:
            return (self._git_dir / "index").read_bytes()
        except OSError:
            return b""  # nothing was ever added

    @cached_property
    def _entries(self) -> bytes:
        """The index's entries as git lists them: with details, if those are asked for as well.

        One look at the index, so that an entry's details are those of its blob.
        """
        return self._outputs("detailed" if "detailed" in self._asked else "indexed")[0]

    def _full(self, path: bytes) -> bytes:
        return os.path.join(self._root, path)  # noqa: PTH118  a Path can't hold every name

    @cached_property
    def _pairs(self) -> Sequence[tuple[bytes, bytes]]:
        """Flag, mode, blob and stage of each entry of the index, and its path."""
        return _ENTRY.findall(self._entries)

    @cached_property
    def _changed_paths(self) -> frozenset[bytes]:
        """The paths that have to be looked at.

        Those are what differs from the index (in times and size: where it was only touched,
        too), what isn't in it, and what git doesn't keep an eye on: links, submodules,
        conflicts, entries that somebody marked as not to be looked at.
        """
        changed, others = self._outputs("changed", "others")
        self._check_whole(self._entries)
        entries = b"\0" + self._entries
        special = []
        if sum(entries.count(b"\0" + start) for start in _PLAIN) < entries.count(b"\0") - 1:
            special = [
                path
                for about, path in self._pairs
                if not (about.startswith(_PLAIN) and about.endswith(b" 0"))
            ]
        return frozenset([*(changed + others).split(b"\0")[:-1], *special])

    def _check_whole(self, entries: bytes) -> None:
        """Raise Unreadable for a sparse checkout that leaves out some of what is looked at.

        What isn't there is then neither checked nor removed.
        """
        if not any(mark in entries for mark in _LEFT_OUT):
            return
        left_out = sorted(
            path
            for about, path in _ENTRY.findall(entries)
            if about.startswith(_LEFT_OUT) and not os.path.lexists(self._full(path))
        )
        if left_out:
            more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
            raise Unreadable(
                f"This work tree is sparse: git left this file{more} of the project out.",
                where=os.fsdecode(left_out[0]),
                not_done="Nothing was checked, nothing was planned and nothing was sent.",
                hint="`git sparse-checkout disable` puts everything there. `qflow-gitops plan` "
                "reads commits, and needs no work tree.",
            )

    @cached_property
    def _indexed(self) -> Mapping[bytes, str]:
        """Path and blob of the entries that git keeps an eye on."""
        unsure = self._changed_paths
        return {path: about[9:-2].decode() for about, path in self._pairs if path not in unsure}


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


def _plain(full: bytes) -> bytes | None:
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


def _lists(entries: bytes, path: bytes) -> bool:
    """Whether a path is one of the entries; names may hold what looks like an entry's end."""
    ending = b"\t%s\0" % path
    place = entries.find(ending)
    while place >= 0:
        begin = entries.rfind(b"\0", 0, place) + 1
        found = _ENTRY.match(entries[begin : place + len(ending) - 1])
        if found and found[2] == path:
            return True
        place = entries.find(ending, place + 1)
    return False


def _differing(listing: Sequence[bytes], other: Sequence[bytes]) -> set[bytes]:
    """Name the paths whose entries aren't in another detailed listing.

    The details of an entry stand in front of the next one, so that a piece that differs
    speaks of two paths.
    """
    if len(listing) == len(other):  # as a rule nothing was added or removed
        pairs = zip(listing, other, strict=True)
        places = {place for place, (one, another) in enumerate(pairs) if one != another}
    else:
        known = frozenset(other)
        places = {place for place, piece in enumerate(listing) if piece not in known}
    last = len(listing) - 1  # holds the details of the last entry, and no other
    places = (places | {number - 1 for number in places if number}) - {last}
    found = [_ENTRY.fullmatch(listing[place]) for place in places]
    if not all(found):
        raise ValueError("git lists its index in another way")
    return {match[2] for match in found if match}
