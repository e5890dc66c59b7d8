"""Turn a report into text: one format a file. Pure: what is written where, the console decides.

A new format is one file here, one line in `FORMATS`, and a word at the commands that take it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from qflow_gitops.results.report import Report


def _format(name: str) -> Callable[[Report], str]:
    """Load a format's file when something is rendered with it."""

    def render(report: Report) -> str:
        rendered: str = import_module(f"qflow_gitops.render.{name}").render(report)
        return rendered

    return render


RESULTS = ("text", "json", "markdown")
"""The formats that render every kind of result."""

COPIES = (*RESULTS, "outputs")
"""The formats of which every command writes copies."""

FORMATS: Mapping[str, Callable[[Report], str]] = {
    name: _format(name)
    for name in (*COPIES, "sarif", "junit", "github", "csv", "html", "ocsf", "matrix", "gitlab")
}
"""Each gives the whole text, with a newline at its end.

`sarif`, `junit` and `github` only show findings, `csv`, `html` and `ocsf` only the report for an
audit, `matrix` and `gitlab` only whose turn it is in a fleet.
"""

_BIT_BY_BIT = ("json", "html", "ocsf")
"""The formats in which all that was ever sent is long."""


def pieces(name: str, report: Report) -> Iterator[str]:
    """Return what a format gives, bit by bit where it is long."""
    if name in _BIT_BY_BIT:
        yield from import_module(f"qflow_gitops.render.{name}").pieces(report)
    else:
        yield FORMATS[name](report)
