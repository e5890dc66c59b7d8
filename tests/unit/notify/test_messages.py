"""Bodies for Slack and Teams, held against what their own libraries take."""

import json
from typing import Any

import pytest
from slack_sdk.models.blocks import Block, PlainTextObject, SectionBlock

from qflow_gitops.notify import cloudevents, slack, teams
from qflow_gitops.notify.telling import told
from tests.unit.notify.stories import HOSTILE, hostile, many

CARDS_LIMIT = 28 * 1024
"""Bytes of a message of Teams."""


def strings(data: Any) -> list[str]:
    """Every text of a message, at any depth."""
    if isinstance(data, dict):
        return [text for value in data.values() for text in strings(value)]
    if isinstance(data, list):
        return [text for value in data for text in strings(value)]
    return [data] if isinstance(data, str) else []


@pytest.mark.parametrize("text", HOSTILE)
def test_slack_shows_what_people_write_as_it_is(text: str) -> None:
    """In blocks nothing is parsed; in what a notification shows, nothing begins a mention."""
    message = json.loads(slack.body([hostile(text)] * 20))
    assert message.keys() == {"text", "blocks", "unfurl_links", "unfurl_media"}
    assert "<" not in message["text"]
    assert ">" not in message["text"]
    assert len(message["blocks"]) == 20
    for block in Block.parse_all(message["blocks"]):
        assert isinstance(block, SectionBlock)
        assert isinstance(block.text, PlainTextObject)
        block.validate_json()


@pytest.mark.parametrize("text", HOSTILE)
def test_teams_shows_what_people_write_as_it_is(text: str) -> None:
    """Only in elements that take no Markdown, and without anybody who could be mentioned."""
    body = teams.body([hostile(text)] * 20)
    assert len(body) < CARDS_LIMIT
    message = json.loads(body)
    (attachment,) = message["attachments"]
    card = attachment["content"]
    assert card.keys() == {"$schema", "type", "version", "body"}
    kinds = {block["type"] for block in card["body"]}
    kinds |= {each["type"] for block in card["body"] for each in block["inlines"]}
    assert kinds == {"RichTextBlock", "TextRun"}
    assert not any("{{" in each for each in strings(card))


def test_teams_says_when_it_was_first_so_that_no_long_text_cuts_it_off() -> None:
    long = hostile("x" * 4_000)
    card = json.loads(teams.body([long]))["attachments"][0]["content"]
    rest = card["body"][1]["inlines"][0]["text"]
    assert rest.startswith(f"{long.notice.at} · ")
    assert rest.endswith("…")


@pytest.mark.parametrize("text", HOSTILE)
def test_an_event_is_ascii_and_says_what_people_write_as_data(text: str) -> None:
    body = cloudevents.body(hostile(text))
    assert body.isascii()
    assert json.loads(body)["type"] == "qflow_gitops.held"


def test_several_notices_are_one_message_that_says_so() -> None:
    lockfile = many(3)
    message = json.loads(slack.body([told(lockfile, each) for each in lockfile.outbox.notices]))
    assert message["text"] == "Runs are held in prod, and 2 more"
    assert [block["text"]["text"].splitlines()[0] for block in message["blocks"]] == [
        "Runs are held in prod"
    ] * 3
