"""Each fault of the field has a test that is marked with it (see `tests/helpers/faults`).

The kind: a fault that is fixed and can come back, since nothing shows where it is looked for.
"""

from tests.helpers.faults import FAULTS, marked


def test_each_fault_has_a_test() -> None:
    assert sorted(FAULTS.keys() - marked().keys()) == []


def test_no_test_is_about_an_unknown_fault() -> None:
    assert {one: where for one, where in marked().items() if one not in FAULTS} == {}
