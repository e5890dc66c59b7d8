"""Takes secrets out of texts that come back from a server, before they are shown or kept."""

import base64
import html
import re
from collections.abc import Iterable, Iterator

_MAX = 200
_LOOKED_AT = 10_000  # characters; what comes after isn't shown, however much of it is hidden
_SHORTEST, _PIECE = 4, 8
_NEAR = 12  # so few characters between two pieces of secrets are hidden with them
_ADDRESS, _TEXT = r"%(?P<address>[0-9a-f]{2})", r"\\x(?P<text>[0-9a-f]{2})"
_JSON, _HTML = r"\\u(?P<json>[0-9a-f]{4})|\\(?P<plain>.)", r"(?P<html>&(?:#\w{1,8}|\w{2,6});)"
_ESCAPED = tuple(
    re.compile("|".join(kinds), re.IGNORECASE | re.DOTALL)
    for kinds in ((_ADDRESS, _TEXT, _JSON, _HTML), (_ADDRESS,), (_HTML,))
)
"""All at once, and one alone: then what looks like another's escape stands for itself."""
_ODD = "[^\x20-\x7e\xa1-\ud7ff\ue000-\ufffd]"
"""Compiled when there is something to show: so wide a range takes 5 ms, of each command's start."""


class Redactor:
    """Takes secrets out of texts, in each form in which they may come back, and in pieces.

    A piece of eight characters is enough: a token may come back cut, in other letters' case,
    in several lines, or encoded for an address, for JSON, for HTML or as base64.
    """

    def __init__(self) -> None:
        """Begin without a secret."""
        self._pieces: set[str] = set()
        self._short: set[str] = set()
        self._known: set[str] = set()

    def learn(self, secrets: Iterable[str]) -> None:
        """Remember secrets; one of under four characters would hide half of every text."""
        for secret in set(secrets) - self._known:
            for form in _forms(secret) if len(secret) >= _SHORTEST else ():
                pieces = (form[at : at + _PIECE] for at in range(len(form) - _PIECE + 1))
                self._pieces.update(pieces)
                if _SHORTEST <= len(form) < _PIECE:
                    self._short.add(form)
            self._known.add(secret)

    def __call__(self, text: str) -> str:
        """Return the text on one line, without secrets, cut to 200 characters."""
        line = " ".join(re.sub(_ODD, " ", self.without_secrets(text)).split())
        return line if len(line) <= _MAX else line[: _MAX - 1] + "…"

    def without_secrets(self, text: str) -> str:
        """Return the text as it is but for secrets, cut to 10,000 characters."""
        text = text[:_LOOKED_AT]
        spans = [*self._found(_letters(text))]
        for escaped in _ESCAPED:
            spans += self._found(_decoded(text, escaped))
        for start, end in reversed(_joined(spans)):
            text = f"{text[:start]}***{text[end:]}"
        return text

    def _found(self, letters: Iterable["_Letter"]) -> Iterator[tuple[int, int]]:
        seen = [letter for letter in letters if not letter[0].isspace() and letter[0].isprintable()]
        text = "".join(letter[0] for letter in seen)
        for at in range(len(text) - _PIECE + 1):
            if text[at : at + _PIECE] in self._pieces:
                yield seen[at][1], seen[at + _PIECE - 1][2]
        for secret in tuple(self._short):  # another thread may learn
            for match in re.finditer(re.escape(secret), text):
                yield seen[match.start()][1], seen[match.end() - 1][2]


_Letter = tuple[str, int, int]
"""A character in lower case, and where it stands in a text: from, to."""


def _forms(secret: str) -> Iterator[str]:
    """Return what a secret looks like, in lower case and without spaces, once it is decoded."""
    raw = secret.encode("utf-8", "surrogatepass")
    yield from map(_squeezed, (secret, secret.replace(" ", "+"), raw.decode("latin-1")))
    for before in range(3):  # within a longer text it may begin at each of three places
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        for form in (encoded, encoded.translate({43: "-", 47: "_"})):
            first = (0, 2, 3)[before]
            last = len(form) - (1 if (before + len(raw)) % 3 else 0)
            yield _squeezed(form[first:last])


def _squeezed(text: str) -> str:
    return "".join(
        letter[0]
        for letter in _letters(text)
        if not letter[0].isspace() and letter[0].isprintable()
    )


def _letters(text: str, start: int = 0, end: int | None = None) -> Iterator[_Letter]:
    for at, character in enumerate(text[start:end], start):
        yield _small(character), at, at + 1


def _small(character: str) -> str:
    small = character.lower()
    return small if len(small) == 1 else character


def _decoded(text: str, escaped: re.Pattern[str]) -> Iterator[_Letter]:
    """Return the characters that escapes of addresses, of JSON and of HTML stand for."""
    at = 0
    for found in escaped.finditer(text):
        yield from _letters(text, at, found.start())
        kind = str(found.lastgroup)
        said = _MEANT.get(kind, _coded)(found[kind])
        yield from ((_small(character), *found.span()) for character in said)
        at = found.end()
    yield from _letters(text, at)


def _coded(code: str) -> str:
    return chr(int(code, 16))


def _meant(escaped: str) -> str:
    return " " if escaped in "bfnrt" else escaped


_MEANT = {"plain": _meant, "html": html.unescape}
"""What a kind of escape stands for, where that isn't a character's number."""


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans that don't touch, in their order; those that are near each other as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + _NEAR:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
