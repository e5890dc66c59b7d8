"""What is on disk and isn't ignored by git: paths, contents, and what git knows them to be."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from qflow_gitops.errors import Unreadable
from qflow_gitops.git import disk
from qflow_gitops.git.listings import Listings, changed_between, left_out


class GitWorkTree:
    """Some folders of a work tree; implements `ports.git.GitWorkTree`.

    git's index holds each file's times, size and blob. Where git says that a file still has
    them, the file needn't be read to know what it holds, unless something (a filter, line
    endings) stands between blob and file, which their sizes show as a rule. What is sent is
    always what a commit holds.
    """

    def __init__(self, root: Path, listings: Listings, object_format: str) -> None:
        """Take what git lists, and the hash that the repository makes ids with, `sha1` say."""
        self._root = os.fsencode(root)
        self._listings = listings
        self._object_format = object_format

    @cached_property
    def identity(self) -> str:
        """What is the same only as long as no file here, tracked or not, has changed.

        "" where git couldn't look at everything.
        """
        unsure = self._changed_paths
        if self._listings.is_partly_hidden:
            return ""
        found = hashlib.sha256(self._listings.index)
        for path in sorted(unsure):
            try:
                mode = os.lstat(self._full(path)).st_mode
            except OSError:
                mode = 0
            content = disk.plain(self._full(path)) or b""
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
        return unsure, self._listings.outputs("detailed")[0]

    def prepare(self) -> None:
        """Let git begin on what `changed_since` needs."""
        self._listings.ask("detailed", "changed", "others")

    def changed_since(self, state: tuple[Sequence[str], bytes]) -> frozenset[bytes]:
        """Name the paths that aren't there any more, are new, or may hold something else.

        For any other path, git's index says the same as it said then, to the time of the
        file's last change, and that this is how the file is now. Raises ValueError for what
        is no `state`, and where git couldn't look at everything.
        """
        unsure, before = state
        detailed, *_ = self._listings.outputs("detailed", "changed", "others")
        self._check_whole(detailed)
        if self._listings.is_partly_hidden:
            raise ValueError("git couldn't look at everything")
        paths = {path.encode("latin-1") for path in unsure}
        return frozenset({*paths, *self._listings.unsure(), *changed_between(detailed, before)})

    def restricted_to(self, paths: Iterable[bytes]) -> "GitWorkTree":
        """Return the same, as if it held no more than these paths, and git knew none of them."""
        return self._with(self._listings.restricted_to(paths))

    def tracked(self, also: Iterable[str] = ()) -> "GitWorkTree":
        """Return the same without what git doesn't know, but for these files."""
        return self._with(self._listings.tracked(also))

    def _with(self, listings: Listings) -> "GitWorkTree":
        return GitWorkTree(Path(os.fsdecode(self._root)), listings, self._object_format)

    def blob(self, path: bytes) -> str:
        """Return the id of the blob that a file was when git last looked, "" where that is over."""
        return self._indexed.get(path, "")

    def size(self, path: bytes) -> int:
        """Return a plain file's size in bytes, -1 for anything else."""
        return disk.size(self._full(path))

    def read(self, path: bytes) -> bytes | None:
        """Read a plain file, cut after `MAX_CONTENT` + 1 bytes; None where nothing is there.

        Raises Unreadable, with its `mode`, for anything else that is there.
        """
        return disk.read(self._full(path), path)

    def identify(self, content: bytes) -> str:
        """Return the id that a blob with this content has in this repository."""
        return hashlib.new(self._object_format, b"blob %d\0" % len(content) + content).hexdigest()

    def files(self) -> Mapping[bytes, bytes]:
        """Path and content of every plain file that may be read; others: `irregular_files`."""
        contents = {path: disk.plain(self._full(path)) for path in self.listed}
        return {path: content for path, content in contents.items() if content is not None}

    def irregular_files(self) -> Sequence[tuple[bytes, str]]:
        """Path and git mode (`120000`, `160000`, …) of what is on disk and no plain file.

        The mode is `unreadable` for a plain file that this user may not read.
        """
        modes = {path: disk.irregular(self._full(path)) for path in sorted(self._changed_paths)}
        return [
            (path if mode == "unreadable" else path.rstrip(b"/"), mode)
            for path, mode in modes.items()
            if mode
        ]

    def _full(self, path: bytes) -> bytes:
        return os.path.join(self._root, path)  # noqa: PTH118  a Path can't hold every name

    @cached_property
    def _changed_paths(self) -> frozenset[bytes]:
        """The paths that have to be looked at.

        Those are what differs from the index (in times and size: where it was only touched,
        too), what isn't in it, and what git doesn't keep an eye on: links, submodules,
        conflicts, entries that somebody marked as not to be looked at.
        """
        unsure = self._listings.unsure()
        self._check_whole(self._listings.entries)
        return frozenset([*unsure, *self._listings.special()])

    def _check_whole(self, entries: bytes) -> None:
        """Raise Unreadable for a sparse checkout that leaves out some of what is looked at.

        What isn't there is then neither checked nor removed.
        """
        missing = sorted(
            path for path in left_out(entries) if not os.path.lexists(self._full(path))
        )
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise Unreadable(
                f"This work tree is sparse: git left this file{more} of the project out.",
                where=os.fsdecode(missing[0]),
                not_done="Nothing was checked, nothing was planned and nothing was sent.",
                hint="`git sparse-checkout disable` puts everything there. `qflow-gitops plan` "
                "reads commits, and needs no work tree.",
            )

    @cached_property
    def _indexed(self) -> Mapping[bytes, str]:
        """Path and blob of the entries that git keeps an eye on."""
        unsure = self._changed_paths
        return {
            path: about[9:-2].decode() for about, path in self._listings.pairs if path not in unsure
        }
