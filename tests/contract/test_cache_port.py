"""What is kept between commands, in a folder or in memory, is given back as it was."""

from pathlib import Path

import pytest

from qflow_gitops.cache.database import SqliteCache as KeptInFolder
from qflow_gitops.ports.cache import Cache
from tests.fakes.cache import FakeCache


@pytest.fixture(params=["folder", "fake"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Cache:
    return FakeCache() if request.param == "fake" else KeptInFolder(tmp_path / "verdicts")


def test_of_what_was_never_kept_nothing_is_known(cache: Cache) -> None:
    assert dict(cache.verdicts("settings", ["1" * 40])) == {}
    assert cache.answer("settings") is None
    assert cache.content("survey") is None
    assert cache.tool


def test_verdicts_are_known_in_their_context(cache: Cache) -> None:
    one, two = {"1" * 40: (7, "fine")}, {"2" * 40: (8, "odd")}
    cache.keep_verdicts("settings", one)
    cache.keep_verdicts("settings", two)
    assert {**one, **two}.items() <= dict(cache.verdicts("settings", [*one, *two])).items()
    assert dict(cache.verdicts("others", [*one])) == {}


def test_answers_are_json_and_the_last_one_counts(cache: Cache) -> None:
    cache.keep_answer("settings", [1, {"a": None}])
    cache.keep_answer("settings", (2, "b"))
    cache.keep_answer("others", True)
    assert cache.answer("settings") == [2, "b"]
    assert cache.answer("others") is True


def test_contents_are_bytes(cache: Cache) -> None:
    cache.keep_content("survey", b"\x00\xff")
    cache.keep_content("survey", b"\x00\xfe")
    assert cache.content("survey") == b"\x00\xfe"
