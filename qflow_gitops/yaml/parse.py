"""Read the bytes of a YAML file into documents.

Plain texts, in which there is nothing to find, are read by `fast`; all others by
`strict`, which takes milliseconds for a file and says everything that is wrong.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from qflow_gitops.findings.finding import START_OF_FILE, Diagnostic, Position, Range, Severity
from qflow_gitops.yaml import fast, numbers
from qflow_gitops.yaml.document import Document, Parsed, Path, range_of
from qflow_gitops.yaml.messages import MAX_BYTES, NOT_UTF8, TOO_BIG, Message


class _Places:
    """Where everything stands in a plain text; found when it is asked for, which is rare."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def documents(self) -> Sequence[fast.Marks]:
        return fast.marks(self._text)


class _Ranges(Mapping[Path, Range]):
    """The ranges of the keys (0) or the values (1) of a document."""

    def __init__(self, places: _Places, index: int, which: int) -> None:
        self._places, self._index, self._which = places, index, which

    @property
    def _marks(self) -> Mapping[Path, tuple[Any, Any]]:
        return self._places.documents[self._index][self._which]

    def __getitem__(self, path: Path) -> Range:
        return range_of(*self._marks[path])

    def __iter__(self) -> Iterator[Path]:
        return iter(self._marks)

    def __len__(self) -> int:
        return len(self._marks)


def parse(content: bytes, file: str) -> Parsed:
    """Read a YAML file. Never raises for what the content holds."""
    text, found = decode(content, file)
    if text is None:
        return Parsed(diagnostics=tuple(found))
    plain = fast.read(text)
    if plain is None:
        from qflow_gitops.yaml import strict

        return strict.read(text, file)
    places = _Places(text)
    return Parsed(
        tuple(
            Document(file, index, data, _Ranges(places, index, 0), _Ranges(places, index, 1))
            for index, data in enumerate(plain)
        )
    )


def parse_json(content: bytes, file: str) -> Parsed:
    """Read a file that is JSON, where YAML differs too: pairs of surrogates, long keys, U+007F.

    What is wrong in both is said in YAML's words; of what only JSON takes no places are known.
    """
    parsed = parse(content, file)
    wrong = {finding.rule for finding in parsed.diagnostics if finding.severity is Severity.ERROR}
    text, _ = decode(content, file)
    if not wrong or text is None or "yaml-too-deep" in wrong:
        return parsed
    data = json_value(text)
    return without_places(data, file) if isinstance(data, dict) else parsed


def json_value(text: str) -> Any:
    """Return what a text is in JSON that has one meaning only; None for any other text."""
    try:
        data = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_number,
            parse_float=_number,
            parse_int=_number,
        )
        json.dumps(data, ensure_ascii=False).encode()  # half of a pair is no character
    except (ValueError, RecursionError):
        return None
    return data


def without_places(data: dict[str, Any], file: str) -> Parsed:
    """Return data as a document of which only the file is known."""
    return Parsed((Document(file, 0, data, {}, {(): START_OF_FILE}),))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("a key stands twice")
    return data


def _number(text: str) -> Any:
    found = numbers.read(text)
    if isinstance(found, str | Message):
        raise ValueError(text)  # noqa: TRY004  as json does for what isn't JSON
    return found


def place(content: bytes, file: str, index: int, path: Path) -> Range:
    """Find where a value stands in one of the documents of a file that can be read."""
    return parse(content, file).documents[index].value_range(path)


def parse_closely(content: bytes, file: str) -> Parsed:
    """Read a YAML file without the short cut for plain texts: what `parse` has to agree with."""
    text, found = decode(content, file)
    if text is None:
        return Parsed(diagnostics=tuple(found))
    from qflow_gitops.yaml import strict

    return strict.read(text, file)


def decode(content: bytes, file: str) -> tuple[str | None, list[Diagnostic]]:
    """Turn a file's bytes into text, a leading byte order mark left out; None and why otherwise."""
    if len(content) > MAX_BYTES:
        return None, [TOO_BIG.at(file, START_OF_FILE)]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        column = problem.start - (content.rfind(b"\n", 0, problem.start) + 1) + 1
        here = Range(Position(line, column), Position(line, column + 1))
        return None, [NOT_UTF8.at(file, here)]
    return text, []
