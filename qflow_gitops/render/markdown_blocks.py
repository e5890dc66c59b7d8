"""Markdown's building blocks: text from outside that stays where it is put, and a text that fits.

What comes from files and servers stands in code, or is words of nothing but letters: no mention,
link or HTML begins there, neither by CommonMark and GFM nor by what GitHub adds to them.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from qflow_gitops.render.escape import clean

MAX_WORDS = 600
"""Characters of one text in a line or a cell; only what nobody writes by hand is longer."""
MAX_TICKS = 16
"""Backticks in a row that are shown: cmark-gfm, which GitHub uses, takes no delimiter of more than
80 for a code span and none of more than 255 for a block."""


def code(words: str) -> str:
    """Put a text in a code span that it can't leave. For a cell of a table: `cell`."""
    safe = fewer_ticks(_cut(clean(words))) or " "
    fence = "`" * (_longest(safe) + 1)
    pad = " " if safe[0] == "`" or safe[-1] == "`" else ""
    return f"{fence}{pad}{safe}{pad}{fence}"


_TOKEN = re.compile(r"( *)(?:`([^`]+)`|([^ `]+|`))")
_PLAIN = re.compile(
    r"\(?(?![a-f]{7,40}\b)[A-Za-z]+(?:[-'][A-Za-z]+)*'?\)?[,;:.]?"  # hex may be a commit, a link
    r"|[0-9]{1,6}(?:,[0-9]{3})*[,;:]?|[→…]"
)
_BEHIND = re.compile(r"\)?[,;:.]")


def prose(words: str) -> str:
    """Put a sentence into Markdown: what it has in backticks in code, and all else not plain, too.

    Plain are words of letters and numbers, with no more than a bracket before or behind them, and
    a comma, a semicolon, a colon or a stop.
    """
    shown, odd = list[str](), list[str]()

    def span(space: str, text: str) -> str:
        near = shown and shown[-1].endswith("`")  # their backticks would be one delimiter
        return (space or " " * bool(near)) + code(text)

    def put() -> None:
        if odd:
            space, text = odd[0], "".join(odd[1:])
            kept = text.rstrip(",;:." if "(" in text else "),;:.") or text
            shown.append(span(space, kept) + text.removeprefix(kept))
            odd.clear()

    for token in _TOKEN.finditer(_cut(clean(words)).strip()):
        space, quoted_, word = token[1], token[2], token[3]
        behind = not space and word and _BEHIND.fullmatch(word) and shown and not odd
        if quoted_ or behind or _PLAIN.fullmatch(word):
            put()
            shown.append(span(space, quoted_) if quoted_ else space + word)
        else:
            odd += [space, word]
            if word[-1] in ",;":
                put()
    put()
    return "".join(shown)


def cell(words: str) -> str:
    r"""Put a text in a code span inside a table, whose cells end before code spans begin.

    A pipe is escaped as GFM says; where a backslash stands before it, renderers differ, so
    that is written `\x5c`.
    """
    return code(words.replace("\\|", "\\x5c|")).replace("|", "\\|")


def tagged(words: str) -> str:
    """Put a text in a code element, for a line that is HTML and not read as Markdown."""
    return f"<code>{html.escape(_cut(clean(words)))}</code>"


_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/[A-Za-z0-9._-][A-Za-z0-9._~%/-]*")


def link(shown: str, address: str) -> str:
    """Lead from Markdown of the program's own to an address, if it is one that can't end early."""
    return f"[{shown}]({address})" if _ADDRESS.fullmatch(address) else shown


def alert(kind: str, text: str) -> str:
    """Quote Markdown as one of GitHub's alerts (docs.github.com, "Basic writing and formatting").

    Where these aren't known it is a quote that begins with the kind.
    """
    return quoted(f"[!{kind}]\n{text}")


def quoted(text: str) -> str:
    """Quote lines of Markdown."""
    return "".join(f"> {line}".rstrip(" ") + "\n" for line in text.split("\n")[:-1])


