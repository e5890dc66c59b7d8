"""One step as it comes: what is documented of it, and what else may tell what went wrong."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qflow_gitops.base.pointer import pointer_to
from qflow_gitops.http.messages import PLACES
from qflow_gitops.ports.qualys import Said, Step

_DOCUMENTED = frozenset(
    {
        "id", "nodeId", "nodeType", "eventOrder", "status", "execution", "customerId", "tags",
        "createdAt", "updatedAt", "parDateKey", "startDate", "endDate", "executionEndDate",
        "workflow", "linkedExecutions",
    }
)  # fmt: skip
"""What docs/api.md 1.6 and 1.7 name; the texts in them are no message."""
_CONTENT = frozenset({"input", "output"})
"""What went into a node and came out of it: not what is said of it, and possibly confidential."""
_TELLING = re.compile(
    "error|message|msg|reason|cause|exception|fail|detail|problem|warning|descri", re.IGNORECASE
)
_ID = re.compile(r"[0-9a-f-]{32,36}|[0-9A-HJKMNP-TV-Z]{26}|\d{4}-\d\d-\d\dT[\d:.]+Z?")
_LOOKED_AT = 300  # values of one step
_READ, _KEPT = 20, 5  # texts of them
_DEEPEST = 6

_Path = tuple[str | int, ...]


def step_of(data: Mapping[str, Any], redact: Callable[[str], str]) -> Step:
    """Read a step. Nothing of it has to be there, or to be what it should be."""
    return Step(
        node_id=_text(data.get("nodeId")),
        node_type=_text(data.get("nodeType")),
        order=number_of(data.get("eventOrder")),
        status=_text(data.get("status")),
        created_at=number_of(data.get("createdAt")),
        updated_at=number_of(data.get("updatedAt")),
        said=_said(data, redact),
    )


def number_of(value: Any) -> int | None:
    """Return a whole number that Qualys means as one, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _said(data: Mapping[str, Any], redact: Callable[[str], str]) -> tuple[Said, ...]:
    """Collect the texts that may be a message, the likeliest first; each once."""
    ranked = sorted(_texts(data), key=lambda each: _rank(each[0]))
    found: dict[str, Said] = {}
    for path, text in ranked[:_READ]:
        line = redact(text)
        if line and line not in found and len(found) < _KEPT:
            likely = _rank(path)[0] < _OTHER
            found[line] = Said(redact(pointer_to(path)), line, likely)
    return tuple(found.values())


_OTHER = 2


def _rank(path: _Path) -> tuple[int, int, int]:
    """Say how likely a place holds a message: first those in which gateways give it."""
    for number, place in enumerate(PLACES):
        if path[-len(place) :] == tuple(place):
            return (0, len(path) - len(place), number)
    names = [part for part in path if isinstance(part, str)]
    return (1 if any(map(_TELLING.search, names)) else _OTHER, len(path), 0)


def _texts(data: Mapping[str, Any]) -> Iterator[tuple[_Path, str]]:
    """Return the texts of the fields that aren't documented, those of the surface first."""
    queue: list[tuple[_Path, Any]] = [((), data)]
    for path, value in queue:  # grows meanwhile
        if isinstance(value, str) and value.strip() and not _ID.fullmatch(value):
            yield path, value
        if len(path) >= _DEEPEST or len(queue) > _LOOKED_AT:
            continue
        if isinstance(value, Mapping):
            keys = sorted(value.keys() - _PASSED_OVER, key=_is_no_name_of_a_message)
            queue += [((*path, key), value[key]) for key in keys[:_LOOKED_AT]]
        elif isinstance(value, list):
            queue += [((*path, number), each) for number, each in enumerate(value[:_LOOKED_AT])]


def _is_no_name_of_a_message(key: str) -> tuple[bool, str]:
    return (not _TELLING.search(key), key)


_PASSED_OVER = _DOCUMENTED | _CONTENT
