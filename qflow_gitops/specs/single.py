"""Files that hold one document: settings, a fleet."""

from collections.abc import Iterable

from qflow_gitops.findings.finding import (
    Diagnostic,
    Range,
    bounded,
    error,
    has_errors,
    in_order,
    once,
)
from qflow_gitops.specs import excerpts, schema
from qflow_gitops.yaml.document import Document, Parsed

_HAVE = {"project": "The settings have", "fleet": "A fleet has"}


def only_document(
    parsed: Parsed, file: str, kind: str, *, known: bool = False
) -> tuple[Document | None, list[Diagnostic]]:
    """Return the one document, None where there is something wrong with it.

    What is `known` to be sound isn't held against its schema again.
    """
    found = list(parsed.diagnostics)
    found += [
        error(
            "project-documents",
            f"{_HAVE[kind]} to be one YAML document.",
            file,
            document.value_range(()),
            "Remove the `---` and merge the two.",
        )
        for document in parsed.documents[1:]
    ]
    for document in parsed.documents if not known else ():
        found += schema.check(document, kind)
    sound = parsed.documents and not has_errors(found)
    return parsed.documents[0] if sound else None, found


def told(
    found: Iterable[Diagnostic], file: str, content: bytes, hidden: Iterable[Range] = ()
) -> tuple[Diagnostic, ...]:
    """Return findings as they are shown: each cause once, in order, with its line.

    What is `hidden` stands in none of these lines.
    """
    each = once(list(found))
    return in_order(excerpts.added(bounded(each), {file: content}, (), each, {file: list(hidden)}))