def block(words: str, language: str = "text") -> str:
    """Put lines, each of them clean, in a fenced block that they can't leave."""
    words = fewer_ticks(words)
    fence = "`" * max(3, _longest(words) + 1)
    return f"{fence}{language}\n{words.rstrip()}\n{fence}\n"


def folded(title: str, content: str) -> str:
    """Fold Markdown away under a title, which is HTML on one line, and ours."""
    return f"{unfolded_start(title)}{content}{FOLD_END}"


def unfolded_start(title: str) -> str:
    """Begin what `FOLD_END` ends."""
    return f"<details><summary>{title}</summary>\n\n"


FOLD_END = "\n</details>\n\n"


def fewer_ticks(words: str) -> str:
    """Shorten what no delimiter around it could be long enough for."""
    return re.sub(f"`{{{MAX_TICKS + 1},}}", "`" * MAX_TICKS + "…", words)


def _longest(words: str) -> int:
    return max((len(ticks) for ticks in re.findall("`+", words)), default=0)


def _cut(words: str) -> str:
    return words if len(words) <= MAX_WORDS else words[: MAX_WORDS - 1] + "…"


# --- a text that fits ----------------------------------------------------------------


def quoted_part(part: "Part") -> "Part":
    """Quote all that a part may show."""
    return Part(
        [*map(quoted, part.entries)], quoted(part.before), quoted(part.after), quoted(part.more)
    )


@dataclass(frozen=True, slots=True)
class Part:
    """Entries of which a text may have to leave some out, and what stands around them.

    `before` and `after` are left out with the last entry. `more` says what is missing, with
    `{}` for the number.
    """

    entries: Sequence[str]
    before: str = ""
    after: str = ""
    more: str = "… and {} more.\n"


Piece = str | Part


def fit(
    pieces: Sequence[Piece], passes: Sequence[tuple[Part, float]], limit: int, notice: str = ""
) -> str:
    """Join the pieces to at most `limit` bytes of UTF-8, leaving out whole entries.

    In the order of `passes` a part gets entries for at most that share of the limit; one that
    was there before only gets more of them. `notice` stands at the first empty piece if
    anything is left out. What is no entry stays, so it has to be short.
    """
    whole = "".join(piece if isinstance(piece, str) else _whole(piece) for piece in pieces)
    if _size(whole) <= limit:
        return whole
    chosen = _choose(pieces, passes, limit - _size(notice))
    text, noted = "", False
    for piece in pieces:
        if isinstance(piece, Part):
            text += _some(piece, chosen.get(id(piece), set()))
        elif piece or noted:
            text += piece
        else:
            text, noted = text + notice, True
    return text


def _choose(
    pieces: Sequence[Piece], passes: Sequence[tuple[Part, float]], limit: int
) -> dict[int, set[int]]:
    room = limit - sum(
        _size(piece if isinstance(piece, str) else _frame(piece)) for piece in pieces
    )
    chosen: dict[int, set[int]] = {}
    for part, share in passes:
        mine = chosen.setdefault(id(part), set())
        quota = min(room, int(limit * share))
        for number, entry in enumerate(part.entries):
            size = _size(entry)
            if number not in mine and size <= quota:
                mine.add(number)
                quota, room = quota - size, room - size
    return chosen


def _whole(part: Part) -> str:
    return f"{part.before}{''.join(part.entries)}{part.after}" if part.entries else ""


def _frame(part: Part) -> str:
    return part.before + part.after + _more(part, len(part.entries)) if part.entries else ""


def _some(part: Part, chosen: set[int]) -> str:
    kept = "".join(part.entries[number] for number in sorted(chosen))
    missing = len(part.entries) - len(chosen)
    framed = f"{part.before}{kept}{part.after}" if chosen else ""
    return framed + (_more(part, missing) if missing else "")


def _more(part: Part, number: int) -> str:
    return part.more.format(f"{number:,}")


def _size(text: str) -> int:
    """Bytes: never fewer than characters, however those are counted."""
    return len(text.encode())
