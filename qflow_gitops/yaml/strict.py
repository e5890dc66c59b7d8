"""Read YAML text into documents, and say everything that is wrong with it.

The one place that knows ruamel.yaml. Only its events are used: what YAML allows and a run
spec does not (anchors, tags, directives, duplicate keys, leftovers of YAML 1.1) is found
while the events pass, before any object is built from them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from qflow_gitops.findings.finding import START_OF_FILE, Diagnostic, Position, Range, error, warning
from qflow_gitops.yaml import messages, numbers, portability
from qflow_gitops.yaml.document import LINE_BREAK, Document, Json, Parsed, Path, range_of

MAX_DEPTH = 64

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_YAML11_WORDS = frozenset(
    form for word in ("yes", "no", "on", "off") for form in (word, word.title(), word.upper())
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def read(text: str, file: str) -> Parsed:
    """Read a text. Never raises for what it holds."""
    builder = _Builder(file, text)
    if unreadable := portability.unreadable(text):
        trap, start, end = unreadable
        builder.trap(trap, _stretch_of(text, start, end))
        return Parsed((), tuple(builder.diagnostics))
    try:
        for event in _events(text, builder):
            builder.feed(event)
    except _Stop:
        pass
    builder.end()
    if not builder.documents and not builder.diagnostics:
        words = "The file holds no YAML document."
        builder.report("yaml-empty", words, builder.start, "Write a run spec, or remove the file.")
    return Parsed(tuple(builder.documents), tuple(builder.diagnostics))


class _Stop(Exception):
    """The rest of the file can't be read."""


