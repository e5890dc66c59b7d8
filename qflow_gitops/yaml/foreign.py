"""Reads YAML of other programs, with what a run spec may not have: anchors, merge keys and tags.

Nothing is run or sent by what it gives; it is for looking at a file that somebody else checks.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

MOST = 100_000
"""So many values, each counted as often as aliases repeat it."""
MAX_DEPTH = 64
_CORE = "tag:yaml.org,2002:"
_WORDS: Mapping[str, Any] = {"null": None, "~": None, "": None, "true": True, "false": False}


class Tagged(NamedTuple):
    """A value with a tag of its program's own, `!reference` for one."""

    tag: str
    value: Any


def read(content: bytes) -> Any:
    """Return what a text says: mappings by text, lists, texts, None and booleans.

    Numbers and times stay texts. Raises ValueError, with what is wrong, for no YAML, for more
    than one document, and for what aliases make too large or deep.
    """
    try:
        root = YAML(typ="safe", pure=True).compose(content)
        return _Reading().value(root, 0) if root is not None else None
    except YAMLError as problem:
        said = getattr(problem, "problem", "") or "it is no YAML"
        mark = getattr(problem, "problem_mark", None)
        raise ValueError(f"{said} (line {mark.line + 1})" if mark else said) from None


class _Reading:
    """Counts what it gives, so that aliases of aliases end."""

    def __init__(self) -> None:
        self._left = MOST

    def value(self, node: Node, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise ValueError("its aliases make it too large or too deep")
        tag = str(node.tag)
        if isinstance(node, ScalarNode):
            text = str(node.value)
            core = tag in (f"{_CORE}null", f"{_CORE}bool")
            found: Any = _WORDS.get(text.lower(), text) if core else text
        elif isinstance(node, MappingNode):
            found = self._mapping(node, depth + 1)
        else:
            found = [self.value(each, depth + 1) for each in node.value]
        return found if tag.startswith(_CORE) else Tagged(tag, found)

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if str(key.tag) == f"{_CORE}merge":
                read_ = self.value(value, depth)
                for some in reversed(read_ if isinstance(read_, Sequence) else [read_]):
                    merged |= some if isinstance(some, dict) else {}
            else:
                own[str(key.value)] = self.value(value, depth)
        return merged | own
