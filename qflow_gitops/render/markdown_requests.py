"""What runs ask for, in Markdown: what changes, or all of it; open where it is little.

What was sent already is folded away. Ids that the table shortens stand here whole.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from qflow_gitops.base.jsondiff import MISSING, Difference
from qflow_gitops.render.describe import difference, run
from qflow_gitops.render.escape import clean
from qflow_gitops.render.grouped import FEW_VALUES, differences, names, who
from qflow_gitops.render.markdown_blocks import Part, block, code, folded, tagged
from qflow_gitops.render.markdown_rows import Row
from qflow_gitops.results.shared import Shared, asked, shared
from qflow_gitops.specs.spec import MASK

OPEN = 24
"""Lines of differences, and of requests, in all that a reader sees without unfolding them."""
_NO_REQUEST = "… and {} more requests, see `qflow-gitops plan`.\n\n"
_FEW_IDS = 3


class _Asked:
    """What one or more runs ask for: a title, about whom, the lines, and the whole ids beside."""

    def __init__(self, some: Sequence[Row]) -> None:
        changes = [row.change for row in some]
        self.differs = any(change.since for change in changes)
        self.who = who(changes) if len(changes) > 1 else run(changes[0])
        several = "The requests of" if len(changes) > 1 else "The request of"
        self.title = "What changes in" if self.differs else several
        self.language = "diff" if self.differs or len(changes) > 1 else "json"
        self.lines = list(_lines(some, self.language))
        self.sent = any(row.execution for row in some)
        self.ids = _ids(some, whole=self.language == "json")

    def written(self, *, open_: bool) -> str:
        """Return it as Markdown."""
        shown = block("\n".join(self.lines), self.language)
        shown = f"{self.ids}\n\n{shown}" if self.ids else shown
        if open_:
            return f"**{self.title}** {code(self.who)}\n\n{shown}\n"
        return folded(f"{self.title} {tagged(self.who)}", shown)


def requests(some: Sequence[Sequence[Row]]) -> Part:
    """Write what each line of the table asks for; differences first, as a reviewer wants them."""
    every = sorted(map(_Asked, some), key=lambda each: not each.differs)
    entries: list[str] = []
    room = OPEN
    for _, alike in groupby(every, key=lambda each: each.differs):
        these = list(alike)
        room -= sum(len(each.lines) for each in these if not each.sent)
        entries += [each.written(open_=room >= 0 and not each.sent) for each in these]
    return Part(entries, more=_NO_REQUEST)


def _ids(some: Sequence[Row], *, whole: bool) -> str:
    """Return ids as they are typed, but for those that a `whole` request shows."""
    specs = [row.change.spec for row in some if row.change.spec]
    found: list[str] = []
    if not whole:
        found += dict.fromkeys(f"workflow {spec.workflow_id}" for spec in specs)
        used = dict.fromkeys(f"connector {each}" for spec in specs for each in spec.connectors)
        found += list(used) if len(used) <= _FEW_IDS else []
    started = [f"execution {row.execution}" for row in some if row.execution]
    return " · ".join(code(each) for each in [*found, *started][: 2 * _FEW_IDS])


def _lines(some: Sequence[Row], language: str) -> Iterator[str]:
    changes = [row.change for row in some]
    if len(changes) > 1:
        for row in shared(changes, whole=True):
            yield from _shared(row)
    elif language == "diff":
        for each in asked(changes[0]):
            yield from _difference(each)
    elif spec := changes[0].spec:
        request = {"workflowId": spec.workflow_id, **spec.masked}
        yield from map(clean, json.dumps(request, indent=2, ensure_ascii=False).splitlines())


_DIFF = {"+": "+", "-": "-", "~": "!"}
"""How the signs of a difference are coloured."""


def _shared(row: Shared) -> Iterator[str]:
    """Write what targets have at one place: whole, unless there are many values."""
    if len(row.values) > FEW_VALUES:
        yield from (f"{_DIFF[sign]} {words}" for sign, words in differences([row]))
        return
    for each in row.values:
        if not row.everywhere:
            yield f"@@ {names(each.targets)} @@"
        yield from _difference(each.difference)


def _difference(found: Difference) -> Iterator[str]:
    """Write old and new below one another, whole: a change at a value's end must show."""
    if found.old == found.new == MASK:
        yield f"! {difference(found)[1]}"
        return
    for sign, value in (("-", found.old), ("+", found.new)):
        if value is not MISSING:
            yield f"{sign} {clean(found.pointer)}  {clean(json.dumps(value, ensure_ascii=False))}"
