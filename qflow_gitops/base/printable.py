"""Which characters are seen, and how the others are shown.

Hidden are those that move a cursor, turn a line's direction, break a line, have no shape or no
meaning yet (Unicode's general categories): a text that holds one isn't what it looks like.
"""

import unicodedata

_HIDDEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))


def is_hidden(text: str) -> bool:
    """Whether a text holds a character that isn't seen."""
    if text.isascii():
        return not text.isprintable()
    return any(unicodedata.category(character) in _HIDDEN for character in text)


def shown(text: str) -> str:
    r"""Return a text in which hidden characters stand as `\x..` or `\u....`."""
    if not is_hidden(text):
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _HIDDEN
        else character
        for character in text
    )
