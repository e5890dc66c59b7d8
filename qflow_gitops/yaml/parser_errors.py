"""What a YAML parser says of broken YAML, in the words of somebody who wrote a run spec.

What this program itself finds, a duplicate key say, has its words in `messages`.
"""

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence and how to fix it; `at_start`: shown where the broken thing begins."""

    message: str
    hint: str
    at_start: bool = False


_NO_PAIR = Explanation("This line is no `key: value`.", "Add the colon, or fix its indentation.")
_KNOWN: tuple[tuple[str, Explanation], ...] = (
    (
        r"quoted scalar: found unexpected (end of stream|document separator)",
        Explanation("This quote is never closed.", "Close it where the text ends.", at_start=True),
    ),
    (
        r"flow (sequence|mapping): expected ',' or",
        Explanation(
            "This bracket isn't closed where it should be, or a comma is missing inside it.",
            "Close it, or write its content as a block: one value a line.",
            at_start=True,
        ),
    ),
    (
        r"node content, but found '<stream end>'",
        Explanation("The file ends within a value.", "Close the last bracket, or add the value."),
    ),
    (
        r"node content, but found",
        Explanation("A value is missing before this.", "Add the value, or remove this."),
    ),
    (
        r"character '\\t' that cannot start",
        Explanation("A tab can't indent YAML.", "Indent with spaces."),
    ),
    (
        r"character '(?P<what>.+)' that cannot start",
        Explanation("A value can't begin with `{what}`.", "Put the whole value in quotes."),
    ),
    (
        r"mapping values are not allowed",
        Explanation(
            "A colon and a space aren't expected here.",
            "Put the value in quotes if the colon is part of it; else indent this line like its "
            "neighbours.",
        ),
    ),
    (
        r"expected <block end>, but found '<scalar>'",
        Explanation(
            "There is more text after the value's end.",
            "Put the whole value in quotes; within single quotes, write '' for one.",
        ),
    ),
    (
        r"expected <block end>",
        Explanation(
            "This line's indentation fits none of the lines above.",
            "Indent it like its neighbours, with spaces.",
        ),
    ),
    (
        r"unknown escape character '(?P<what>.+)'",
        Explanation(
            "`\\{what}` is no escape within double quotes.",
            "Write \\\\ for a backslash, or use single quotes.",
        ),
    ),
    (
        r"sequence entries are not allowed",
        Explanation("A list can't begin here.", "Begin it on the next line, indented."),
    ),
    (
        r"expected '<document start>'",
        Explanation(
            "There is more after the document's end.",
            "Put a line with `---` between two documents, or remove this.",
        ),
    ),
    (
        r"scanning an (alias|anchor)",
        Explanation(
            "A value that begins with * or & is an alias or an anchor.",
            "Put the value in quotes.",
            at_start=True,
        ),
    ),
    (
        r"could not find expected ':'",
        replace(_NO_PAIR, at_start=True),
    ),
    (
        r"unacceptable character #x(?P<what>[0-9a-fA-F]+)",
        Explanation(
            "The file holds the character U+{what}, which YAML doesn't allow.",
            "Remove it, or write it as an escape within double quotes.",
        ),
    ),
    (
        r"chomping or indentation indicators",
        Explanation(
            "After | or > only +, - or a digit may stand on the line.",
            "Begin the text on the next line.",
        ),
    ),
)


_TAB = r"character '\\t'"
_TAB_INSIDE = Explanation(
    # `k:<tab>v` is YAML 1.2; libyaml and npm's readers take it, PyYAML and ruamel.yaml refuse it.
    "Not every YAML reader takes this tab for a space.",
    "Put a space in its place.",
)
_LINE = re.compile(r"^[ \t]*(?:- +)*([^\s#][^\r\n]*?)[ \t]*$", re.MULTILINE)
_PAIR = re.compile(r":(?:\s|\Z)")


def explained(said: str, context: str = "", *, inside: bool = False) -> Explanation:
    """Return the words for what the parser said, its own ones where it is something rare.

    `inside` is whether more than spaces stand before it on its line.
    """
    if inside and re.search(_TAB, said):
        return _TAB_INSIDE
    whole = " ".join(f"{context}: {said}".split())
    for pattern, words in _KNOWN:
        found = re.search(pattern, whole)
        if found:
            what = found.groupdict().get("what", "")
            return replace(words, message=words.message.replace("{what}", what))
    short = " ".join(said.split())[:200].rstrip(".")
    return Explanation(f"This is not YAML: {short}.", "Compare it with the lines above it.")


def without_colon(text: str, at: int) -> tuple[Explanation, int, int] | None:
    """Find the line that a colon is missing on, where one at an offset was not expected.

    Without it, what stands there and all that follows up to that colon is one text to YAML.
    """
    found = None
    for line in reversed([*_LINE.finditer(text, 0, text.rfind("\n", 0, at) + 1)]):
        if line[1].startswith("---"):
            break
        if _PAIR.search(line[1]) or line[1][0] in "\"'[{|>&*!%@`":
            return found if line[1].endswith(":") else None
        found = _NO_PAIR, *line.span(1)
    return found
