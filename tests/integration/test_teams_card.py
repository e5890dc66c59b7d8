"""A card for Teams in the library that Microsoft publishes for cards: it shows what is written."""

import json
from typing import Any

from qflow_gitops.notify import teams
from tests.helpers.browser import opened, window
from tests.helpers.node import NODE, requires_node
from tests.helpers.partners import nightly
from tests.unit.notify.stories import HOSTILE, hostile

SHOWN = """card => {
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = `<a href="https://made.example">${text}</a>`;
    result.didProcess = true;
  };
  const read = new AdaptiveCards.AdaptiveCard(), seen = new AdaptiveCards.SerializationContext();
  read.parse(card, seen);
  const made = read.render();
  document.body.replaceChildren(made);
  return {
    text: made.innerText,
    made: made.querySelectorAll("a, img, script, b, i").length,
    wrong: seen.eventCount + read.validateProperties().validationEvents.length,
  };
}"""
"""Reads a card and shows it; whatever is taken for Markdown becomes a link."""


DATE = "{{DATE(2017-02-14T06:08:39Z, SHORT)}}"


def card(text: str) -> Any:
    return json.loads(teams.body([hostile(text)]))["attachments"][0]["content"]


@requires_node
@nightly
def test_a_card_shows_what_people_write_and_makes_nothing_of_it() -> None:
    with opened() as browser, window(browser) as seen:
        seen.page.set_content("<!doctype html><title>card</title>")
        seen.page.evaluate((NODE / "adaptivecards/dist/adaptivecards.min.js").read_text("utf-8"))
        for text in HOSTILE:
            shown = seen.page.evaluate(SHOWN, card(text))
            assert (shown["made"], shown["wrong"]) == (0, 0), text
            first = hostile(text).title
            assert shown["text"].replace("\u200b", "").startswith(first[:100]), text
        markdown = {**card("x"), "body": [{"type": "TextBlock", "text": "[a](https://b.example)"}]}
        assert seen.page.evaluate(SHOWN, markdown)["made"] == 1  # so it would have been seen
        dated = json.loads(json.dumps(card(DATE)).replace("\\u200b", ""))
        assert (
            "2017-02-14" not in seen.page.evaluate(SHOWN, dated)["text"]
        )  # why braces are divided
        assert seen.troubles == []
