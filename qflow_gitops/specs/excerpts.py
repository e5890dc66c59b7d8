"""The line that a finding is about, for every finding, with what may not be shown masked.

Masked are the values that `sensitive` points at, whatever looks like a secret, and, where a
document can't be read far enough to know what is sensitive, everything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qflow_gitops.base.pointer import pointer_to
from qflow_gitops.findings.finding import Diagnostic, Excerpt, Range
from qflow_gitops.specs import secrets
from qflow_gitops.specs.spec import MASK
from qflow_gitops.specs.targets import as_written_out, own_parts
from qflow_gitops.yaml.document import LINE_BREAK, Document, Path
from qflow_gitops.yaml.parse import decode, parse

_UNREAD = frozenset(  # after these a document isn't known as a whole, or not for certain
    ("yaml-duplicate-key", "yaml-key-type", "yaml-root", "yaml-syntax", "yaml-too-deep")
)
_AROUND = 300  # characters beside a finding, of a line that is longer
_LITERAL = "secret-literal"  # its value is hidden whole, however it is written
_SENT: tuple[Path, ...] = (("spec", "input"), ("spec", "variables"))
_SHOWN = (60, 59, 40)  # characters of a value that a sentence may hold (`suggest.shown`)
_TAKEN_OUT = "Take it out. If it is real, revoke it: git keeps what was committed."


def added(
    found: Iterable[Diagnostic],
    files: Mapping[str, bytes],
    documents: Iterable[Document],
    beside: Iterable[Diagnostic] = (),
    hidden_too: Mapping[str, Sequence[Range]] = {},
) -> list[Diagnostic]:
    """Return the findings with their excerpts, and with nothing sensitive in their words.

    `beside` are other findings about these files: they, too, say what may not be shown, as
    `hidden_too` does, by file.
    """
    masks = {file: list(ranges) for file, ranges in hidden_too.items()}
    for document in documents:
        masks.setdefault(document.file, []).extend(_sensitive(document))
    lines: dict[str, list[str]] = {}
    hidden: dict[tuple[str, int], list[tuple[int, int]]] = {}  # looked for once on each line
    result: list[Diagnostic] = []
    given = list(found)
    all_of_them = [*given, *beside]
    for finding in all_of_them:
        if finding.rule == _LITERAL:
            masks.setdefault(finding.file, []).append(finding.range)
    unread = {finding.file for finding in all_of_them if finding.rule in _UNREAD}
    closed = {name for name in unread if _may_hide_something(files.get(name, b""))}
    for finding in given:
        if finding.file not in lines:
            text = decode(files.get(finding.file, b""), finding.file)[0]
            lines[finding.file] = LINE_BREAK.split(text) if text else []
        line = finding.range.start.line
        shown = lines[finding.file][line - 1] if line <= len(lines[finding.file]) else None
        if shown is None:
            result.append(finding)
        elif finding.file in closed:
            result.append(_without_value(finding, shown))
        else:
            every = masks.get(finding.file, [])
            if (finding.file, line) not in hidden:
                spans = [_span(mask, line, shown) for mask in every if _touches(mask, line)]
                hidden[finding.file, line] = sorted([*spans, *secrets.spans(shown)])
            result.append(_with_line(finding, shown, every, hidden[finding.file, line]))
    return result


def readable(content: bytes, file: str) -> list[str]:
    """Return a file's lines with what may not be shown masked, for a file without YAML errors."""
    text = decode(content, file)[0] or ""
    masks = [mask for document in parse(content, file).documents for mask in _sensitive(document)]
    shown = []
    for number, line in enumerate(LINE_BREAK.split(text), 1):
        spans = [_span(mask, number, line) for mask in masks if _touches(mask, number)]
        shown.append(_excerpt(line, 0, 0, sorted([*spans, *secrets.spans(line)])).text)
    return shown


def _touches(where: Range, line: int) -> bool:
    return where.start.line <= line <= where.end.line


