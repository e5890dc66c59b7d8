"""Report -> text: one format a file. Pure: what is written where is the console's business.

A new format is one file here and one line in `FORMATS`.
"""

from collections.abc import Callable, Mapping

from qflow_gitops.report import Report


def _text(report: Report) -> str:
    from qflow_gitops.output import text

    return text.render(report)


def _json(report: Report) -> str:
    from qflow_gitops.output import json

    return json.render(report)


def _markdown(report: Report) -> str:
    from qflow_gitops.output import markdown

    return markdown.render(report)


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
}
"""Each gives the whole text, with a newline at its end; "" where there is nothing to say."""
