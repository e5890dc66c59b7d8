"""Takes out of all that is told what `sensitive` and the leak rules mask: the one place for it.

Whoever makes a commit's message, a reason or an annotation may have put into it what the spec calls
sensitive. So each text of the whole report is searched for what any spec in it calls sensitive, and
for what looks like a secret: also a text that somebody adds to the report later on.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from qflow_gitops.lockfile.states import State
from qflow_gitops.specs import secrets
from qflow_gitops.specs.hiding import SHORT, flattened, forms_of, sensitive_values
from qflow_gitops.specs.spec import MASK, RunSpec

LEFT_OUT = "(not shown)"
"""What stands for what looks like a secret."""

Told = TypeVar("Told")

_BY_SHAPE = re.compile(
    r"[0-9a-f]{32,64}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|v1:sha256:[0-9a-f]{64}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}Z|[0-9]{1,3}"
)
"""Ids, sums and times: nothing that happens to stand within one is anybody's value."""
_NAMES = frozenset({"key", "group", "anchor", "environment", "environments", "run"})
"""Fields of names by which runs are called everywhere: whatever a spec hides, they stay."""
_NAME = re.compile(r"[a-z0-9][a-z0-9./-]{0,200}")


class Masking:
    """Knows what is to be hidden, and copies what is told without it."""

    def __init__(self) -> None:
        """Begin with the leak rules alone."""
        self._whole: set[str] = set()
        self._numbers: set[int | float] = set()
        self._taken: set[str] = set()
        self._forms: dict[str, list[str]] = {}  # by their first characters, longest first
        self._done: dict[str, str] = {}

    def learn(self, specs: Iterable[RunSpec]) -> None:
        """Remember what specs call sensitive, for all that is told from here on."""
        for spec in specs:
            for value in sensitive_values(spec) if spec.sensitive else ():
                if isinstance(value, str):
                    self._whole.add(value)
                else:
                    self._numbers.add(value)
                self._take(str(value))

    def _take(self, text: str) -> None:
        if text in self._taken:
            return
        self._taken.add(text)
        self._done.clear()
        for form in forms_of(text):
            some = self._forms.setdefault(form[:SHORT], [])
            if form not in some:
                some.append(form)
                some.sort(key=len, reverse=True)

    def told(self, value: Told) -> Told:
        """Return a copy of a value of `results.evidence`, of whatever is in it."""
        found: Told = self._walked(value)
        return found

    def each(self, some: list[Told]) -> tuple[Told, ...]:
        """Return copies of all, and let go of each as its copy is made: they may be many."""
        for place, value in enumerate(some):
            some[place] = self.told(value)
        return tuple(some)

    def text(self, text: str) -> str:
        """Return a text without what is to be hidden."""
        known = self._done.get(text)
        if known is not None:
            return known
        if _BY_SHAPE.fullmatch(text) and text not in self._whole:
            return text  # not kept: there are many, and each comes once or twice
        known = self._done[text] = self._masked(text)
        return known

    def _walked(self, value: Any, key: str = "") -> Any:
        """Copy what is told; `key` is what JSON has it under, which may say that it is a secret."""
        kind = type(value)
        if kind is str:
            return self.text(value) if not key or not _is_secret(key, value) else LEFT_OUT
        if kind is int or kind is float:
            if key and _is_secret(key, value):
                return LEFT_OUT
            return MASK if value in self._numbers else value
        if kind is dict or kind is MappingProxyType:
            return {self.text(name): self._walked(each, name) for name, each in value.items()}
        if kind is list:
            return [self._walked(each, key) for each in value]
        if isinstance(value, tuple):
            fields = getattr(kind, "_fields", None)
            if fields is None:
                return tuple([self._walked(each) for each in value])
            return kind(*map(self._field, fields, value))
        return value

    def _field(self, name: str, value: Any) -> Any:
        kind = type(value)
        if not value or kind is int or kind is State:
            return value  # a number of the program's own counting
        if name in _NAMES:
            return self._named(value)
        return self.text(value) if kind is str else self._walked(value)

    def _named(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self._named, value))
        is_name = not isinstance(value, str) or _NAME.fullmatch(value)
        return value if is_name else self._walked(value)

    def _masked(self, text: str) -> str:
        if text in self._whole:
            return MASK
        if self._forms:
            text = self._without_values(text)
        for start, end in sorted(secrets.spans(text), reverse=True):
            text = f"{text[:start]}{LEFT_OUT}{text[end:]}"
        return text

    def _without_values(self, text: str) -> str:
        """Return a text without these values, also where it was cut or wrapped in their midst."""
        text = _cut_out(text, list(self._spans(text)))
        flat, places = flattened(text)
        if flat == text:
            return text
        return _cut_out(text, [(places[start], places[end]) for start, end in self._spans(flat)])

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        at = 0
        while at <= len(text) - SHORT:
            length = self._at(text, at)
            if length:
                yield at, at + length
            at += length or 1

    def _at(self, text: str, at: int) -> int:
        """Return how many characters from here on are a value, or its beginning before a cut."""
        for form in self._forms.get(text[at : at + SHORT], ()):
            if text.startswith(form, at):
                return len(form)
            cut = text.find("…", at, at + len(form))
            if cut >= at + SHORT and form.startswith(text[at:cut]):
                return cut - at
        return 0


def _cut_out(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in reversed(spans):
        text = text[:start] + MASK + text[end:]
    return text


def _is_secret(key: str, value: Any) -> bool:
    return secrets.names_a_secret(key) and bool(secrets.masked(value, key) != value)
