"""Targets of one spec, told together: nothing is lost, nothing hidden is shown, commands reach."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.base.jsondiff import Difference
from qflow_gitops.plan.change import Action, Change, Plan, Reason
from qflow_gitops.render import comment
from qflow_gitops.render.formats import FORMATS
from qflow_gitops.render.grouped import names
from qflow_gitops.results.groups import (
    Entry,
    blocks,
    bundled,
    entry_of,
    overviews,
)
from qflow_gitops.results.plans import LockSeen, Planned
from qflow_gitops.results.report import Report
from qflow_gitops.results.reviews import Proposal, Review, ReviewStatus
from qflow_gitops.results.shared import hiding_alike, shared
from qflow_gitops.specs.spec import RunSpec
from tests.helpers.values import replace


def a_spec(name: str, given: dict[str, Any], sensitive: Sequence[str] = ()) -> RunSpec:
    return RunSpec(
        "prod", name, "w", ("aws",), {}, given, 0, {}, {}, "", tuple(sensitive), "runs/a.yaml", 0
    )


def added(name: str, given: dict[str, Any], sensitive: Sequence[str] = ()) -> Change:
    spec = a_spec(name, given, sensitive)
    return Change(Action.RUN, Reason.ADDED, "prod", name, "never sent before", spec=spec)


def failed(name: str, command: str = "apply --retry", reason: Reason = Reason.FAILED) -> Change:
    hint = f"`qflow-gitops {command} prod/{name}`, or change the spec"
    at = f"2026-01-01T00:00:{len(name):02}Z"
    spec = a_spec(name, {"a": name})
    return Change(Action.HOLD, reason, "prod", name, f"attempt 1 failed at {at}", hint, spec)


def shown(changes: Sequence[Change], format_name: str) -> str:
    body = Planned(Plan(tuple(changes), {"prod": "US1"}), "c" * 40, "", True, LockSeen("x", False))
    return FORMATS[format_name](Report("plan", body=body))


# --- what is put together ------------------------------------------------------------

RUNS = st.lists(
    st.sampled_from(["a", "a-b", "a/x", "a/y", "a/z.eu-1", "b/x", "b", "a-b/x"]), unique=True
)


@given(RUNS, st.booleans())
def test_every_run_is_in_one_group_and_a_group_is_of_one_spec(runs: list[str], apart: bool) -> None:
    entries = [Entry(("prod", run), "", named=False) for run in runs]
    groups = bundled(entries, apart=apart)
    assert sorted(entry.key[1] for some in groups for entry in some) == sorted(runs)
    for some in groups:
        assert len({entry.key[1].split("/")[0] for entry in some}) == 1
        assert len(some) == 1 or (not apart and all("/" in entry.key[1] for entry in some))


@given(RUNS, st.data())
def test_every_decision_is_in_one_block_in_any_mixture(
    runs: list[str], data: st.DataObject
) -> None:
    kinds = st.sampled_from([failed, lambda run: added(run, {"a": run})])
    changes = [data.draw(kinds)(run) for run in runs]
    found = list(blocks(changes, changes))
    assert sorted(c.name for block in found for c in block.changes) == sorted(runs)
    for block in found:
        for told in block.told:
            assert {change.reason for change in told.changes} == {told.reason}


def test_what_is_said_of_each_becomes_one_sentence() -> None:
    (block,) = blocks([failed("a/x"), failed("a/long")], [])
    ((reason, detail, changes),) = block.told
    assert (reason, detail, len(changes)) == (Reason.FAILED, "attempt 1 failed at …", 2)


def test_a_total_that_isnt_all_told_is_said() -> None:
    changes = [added("a/x", {}), failed("a/y")]
    (found,) = overviews(map(entry_of, changes), {("prod", "a"): 120})
    assert found.counts == (
        ("now", 1, ("x",)), ("held", 1, ("y",)), ("with nothing to do", 118, ()),
    )  # fmt: skip
    assert not overviews([entry_of(added("a/x", {})), entry_of(added("b", {}))])


# --- commands ------------------------------------------------------------------------


def test_one_command_where_it_reaches_no_other() -> None:
    retried = [failed("a/x"), failed("a/y"), failed("a/z", reason=Reason.REFUSED)]
    (block,) = blocks(retried, [*retried, added("a/new", {}), failed("b/x")])
    assert block.way == "`qflow-gitops apply --retry prod/a`, or change the spec"
    assert [told.reason for told in block.told] == [Reason.FAILED, Reason.REFUSED]


def test_a_run_of_the_specs_name_is_another_one() -> None:
    """A spec's name means that one too: removed meanwhile, or still there under an error."""
    retried = [failed("a/x"), failed("a/y")]
    (block,) = blocks(retried, [*retried, failed("a")])
    assert block.way.startswith("`qflow-gitops apply --retry prod/a/x --retry prod/a/y`,")


