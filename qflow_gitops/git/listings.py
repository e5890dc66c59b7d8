"""What git lists of some folders: its index, what differs from that, and what isn't in it."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Self

_PLAIN = (b"H 100644 ", b"H 100755 ")
_LEFT_OUT = (b"S 1", b"s 1")  # flags of `ls-files -v` (skip-worktree), and a mode
_DETAILS = rb"(?:  [^\n\0]*\n)*"
_ENTRY = re.compile(rb"(?:\A|\0)" + _DETAILS + rb"([A-Za-z?] [0-7]{6} [0-9a-f]+ [0-3])\t([^\0]+)")
_LAST_DETAILS = re.compile(
    rb"\0  ctime: \d+:\d+\n  mtime: \d+:\d+\n  dev: \d+\tino: \d+\n"
    rb"  uid: \d+\tgid: \d+\n  size: \d+\tflags: [0-9a-f]+\n\Z"
)
"""What `--debug` adds to an entry; git-ls-files(1) promises no form, so no other is trusted."""
COMMANDS = {
    "indexed": ("ls-files", "-z", "-v", "--stage"),
    # the times, size and place on disk of each file that git saw last, behind its entry
    "detailed": ("ls-files", "-z", "-v", "--stage", "--debug"),
    "changed": ("diff-files", "-z", "--name-only", "--ignore-submodules=all"),
    "others": ("ls-files", "-z", "--others", "--exclude-standard"),
}


class Listings:
    """What git says to each of `COMMANDS`, asked once."""

    def __init__(
        self,
        git_dir: Path,
        paths: Sequence[str],
        begin: Callable[[Sequence[str]], Callable[[], tuple[bytes, bytes]]],
    ) -> None:
        """Take the paths as git wants them, and what begins a git command.

        What `begin` gives waits for it, and gives what it wrote and what it complained of.
        """
        self._git_dir = git_dir
        self._paths = ("--", *paths)
        self._begin = begin
        self._asked: dict[str, Callable[[], tuple[bytes, bytes]]] = {}

    def ask(self, *names: str) -> None:
        """Let git begin on these of `COMMANDS`, each once.

        The index is read before: what changes meanwhile then shows as another `identity`.
        """
        _ = self.index
        for name in names:
            if name not in self._asked:
                self._asked[name] = cache(self._begin([*COMMANDS[name], *self._paths]))

    def outputs(self, *names: str) -> list[bytes]:
        """Return what git says to these of `COMMANDS`."""
        self.ask(*names)
        return [self._asked[name]()[0] for name in names]

    @property
    def is_partly_hidden(self) -> bool:
        """Whether git complained, as it does of a folder that this user may not enter."""
        return any(self._asked[name]()[1] for name in ("changed", "others"))

    @cached_property
    def index(self) -> bytes:
        """The index as it was before git was asked for anything."""
        try:
            return (self._git_dir / "index").read_bytes()
        except OSError:
            return b""  # nothing was ever added

    @cached_property
    def entries(self) -> bytes:
        """The index's entries as git lists them: with details, if those are asked for as well.

        One look at the index, so that an entry's details are those of its blob.
        """
        return self.outputs("detailed" if "detailed" in self._asked else "indexed")[0]

    @cached_property
    def pairs(self) -> Sequence[tuple[bytes, bytes]]:
        """Flag, mode, blob and stage of each entry of the index, and its path."""
        return _ENTRY.findall(self.entries)

    def unsure(self) -> Sequence[bytes]:
        """Return the paths that differ from the index, and those that aren't in it."""
        changed, others = self.outputs("changed", "others")
        return (changed + others).split(b"\0")[:-1]

    def special(self) -> Sequence[bytes]:
        """Return the paths of what is no plain file as git has it, or isn't to be looked at."""
        entries = b"\0" + self.entries
        if sum(entries.count(b"\0" + start) for start in _PLAIN) >= entries.count(b"\0") - 1:
            return ()
        return [
            path
            for about, path in self.pairs
            if not (about.startswith(_PLAIN) and about.endswith(b" 0"))
        ]

    def restricted_to(self, paths: Iterable[bytes]) -> Self:
        """Return the same, as if there were no more than these paths, and git knew none of them."""
        unsure = frozenset(self.unsure())
        there = [path for path in paths if path in unsure or _lists(self.entries, path)]
        some = type(self)(self._git_dir, (), self._begin)
        those = b"".join(b"%s\0" % path for path in there)
        nothing = (b"", b"")
        some._asked = dict.fromkeys(COMMANDS, lambda: nothing)
        some._asked["others"] = lambda: (those, b"")
        return some

    def tracked(self, also: Iterable[str]) -> Self:
        """Return the same without what git doesn't know, but for these files."""
        given = frozenset(map(os.fsencode, also))
        some = type(self)(self._git_dir, self._paths[1:], self._begin)
        others = self._begin([*COMMANDS["others"], *self._paths])

        def left() -> tuple[bytes, bytes]:
            out, err = others()
            return b"".join(b"%s\0" % path for path in out.split(b"\0") if path in given), err

        some._asked["others"] = cache(left)
        return some


def left_out(entries: bytes) -> Sequence[bytes]:
    """Return the paths that aren't to be looked at, as in a sparse checkout."""
    if not any(mark in entries for mark in _LEFT_OUT):
        return ()
    return [path for about, path in _ENTRY.findall(entries) if about.startswith(_LEFT_OUT)]


def changed_between(detailed: bytes, before: bytes) -> set[bytes]:
    """Name the paths that two detailed listings have other details of.

    Raises ValueError where a listing isn't in the form that is known.
    """
    if detailed and not _LAST_DETAILS.search(detailed):
        raise ValueError("git doesn't give the details of its index as it did")
    if detailed == before:
        return set()
    now, then = detailed.split(b"\0"), before.split(b"\0")
    return _differing(now, then) | _differing(then, now)


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
