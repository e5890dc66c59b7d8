"""Answers told by their shape alone: names of fields, JSON types, how many, words of Qualys'."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

_NAME = re.compile(r"_?[A-Za-z][A-Za-z_-]{0,39}")
_WORD = re.compile(r"[^\W\d_]{2,20}(?:[ _-][^\W\d_]{2,20})?")
_CONSTANT = re.compile(r"[A-Z]{2,20}(?:_[A-Z]{2,20}){0,2}|[a-z]{2,12}(?:-[a-z]{2,12}){0,2}")
_MOST = 30
"""Names, or words, of one kind: an object with more is a table of somebody's."""


def kind(value: Any) -> str:
    """Say what JSON type a value has, of an array also those of its items."""
    if isinstance(value, list):
        inner = sorted({_scalar(each) for each in value})
        return f"array of {' or '.join(inner)}" if inner else "empty array"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    types = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"))
    found = (name for type_, name in types if isinstance(value, type_))
    return next(found, "array" if isinstance(value, list) else "object")


def fields(items: Sequence[Mapping[str, Any]], known: Collection[str] = ()) -> str:
    """List the names of some objects' fields, with their types, but for the `known` ones.

    Of one that not all have, how many do. A name that isn't a plain one is only counted.
    """
    kinds: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    odd = 0
    for item in items:
        for name, value in item.items():
            if name in known:
                continue
            if not is_name(name):
                odd += 1
                continue
            counts[name] += 1
            kinds.setdefault(name, set()).add(kind(value))
    if len(kinds) > _MOST:
        return f"{len(kinds):,} names"
    told = [f"{name} ({_of(kinds[name], counts[name], len(items))})" for name in sorted(kinds)]
    told += [f"{odd:,} whose name isn't plain"] if odd else []
    return ", ".join(told) or "none"


def is_name(name: str) -> bool:
    """Whether a field's name may be shown: it can't be an id or somebody's text."""
    return _NAME.fullmatch(name) is not None


def _of(kinds: Collection[str], count: int, all_of_them: int) -> str:
    said = " or ".join(sorted(kinds))
    return said if count == all_of_them else f"{said}, {count:,} of {all_of_them:,}"


def envelope(data: Any) -> str:
    """Say what is around an answer."""
    if isinstance(data, dict):
        return f"an object: {fields([data])}" if data else "an empty object"
    return f"an {kind(data)}" if isinstance(data, list) else kind(data)


def words(values: Iterable[Any], *, constant: bool = False) -> str:
    """Count words that Qualys has for something; what doesn't look like one is only counted."""
    form = _CONSTANT if constant else _WORD
    found = Counter(_word(value, form) for value in values)
    odd = found.pop("", 0)
    told = [f"{word} ×{count:,}" for word, count in found.most_common(_MOST)]  # noqa: RUF001
    told += [f"{len(found) - _MOST:,} words more"] if len(found) > _MOST else []
    told += [f"{odd:,} that {'are no words' if odd > 1 else 'is no word'}"] if odd else []
    return ", ".join(told)


def _word(value: Any, form: re.Pattern[str]) -> str:
    return value if isinstance(value, str) and form.fullmatch(value) else ""


def page(asked: int, got: int, total: Any) -> str:
    """Say how many came, of how many that were asked for and that there are."""
    told = f"{total:,}" if is_count(total) else f"nothing ({kind(total)})"
    return f"asked for {asked:,}, got {got:,}; total says {told}"


def is_count(value: Any) -> bool:
    """Whether this is a number of things."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
