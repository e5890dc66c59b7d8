"""No hint without somebody who did what it says."""

import json
from functools import cache
from pathlib import Path

from tests.helpers.hinttexts import Text, hints

TESTS = Path(__file__).parents[1]
ELSEWHERE: dict[str, str] = {}
"""Text -> why no scenario of `tests/helpers/scenarios` comes to it."""


@cache
def _carried_out() -> str:
    """What `tests/integration/test_hints.py` did, and what is said of each invalid file."""
    told = [one.read_text("utf-8") for one in (TESTS / "integration/hints").iterdir()]
    for file in (TESTS / "cases").rglob("expected.json"):
        told += [one.get("hint", "") for one in json.loads(file.read_text("utf-8"))]
    return "\n".join(told)


def _left(one: Text) -> bool:
    return one.text not in ELSEWHERE and not one.is_in(_carried_out())


def test_every_hint_is_carried_out() -> None:
    """By a scenario (see `tests/helpers/scenarios`), or it stands above why it can't be."""
    left = [f"{one.where} {one.text!r}" for one in hints() if _left(one)]
    assert left == []
