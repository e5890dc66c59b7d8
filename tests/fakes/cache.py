"""What commands keep for one another, as long as nobody clears it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


class FakeCache:
    """Implements `ports.cache.Cache`. Answers are kept as JSON, as they are on a disk."""

    def __init__(self, tool: str = "this version") -> None:
        self.tool = tool
        self._verdicts: dict[str, dict[str, tuple[int, str]]] = {}
        self._answers: dict[str, str] = {}
        self._contents: dict[str, bytes] = {}

    def spoil(self, data: Any) -> None:
        """Let each answer that was kept be this, as of another version or a broken disk."""
        self._answers = dict.fromkeys(self._answers, json.dumps(data))

    def verdicts(self, context: str, blobs: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        known = self._verdicts.get(context, {})
        return {blob: known[blob] for blob in blobs if blob in known}

    def keep_verdicts(self, context: str, verdicts: Mapping[str, tuple[int, str]]) -> None:
        self._verdicts.setdefault(context, {}).update(verdicts)

    def answer(self, context: str) -> Any:
        return json.loads(self._answers.get(context, "null"))

    def keep_answer(self, context: str, data: Any) -> None:
        self._answers[context] = json.dumps(data)

    def content(self, name: str) -> bytes | None:
        return self._contents.get(name)

    def keep_content(self, name: str, content: bytes) -> None:
        self._contents[name] = content
