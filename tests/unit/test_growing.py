"""A mapping that grows is a dict to its readers, and never copied to grow."""

from collections.abc import Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.lockfile.growing import grown

entries = st.dictionaries(st.integers(0, 50), st.integers(), max_size=8)


@given(entries, st.lists(entries, max_size=30))
def test_it_is_what_a_dict_would_be(first: dict[int, int], steps: list[dict[int, int]]) -> None:
    mapping: Mapping[int, int] = first
    expected, before = dict(first), []
    for step in steps:
        before.append((mapping, dict(expected)))
        mapping = grown(mapping, step)
        expected |= step
        assert all(mapping.get(key) == expected.get(key) for key in range(51))
    assert list(mapping.items()) == list(expected.items())
    assert mapping == expected
    assert len(mapping) == len(expected)
    for earlier, then in before:
        assert list(earlier.items()) == list(then.items()), "what it grew from has changed"


class Counted(Mapping[str, int]):
    """Says how often somebody went through all of it."""

    def __init__(self, content: dict[str, int]) -> None:
        self.content, self.walks = content, 0

    def __getitem__(self, key: str) -> int:
        return self.content[key]

    def __iter__(self) -> Iterator[str]:
        self.walks += 1
        return iter(self.content)

    def __len__(self) -> int:
        return len(self.content)


def test_what_was_there_is_seldom_walked_through() -> None:
    old = Counted({f"old-{number}": number for number in range(10_000)})
    mapping: Mapping[str, int] = old
    for number in range(100):
        mapping = grown(mapping, {f"new-{number}": number})
        assert mapping[f"new-{number}"] == number
        assert mapping["old-7"] == 7
    assert old.walks == 0
    assert len(mapping) == 10_100
    assert old.walks == 1
