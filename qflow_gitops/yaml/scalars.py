"""Resolve an unquoted scalar, as YAML 1.2's core schema does; warn of what others make of it."""

from qflow_gitops.yaml import messages, numbers
from qflow_gitops.yaml.document import Json
from qflow_gitops.yaml.messages import Message

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_YAML11_WORDS = frozenset(
    form for word in ("yes", "no", "on", "off") for form in (word, word.title(), word.upper())
)


def resolved(text: str, *, is_key: bool) -> tuple[Json, Message | None]:
    """Return the value, and what there is to say of it: of a key only what refuses it."""
    if text in _NULL:
        return None, None
    if text in _BOOLEANS:
        return _BOOLEANS[text], None
    if not (text[0].isdigit() or text[0] in "+-."):
        is_word = text in _YAML11_WORDS and not is_key
        return text, messages.boolean_elsewhere(text) if is_word else None
    found = numbers.read(text)
    if isinstance(found, Message):
        return text, found
    if found == text and not is_key and numbers.is_one_elsewhere(text):
        return text, messages.number_elsewhere(text)
    return found, None
