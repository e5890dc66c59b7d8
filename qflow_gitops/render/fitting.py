"""What of very many findings a reader takes: errors first, and what is left out is counted."""

from collections.abc import Callable, Iterable

from qflow_gitops.findings.finding import Diagnostic, Severity


def errors_first(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Order findings so that those at the end may be left out."""
    return sorted(found, key=lambda finding: finding.severity is not Severity.ERROR)


def within(limit: int, most: int, render: Callable[[int], str], size: Callable[[str], int]) -> str:
    """Render at most `most` findings, and half as many until the text's size is below `limit`."""
    text = render(most)
    while size(text) > limit and most:
        most //= 2
        text = render(most)
    return text


def in_bytes(text: str) -> int:
    """How much a text takes in a file."""
    return len(text.encode())
