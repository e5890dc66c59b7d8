"""Notices as a message of a Teams incoming webhook: one Adaptive Card. Pure.

Facts [documented]: a message has `type: message` and `attachments`, each with the content type
`application/vnd.microsoft.card.adaptive` (learn.microsoft.com, "Create and send messages"), to the
address of a workflow as to that of a connector; it has at most 28 KB (learn.microsoft.com,
"Limits and specifications for Teams"); a RichTextBlock, of version 1.2, takes no Markdown, and only
a TextBlock does (learn.microsoft.com/adaptive-cards, "Text features"); `<at>` mentions somebody
only where `msteams.entities` names whom ("Format cards in Microsoft Teams"), which is never sent.
A connector may answer 200 with an error in its text ("Rate limiting for connectors"). [observed] in
the library of npm's `adaptivecards`: `{{DATE(…)}}` in a TextRun is shown as a date, so such a pair
of braces is divided.
"""

import json
import re
from collections.abc import Sequence

from qflow_gitops.notify.summing import cut, facts
from qflow_gitops.ports.notices import Told

CONTENT_TYPE = "application/json; charset=utf-8"
MOST = 20
_LONGEST = 900
"""Bytes of one notice: 20 of them are less than 28 KB with all that is around them."""


_SECOND = re.compile(r"(?<=\{)\{")


def body(told: Sequence[Told]) -> bytes:
    """Return one message with all of these notices."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": [block for each in told for block in _blocks(each)],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    message = {"type": "message", "attachments": [attachment]}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def _blocks(told: Told) -> list[dict[str, object]]:
    title = _plain(told.title, _LONGEST // 2)
    *known, at = facts(told)  # a time at the end of a line is divided where it has a hyphen
    rest = _plain(" · ".join((at, *known)), _LONGEST - len(title.encode()))
    return [
        _block({"text": title, "weight": "bolder"}, separator=True),
        _block({"text": rest, "isSubtle": True}, separator=False),
    ]


def _block(run: dict[str, object], *, separator: bool) -> dict[str, object]:
    inlines = [{"type": "TextRun", **run}]
    return {"type": "RichTextBlock", "separator": separator, "inlines": inlines}


def _plain(text: str, most: int) -> str:
    """Return a text of at most so many bytes in which nothing is evaluated."""
    return cut(_SECOND.sub("\u200b{", text), most, size=lambda part: len(part.encode()))
