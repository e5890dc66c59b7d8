"""What the program says is done: each command of a hint typed, each change of a file made.

All of it from the state in which it was said, and each time with the apply that a team's CI would
do next. What came of it is a transcript, to be read and kept as a golden file.
"""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.helpers.cli import Done
from tests.helpers.terminal import Terminal
from tests.helpers.typed import commands

_MEANT = re.compile(
    r"--ack (same_request|platform|place|retry|unmerged|rewritten)=|--retry|`rerun:|"
    r"^qflow-gitops rerun "
)
"""A command that sends on purpose what was sent before."""
_LOOKS = re.compile(
    r"^(qflow-gitops (-C \S+ )?(plan|status|history|validate|lock verify|show|rules|doctor)\b"
    r"|git (log|ls-remote|ls-files|fsck|status|show|diff|branch --all|check-ignore)\b"
    r"|git clone --mirror |ls )"
)
"""A command that changes nothing."""
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MADE_UP = (
    (r"v1:sha256:[0-9a-f]{64}", "<digest>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"\b[0-9a-f]{40}\b", "<commit>"),
    (r'(?<=lineage: ")[0-9a-f]{32}', "<lineage>"),
    (r"(checkout |with |holds |git show )[0-9a-f]{10,12}\b", r"\1<commit>"),
    (rf"((?:--adopt|--not) ){_UUID}", r"\1<execution>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
)
_MARK = "→ "
_TYPED = re.compile(r"^  (qflow-gitops .*)", re.MULTILINE)
"""In a transcript, what was typed of our commands."""
_PLACE = re.compile(r" -C \S+")


@dataclass(frozen=True)
class Person:
    """What only a person knows or does.

    `words` fill in what a command leaves open (`TEXT`). `changes` are made where a hint names
    them (a part of its text): of files, of the world outside. `elsewhere` are parts of hints
    that nothing here can carry out, with the reason. `first` is what happens before any of it:
    a fault is over, time goes by. `applies` is what the team's CI runs next.
    """

    words: Mapping[str, str | Callable[[Terminal], str]] = field(default_factory=dict)
    changes: Mapping[str, Callable[[Terminal], object]] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    first: Callable[[Terminal], object] = lambda _at: None
    applies: Sequence[str] = ("qflow-gitops apply --yes",)


def once_each(folder: Path, stores: Mapping[str, str]) -> set[str]:
    """Choose scenarios by their transcripts: each form of our commands is typed in one.

    A form is what a command is called and which of its options and holds are named. Of several
    the cheapest are taken, and each that has no transcript yet. `stores`: scenario -> lock store.
    """
    told = {path.stem: path.read_text("utf-8") for path in folder.glob("*.txt")}
    forms = {name: {*map(_form, _TYPED.findall(text))} for name, text in told.items()}
    costs = {
        name: text.count("\n") * (3 if stores.get(name) == "branch" else 1)
        for name, text in told.items()
    }
    left, chosen = set().union(*forms.values()), {*stores} - {*told}
    while left:
        best = max(sorted(forms), key=lambda name: len(forms[name] & left) / costs[name])
        chosen.add(best)
        left -= forms[best]
    return chosen


def _form(command: str) -> str:
    words = shlex.split(_PLACE.sub("", command.partition(" && ")[0]), comments=False)
    named = [word for word in words[2:] if word.startswith("-")]
    held = [after for word, after in pairwise(words) if word == "--ack"]
    return " ".join(re.split("[=:]", word)[0] for word in (*words[:2], *named, *held))


def said(done: Done) -> list[str]:
    """Give the hints that a command printed, each once."""
    lines = (done.out + done.err).splitlines()
    return list(
        dict.fromkeys(one.strip().removeprefix(_MARK) for one in lines if _MARK in one[:10])
    )


def carried_out(title: str, command: str, done: Done, at: Terminal, person: Person) -> str:
    """Do all that was said after a command, and tell it."""
    told = [f"{title}\n", f"$ {command}", f"exit {done.code}"]
    hints = said(done)
    assert hints, done
    person.first(at)
    typed: set[str] = set()
    for hint in hints:
        told += ["", f"{_MARK}{hint}"]
        new = [one for one in dict.fromkeys(commands(hint)) if one not in typed]
        typed |= {*new}
        some = [_type(one, at, person) for one in new]
        some += [_change(part, at, person) for part in person.changes if part in hint]
        some += [f"  (not here: {why})" for part, why in person.elsewhere.items() if part in hint]
        assert some or commands(hint), f"nothing of this is carried out: {hint}"
        told += some
    for part in (*person.changes, *person.elsewhere):
        assert any(part in hint for hint in hints), f"{part} isn't said: {hints}"
    return _without_what_is_made_up("\n".join(told) + "\n", at)


def _type(command: str, at: Terminal, person: Person) -> str:
    """Type a command, to the letter but for what it leaves open, and apply."""
    with at.kept():
        typed = command
        for word, value in person.words.items():
            text = value if isinstance(value, str) else value(at)
            typed = re.sub(rf"(?<![\w-]){word}(?![\w-])", text, typed)
        before = at.sent
        done = at.typed(typed)
        ended = f"  {typed}\n      {_ended(done, before, at)}"
        assert done.code == 0 or said(done) or _shows(typed, done), (typed, done)
        _check_once(typed, before, at)
        if not _LOOKS.search(typed):
            ended += _applied(typed, at, person)
        else:
            assert at.sent == before, typed
    return ended


def _shows(typed: str, done: Done) -> bool:
    """Whether a command that only looks says what is wrong in words of its own."""
    found = done.code == 11 and "✗" in done.out
    asks = typed.startswith("git ") and (typed.startswith("git fetch ") or _LOOKS.search(typed))
    return found or (bool(asks) and bool(done.out + done.err))


def _change(part: str, at: Terminal, person: Person) -> str:
    with at.kept():
        person.changes[part](at)
        return f"  {part}" + _applied(part, at, person)


def _applied(typed: str, at: Terminal, person: Person) -> str:
    """Let the team's CI apply what there is now; whatever was sent before must not be again."""
    told = ""
    if at.clone.git("status", "--porcelain", "--", ".", ":!qflow.lock", ":!qflow.lock.rescue"):
        at.merge()
        told = "\n      committed"
    for command in person.applies:
        before = at.sent
        done = at.typed(command)
        told += f"\n      {command}: {_ended(done, before, at)}"
        assert done.code == 0 or said(done), (command, done)
        _check_once(typed, before, at)
    return told


def _check_once(typed: str, before: Counter[str], at: Terminal) -> None:
    """Nothing that was executed before is executed again, unless that was asked for."""
    more = at.sent - before
    again = [one for one in more if before[one] or more[one] > 1]
    assert not again or _MEANT.search(typed), (typed, again)


def _ended(done: Done, before: Counter[str], at: Terminal) -> str:
    count = (at.sent - before).total()
    return f"exit {done.code}" + (f", {count} sent" if count else "")


def _without_what_is_made_up(text: str, at: Terminal) -> str:
    text = text.replace(str(at.folder), "<folder>")
    for pattern, word in _MADE_UP:
        text = re.sub(pattern, word, text)
    return text
