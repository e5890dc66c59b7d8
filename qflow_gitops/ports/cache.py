"""What is needed of the place where things are kept between commands."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Cache(Protocol):
    """What was found out about contents, kept between commands; any of it may be gone."""

    @property
    def tool(self) -> str:
        """What is another one for each version of this program, and for each change to its code."""

    def verdicts(self, context: str, blobs: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        """Return what is known of these blobs in a context: id -> size in bytes, and a text."""

    def keep_verdicts(self, context: str, verdicts: Mapping[str, tuple[int, str]]) -> None:
        """Keep what was found out about blobs: id -> size in bytes, and a text."""

    def answer(self, context: str) -> Any:
        """Return the JSON data that was kept as an answer in a context, None for none."""

    def keep_answer(self, context: str, data: Any) -> None:
        """Keep JSON data as the answer in a context."""

    def content(self, name: str) -> bytes | None:
        """Return the bytes that were kept under a name, None for none."""

    def keep_content(self, name: str, content: bytes) -> None:
        """Keep bytes under a name."""
