"""Reads that say which right a token lacks, where one does; no more of them than a look may take.

Facts: docs.github.com, REST API 2022-11-28; each page says under "Fine-grained access tokens" which
repository permission its endpoint takes. What isn't permitted is answered with 403, or with 404 as
if it weren't there (docs, "Troubleshooting the REST API").
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.github.client import GITHUB, Client, odd_answer
from qflow_gitops.http.fields import Fields

CALLS = 30
"""So often one look asks at most."""
_PAGES = 3
_NOTHING = "Nothing was concluded from it."
_OF_A_PLAN = "upgrade to"  # "Upgrade to GitHub Pro or make this repository public to enable …"


class Asking:
    """Asks about one repository."""

    def __init__(self, client: Client) -> None:
        """Take the client of the repository."""
        self._client = client
        self._left = CALLS
        self._lock = threading.Lock()

    def fields(
        self, path: str, right: str, query: Mapping[str, str | int] | None = None
    ) -> Fields | None:
        """Read an object; None for 404. Raises AuthError, which names the right that is missing."""
        found = self._get(path, right, query)
        return None if found is None else Fields(found, odd_answer)

    def certain(self, path: str, right: str) -> Fields:
        """Read an object that is there in every repository: 404 is a right that is missing."""
        found = self.fields(path, right)
        if found is None:
            raise _lacking(f"{GITHUB.name} doesn't show this (404).", right)
        return found

    def items(self, path: str, right: str, key: str = "") -> list[Fields]:
        """Read a list, or the list under a key; [] for 404, UnreachableError where it doesn't end.

        (docs, "Using pagination in the REST API")
        """
        found: list[Fields] = []
        for at in range(1, _PAGES + 1):
            data = self._get(path, right, {"per_page": 100, "page": at})
            if data is None:
                return found
            page = Fields(data if key else {"": data}, odd_answer).items(key)
            found += page
            if len(page) < 100:
                return found
        raise UnreachableError(
            f"There are more of them than are looked at ({len(found)}).",
            not_done=_NOTHING,
            reason="github_many",
        )

    def _get(self, path: str, right: str, query: Mapping[str, str | int] | None) -> Any:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise UnreachableError(
                    f"It was not asked: one look asks {CALLS} times at most.", not_done=_NOTHING
                )
        with _needs(right):
            return self._client.get(path, query)


@contextmanager
def _needs(right: str) -> Iterator[None]:
    """Say which right is missing where something isn't permitted."""
    try:
        yield
    except AuthError as problem:
        if problem.reason != "github_permission":
            raise
        raise _lacking(problem.message, right) from None


def _lacking(message: str, right: str) -> AuthError:
    of_plan = _OF_A_PLAN in message.lower()
    return AuthError(
        message,
        not_done=_NOTHING,
        hint="The plan that this repository is on hasn't got it."
        if of_plan
        else f'A fine-grained token with the repository permission "{right}" (read) tells it: set '
        "GITHUB_TOKEN to one.",
        reason="github_permission",
    )
