"""The targets of one spec, put together for a reader: what is alike among them is said once.

A text, a table and a comment take their groups from here, so that they have the same ones.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from qflow_gitops.base.names import RunKey, spec_of, target_of
from qflow_gitops.lockfile.states import RETRIABLE, State
from qflow_gitops.plan.change import Action, Change, Reason


class Keyed(Protocol):
    """What is about one run."""

    @property
    def key(self) -> RunKey:
        """Environment and name."""


Item = TypeVar("Item")
OfRun = TypeVar("OfRun", bound=Keyed)


def alike(items: Iterable[Item], what: Callable[[Item], Hashable]) -> list[tuple[Item, ...]]:
    """Put items together of which the same is true, in the order of the first of each."""
    found: dict[Hashable, list[Item]] = {}
    for item in items:
        found.setdefault(what(item), []).append(item)
    return [tuple(some) for some in found.values()]


def bundled(items: Iterable[OfRun], *, apart: bool = False) -> list[tuple[OfRun, ...]]:
    """Put items about targets of one spec together; all others, and `apart` all, stay alone."""

    def whose(item: OfRun) -> Hashable:
        return id(item) if apart or not target_of(item.key) else spec_of(item.key)

    return alike(items, whose)


def sizes(keys: Iterable[RunKey]) -> Mapping[RunKey, int]:
    """Count the targets of each spec that has some."""
    return Counter(spec_of(key) for key in keys if target_of(key))


# --- how many of a spec's targets are how --------------------------------------------


class Entry(NamedTuple):
    """What is said of one run, in a word or two; `named`: a reader wants to know of which.

    `batch` is the number of the batch that it waits in, 0 for none.
    """

    key: RunKey
    words: str
    named: bool
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """How the targets of one spec stand: each count's words, how many, and their names or ()."""

    key: RunKey
    total: int
    counts: tuple[tuple[str, int, tuple[str, ...]], ...]


def overviews(
    entries: Iterable[Entry], totals: Mapping[RunKey, int] = MappingProxyType({})
) -> tuple[Overview, ...]:
    """Sum up each spec that has more than one target, by name.

    `totals` says of specs how many targets they have, where that may be more than `entries`.
    """
    some = (entry for entry in entries if target_of(entry.key))
    found = []
    for those in alike(some, lambda entry: spec_of(entry.key)):
        key = spec_of(those[0].key)
        total = max(len(those), totals.get(key, 0))
        counts = [_count(each) for each in alike(those, lambda entry: entry.words)]
        if len(those) < total:
            counts.append(("with nothing to do", total - len(those), ()))
        if total > 1:
            found.append(Overview(key, total, tuple(counts)))
    return tuple(sorted(found, key=lambda each: each.key))


def _count(alike_: Sequence[Entry]) -> tuple[str, int, tuple[str, ...]]:
    names = tuple(target_of(entry.key) for entry in alike_ if entry.named)
    batches = {entry.batch for entry in alike_} - {0}
    within = f" in {len(batches)} batches" if len(batches) > 1 else ""
    return alike_[0].words + within, len(alike_), names


_SAID = {Action.RUN: "now", Action.HOLD: "held"}


def entry_of(change: Change) -> Entry:
    """Say in a word what is done about a run; of what is skipped why."""
    words = _SAID.get(change.action, str(change.action))
    if change.action is Action.SKIP:
        words = change.reason.replace("_", " ")
    return Entry(change.key, words, change.action in _SAID, change.batch)


# --- decisions that are alike --------------------------------------------------------


class Told(NamedTuple):
    """Decisions with one reason, told in the same words: what differs in these is `…`."""

    reason: Reason
    detail: str
    changes: tuple[Change, ...]


class AtOnce(NamedTuple):
    """A command about several targets, and about how many."""

    number: int
    command: str


