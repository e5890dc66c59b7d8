"""A small run of the benchmarks, so that they can't rot; what they measure is no promise here."""

import pytest

from tests.benchmarks import apply, speed


def test_what_looking_costs() -> None:
    table = speed.measure(small=True)
    found = {row["what"]: row for row in table.rows}
    assert {"validate, cold", "plan, 10 changed", "plan --full", "--version"} <= set(found)
    for row in found.values():
        assert float(row["wall ms"]) > 0
        assert 0 < float(row["peak MiB"]) < 200
    assert float(found["git status"]["peak MiB"]) < float(found["import click"]["peak MiB"])
    assert table.markdown().count("\n| ") > 9


@pytest.mark.slow
def test_what_an_apply_costs() -> None:
    (row,) = apply.measure(small=True).rows
    assert row["runs"] == "100"
    assert float(row["ratio"]) > 1
