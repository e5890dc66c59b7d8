"""The JSON data of one document under construction: each key and value put where it belongs."""

from dataclasses import dataclass, field
from typing import Any

from qflow_gitops.findings.finding import Range
from qflow_gitops.yaml.document import Json, Path, range_of


@dataclass(slots=True)
class Frame:
    """An object or a list that isn't closed yet."""

    container: dict[str, Any] | list[Any]
    path: Path
    start: Any
    flow: bool  # written with brackets
    key: str | None = None  # the key whose value comes next, in a mapping

    @property
    def wants_key(self) -> bool:
        """Whether a key comes next."""
        return isinstance(self.container, dict) and self.key is None


@dataclass(slots=True)
class Construction:
    """Builds the data without recursion, and notes where everything stands."""

    root: Any = None
    keys: dict[Path, Range] = field(default_factory=dict)
    values: dict[Path, Range] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)

    @property
    def frame(self) -> Frame | None:
        """The innermost collection that is open."""
        return self.frames[-1] if self.frames else None

    @property
    def wants_key(self) -> bool:
        """Whether the next scalar is a key."""
        return bool(self.frames) and self.frames[-1].wants_key

    @property
    def is_in_brackets(self) -> bool:
        """Whether the innermost collection is written with brackets."""
        return bool(self.frames) and self.frames[-1].flow

    @property
    def indent(self) -> int:
        """The column of the innermost collection without brackets, -1 at the root."""
        return next((frame.start.column for frame in reversed(self.frames) if not frame.flow), -1)

    def open(self, container: dict[str, Any] | list[Any], event: Any) -> None:
        """Begin a collection, with the event that says where."""
        path = self._place(container)
        self.frames.append(Frame(container, path, event.start_mark, event.flow_style))

    def close(self, end: Any) -> Frame:
        """End the innermost collection, and return what it was."""
        frame = self.frames.pop()
        self.values[frame.path] = range_of(frame.start, end)
        return frame

    def put(self, value: Json, where: Range) -> None:
        """Put a scalar where a value is wanted."""
        self.values[self._place(value)] = where

    def begin_pair(self, key: str, where: Range) -> Range | None:
        """Take a key, whose value comes next; give where it stood before, if it did."""
        frame = self.frames[-1]
        path = (*frame.path, key)
        frame.key = key
        return first if (first := self.keys.setdefault(path, where)) is not where else None

    def _place(self, value: Json) -> Path:
        """Put a value into the innermost collection; give its path."""
        if not self.frames:
            self.root = value
            return ()
        frame = self.frames[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
            return (*frame.path, len(frame.container) - 1)
        key, frame.key = frame.key, None
        assert key is not None  # noqa: S101  a mapping's events alternate; the builder saw to the key
        if frame.container.get(key) is None:  # of two, the first that isn't empty
            frame.container[key] = value
        return (*frame.path, key)