def _may_hide_something(content: bytes) -> bool:
    text = content.decode("utf-8", "replace")
    return "sensitive" in text or secrets.kind_of(text) != ""


def _sensitive(document: Document) -> list[Range]:
    """Return the ranges that `sensitive` hides; all that is sent where it can't be followed."""
    spec = document.data.get("spec")
    if not isinstance(spec, dict):
        return []
    places = [spec, *(own for _, own in own_parts(spec))]
    given = [each["sensitive"] for each in places if isinstance(each, dict) and "sensitive" in each]
    if not given:
        return []
    by_pointer: dict[str, list[Range]] = {}
    everything = []
    for path, where in document.values.items():
        inside = sent(path)
        if len(inside) == 1:
            everything.append(where)
        if inside:
            by_pointer.setdefault(pointer_to(inside), []).append(where)
    ranges = []
    for pointers in given:
        if not isinstance(pointers, list):
            return everything
        for pointer in pointers:
            if not isinstance(pointer, str) or pointer not in by_pointer:
                return everything
            ranges += by_pointer[pointer]
    return ranges


def sent(path: Path) -> Path:
    """Return where a value of a document stands in the request, () for one that isn't sent."""
    path = as_written_out(path)
    return path[1:] if path[:2] in _SENT else ()


def _overlap(one: Range, other: Range) -> bool:
    return one.start < other.end and other.start < one.end


def _without_value(finding: Diagnostic, line: str) -> Diagnostic:
    """Take the value out of the words of a finding about a value that may not be shown."""
    start, end = finding.range.start, finding.range.end
    last = end.column if end.line == start.line else len(line) + 1
    value = line[start.column - 1 : last - 1]
    for length in _SHOWN if value.strip() else ():
        part = value[:length]
        finding = replace(
            finding,
            message=finding.message.replace(part, MASK),
            hint=finding.hint.replace(part, MASK),
        )
    return finding


def _with_line(
    finding: Diagnostic, line: str, masks: Iterable[Range], hidden: list[tuple[int, int]]
) -> Diagnostic:
    here = finding.range.start.line
    if finding.rule != _LITERAL and any(_overlap(finding.range, mask) for mask in masks):
        finding = _without_value(finding, line)
    first, last = _span(finding.range, here, line)
    if secrets.kind_of(line[first:last]) and (told := _without_value(finding, line)) != finding:
        finding = replace(told, hint=_TAKEN_OUT)  # a hint may spell it otherwise
    return replace(finding, excerpt=_clipped(_excerpt(line, first, last, hidden)))


def _span(where: Range, number: int, line: str) -> tuple[int, int]:
    """Return the part of a range that lies on one line, as offsets into it."""
    first = where.start.column - 1 if where.start.line == number else 0
    last = where.end.column - 1 if where.end.line == number else len(line.rstrip())
    first = min(first, len(line))
    return first, max(first, min(last, len(line)))


def _excerpt(line: str, first: int, last: int, hidden: list[tuple[int, int]]) -> Excerpt:
    """Build the line piece by piece; what is hidden (sorted) becomes a word of fixed length."""
    text, start, end, at = "", first, last, 0
    for found, stop in hidden:
        begin = max(found, at)
        if begin >= stop:
            continue
        text += line[at:begin]
        shift = len(text) + len(MASK) - stop
        if first >= stop:
            start = first + shift
        elif first >= begin:
            start = len(text)
        if last >= stop:
            end = last + shift
        elif last > begin:
            end = len(text) + len(MASK)
        text += MASK
        at = stop
    return Excerpt(text + line[at:], start, end)


def _clipped(whole: Excerpt) -> Excerpt:
    """Leave out what stands far from the place on a very long line."""
    first = max(0, whole.start - _AROUND)
    last = max(whole.start, min(whole.end, whole.start + _AROUND)) + _AROUND
    before = "…" if first else ""
    after = "…" if last < len(whole.text) else ""
    text = before + whole.text[first:last] + after
    start = whole.start - first + len(before)
    return Excerpt(text, start, min(whole.end - first + len(before), len(text)))