@pytest.mark.parametrize("number", [2, 5, 6])
def test_a_baseline_declares_no_target_beside_those_told(number: int) -> None:
    """One of the spec's targets is due: the spec's name would declare that one as well."""
    held = [failed(f"a/{n}", "baseline") for n in range(number)]
    (block,) = blocks(held, [*held, added("a/new", {})])
    said = "".join([block.way, *(each.command for each in block.at_once)])
    runs = set(re.findall(r"prod/a\S*?(?=[ `])", said))
    assert "prod/a" not in runs
    assert len(runs) == (number if number <= 5 else 1)
    assert block.own == (number > 5)


# --- requests ------------------------------------------------------------------------


def test_what_is_sensitive_in_one_is_shown_of_none() -> None:
    """What the spec shares is the value of each, whichever says that it is to be hidden."""
    given = {"token": "s3cret", "deep": {"key": "s3cret"}, "a": 1}
    changes = [
        added("a/x", given),
        added("a/y", given, ["/input/token", "/input/deep"]),
        added("a/z", {**given, "a": 2}),
    ]
    for some in (changes, changes[:2]):
        for format_name in ("text", "markdown"):
            text = shown(some, format_name)
            assert "s3cret" not in text
            assert "(sensitive)" in text


def test_what_ran_stays_hidden_in_a_comment() -> None:
    """Its requests are shown still, when all of them are done."""
    given = {"token": "s3cret"}
    changes = [
        each._replace(action=Action.SKIP, reason=Reason.ALREADY_RAN)
        for each in (added("a/x", given), added("a/y", given, ["/input/token"]))
    ]
    body = Planned(Plan(tuple(changes), {"prod": "US1"}), "c", "", True, LockSeen("x", False))
    done = [Proposal(each, "added", ReviewStatus.SUCCEEDED) for each in changes]
    text = comment.render(Review("prod", 1, body, ReviewStatus.DONE, "d", tuple(done)))
    assert "s3cret" not in text
    assert '+ /input/token  "(sensitive)"' in text


def test_a_place_that_one_hides_is_hidden_of_all() -> None:
    changes = [
        added("a/x", {}),
        added("a/y", {}, ["/variables/region"]),
        added("a", {}),
        added("b/x", {}),
    ]
    placed = [
        each._replace(spec=replace(each.spec, variables={"region": "us-east-1"}))
        for each in changes
    ]
    for format_name in ("text", "markdown"):
        assert shown(placed, format_name).count("us-east-1") in (2, 4)
        assert "us-east-1" not in shown(placed[:2], format_name)
    changed = hiding_alike(placed, placed)
    same = [one.spec is old.spec for one, old in zip(changed, placed, strict=True)]
    assert same == [False, True, True, True]


def test_a_sensitive_difference_stays_hidden() -> None:
    since = (Difference("/input/token", "0ld", "n3w"),)
    changes = [
        added("a/x", {"token": "n3w"})._replace(reason=Reason.MODIFIED, since=since),
        added("a/y", {"token": "n3w"}, ["/input/token"])._replace(
            reason=Reason.MODIFIED,
            since=(Difference("/input/token", "(sensitive)", "(sensitive)"),),
        ),
    ]
    for format_name in ("text", "markdown"):
        text = shown(changes, format_name)
        assert "0ld" not in text
        assert "n3w" not in text


def test_a_change_at_a_long_values_end_shows_in_a_comment() -> None:
    long = "x" * 200
    since = (Difference("/input/a", long + "1", long + "2"),)
    changes = [
        added(f"a/{n}", {"a": long + "2"})._replace(reason=Reason.MODIFIED, since=since)
        for n in "xy"
    ]
    assert f'+ /input/a  "{long}2"\n' in shown(changes, "markdown")
    mixed = [*changes, added("a/z", {"a": 0})._replace(reason=Reason.MODIFIED, since=())]
    assert f'@@ x, y @@\n- /input/a  "{long}1"\n' in shown(mixed, "markdown")


def test_values_say_whose_they_are() -> None:
    changes = [added(f"a/{n}", {"n": n % 4, "all": True, "one": n == 3}) for n in range(8)]
    rows = {row.pointer: row for row in shared(changes)}
    assert rows["/input/all"].everywhere
    assert [len(value.targets) for value in rows["/input/one"].values] == [7, 1]
    text = shown(changes, "text")
    assert "/input/n  4 values in 8 targets: 0 in 2, 1 in 2, 2 in 2, 3 in 2" in text
    assert "+ /input/one  true  in 3\n" in text
    assert text.index("/input/all") < text.index("/input/n")


def test_true_and_one_are_two_values() -> None:
    changes = [added("a/x", {"n": 1}), added("a/y", {"n": True}), added("a/z", {"n": None})]
    ((row),) = shared(changes)
    assert len(row.values) == 3


# --- names ---------------------------------------------------------------------------


@given(st.lists(st.text("abc-.", min_size=1, max_size=70), max_size=200))
def test_names_are_cut_alike_and_none_is_lost(every: list[str]) -> None:
    text = names(every)
    assert len(text) <= 60 + 70 + len(", … 199 more")
    told, _, more = text.partition(", … ")
    number = int(more.split()[0]) if more else 0
    assert (told.split(", ") if told else []) == every[: len(every) - number]
