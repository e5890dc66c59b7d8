"""What stands in a doctor's lines, whoever chose the names in them."""

from qflow_gitops.doctor.checklist import Part, examine
from qflow_gitops.results.checks import failed


def test_names_that_nobody_reads_to_their_end_are_cut_and_half_a_command_is_none() -> None:
    name = "a" * 300_000
    checks = (failed("one", name, name, f"`rm {name}`"), failed("two", "b", "c", "`git fetch`"))
    ((_, (long, short)),) = examine([Part("CI", lambda: checks)])
    assert len(long.about) < 1_000
    assert len(long.found) < 5_000
    assert long.found.endswith("…")
    assert long.hint == ""
    assert short == checks[1]
