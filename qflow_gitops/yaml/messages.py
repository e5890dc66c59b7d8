"""What is said of a YAML file's text: every rule that this room finds, its sentence and the fix.

What is broken YAML is found by a parser: its words are in `parser_errors`.
"""

from typing import NamedTuple

from qflow_gitops.findings.finding import Diagnostic, Range, error, warning

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64  # levels of nesting


class Message(NamedTuple):
    """The rule, what is wrong, and what to do; with `warns` the file stays valid."""

    rule: str
    message: str
    hint: str = ""
    warns: bool = False

    def at(self, file: str, where: Range) -> Diagnostic:
        """Return the finding at a place."""
        found = warning if self.warns else error
        return found(self.rule, self.message, file, where, self.hint)


# --- files and documents -------------------------------------------------------------

TOO_BIG = Message(
    "yaml-too-big",
    f"The file has more than {MAX_BYTES // 1024} KiB.",
    "Split it into several files; a file may also hold several documents.",
)
NOT_UTF8 = Message("yaml-encoding", "The file is not UTF-8 text.", "Save it as UTF-8.")
NO_DOCUMENT = Message(
    "yaml-empty", "The file holds no YAML document.", "Write a run spec, or remove the file."
)
EMPTY_DOCUMENT = Message("yaml-empty", "This YAML document is empty.", "Remove its `---`.")
NO_MAPPING = Message(
    "yaml-root",
    "A document has to be a mapping (`key: value`) at its root.",
    "Begin it with `apiVersion: qflow-gitops/v1`; write several as documents, with `---` between "
    "them.",
)
TOO_DEEP = Message(
    "yaml-too-deep",
    f"There are more than {MAX_DEPTH} levels of nesting.",
    "No request needs so many; most likely brackets or indentation went wrong.",
)
LAST_LINE = Message(
    "yaml-last-line",
    "The file's last line has no line break, and belongs to a text that has its own.",
    "End the file with a line break, or write `|-` (`>-`) for a text without one.",
)

# --- what YAML allows, and a run spec does not ---------------------------------------

DIRECTIVE = Message(
    "yaml-directive",
    "Directives (%YAML, %TAG and others) are not allowed.",
    "Remove the line; specs are read as YAML 1.2.",
)
ALIAS = Message(
    "yaml-alias",
    "Aliases (`*name`) are not allowed.",
    "Write the value out: what runs must be readable where it stands.",
)
MERGE_KEY = Message(
    "yaml-merge-key",
    "Merge keys (`<<`) are not allowed.",
    "Write the keys out: what runs must be readable where it stands.",
)
KEY_TYPE = Message("yaml-key-type", "A key has to be a string.", "Put it in quotes.")
TEMPLATE = Message(
    "yaml-key-type",
    "`{{` begins a mapping, and its first key has to be a string.",
    "Nothing is interpolated: write the value itself; a text with braces stands in quotes.",
)


def anchor(name: str) -> Message:
    """Refuse an anchor."""
    return Message(
        "yaml-anchor",
        f"Anchors (`&{name}`) are not allowed.",
        "Remove it, and write the value out where it is used.",
    )


def tag(name: object) -> Message:
    """Refuse a tag."""
    return Message(
        "yaml-tag",
        f"Tags (`{name}`) are not allowed.",
        "Remove it; put a value in quotes to make it a string.",
    )


def duplicate_key(key: str, line: int, *, begins_spec: bool) -> Message:
    """Refuse a key that stands twice; `begins_spec`: a whole spec follows without its `---`."""
    return Message(
        "yaml-duplicate-key",
        f"Duplicate key `{key}`; first defined on line {line}.",
        "Put a line with `---` above it, if another spec begins here; else keep one of the two."
        if begins_spec
        else "Keep one of the two.",
    )


# --- scalars -------------------------------------------------------------------------

SURROGATE = Message(
    "yaml-surrogate",
    "Half of a surrogate pair is not a character.",
    r"Write the character itself, or its code as \UXXXXXXXX.",
)
BEYOND = Message(
    "yaml-integer-range",
    "The number is beyond ±(2^53-1), where JSON readers disagree on its value.",
    "Put it in quotes if it is an id.",
)
TOO_LONG = Message(
    "yaml-precision",
    "The number has more digits than a JSON number keeps.",
    "Write it with at most 15 digits, or put it in quotes.",
)
TOO_NEAR_0 = Message(
    "yaml-precision",
    "The number is nearer to 0 than a JSON number can be.",
    "Write 0, or put it in quotes.",
)


