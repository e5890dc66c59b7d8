"""JSON pointers (RFC 6901): how a place in a JSON value is written."""

from collections.abc import Iterable


def pointer_to(path: Iterable[str | int]) -> str:
    """Return the pointer to a place, "" for the whole."""
    return "".join(f"/{step(part)}" for part in path)


def step(part: str | int) -> str:
    """Return one part of a pointer, without the slash before it."""
    return str(part).replace("~", "~0").replace("/", "~1")


def parts(text: str) -> list[str]:
    """Return the parts of a pointer, none for "" (the whole)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]
