"""A lock store for several plans that are to see the same record; for reading only."""

from qflow_gitops.ports.lockfile import LockStore, Snapshot


def read_once(store: LockStore, *, at_hand: bool = False) -> LockStore:
    """Return the store for several plans that are to see the same record, read when first asked.

    `at_hand`: as this clone has it, without asking a remote.
    """
    return _Once(store, at_hand=at_hand)


class _Once:
    """A store that is read one time."""

    def __init__(self, store: LockStore, *, at_hand: bool) -> None:
        self._store = store
        self._local = at_hand
        self._seen: Snapshot | None = None
        self.where = store.where
        self.at_hand = store.at_hand
        self.session = store.session
        self.announce = store.announce
        self.anchors = store.anchors
        self.kept = store.kept
        self.check_memory = store.check_memory
        self.signer = store.signer

    @property
    def address(self) -> str:
        """The repository that it belongs to."""
        return self._store.address

    def read(self, *, whole: bool = False) -> Snapshot:
        """Return the lockfile as it was at the first call."""
        if self._seen is None and self._local:
            self._seen = Snapshot(self._store.at_hand(), self.where)
        elif self._seen is None:
            self._seen = self._store.read(whole=whole)
        return self._seen
