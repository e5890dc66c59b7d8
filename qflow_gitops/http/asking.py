"""Reads that say which right a token lacks, where one does; no more of them than a look may take.

What isn't permitted is answered with 403, or with 404 as if it weren't there (docs.github.com,
"Troubleshooting the REST API"; docs.gitlab.com, "REST API", "Status codes").
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.http.fields import Fields
from qflow_gitops.http.rest import RestClient, Server

CALLS = 30
"""So often one look asks at most."""
_PAGES = 3
_NOTHING = "Nothing was concluded from it."


class Asking:
    """Asks about one repository."""

    def __init__(
        self, client: RestClient, server: Server, lacking: Callable[[str, str], AuthError]
    ) -> None:
        """Take its client, and what says of a message which right is missing."""
        self._client = client
        self._server = server
        self._lacking = lacking
        self._left = CALLS
        self._lock = threading.Lock()

    def fields(
        self, path: str, right: str, query: Mapping[str, str | int] | None = None
    ) -> Fields | None:
        """Read an object; None for 404. Raises AuthError, which names the right that is missing."""
        found = self._get(path, right, query)
        return None if found is None else Fields(found, self._server.odd_answer)

    def certain(self, path: str, right: str) -> Fields:
        """Read an object that is there in every repository: 404 is a right that is missing."""
        found = self.fields(path, right)
        if found is None:
            raise self.lacking(right)
        return found

    def lacking(self, right: str) -> AuthError:
        """Say that a right is missing, where what takes it isn't shown."""
        return self._lacking(f"{self._server.name} doesn't show this.", right)

    def items(self, path: str, right: str, key: str = "", *, certain: bool = False) -> list[Fields]:
        """Read a list, or the list under a key; [] for 404, unless it is `certain` to be there.

        UnreachableError where it doesn't end. Both hosts take `page` and `per_page`.
        """
        found: list[Fields] = []
        for at in range(1, _PAGES + 1):
            data = self._get(path, right, {"per_page": 100, "page": at})
            if data is None and certain:
                raise self.lacking(right)
            if data is None:
                return found
            page = Fields(data if key else {"": data}, self._server.odd_answer).items(key)
            found += page
            if len(page) < 100:
                return found
        raise UnreachableError(
            f"There are more of them than are looked at ({len(found)}).", not_done=_NOTHING
        )

    def _get(self, path: str, right: str, query: Mapping[str, str | int] | None) -> Any:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise UnreachableError(
                    f"It was not asked: one look asks {CALLS} times at most.", not_done=_NOTHING
                )
        with self._needs(right):
            return self._client.get(path, query)

    @contextmanager
    def _needs(self, right: str) -> Iterator[None]:
        """Say which right is missing where something isn't permitted."""
        try:
            yield
        except AuthError as problem:
            if problem.reason != f"{self._server.word}_permission":
                raise
            raise self._lacking(problem.message, right) from None
