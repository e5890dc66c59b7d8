"""The document of environments and commands: written from cells, and read again."""

import re
from collections.abc import Iterator

from tests.helpers.cells import Cell
from tests.helpers.environments import ALONE, CALLS, ENVIRONMENTS, LOOKS, RECORDS, WRITES

KINDS = (LOOKS, RECORDS, WRITES, ALONE)
Table = dict[str, dict[str, Cell]]
NOT_RUN = "-"
_NOTE = re.compile(r"\[\^([0-9]+)\]: (.*)")
_CELL = re.compile(r"([^\[\s]+)(?:\[\^([0-9]+)\])?")
_HEAD = """\
# Environments

What each command does where something about the machine, the clone or git's configuration isn't
as usual. The tests make these tables (`tests/integration/test_environments.py`): they run each
command in each environment, on a repository with a run that was sent, one in doubt, one that has
changed and a new one, and compare what it answers, sends, records and writes.

- `✓`: as on an ordinary machine. With a note: it does the same, and says what it couldn't show.
- A number is the exit code. The note is the way on that the command told. The test took it, once
  for each table, and after it the command was as on an ordinary machine. Nothing was sent before;
  `0`: it held what it couldn't judge.
- Where stdout is lost, all was done, and the exit code says that its result reached nobody.
- `-`: not run there. Whether a repository is trusted is only asked by git, so there the commands
  that start it in each way there is stand for the others.
"""


def written(table: Table) -> str:
    """Write the document."""
    notes: dict[str, int] = {}
    parts = [_HEAD]
    for kind in KINDS:
        columns = [name for name, call in CALLS.items() if call.kind == kind]
        rows = [name for name in ENVIRONMENTS if {*columns} & {*table.get(name, {})}]
        if not rows:
            continue
        lines = [["", *(f"`{one}`" for one in columns)]]
        for row in rows:
            cells = table[row]
            lines.append([row, *(_cell(cells.get(one), notes) for one in columns)])
        parts.append(f"\n## {kind}\n\n" + "".join(_padded(lines)))
    parts.append("\n")
    parts += [f"[^{number}]: {note}\n" for note, number in notes.items()]
    return "".join(parts)


def _cell(cell: Cell | None, notes: dict[str, int]) -> str:
    if cell is None:
        return NOT_RUN
    if not cell.note:
        return cell.mark
    return f"{cell.mark}[^{notes.setdefault(cell.note, len(notes) + 1)}]"


def _padded(lines: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines = [lines[0], ["-" * width for width in widths], *lines[1:]]
    for line in lines:
        padded = (one.ljust(width) for one, width in zip(line, widths, strict=True))
        yield f"| {' | '.join(padded)} |\n"


def read(text: str) -> Table:
    """Read the document's cells."""
    notes = dict(_NOTE.findall(text))
    found: Table = {name: {} for name in ENVIRONMENTS}
    columns: list[str] = []
    for line in text.splitlines():
        if line[:2] != "| ":
            continue
        first, *rest = (one.strip() for one in line.strip("|").split(" | "))
        if not first:
            columns = [one.strip("`") for one in rest]
        elif not first.startswith("--"):
            cells = found.setdefault(first, {})
            for column, one in zip(columns, rest, strict=True):
                if one != NOT_RUN:
                    match = _CELL.fullmatch(one)
                    assert match, one
                    cells[column] = Cell(match[1], notes[match[2]] if match[2] else "")
    return {name: cells for name, cells in found.items() if cells}
