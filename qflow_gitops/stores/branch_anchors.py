"""The anchors on the lockfile's branch: files that a commit adds, and nothing else."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import anchors
from qflow_gitops.lockfile.anchors import Anchor, File
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.pieces import BESIDE, HEAD, head_from_bytes
from qflow_gitops.lockfile.places import check_open
from qflow_gitops.lockfile.walk import PLAIN, is_read
from qflow_gitops.ports.lock_branch import LockBranch, TreeEntry
from qflow_gitops.ports.lockfile import Contents, Standing
from qflow_gitops.stores.branch_session import ROUNDS, contended

_PAUSE = 0.5  # seconds; the longest after a lost race
_NO_ANCHOR = "No anchor was written."


@dataclass(frozen=True)
class BranchAnchors:
    """Implements `ports.lockfile.LockAnchors`.

    `load` gives the newest commit and its lockfile, trusted; `push` puts files on top of a commit
    and gives the new one, "" where another was faster.
    """

    branch: LockBranch
    load: Callable[[], tuple[str, Lockfile | None]]
    push: Callable[[str, Mapping[str, bytes], int, str], str]
    _digests: dict[str, str] = field(default_factory=dict)  # SHA-256 by the blob's id

    def standing(self) -> Standing:
        """Return what stands there now."""
        tip, lockfile = self.load()
        where = f"qflow.lock on {self.branch.where}"
        if lockfile is None:
            raise LockError(
                "There is no lockfile yet.",
                where=where,
                not_done=_NO_ANCHOR,
                hint="The first apply makes it.",
                reason="lock_missing",
            )
        check_open(lockfile, where, _NO_ANCHOR)
        return Standing(tip, lockfile, dict(self._read(tip)))

    def newest(self) -> tuple[str, Mapping[str, Anchor]]:
        """Return the remote's newest commit and its anchors, "" where there is no branch."""
        tip = self.branch.fetch()
        return tip, dict(self._read(tip)) if tip else {}

    def at_hand(self) -> Mapping[str, Anchor]:
        """Return the anchors as this clone has them."""
        known = self.branch.known().commit
        return dict(self._read(known)) if known else {}

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether a commit descends from another."""
        return self.branch.descends(commit, ancestor)

    def contents(self, commit: str) -> Contents:
        """Write down what a commit holds."""
        entries = self.branch.entries(commit)
        odd = next((each.path for each in entries if not _belongs(each)), "")
        if odd:
            raise ValueError(f"it holds {odd}, which doesn't belong on the lockfile's branch")
        wanted = list({each.blob for each in entries} - self._digests.keys())
        for blob, content in zip(wanted, self.branch.blobs(wanted), strict=True):
            self._digests[blob] = sha256(content).hexdigest()
        files = (File(path, mode, self._digests[blob]) for path, mode, blob in entries)
        return Contents(anchors.text_of(commit, files), self._head(entries))

    def _head(self, entries: Iterable[TreeEntry]) -> Lockfile | None:
        for entry in entries:
            if entry.path == HEAD:
                with suppress(LockError):
                    return head_from_bytes(next(iter(self.branch.blobs([entry.blob]))), HEAD)
        return None

    def keep(self, anchor: Anchor, *, again: bool) -> tuple[str, Anchor]:
        """Put an anchor on the branch, on top of whatever came meanwhile."""
        for _ in range(ROUNDS):
            now = self.standing()
            for path, there in now.anchors.items() if not again else ():
                if there.serial == anchor.serial:
                    return path, there
            path = anchors.free_path(anchor, now.anchors)
            host = urlsplit(anchor.stamp.server).hostname if anchor.stamp else ""
            words = f"Anchor of serial {anchor.serial}: {host} at {anchor.at}"
            files = {path: anchors.to_bytes(anchor)}
            if self.push(now.commit, files, now.lockfile.serial, words):
                return path, anchor
            time.sleep(random.uniform(0, _PAUSE))  # noqa: S311  no secret
        raise contended(self.branch.where, _NO_ANCHOR)

    def _read(self, commit: str) -> Iterator[tuple[str, Anchor]]:
        entries = self.branch.entries(commit)
        found = [each for each in entries if anchors.serial_in(each.path) is not None]
        contents = self.branch.blobs([each.blob for each in found])
        for entry, content in zip(found, contents, strict=True):
            with suppress(LockError):  # of which a walk along the commits says what is wrong
                yield entry.path, anchors.stamped(content, entry.path)


def _belongs(entry: TreeEntry) -> bool:
    return entry.mode == PLAIN and (entry.path in BESIDE or is_read(entry.path))