@dataclass(frozen=True, slots=True)
class Block:
    """Decisions about targets of one spec, or one about a run, with the same way on.

    `way`, the way on, is for all of them; where each has its `own`, it is that of the first, and
    `at_once` has the commands that are about all (and about others, if that can't be helped).
    """

    told: tuple[Told, ...]
    way: str
    own: bool = False
    at_once: tuple[AtOnce, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """All decisions."""
        return tuple(change for each in self.told for change in each.changes)


def blocks(
    changes: Sequence[Change], every: Sequence[Change], *, apart: bool = False
) -> Iterator[Block]:
    """Put decisions together that a reader takes in one: those of a spec with the same way on.

    `every` are all decisions of the plan: a command about all targets of a spec is given where
    it does nothing to others. With `apart` each stays alone.
    """
    named_alike = () if apart else alike(every, lambda change: spec_of(change.key))
    whole = {spec_of(some[0].key): some for some in named_alike}
    for some in bundled(changes, apart=apart):
        for same in alike(some, _way_on) if len(some) > 1 else (some,):
            alone = len(same) == 1
            yield _alone(same[0]) if alone else _block(same, whole.get(spec_of(same[0].key), ()))


def _alone(change: Change) -> Block:
    return Block((Told(change.reason, change.detail, (change,)),), change.hint)


def _way_on(change: Change) -> Hashable:
    if change.hint:
        return (change.release, _outline(change.hint))
    return (change.reason, _outline(change.detail))


def _block(changes: Sequence[Change], every: Sequence[Change]) -> Block:
    told = tuple(
        Told(some[0].reason, words, some)
        for same in alike(changes, lambda change: change.reason)
        for words, some in in_words(same, lambda change: change.detail)
    )
    mine, first = {change.key for change in changes}, changes[0]
    others = [change for change in every if change.key not in mine]
    reached = {command: sum(map(does, others)) for command, does in _REACHES.items()}
    ended = any(each.attempt and each.attempt.state is State.ENDED for each in changes)
    exactly = {
        "apply": _named([change.key for change in changes], ended or reached["apply"] > 0),
        "baseline": _named([change.key for change in changes], reached["baseline"] > 0),
    }
    found = {_for_all(change, exactly) for change in changes}
    if len(found) == 1:
        return Block(told, found.pop())
    more = dict(exactly)
    if not (more["apply"] or ended):  # what ended, nobody knows how, is sent by its own name only
        more["apply"] = ["/".join(spec_of(first.key))]
    own, for_all = (list(_COMMAND.finditer(x)) for x in (first.hint, _for_all(first, more)))
    at_once = tuple(
        AtOnce(len(changes) + (0 if exactly[new[1]] else reached[new[1]]), new[0])
        for old, new in zip(own, for_all, strict=True)
        if new[0] != old[0]
    )
    return Block(told, first.hint, own=True, at_once=at_once)


def same_hold(block: Block, *, exactly: bool = False) -> Hashable:
    """Return what blocks share that one rule holds, so that it can be said once of all of them.

    Failures share it, and what a policy misses, whose words and ways on are the same but for what
    varies, unless `exactly`.
    """
    if block.own or len(block.told) > 1:
        return id(block)
    told = block.told[0]
    if told.reason in (*_AFTER, Reason.POLICY) and not (exactly or told.changes[0].release):
        run = "/".join(told.changes[0].key)
        return (told.reason, _outline(told.detail), _outline(block.way.replace(run, "RUN")))
    return (told.reason, told.detail, block.way)


_AFTER = (Reason.FAILED, Reason.REFUSED, Reason.IN_DOUBT, Reason.EXPIRED)


def own_words(texts: Sequence[str]) -> tuple[str, list[str]]:
    """Return what texts of one outline say alike, `…` for what varies, and of each what that is."""
    columns = [text.split(" ") for text in texts]
    varies = [len({*words}) > 1 for words in zip(*columns, strict=True)]
    own = [
        " ".join(_named_number(words, at) for at, differs in enumerate(varies) if differs)
        for words in columns
    ]
    return _common(texts), own


def _named_number(words: Sequence[str], at: int) -> str:
    """Return a word; a number with the word before it, that says of what it is one."""
    word = words[at].rstrip(",;:")
    return f"{words[at - 1]} {word}" if at and word.isdigit() and len(word) < 5 else word


class Again(NamedTuple):
    """The command that sends all again that failed, and how many that are."""

    number: int
    command: str


def again(some: Sequence[Block], every: Sequence[Change]) -> Again | None:
    """Return what sends failures again that are told together, None where each has its own way."""
    found = _RETRY.search(some[0].way)
    states = {change.attempt.state for block in some for change in block.changes if change.attempt}
    if found is None or not states <= {*RETRIABLE}:
        return None
    reached = [
        change
        for change in every
        if change.reason in _AFTER and change.attempt and change.attempt.state in RETRIABLE
    ]
    return Again(len(reached), f"{found[1]} --retry-failed")


_RETRY = re.compile(r"`(\S+ apply[^`]*?) --retry [^`]*`")


_VARIES = re.compile(r"(?<=previousName: )\S+|(?<!\S)(?=\S*[0-9/])\S+")
"""A word that is another one for each target: a time, an id, a number, a run, a file."""


def in_words(
    items: Iterable[Item], said: Callable[[Item], str]
) -> Iterator[tuple[str, tuple[Item, ...]]]:
    """Put items together of which the same is said but for what varies, which becomes `…`."""
    for some in alike(items, lambda item: _outline(said(item))):
        yield _common([said(item) for item in some]), some


@lru_cache(maxsize=1024)  # targets have texts in common
def _outline(text: str) -> str:
    return _VARIES.sub("…", text)


def _common(texts: Sequence[str]) -> str:
    """Return what texts of one outline say, `…` for each word that isn't the same in all."""
    columns = zip(*(text.split(" ") for text in texts), strict=True)
    return " ".join(words[0] if len({*words}) == 1 else _ends(words) for words in columns)


def _ends(words: Sequence[str]) -> str:
    """Keep the sign behind a word that varies."""
    last = {word[-1:] for word in words}
    return "…" + (last.pop() if len(last) == 1 and last <= {*",;:.`"} else "")


_COMMAND = re.compile(r"(?<=`)\S+ (apply|baseline) [^`]*(?=`)")
_REACHES: Mapping[str, Callable[[Change], bool]] = {
    "apply": lambda other: other.action is Action.HOLD and " --retry " in other.hint,
    "baseline": lambda other: other.action is not Action.SKIP,
}
"""Whether a command that is about a spec would do something about this one of its targets."""
_MOST_NAMED = 5


def _named(keys: Sequence[RunKey], reached: bool) -> Sequence[str]:
    """Return RUNs that stand for these targets and no others, () where there are too many."""
    if not reached:
        return ["/".join(spec_of(keys[0]))]
    return ["/".join(key) for key in keys] if len(keys) <= _MOST_NAMED else ()


def _for_all(change: Change, names: Mapping[str, Sequence[str]]) -> str:
    """Return a hint with its commands about all of several targets, where they can be."""
    if "/".join(change.key) not in change.hint:
        return change.hint
    own = re.compile(rf"(?<= )(--retry )?{re.escape('/'.join(change.key))}(?![^ ])")

    def about_all(command: re.Match[str]) -> str:
        runs = names[command[1]] or ["/".join(change.key)]
        return own.sub(lambda at: " ".join((at[1] or "") + run for run in runs), command[0])

    return _COMMAND.sub(about_all, change.hint)
