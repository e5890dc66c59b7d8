"""The runs of a plan as a table in Markdown: names first, ids shortened.

Whole ids stand beside the requests (`markdown_requests`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from qflow_gitops.base.names import RunKey
from qflow_gitops.plan.change import Change
from qflow_gitops.render.describe import where
from qflow_gitops.render.grouped import FEW, targets, wheres, who
from qflow_gitops.render.markdown_blocks import FOLD_END, Part, cell, code, link, unfolded_start
from qflow_gitops.render.markdown_holds import MANY
from qflow_gitops.render.marks import first_blocks
from qflow_gitops.results.groups import alike, bundled
from qflow_gitops.results.pages import file_page
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.reviews import ReviewStatus
from qflow_gitops.specs.spec import RunSpec

_MANY_ROWS = 50
_NO_ROW = "… and {} more runs, see `qflow-gitops plan`.\n\n"
_LOUD = (ReviewStatus.FAILED, ReviewStatus.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Row:
    """A run in the table. `state` is Markdown of the program's own, "" for no such column.

    `standing` is what of the state several targets of a spec can have alike in one line,
    `execution` the whole id of what it started, "" for none.
    """

    change: Change
    why: str
    state: str = ""
    standing: str = ""
    execution: str = ""

    @property
    def key(self) -> RunKey:
        """Environment and name."""
        return self.change.key


def lines(rows: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    """Put rows into one line that are alike, of targets of one spec; but for a few that failed."""
    for some in bundled(rows):
        for same in alike(some, lambda row: (row.why, row.standing)):
            if same[0].standing in _LOUD and len(same) <= FEW:
                yield from ((row,) for row in same)
            else:
                yield same


def table(some: Sequence[Sequence[Row]], body: Planned) -> Part:
    """Write the table, folded away where it is long."""
    stated = any(row.state for rows in some for row in rows)
    titles = ["Run", *(["State"] if stated else []), "Why", "Where", "Workflow", "File"]
    start = f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n"
    end = "\n"
    many = len(some) > _MANY_ROWS  # without links then: rows are worth more
    if many:
        start, end = unfolded_start("The runs") + start, FOLD_END
    pages = "" if many else body.pages
    return Part([_line(rows, body, pages, stated=stated) for rows in some], start, end, _NO_ROW)


def _line(some: Sequence[Row], body: Planned, pages: str, *, stated: bool) -> str:
    changes, spec = [row.change for row in some], some[0].change.spec
    several = len(some) > 1
    run_ = cell(who(some)) + (f" {cell(targets(some))}" if several else "")
    state = some[0].standing if several else some[0].state
    cells = [run_, *([state] if stated else []), cell(some[0].why)]
    if spec:
        places = " ".join(cell(first_blocks(each)) for each in wheres(changes, body.names))
        page = file_page(pages, body.commit, spec.file)
        cells += [places, cell(_workflow(spec, body)), link(cell(spec.file), page)]
    return f"| {' | '.join(cells)} |\n"


def _workflow(spec: RunSpec, body: Planned) -> str:
    named = body.workflow_name(spec.workflow_id)
    return ", ".join(filter(None, (named, first_blocks(spec.workflow_id))))


def summed_up(some: Sequence[Sequence[Row]], body: Planned) -> str:
    """Say what many runs have in common, so that nobody has to read each of them."""
    if len(some) <= MANY:
        return ""
    rows = [row for each in some for row in each]
    specs = [row.change.spec for row in rows if row.change.spec]
    said = [
        _counted("Why", Counter(row.why for row in rows)),
        _counted("Workflows", Counter(_workflow(spec, body) for spec in specs)),
        _counted("Where", Counter(first_blocks(where(spec, body.names)) for spec in specs)),
    ]
    return "".join(said) + "\n"


def _counted(title: str, counts: Counter[str]) -> str:
    shown = [f"{code(name)} {number:,}" for name, number in counts.most_common(5)]
    others = sum(counts.values()) - sum(number for _, number in counts.most_common(5))
    more = [f"{others:,} others"] if others else []
    return f"- {title}: {', '.join([*shown, *more])}\n"