def leading_zero(text: str) -> Message:
    """Refuse a number that others read as octal, or whose zero they lose."""
    return Message(
        "yaml-leading-zero",
        f"The number `{text[:40]}` begins with a zero.",
        f'Put an id (an AWS account, say) in quotes: "{text[:40]}".',
    )


def not_finite(text: str) -> Message:
    """Refuse what is a number to YAML and none to JSON."""
    return Message(
        "yaml-not-finite",
        f"JSON has no number `{text[:40]}`.",
        "Write a number, or put it in quotes if it is a text.",
    )


def boolean_elsewhere(text: str) -> Message:
    """Warn of a word that YAML 1.1 takes for a boolean."""
    return Message(
        "yaml-word",
        f'`{text}` is the string "{text}" here, not a boolean.',
        f'Write "{text}" for the string, or true or false.',
        warns=True,
    )


def number_elsewhere(text: str) -> Message:
    """Warn of a text that others take for a number."""
    return Message(
        "yaml-number",
        f'`{text[:40]}` is the string "{text[:40]}" here, and a number for other YAML readers.',
        f'Write "{text[:40]}" for the string, or the number in decimal digits.',
        warns=True,
    )


# --- what other readers take differently (`portability`) -----------------------------


def _refused(message: str, hint: str) -> Message:
    return Message("yaml-syntax", message, hint)


def _reformatted(message: str, hint: str) -> Message:
    """All readers take it for the same, and only a formatter changes it."""
    return Message("yaml-formatter", message, hint, warns=True)


COLON = _refused(
    "Not every YAML reader takes this colon for part of the text before it.",
    "Put the text in quotes if the colon is part of it; else put a space and a value behind it.",
)
SHALLOW = _refused(
    "Not every YAML reader takes a value that goes on so far to the left.",
    "Indent each of its lines further than the key, or the `-`, that it belongs to.",
)
COMMENT = _refused(
    "Not every YAML reader takes this for a comment.",
    "Put a space before the #.",
)
APART = _refused(
    "Not every YAML reader or formatter takes a key that a `?` sets apart for the same.",
    "Write it as `key: value`, in quotes where it has to be.",
)
OWN_INDENTATION = _refused(
    "Not every YAML reader or formatter keeps a text whose | or > says its indentation.",
    "Leave the number out, or write the text in double quotes.",
)
FIRST_LINES = _reformatted(
    "Not every YAML formatter keeps the empty lines that this text begins with.",
    "Remove them, or write the text in double quotes.",
)
LAST_LINES = _refused(
    "Not every YAML reader, formatter or editor keeps the empty lines that this text ends with.",
    "Write `|` or `>` without the +, or write the text in double quotes.",
)
INDENTED = _reformatted(
    "A YAML formatter may add empty lines around the lines of this text that are indented further.",
    "Write `|` for a text that keeps its lines.",
)
EMPTY = _reformatted(
    "Not every YAML formatter leaves an empty value in brackets empty.",
    "Write `null`, or '' for a text.",
)
DASH = _refused(
    "Not every YAML reader takes a `-` alone in brackets for a text.",
    "Put it in quotes if it is one; else write one item a line, without the brackets.",
)
LINE_END = _refused(
    "Not every YAML reader takes this invisible character for the same: some end the line here.",
    "Remove it, or write its escape (`\\N`, `\\L` or `\\P`) in double quotes.",
)
LONE_RETURN = _refused(
    "Not every YAML reader takes a carriage return alone for the end of a line.",
    "End each line with a line feed (LF), or with both (CR LF).",
)
CONFLICT = _refused(
    "git left a conflict marker here.",
    "Keep one of the two sides, and remove the lines with <<<<<<<, ======= and >>>>>>>.",
)
QUESTION_MARK = _refused(
    "Not every YAML reader takes a `?` before a key for the same.",
    "Put the key in quotes if the ? is part of it; else remove the ?.",
)
