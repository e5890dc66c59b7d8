"""A policy's patterns: the whole value, and never more time than the value's length.

The kind: an expression of the settings that is held against text of a pull request.
"""

import time

import pytest

from qflow_gitops.policy.patterns import is_pattern, matches


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("CHG[0-9]{7}", "CHG0012345", True),
        ("CHG[0-9]{7}", "CHG0012345\n", False),
        ("CHG[0-9]{7}", "x CHG0012345", False),
        ("a|ab", "ab", True),
        ("a$|b", "a\nb", False),
        ("(?m)^a$", "a\nb", False),
        (r"\d+", "١٢", False),
        ("é+", "éé", True),
        ("(?i)chg", "CHG", True),
    ],
)
def test_the_whole_text_has_to_match(pattern: str, text: str, expected: bool) -> None:
    assert is_pattern(pattern)
    assert matches(pattern, text) is expected


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*b", "(?:a{0,9})+b"])
def test_no_text_keeps_it_busy(pattern: str) -> None:
    begun = time.process_time()
    assert not matches(pattern, "a" * 100_000)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "pattern",
    ["CHG[", "(", "a)|(?:b", "(?=a)a", "(?<!a)b", r"(a)\1", "(a{0,500}){0,500}", "(?x)a # b"],
)
def test_what_it_cant_take_is_no_pattern_and_lets_nothing_through(pattern: str) -> None:
    assert not is_pattern(pattern)
    assert not matches(pattern, "a")
    assert not matches(pattern, pattern)
