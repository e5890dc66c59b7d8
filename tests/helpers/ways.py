"""The ways on that a hint names: commands to type and changes to make, read to the letter."""

import re
import shlex
from typing import Any, NamedTuple

from tests.helpers import typed

_DOUBT = {"reconcile", "--adopt", "--absent", "--assume-ran"}
_PLACE = re.compile(r" -C \S+")
_CHANGES = {
    "name": re.compile(
        r"(?:add|make it) `previousName: (\S+)` (?:under `metadata`|in its target) in ([^\s,;]+)"
    ),
    "names": re.compile(r"add `previousNames: \[(\S+)\]` to (\S+) in qflow\.yaml"),
    "renamed": re.compile(
        r"take it out of `environments` in qflow\.yaml(?:, let `defaultEnvironment` be `(\S+)`)?, "
        r"and set `previousNames: \[(\S+)\]` under `(\S+)`"
    ),
    "platform": re.compile(r"Set `platform:` of (\S+) in qflow\.yaml back to (\w+)"),
    "unname": re.compile(r"give `previousName` another run's name or none in ([^\s,;]+)"),
    "unsource": re.compile(r"remove the other spec"),
    "remove": re.compile(r"remove one of them"),
    "change": re.compile(r"or change the spec"),
    "fix": re.compile(r"Fix it:"),
    "teach": re.compile(r'Where "(\w+)" always means that, say so under `spec`'),
    "number": re.compile(r"Write `rerun: ([0-9]+)` (?:under `spec`|in its target) by hand"),
}


class Way(NamedTuple):
    """One way on.

    `kind` is "type" for a command, "doubt" for several of which each may be needed, else a
    change; `about` are its words. `first`: apply before it (`where`, "" for the hold's own
    environment); `then`: commit and apply after it.
    """

    kind: str
    about: tuple[Any, ...] = ()
    first: bool = False
    then: bool = False
    where: str = ""


def ways_on(hint: str) -> list[Way]:
    """Give every way that a hint names, in its order."""
    found: list[tuple[int, Way]] = []
    doubts = []
    for command in commands_in(hint):
        place = hint.index(f"`{command}")
        words = words_of(command)
        if _DOUBT & {*words}:
            doubts.append(words)
            continue
        first = re.search(r"apply(?: (\S+))? and then $", hint[:place])
        then = hint[place + len(command) + 1 :].startswith("`, commit, apply")
        found.append((place, Way("type", words, bool(first), then, (first and first[1]) or "")))
    if doubts:
        found.append((0, Way("doubt", tuple(doubts))))
    found += [
        (one.start(), Way(kind, tuple((each or "").rstrip(".") for each in one.groups())))
        for kind, pattern in _CHANGES.items()
        for one in pattern.finditer(hint)
    ]
    return [way for _, way in sorted(found, key=lambda each: each[0])]


def commands_in(text: str) -> list[str]:
    """The program's own commands of a text, whole."""
    return [one for one in typed.commands(text) if one.startswith("qflow-gitops ")]


def words_of(command: str) -> tuple[str, ...]:
    """The words of a command, without the place that tests give anyway."""
    return tuple(shlex.split(_PLACE.sub("", command))[1:])
