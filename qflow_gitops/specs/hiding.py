"""What a spec calls sensitive, taken out of what Qualys shows of its execution.

A pointer says where a value stands in the request; an answer has it in other places. So the value
itself is looked for, in each text, and the places in which an answer echoes a request are masked by
the pointers.
"""

import json
import re
from collections.abc import Iterator
from functools import reduce
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

from qflow_gitops.base.pointer import parts, step
from qflow_gitops.specs.spec import MASK, RunSpec, hidden, part_of

SHORT = 4
"""A text of fewer characters is replaced only where it is all there is: it stands everywhere."""
_LINE = 8
"""A line of a value is looked for by itself from so many characters on: shorter ones are words."""
_SPACES = re.compile(r"\s*[\r\n][\s>#*|]*|\s{2,}|[^\S ]")
"""What stands for one space where a text is wrapped, indented, quoted or commented out."""
_PLAIN = re.compile(r"[A-Za-z0-9._~-]*")
"""What nothing escapes."""
_HEX = re.compile(r"%[0-9A-F]{2}")
_ECHOED = {"input": "/input", "variables": "/variables", "overrideVariables": "/variables"}


class Hiding:
    """Replaces what one spec calls sensitive. With None nothing is."""

    def __init__(self, spec: RunSpec | None) -> None:
        """Take the spec that was sent."""
        self._pointers = spec.sensitive if spec else ()
        leaves = sensitive_values(spec) if spec else ()
        self._whole = {leaf for leaf in leaves if isinstance(leaf, str)}
        numbers = {leaf for leaf in leaves if _is_number(leaf)}
        self._numbers = frozenset(numbers)
        forms = {form for leaf in (*self._whole, *map(str, numbers)) for form in forms_of(leaf)}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return a text without these values, also where it was cut in the midst of one."""
        if text in self._whole:
            return MASK
        for form in self._forms:
            text = text.replace(form, MASK)
        text = self._unwrapped(text)
        head, cut, rest = text.rpartition("…")
        if cut:
            for form in self._forms:
                ending = next((n for n in range(len(form) - 1, SHORT - 1, -1)
                               if head.endswith(form[:n])), 0)  # fmt: skip
                head = head[: len(head) - ending] + MASK if ending else head
        return head + cut + rest

    def _unwrapped(self, text: str) -> str:
        """Return a text without these values where other spaces stand in them."""
        for form in self._forms if _SPACES.search(text) else ():
            if " " in form:
                flat, places = flattened(text)
                at = flat.find(form)
                while at >= 0:
                    text = text[: places[at]] + MASK + text[places[at + len(form)] :]
                    flat, places = flattened(text)
                    at = flat.find(form)
        return text

    def value(self, value: Any) -> Any:
        """Return a copy of JSON that may echo the request, without these values."""
        return self._walked(value) if self._pointers else value

    def _walked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._walked(each) for each in value]
        if isinstance(value, dict):
            return {self.text(key): self._walked(self._unechoed(value, key)) for key in value}
        return MASK if _is_number(value) and value in self._numbers else value

    def _unechoed(self, value: dict[str, Any], key: str) -> Any:
        """Mask by its place what an answer echoes of a request (docs/api.md 1.8 [D STOUT])."""
        name = value.get("key")
        if key == "value" and isinstance(name, str):
            return hidden(value[key], f"/variables/{step(name)}", self._pointers)
        if key in _ECHOED and isinstance(value[key], dict):
            return hidden(value[key], _ECHOED[key], self._pointers)
        return value[key]


class HidingAll(Hiding):
    """Hides every text: where the spec isn't known, nobody knows what it calls sensitive."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(None)

    def text(self, text: str) -> str:
        """Return nothing of it."""
        del text
        return ""


def sensitive_values(spec: RunSpec) -> list[str | int | float]:
    """Return the texts and numbers that a spec calls sensitive, but for short numbers."""
    leaves = [leaf for each in spec.sensitive for leaf in _leaves(_at(spec, each))]
    texts = [leaf for leaf in leaves if isinstance(leaf, str) and leaf]
    return [*texts, *(leaf for leaf in leaves if _is_number(leaf) and len(str(leaf)) >= SHORT)]


def forms_of(text: str) -> set[str]:
    """Return what a text looks like within others: whole or a line of it, and as it is escaped.

    That is inside of JSON, also of JSON within JSON, of an address and of HTML. Nothing of one so
    short that it stands everywhere.
    """
    return {form for form in _forms(text) if len(form) >= SHORT}


def _at(spec: RunSpec, pointer: str) -> Any:
    return reduce(part_of, parts(pointer), spec.request)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def flattened(text: str) -> tuple[str, list[int]]:
    """Return a text in which one space stands for several, and where each character was.

    The place after the last is where the text ends.
    """
    flat: list[str] = []
    places: list[int] = []
    at = 0
    for found in _SPACES.finditer(text):
        flat += (text[at : found.start()], " ")
        places += range(at, found.start() + 1)
        at = found.end()
    places += range(at, len(text) + 1)
    return "".join([*flat, text[at:]]), places


def _forms(text: str) -> Iterator[str]:
    lines = [line.strip() for line in text.splitlines()]
    for part in (text, " ".join(text.split()), *(line for line in lines if len(line) >= _LINE)):
        yield part
        yield from _escaped(part)


def _escaped(text: str) -> Iterator[str]:
    if _PLAIN.fullmatch(text):
        return
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once)[1:-1]
    for quoted in (
        quote(text, safe="", errors="surrogatepass"),
        quote(text, errors="surrogatepass"),
        quote_plus(text, errors="surrogatepass"),
    ):
        yield quoted
        yield _HEX.sub(lambda found: found[0].lower(), quoted)
    yield escape(text)
    yield escape(text, quote=False)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
