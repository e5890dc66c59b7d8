"""Notices as a message of a Slack incoming webhook. Pure.

Facts [documented] (docs.slack.dev): a message has `text`, which notifications show where `blocks`
hold the rest, and in which `&`, `<` and `>` stand for themselves as `&amp;`, `&lt;` and `&gt;`
(reference: formatting text); a text object of type `plain_text` has no formatting, and at most
3,000 characters (reference/block-kit: text object); a message has at most 50 blocks; one message a
second may be sent, more is answered with 429 and Retry-After (rate limits). `ok` is the answer to
what arrived, any status but 200 says that it didn't (changelog 2016-05-17). [not documented]:
whether a `plain_text` becomes a link by itself where an address stands in it; it has no other
target than what is read.
"""

import json
from collections.abc import Sequence

from qflow_gitops.notify.summing import cut, facts, heading
from qflow_gitops.ports.notices import Told

CONTENT_TYPE = "application/json; charset=utf-8"
MOST = 20
_LONGEST = 2_900


def body(told: Sequence[Told]) -> bytes:
    """Return one message with all of these notices."""
    blocks = []
    for each in told:
        text = cut("\n".join((each.title, *facts(each))), _LONGEST)
        blocks.append(
            {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}
        )
    message = {
        "text": _escaped(heading(told)),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return json.dumps(message, separators=(",", ":")).encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
