"""Programs of Debian and PyPI that the product is compared with, and what takes long.

`.ci/run` installs them and sets QFLOW_TESTS_PARTNERS=required: then a missing one is a failure.
`.ci/nightly` runs what is marked as `nightly`, with QFLOW_TESTS_NIGHTLY=required: the other rows
of a set of which `.ci/run` has one of each class.
"""

import os
import shutil
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import product
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet

REQUIRED = os.environ.get("QFLOW_TESTS_PARTNERS") == "required"
NIGHTLY = os.environ.get("QFLOW_TESTS_NIGHTLY") == "required"

nightly = pytest.mark.nightly
IN_BOTH_STORES = ("worktree", "branch")
STORES = ("worktree", pytest.param("branch", marks=nightly))
"""Lock stores, for decisions that don't depend on it: `.ci/run` makes them in the work tree, which
costs a third; that the stores are alike tests/contract/test_lockstores.py shows each time."""

Row = TypeVar("Row")


def rows(
    every: Iterable[Row], here: Callable[[Row], object], name: Callable[[Row], str] | None = None
) -> list[ParameterSet]:
    """Return parameters: those of which `here` is true for `.ci/run`, the others for the night.

    A tuple is one value for each parameter; `name` gives a row's id.
    """
    return [
        pytest.param(
            *(row if isinstance(row, tuple) else (row,)),
            marks=() if here(row) else nightly,
            id=name(row) if name else None,
        )
        for row in every
    ]


def one_each(
    every: Sequence[Row],
    kind: Callable[[Row], Hashable],
    name: Callable[[Row], str] | None = None,
) -> list[ParameterSet]:
    """Return parameters: the first row of each kind for `.ci/run`, the others for the night."""
    first = {kind(row): row for row in reversed(every)}
    return rows(every, lambda row: first[kind(row)] is row, name)


def diagonal(*sets: Iterable[object]) -> list[ParameterSet]:
    """Return all combinations; `.ci/run` has so many that each value is in one of them."""
    numbered = [dict(enumerate(values)) for values in sets]
    longest = max(numbered, key=len)
    return [
        pytest.param(
            *(values[number] for values, number in zip(numbered, numbers, strict=True)),
            marks=() if _agree(numbers, numbered, numbers[numbered.index(longest)]) else nightly,
        )
        for numbers in product(*numbered)
    ]


def _agree(numbers: tuple[int, ...], sets: Sequence[Mapping[int, object]], leading: int) -> bool:
    return all(
        number == leading % len(values) for number, values in zip(numbers, sets, strict=True)
    )


def requires(*programs: str) -> pytest.MarkDecorator:
    """Skip where one of these isn't on the PATH, unless all are required."""
    missing = [one for one in programs if not shutil.which(one)]
    return pytest.mark.skipif(
        bool(missing) and not REQUIRED, reason=f"needs {', '.join(missing)}: .ci/run installs it"
    )