def _events(text: str, builder: "_Builder") -> Iterator[Any]:
    """Return ruamel's events; what it can't read becomes a finding and the end."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as problem:
        at = problem.problem_mark
        inside = bool(at and text[at.index - at.column : at.index].strip())
        words = messages.explained(problem.problem or "", problem.context or "", inside=inside)
        marks = (problem.problem_mark, problem.context_mark)
        mark = next((mark for mark in (marks[::-1] if words.at_start else marks) if mark), None)
        where = range_of(mark, mark) if mark else builder.last
        if at and "mapping values" in (problem.problem or ""):
            earlier = messages.without_colon(text, at.index)
            if earlier:
                words, where = earlier[0], _stretch_of(text, *earlier[1:])
        builder.report("yaml-syntax", words.message, where, words.hint)
    except YAMLError as problem:
        words = messages.explained(str(problem))
        at = getattr(problem, "position", 0)
        where = _stretch_of(text, at, at + 1)
        builder.report("yaml-syntax", words.message, where, words.hint)
    except RecursionError:
        builder.too_deep()
    except Exception as problem:  # noqa: BLE001  whatever the parser trips over, the file is refused
        # Seen: ValueError for an escape beyond Unicode, AssertionError for `%YAML 1.3`.
        words = messages.explained(str(problem))
        builder.report("yaml-syntax", words.message, builder.last, words.hint)


def _stretch_of(text: str, start: int, end: int) -> Range:
    """Return a stretch of one line by its offsets."""
    breaks = list(LINE_BREAK.finditer(text, 0, start))
    line = len(breaks) + 1
    column = start - (breaks[-1].end() if breaks else 0) + 1
    return Range(Position(line, column), Position(line, column + end - start))


@dataclass(slots=True)
class _Frame:
    """An object under construction."""

    container: dict[str, Any] | list[Any]
    path: Path
    start: Any
    flow: bool  # written with brackets
    key: str | None = None  # the key whose value comes next, in a mapping


@dataclass(slots=True)
class _Builder:
    """Builds JSON data from events, without recursion, and collects what is wrong."""

    file: str
    text: str
    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=list)
    keys: dict[Path, Range] = field(default_factory=dict)
    values: dict[Path, Range] = field(default_factory=dict)
    root: Any = None
    index: int = 0
    glued: bool = False  # a second spec stands in this document, without `---` before it
    ended: int = 0  # the offset at which the document before ended
    until: int = 0  # the offset at which the last event ended
    block: Any = None  # the last scalar, if it is a block
    start: Range = START_OF_FILE
    last: Range = START_OF_FILE

    def report(self, rule: str, message: str, where: Range, hint: str = "") -> None:
        self.diagnostics.append(error(rule, message, self.file, where, hint))

    def trap(self, found: portability.Trap, where: Range) -> None:
        if found.rewritten:
            self.diagnostics.append(
                warning("yaml-formatter", found.message, self.file, where, found.hint)
            )
        else:
            self.report("yaml-syntax", found.message, where, found.hint)

    def too_deep(self) -> None:
        self.report(
            "yaml-too-deep",
            f"There are more than {MAX_DEPTH} levels of nesting.",
            self.last,
            "No request needs so many; most likely brackets or indentation went wrong.",
        )

    def feed(self, event: Any) -> None:
        """Take the next event."""
        self.last = range_of(event.start_mark, event.end_mark)
        if self.frames and self.frames[-1].flow:
            glued = portability.glued_comment(self.text, self.until, event.start_mark.index)
            if glued:
                self.trap(portability.COMMENT, _stretch_of(self.text, glued, glued + 1))
        self.until = event.end_mark.index
        _HANDLERS.get(type(event).__name__, _ignore)(self, event)

    def document_start(self, event: Any) -> None:
        line = portability.directive(self.text, self.ended, event.start_mark.index)
        if line or event.version or event.tags:
            self.report(
                "yaml-directive",
                "Directives (%YAML, %TAG and others) are not allowed.",
                _stretch_of(self.text, *line) if line else self.last,
                "Remove the line; specs are read as YAML 1.2.",
            )
        self.keys, self.values, self.root, self.glued = {}, {}, None, False

    def document_end(self, event: Any) -> None:
        self.ended = event.end_mark.index
        where = self.values[()]
        if isinstance(self.root, dict):
            self.documents.append(
                Document(self.file, self.index, self.root, self.keys, self.values)
            )
        elif self.root is None:
            self.report("yaml-empty", "This YAML document is empty.", where, "Remove its `---`.")
        else:
            self.report(
                "yaml-root",
                "A document has to be a mapping (`key: value`) at its root.",
                where,
                "Begin it with `apiVersion: qflow-gitops/v1`; write several as documents, with "
                "`---` between them.",
            )
        self.index += 1

    def collection_start(self, event: Any) -> None:
        self._refuse_decoration(event)
        where = self.last
        if len(self.frames) >= MAX_DEPTH:
            self.too_deep()
            raise _Stop
        frame = self.frames[-1] if self.frames else None
        if frame and isinstance(frame.container, dict) and frame.key is None:
            self._refuse_key(where)
            raise _Stop
        container: dict[str, Any] | list[Any] = (
            {} if type(event).__name__ == "MappingStartEvent" else []
        )
        path = self._place(container)
        self.frames.append(_Frame(container, path, event.start_mark, event.flow_style))
        self.block = None

    def collection_end(self, event: Any) -> None:
        frame = self.frames.pop()
        self.values[frame.path] = range_of(frame.start, event.end_mark)
        if frame.flow:
            self._refuse_loose(frame.start, event.end_mark, quoted=False)

    def _refuse_loose(self, start: Any, end: Any, *, quoted: bool) -> None:
        """Refuse a value in brackets or quotes, or its header, too far to the left."""
        indent = next((frame.start.column for frame in reversed(self.frames) if not frame.flow), -1)
        if portability.is_shallow(self.text, start, end, indent, quoted=quoted):
            self.trap(portability.SHALLOW, range_of(start, end))
        if start is not end:
            self._refuse_glued(end)

    def _refuse_glued(self, end: Any) -> None:
        """Refuse a comment that is stuck to the end of something in brackets or quotes."""
        if self.text.startswith("#", end.index):
            self.trap(portability.COMMENT, _stretch_of(self.text, end.index, end.index + 1))

    def alias(self, _event: Any) -> None:
        self.report(
            "yaml-alias",
            "Aliases (`*name`) are not allowed.",
            self.last,
            "Write the value out: what runs must be readable where it stands.",
        )
        self._take(None)

    def scalar(self, event: Any) -> None:
        self._refuse_decoration(event)
        value: Json = event.value
        frame = self.frames[-1] if self.frames else None
        is_key = frame is not None and isinstance(frame.container, dict) and frame.key is None
        plain = event.style in (None, "")
        if event.implicit[0] and plain:
            value = self._plain(event.value, is_key=is_key)
        if plain and frame and frame.flow:
            end = event.end_mark.index
            if trap := portability.in_brackets(self.text, end, event.value, frame.key):
                self.trap(trap, self.last)
        self.block = event if event.style in ("|", ">") else None
        if not plain and not is_key:
            last = event.start_mark if self.block else event.end_mark
            self._refuse_loose(event.start_mark, last, quoted=True)
        elif not plain:
            self._refuse_glued(event.end_mark)
        if self.block and (
            trap := portability.in_block(self.text, event.start_mark.index, event.value)
        ):
            self.trap(trap, self.last)
        if isinstance(value, str) and _SURROGATE.search(value):
            self.report(
                "yaml-surrogate",
                "Half of a surrogate pair is not a character.",
                self.last,
                r"Write the character itself, or its code as \UXXXXXXXX.",
            )
            value = _SURROGATE.sub("\ufffd", value)
        if is_key and self.text[event.start_mark.index - 1 : event.start_mark.index] == "?":
            # ruamel.yaml takes `{?foo: 1}` for `{foo: 1}`; YAML 1.2 for a key that begins with ?.
            self.report(
                "yaml-syntax",
                "Not every YAML reader takes a `?` before a key for the same.",
                self.last,
                "Put the key in quotes if the ? is part of it; else remove the ?.",
            )
        elif is_key and (self.block or portability.is_apart(self.text, event.start_mark.index)):
            self.trap(portability.APART, self.last)
        if is_key:
            self._key(value, plain=plain)
        else:
            self._take(value)

    def end(self) -> None:
        """Refuse a text whose last line means something else once an editor ends it."""
        if self.block is None or self.text.endswith(("\n", "\r")):
            return
        ended = _Builder(self.file, self.text + "\n")
        try:
            for event in _events(ended.text, ended):
                ended.feed(event)
        except _Stop:  # for what is told of this text, too
            return
        if [document.data for document in ended.documents] != [
            document.data for document in self.documents
        ]:
            self.report(
                "yaml-last-line",
                "The file's last line has no line break, and belongs to a text that has its own.",
                range_of(self.block.start_mark, self.block.start_mark),
                "End the file with a line break, or write `|-` (`>-`) for a text without one.",
            )

    def _take(self, value: Json) -> None:
        frame = self.frames[-1] if self.frames else None
        if frame and isinstance(frame.container, dict) and frame.key is None:
            self._key(value, plain=True)  # an alias as a key
            return
        self.values[self._place(value)] = self.last

    def _key(self, value: Json, *, plain: bool) -> None:
        frame = self.frames[-1]
        if not isinstance(value, str):
            self._refuse_key(self.last)
            value = str(value)
        if value == "<<" and plain:
            self.report(
                "yaml-merge-key",
                "Merge keys (`<<`) are not allowed.",
                self.last,
                "Write the keys out: what runs must be readable where it stands.",
            )
        path = (*frame.path, value)
        if path in self.keys:
            self._repeated(value, path)
        else:
            self.keys[path] = self.last
        frame.key = value

    def _repeated(self, key: str, path: Path) -> None:
        """Report a key that stands twice; once where a whole spec follows without its `---`."""
        if self.glued:
            return
        self.glued = path == ("apiVersion",)
        first = self.keys[path].start.line
        self.report(
            "yaml-duplicate-key",
            f"Duplicate key `{key}`; first defined on line {first}.",
            self.last,
            "Put a line with `---` above it, if another spec begins here; else keep one of the two."
            if self.glued
            else "Keep one of the two.",
        )

    def _place(self, value: Json) -> Path:
        """Put a value where the current frame wants it; give its path."""
        if not self.frames:
            self.root = value
            return ()
        frame = self.frames[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
            return (*frame.path, len(frame.container) - 1)
        key, frame.key = frame.key, None
        assert key is not None  # noqa: S101  a mapping's events alternate; both callers saw to the key
        if frame.container.get(key) is None:  # of two, the first that isn't empty
            frame.container[key] = value
        return (*frame.path, key)

    def _refuse_key(self, where: Range) -> None:
        self.report("yaml-key-type", "A key has to be a string.", where, "Put it in quotes.")

    def _refuse_decoration(self, event: Any) -> None:
        if event.anchor is not None:
            self.report(
                "yaml-anchor",
                f"Anchors (`&{event.anchor}`) are not allowed.",
                self.last,
                "Remove it, and write the value out where it is used.",
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.report(
                "yaml-tag",
                f"Tags (`{tag}`) are not allowed.",
                self.last,
                "Remove it; put a value in quotes to make it a string.",
            )

    def _plain(self, text: str, *, is_key: bool) -> Json:
        """Resolve an unquoted scalar as YAML 1.2's core schema does."""
        if text in _NULL:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if text in _YAML11_WORDS and not is_key:
            self.diagnostics.append(
                warning(
                    "yaml-word",
                    f'`{text}` is the string "{text}" here, not a boolean.',
                    self.file,
                    self.last,
                    f'Write "{text}" for the string, or true or false.',
                )
            )
        if not (text[0].isdigit() or text[0] in "+-."):
            return text
        return self._number(text, is_key=is_key)

    def _number(self, text: str, *, is_key: bool) -> Json:
        found = numbers.read(text)
        if found == text and not is_key and numbers.is_one_elsewhere(text):
            self.diagnostics.append(
                warning(
                    "yaml-number",
                    f'`{text[:40]}` is the string "{text[:40]}" here, and a number for other '
                    "YAML readers.",
                    self.file,
                    self.last,
                    f'Write "{text[:40]}" for the string, or the number in decimal digits.',
                )
            )
        if isinstance(found, numbers.NoNumber):
            self.report(found.rule, found.message, self.last, found.hint)
            return text
        return found


def _ignore(_builder: _Builder, _event: Any) -> None:
    """Stream events say nothing about the data."""


_HANDLERS = {
    "DocumentStartEvent": _Builder.document_start,
    "DocumentEndEvent": _Builder.document_end,
    "MappingStartEvent": _Builder.collection_start,
    "SequenceStartEvent": _Builder.collection_start,
    "MappingEndEvent": _Builder.collection_end,
    "SequenceEndEvent": _Builder.collection_end,
    "AliasEvent": _Builder.alias,
    "ScalarEvent": _Builder.scalar,
}
