"""Build documents from the events of a YAML library, and collect what is wrong.

What YAML allows and a run spec does not (anchors, tags, directives, duplicate keys, leftovers of
YAML 1.1) is found while the events pass, before any object is built from them.
"""

import re
from typing import Any

from qflow_gitops.findings.finding import START_OF_FILE, Diagnostic, Range
from qflow_gitops.yaml import messages, portability
from qflow_gitops.yaml.construct import Construction
from qflow_gitops.yaml.document import Document, Json, range_of, stretch_of
from qflow_gitops.yaml.messages import MAX_DEPTH, Message
from qflow_gitops.yaml.scalars import resolved

_SURROGATE = re.compile("[\ud800-\udfff]")


class RestUnreadable(Exception):
    """The rest of the file can't be read; why is among the findings."""


class Builder:
    """Takes the events of one file, one after the other."""

    def __init__(self, file: str, text: str) -> None:
        """Take the file's name, for the findings, and its text."""
        self.file = file
        self.text = text
        self.documents: list[Document] = []
        self.diagnostics: list[Diagnostic] = []
        self.last: Range = START_OF_FILE
        """Where the last event stood."""
        self.block: Any = None
        """The last scalar, if it is a block."""
        self._made = Construction()
        self._count = 0  # of documents, whole or not
        self._has_second_spec = False  # in this document, without `---` before it
        self._document_end = 0  # the offset at which the document before ended
        self._event_end = 0  # the offset at which the last event ended

    def report(self, message: Message, where: Range | None = None) -> None:
        """Note what is wrong at a place, or where the last event stood."""
        self.diagnostics.append(message.at(self.file, where or self.last))

    def feed(self, event: Any) -> None:
        """Take the next event. Raises RestUnreadable, once it is noted why."""
        self.last = range_of(event.start_mark, event.end_mark)
        if self._made.is_in_brackets:
            glued = portability.glued_comment(self.text, self._event_end, event.start_mark.index)
            if glued:
                self.report(messages.COMMENT, stretch_of(self.text, glued, glued + 1))
        self._event_end = event.end_mark.index
        handler = _HANDLERS.get(type(event).__name__)
        if handler:  # events of the stream say nothing about the data
            handler(self, event)

    # --- documents and collections ---------------------------------------------------

    def document_start(self, event: Any) -> None:
        """Begin a document, which has no directives."""
        line = portability.directive(self.text, self._document_end, event.start_mark.index)
        if line or event.version or event.tags:
            self.report(messages.DIRECTIVE, stretch_of(self.text, *line) if line else None)
        self._made, self._has_second_spec = Construction(), False

    def document_end(self, event: Any) -> None:
        """End a document, which holds a mapping."""
        self._document_end = event.end_mark.index
        made = self._made
        if isinstance(made.root, dict):
            self.documents.append(
                Document(self.file, self._count, made.root, made.keys, made.values)
            )
        else:
            empty = made.root is None
            self.report(messages.EMPTY_DOCUMENT if empty else messages.NO_MAPPING, made.values[()])
        self._count += 1

    def collection_start(self, event: Any) -> None:
        """Begin a mapping or a list."""
        self._refuse_decoration(event)
        if len(self._made.frames) >= MAX_DEPTH:
            self.report(messages.TOO_DEEP)
            raise RestUnreadable
        if self._made.wants_key:
            at = event.start_mark.index
            doubled = self.text[max(at - 1, 0) : at + 1] == "{{"
            self.report(messages.TEMPLATE if doubled else messages.KEY_TYPE)
            raise RestUnreadable
        self._made.open({} if type(event).__name__ == "MappingStartEvent" else [], event)
        self.block = None

    def collection_end(self, event: Any) -> None:
        """End a mapping or a list."""
        frame = self._made.close(event.end_mark)
        if frame.flow:
            self._refuse_loose(frame.start, event.end_mark, quoted=False)

    # --- keys and values -------------------------------------------------------------

    def alias(self, _event: Any) -> None:
        """Refuse an alias, and go on with nothing in its place."""
        self.report(messages.ALIAS)
        self._take(None, is_key=self._made.wants_key, plain=True)

    def scalar(self, event: Any) -> None:
        """Take a key or a value that is no collection."""
        self._refuse_decoration(event)
        is_key = self._made.wants_key
        plain = event.style in (None, "")
        self.block = event if event.style in ("|", ">") else None
        value: Json = event.value
        if plain:
            value = self._plain(event, is_key=is_key)
        elif is_key:
            self._refuse_glued(event.end_mark)
        else:
            last = event.start_mark if self.block else event.end_mark
            self._refuse_loose(event.start_mark, last, quoted=True)
        if self.block:
            trap = portability.in_block(self.text, event.start_mark.index, event.value)
            if trap:
                self.report(trap)
        if isinstance(value, str) and _SURROGATE.search(value):
            self.report(messages.SURROGATE)
            value = _SURROGATE.sub("\ufffd", value)
        if is_key:
            self._refuse_apart(event.start_mark.index)
        self._take(value, is_key=is_key, plain=plain)

    def _plain(self, event: Any, *, is_key: bool) -> Json:
        """Resolve a scalar without quotes, and look at what others make of it."""
        value: Json = event.value
        if event.implicit[0]:
            value, found = resolved(event.value, is_key=is_key)
            if found:
                self.report(found)
        frame = self._made.frame
        if frame and frame.flow:
            end = event.end_mark.index
            if trap := portability.in_brackets(self.text, end, event.value, frame.key):
                self.report(trap)
        return value

    def _take(self, value: Json, *, is_key: bool, plain: bool) -> None:
        if not is_key:
            self._made.put(value, self.last)
            return
        if not isinstance(value, str):
            self.report(messages.KEY_TYPE)
            value = str(value)
        if value == "<<" and plain:
            self.report(messages.MERGE_KEY)
        first = self._made.begin_pair(value, self.last)
        if first:
            self._refuse_repeated(value, first)

    # --- what is refused -------------------------------------------------------------

    def _refuse_repeated(self, key: str, first: Range) -> None:
        """Report a key that stands twice; once where a whole spec follows without its `---`."""
        if self._has_second_spec:
            return
        is_at_root = len(self._made.frames) == 1
        self._has_second_spec = is_at_root and key == "apiVersion"
        self.report(
            messages.duplicate_key(key, first.start.line, begins_spec=self._has_second_spec)
        )

    def _refuse_decoration(self, event: Any) -> None:
        if event.anchor is not None:
            self.report(messages.anchor(event.anchor))
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.report(messages.tag(tag))

    def _refuse_loose(self, start: Any, end: Any, *, quoted: bool) -> None:
        """Refuse a value in brackets or quotes, or its header, too far to the left."""
        if portability.is_shallow(self.text, start, end, self._made.indent, quoted=quoted):
            self.report(messages.SHALLOW, range_of(start, end))
        if start is not end:
            self._refuse_glued(end)

    def _refuse_glued(self, end: Any) -> None:
        """Refuse a comment that is stuck to the end of something in brackets or quotes."""
        if self.text.startswith("#", end.index):
            self.report(messages.COMMENT, stretch_of(self.text, end.index, end.index + 1))

    def _refuse_apart(self, start: int) -> None:
        """Refuse a key, which begins at an offset, that a `?` or a block sets apart."""
        if self.text[start - 1 : start] == "?":
            # ruamel.yaml takes `{?foo: 1}` for `{foo: 1}`; YAML 1.2 for a key that begins with ?.
            self.report(messages.QUESTION_MARK)
        elif self.block or portability.is_apart(self.text, start):
            self.report(messages.APART)


_HANDLERS = {
    "DocumentStartEvent": Builder.document_start,
    "DocumentEndEvent": Builder.document_end,
    "MappingStartEvent": Builder.collection_start,
    "SequenceStartEvent": Builder.collection_start,
    "MappingEndEvent": Builder.collection_end,
    "SequenceEndEvent": Builder.collection_end,
    "AliasEvent": Builder.alias,
    "ScalarEvent": Builder.scalar,
}
