"""A second of `tests.fuzz`, so that it can't rot."""

from tests.fuzz import run


def test_nothing_is_raised() -> None:
    *found, (count, _, _) = run(1.0, seed=1, at_least=21)
    assert found == []
    assert count > 20
