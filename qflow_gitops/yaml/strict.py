"""Read YAML text into documents, and say everything that is wrong with it.

The one place that knows ruamel.yaml. Only its events are used, from which `builder` makes
documents.
"""

from collections.abc import Iterator
from typing import Any

from qflow_gitops.findings.finding import START_OF_FILE
from qflow_gitops.yaml import messages, parser_errors, portability
from qflow_gitops.yaml.builder import Builder, RestUnreadable
from qflow_gitops.yaml.document import Parsed, range_of, stretch_of
from qflow_gitops.yaml.messages import Message
from qflow_gitops.yaml.parser_errors import Explanation


def read(text: str, file: str) -> Parsed:
    """Read a text. Never raises for what it holds."""
    builder = Builder(file, text)
    if unreadable := portability.unreadable(text):
        trap, start, end = unreadable
        builder.report(trap, stretch_of(text, start, end))
        return Parsed((), tuple(builder.diagnostics))
    _build(builder)
    _check_last_line(builder)
    if not builder.documents and not builder.diagnostics:
        builder.report(messages.NO_DOCUMENT, START_OF_FILE)
    return Parsed(tuple(builder.documents), tuple(builder.diagnostics))


def _build(builder: Builder) -> bool:
    """Build all that the text holds; false where its rest can't be read."""
    try:
        for event in _events(builder):
            builder.feed(event)
    except RestUnreadable:
        return False
    return True


def _check_last_line(builder: Builder) -> None:
    """Refuse a text whose last line means something else once an editor ends it."""
    if builder.block is None or builder.text.endswith(("\n", "\r")):
        return
    ended = Builder(builder.file, builder.text + "\n")
    if not _build(ended):  # which is told of this text, too
        return
    if [made.data for made in ended.documents] != [made.data for made in builder.documents]:
        start = builder.block.start_mark
        builder.report(messages.LAST_LINE, range_of(start, start))


def _events(builder: Builder) -> Iterator[Any]:
    """Return ruamel's events; what it can't read becomes a finding and the end."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = builder.text
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as problem:
        _report_marked(builder, problem)
    except YAMLError as problem:
        at = getattr(problem, "position", 0)
        words = parser_errors.explained(str(problem))
        builder.report(_syntax(words), stretch_of(text, at, at + 1))
    except RecursionError:
        builder.report(messages.TOO_DEEP)
    except Exception as problem:  # noqa: BLE001  whatever the parser trips over, the file is refused
        # Seen: ValueError for an escape beyond Unicode, AssertionError for `%YAML 1.3`.
        builder.report(_syntax(parser_errors.explained(str(problem))))


def _report_marked(builder: Builder, problem: Any) -> None:
    """Note what ruamel says of a place, in other words, where a person looks for it."""
    text, at = builder.text, problem.problem_mark
    said = problem.problem or ""
    inside = bool(at and text[at.index - at.column : at.index].strip())
    words = parser_errors.explained(said, problem.context or "", inside=inside)
    marks = (at, problem.context_mark)
    mark = next((mark for mark in (marks[::-1] if words.at_start else marks) if mark), None)
    where = range_of(mark, mark) if mark else builder.last
    if at and "mapping values" in said:
        earlier = parser_errors.without_colon(text, at.index)
        if earlier:
            words, where = earlier[0], stretch_of(text, *earlier[1:])
    builder.report(_syntax(words), where)


def _syntax(words: Explanation) -> Message:
    return Message("yaml-syntax", words.message, words.hint)
