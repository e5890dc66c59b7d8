"""What a benchmark gives back: a heading, a sentence, and one Markdown table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows of columns, all with the same columns; numbers are shown as they are given."""

    about: str
    rows: Sequence[Mapping[str, str]]

    def markdown(self) -> str:
        columns = list(self.rows[0])
        lines = [
            columns,
            ["---"] * len(columns),
            *([row[one] for one in columns] for row in self.rows),
        ]
        return "\n".join([self.about, "", *(f"| {' | '.join(line)} |" for line in lines)])
