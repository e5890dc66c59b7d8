"""What a person reads of notices in a message: a heading, and a line for each fact. Pure."""

from collections.abc import Callable, Iterator, Sequence

from qflow_gitops.ports.notices import Told


def heading(told: Sequence[Told]) -> str:
    """Return what a message says first: the only notice, or the first and how many more."""
    more = f", and {len(told) - 1} more" if len(told) > 1 else ""
    return f"{told[0].title}{more}"


def facts(told: Told) -> Iterator[str]:
    """Say what is known of a notice besides its title."""
    if told.notice.detail:
        yield told.notice.detail
    named = (
        ("execution", told.execution_id),
        ("on", told.platform),
        ("commit", told.commit[:12]),
        ("by", told.by),
        ("ticket", told.ticket),
    )
    if said := ", ".join(f"{name} {value}" for name, value in named if value):
        yield said
    if told.way:
        yield f"Next: {told.way}"
    yield told.notice.at


def cut(text: str, most: int, size: Callable[[str], int] = len) -> str:
    """Return a text of at most this size, which says with an ellipsis that it was cut."""
    if size(text) <= most:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle] + "…") <= most else (low, middle - 1)
    return text[:low] + "…"
