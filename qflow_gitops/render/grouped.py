"""The words for several targets of a spec: which they are, what they have alike, what differs.

A text and Markdown say the same, in the same order.
"""

from collections.abc import Iterable, Iterator, Sequence

from qflow_gitops.base.jsondiff import MISSING
from qflow_gitops.base.names import spec_of, target_of
from qflow_gitops.lockfile.freezes import Freeze, describe
from qflow_gitops.plan.change import Change, Reason
from qflow_gitops.render.describe import called, connector, difference, places, types, value, where
from qflow_gitops.render.escape import clean
from qflow_gitops.results.groups import Block, Keyed, Overview, again
from qflow_gitops.results.shared import Shared, Value, most_common
from qflow_gitops.specs.connector_catalogs import Names

WIDTH = 60
"""Characters of a list of names: a line, with what stands before it, of 80 columns."""
FEW = 10
"""So many targets that need a look are shown one by one."""
_IN_A_LINE = 40
FEW_VALUES = 3
"""So many values of one place are shown one by one."""
_FEW_PLACES = 5
_SHORT = 40
TOGETHER = "Targets of one spec are told together; each by itself: `qflow-gitops -v {look}`"


def names(every: Sequence[str], width: int = WIDTH) -> str:
    """Return names in a sentence: the first, as many as fit, and how many more there are."""
    return listed([clean(name) for name in every], width)


def listed(every: Sequence[str], width: int = WIDTH) -> str:
    """Return clean texts in a sentence, shortened like names."""
    shown: list[str] = []
    for one in every:
        if shown and len(", ".join([*shown, one])) > width:
            break
        shown.append(one)
    more = len(every) - len(shown)
    return ", ".join(shown) + (f", … {more:,} more" if more else "")


def targets(some: Sequence[Keyed]) -> str:
    """Return the names of the targets that something is about."""
    return names([target_of(each.key) for each in some])


def who(some: Sequence[Keyed]) -> str:
    """Return a run's identity; of several targets that of their spec, and how many they are."""
    first = some[0].key
    if len(some) == 1:
        return clean("/".join(first))
    return f"{clean('/'.join(spec_of(first)))} · {len(some):,} targets"


def overview(found: Overview) -> str:
    """Say how many targets a spec has, and how many of them are how."""
    counts = (
        f"{number:,} {words}" + (f" ({names(named, _IN_A_LINE)})" if named else "")
        for words, number, named in found.counts
    )
    return f"{clean('/'.join(found.key))} · {found.total:,} targets: {', '.join(counts)}"


def ways_on(block: Block) -> Iterator[str]:
    """Return what a person can do about the runs of a block; first what is the same for all."""
    if block.own:
        first, *_ = block.changes
        yield f"{target_of(first.key)}, and the others alike: {block.way}"
        yield from (f"All {each.number:,} at once: `{each.command}`" for each in block.at_once)
    elif block.way:
        yield block.way


def ways_on_of_all(some: Sequence[Block], every: Sequence[Change]) -> Iterator[str]:
    """Return what a person can do about several blocks that are told together."""
    first = some[0]
    if all(block.way == first.way for block in some):
        yield from [first.way] if first.way else ()
        return
    if at_once := again(some, every):
        yield f"All {at_once.number:,} that failed or were refused: `{at_once.command}`"
    yield f"{'/'.join(first.changes[0].key)}, and the others alike: {first.way}"


def told_first(changes: Iterable[Change], freezes: Sequence[Freeze]) -> tuple[Change, ...]:
    """Let what freezes hold say no more than that, where all of them are told above it."""
    told = describe(freezes)
    return tuple(
        change._replace(detail="see above", hint="")
        if change.reason is Reason.FROZEN and change.detail == told
        else change
        for change in changes
    )


def wheres(changes: Sequence[Change], named: Names) -> Iterator[str]:
    """Say where targets work: each place while they are few, else what these places are."""
    specs = [(change, change.spec) for change in changes if change.spec]
    found: dict[str, list[Change]] = {}
    for change, spec in specs:
        found.setdefault(where(spec, named), []).append(change)
    if len(found) <= _FEW_PLACES:
        for place, some in found.items():
            yield place + ("" if len(some) == len(changes) else f"  in {targets(some)}")
        return
    parts = [*most_common(types(spec) for _, spec in specs)]
    used = [(each, spec) for _, spec in specs for each in spec.connectors]
    if len({each for each, _ in used}) > 1:
        names_ = most_common(called(each, spec, named) or each for each, spec in used)
        parts.append(f"{len(names_):,} connectors ({names(names_, _IN_A_LINE)})")
    else:
        parts += [f"connector {connector(*each, named)}" for each in used[:1]]
    at: dict[str, list[str]] = {}
    for _, spec in specs:
        for name, place in places(spec):
            at.setdefault(name, []).append(place)
    parts += [f"{name} {names(most_common(some), _IN_A_LINE)}" for name, some in at.items()]
    yield " · ".join(parts)


def differences(rows: Sequence[Shared]) -> Iterator[tuple[str, str]]:
    """Return signs and words: what all have alike, then values with the targets that have them."""
    for row in rows:
        if row.everywhere:
            yield difference(row.values[0].difference)
        elif len(row.values) <= FEW_VALUES:
            for each in row.values:
                sign, words = difference(each.difference)
                yield sign, f"{words}  in {names(each.targets, _IN_A_LINE)}"
        else:
            signs = {difference(each.difference)[0] for each in row.values}
            sign = signs.pop() if len(signs) == 1 else "~"
            shown = listed([_short(each) for each in row.values])
            which = sum(len(each.targets) for each in row.values)
            number = f"{len(row.values):,} values"
            number += f" in {which:,} targets" if which > len(row.values) else ""
            yield sign, f"{clean(row.pointer)}  {number}: {shown}"


def _short(found: Value) -> str:
    known = [each for each in (found.difference.old, found.difference.new) if each is not MISSING]
    which = clean(found.targets[0]) if len(found.targets) == 1 else f"{len(found.targets):,}"
    words = " → ".join(value(each, _SHORT // len(known)) for each in known)
    return f"{words} in {which}"
