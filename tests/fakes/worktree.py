"""What lies on a disk that isn't there."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from qflow_gitops.errors import Unreadable
from tests.fakes.history import File, blob_id, under

_PLAIN = ("100644", "100755")


class FakeWorkTree:
    """Implements `ports.git.WorkTree` for some folders of a work tree.

    `index` is what git knows: the blob of each path as it was last added.
    """

    def __init__(
        self, files: Mapping[bytes, File], index: Mapping[bytes, File], folders: Sequence[str]
    ) -> None:
        self._files = {path: file for path, file in files.items() if under(path, folders)}
        self._index = {path: file for path, file in index.items() if under(path, folders)}

    @property
    def identity(self) -> str:
        return hashlib.sha256(repr((sorted(self._files.items()), self.state)).encode()).hexdigest()

    @property
    def listed(self) -> Sequence[bytes]:
        return sorted({*self._files, *self._index})

    @property
    def state(self) -> tuple[Sequence[str], bytes]:
        """The paths that git isn't sure of, and what it has of all."""
        unsure = [path.decode("latin-1") for path in self.listed if not self.blob(path)]
        known = {path.decode("latin-1"): file.blob for path, file in self._index.items()}
        return unsure, json.dumps(known, sort_keys=True).encode()

    def prepare(self) -> None:
        """Begin on nothing: all is at hand."""

    def changed_since(self, state: tuple[Sequence[str], bytes]) -> frozenset[bytes]:
        unsure, before = state
        now = self.state
        then, known = json.loads(before), json.loads(now[1])
        moved = {path for path in {*then, *known} if then.get(path) != known.get(path)}
        return frozenset(path.encode("latin-1") for path in {*unsure, *now[0], *moved})

    def tracked(self, also: Iterable[str] = ()) -> "FakeWorkTree":
        wanted = {*self._index, *(name.encode() for name in also)}
        files = {path: file for path, file in self._files.items() if path in wanted}
        return FakeWorkTree(files, self._index, ["."])

    def restricted_to(self, paths: Iterable[bytes]) -> "FakeWorkTree":
        there = {path: self._files[path] for path in paths if path in self._files}
        return FakeWorkTree(there, {}, ["."])

    def blob(self, path: bytes) -> str:
        known, there = self._index.get(path), self._files.get(path)
        return known.blob if known is not None and known == there and _is_plain(known) else ""

    def size(self, path: bytes) -> int:
        file = self._files.get(path)
        return len(file.content) if file is not None and _is_plain(file) else -1

    def read(self, path: bytes) -> bytes | None:
        file = self._files.get(path)
        if file is None or _is_plain(file):
            return None if file is None else file.content
        raise Unreadable("This is no plain file.", where=path.decode(), mode=file.mode)

    def identify(self, content: bytes) -> str:
        return blob_id(content)

    def files(self) -> Mapping[bytes, bytes]:
        return {path: file.content for path, file in self._files.items() if _is_plain(file)}

    def irregular_files(self) -> Sequence[tuple[bytes, str]]:
        odd = ((path, file.mode) for path, file in self._files.items() if not _is_plain(file))
        return sorted(odd)


def _is_plain(file: File) -> bool:
    return file.mode in _PLAIN


def put_on_disk(files: Mapping[bytes, File], root: Path) -> None:
    """Write plain files of a work tree to a real folder, for commands that edit them in place."""
    for path, file in files.items():
        target = root / path.decode()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
