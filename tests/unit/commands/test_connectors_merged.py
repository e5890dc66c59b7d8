"""What a pull makes of a catalog: Qualys' words change, people's don't."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.commands.connectors_merged import Change, Taken, merged, names_of
from qflow_gitops.ports.qualys import SeenConnector
from qflow_gitops.specs.connector_catalogs import LONGEST_NAME

A = "aa70acae-6ea8-3acf-b504-f327855b316a"
B = "bb81bdbf-7fb9-4bd0-8615-0438966c427b"
TODAY, LATER = "2026-11-29", "2026-12-01"
PAYMENTS = SeenConnector(A, "AWS Payments (prod)", "123456789012", "SUCCESS", False)
LEGACY = SeenConnector(B, "Legacy", "unknown", "unknown", None)
WRITTEN: dict[str, dict[str, Any]] = {
    "aws-payments-prod": {
        "id": A, "title": "AWS Payments (prod)", "account": "123456789012", "state": "SUCCESS",
        "disabled": False,
    },
    "legacy": {"id": B, "title": "Legacy", "account": "unknown", "state": "unknown",
               "disabled": "unknown"},
}  # fmt: skip


def pulled(known: dict[str, dict[str, Any]], *seen: SeenConnector, today: str = TODAY) -> Any:
    return merged("aws", known, seen, Taken(), today)


def named(*seen: SeenConnector, taken: Taken = Taken()) -> dict[str, str]:  # noqa: B008  a value
    return {each.id: name for name, each in names_of("aws", seen, taken).items()}


def called(title: str, account: str = "unknown", connector_id: str = A) -> SeenConnector:
    return SeenConnector(connector_id, title, account, "SUCCESS", False)


def test_the_first_pull_names_connectors_after_their_titles() -> None:
    entries, changes = pulled({}, LEGACY, PAYMENTS)
    assert entries == WRITTEN
    assert list(entries) == sorted(WRITTEN)
    assert changes == [
        Change("added", "aws-payments-prod (123456789012)"), Change("added", "legacy"),
    ]  # fmt: skip


def test_what_changed_at_qualys_is_taken_over_and_told() -> None:
    now = PAYMENTS._replace(title="Paid", state="ERROR", disabled=True)
    entries, changes = pulled(WRITTEN, now, LEGACY)
    assert list(entries) == list(WRITTEN)
    entry = WRITTEN["aws-payments-prod"] | {"title": "Paid", "state": "ERROR", "disabled": True}
    assert entries["aws-payments-prod"] == entry
    shown = "aws-payments-prod (123456789012)"
    assert changes == [
        Change("renamed", f"{shown}: AWS Payments (prod) → Paid"),
        Change("changed", f"{shown}: state SUCCESS → ERROR, disabled false → true"),
    ]


def test_what_is_not_told_any_more_is_unknown_but_for_what_seldom_changes() -> None:
    silent = SeenConnector(A, "", "unknown", "unknown", None)
    entries, _ = pulled(WRITTEN, silent, LEGACY)
    entry = WRITTEN["aws-payments-prod"] | {"state": "unknown", "disabled": "unknown"}
    assert entries["aws-payments-prod"] == entry
    assert pulled({"by-hand": {"id": A}}, silent) == ({"by-hand": {"id": A}}, [])


def test_what_is_gone_is_marked_once_and_what_is_back_is_not() -> None:
    entries, changes = pulled(WRITTEN, PAYMENTS)
    assert entries["legacy"] == WRITTEN["legacy"] | {"gone": TODAY}
    assert [each.what for each in changes] == ["gone"]
    assert pulled(entries, PAYMENTS, today=LATER) == (entries, [])
    entries, changes = pulled(entries, PAYMENTS, LEGACY, today=LATER)
    assert (entries, [each.what for each in changes]) == (WRITTEN, ["back"])


def test_names_and_labels_and_the_order_are_peoples() -> None:
    mine: dict[str, dict[str, Any]] = {
        "z": {"labels": {"tier": "prod"}, "id": A.upper()}, "b": {"id": B, "gone": TODAY},
    }  # fmt: skip
    entries, _ = pulled(mine, PAYMENTS, LEGACY, called("c", connector_id=A.replace("a", "c")))
    assert list(entries) == ["z", "b", "c"]
    assert list(entries["z"]) == ["labels", "id", "title", "account", "state", "disabled"]
    assert (entries["z"]["id"], entries["z"]["labels"]) == (A.upper(), {"tier": "prod"})


def test_an_id_of_another_cloud_is_left_there() -> None:
    taken = Taken(ids={A: "connectors/prod/gcp.yaml"})
    entries, changes = merged("aws", {}, [PAYMENTS], taken, TODAY)
    assert entries == {}
    assert [each.what for each in changes] == ["left"]
    assert "connectors/prod/gcp.yaml" in changes[0].detail


def test_names_that_clash_have_the_beginning_of_the_id_behind_them() -> None:
    same = called("Prod"), called("prod!", connector_id=B)
    assert named(*same) == named(*reversed(same)) == {A: "prod-aa70acae", B: "prod-bb81bdbf"}
    assert named(called("Prod"), taken=Taken(frozenset(("prod",)))) == {A: "prod-aa70acae"}
    both = frozenset(("prod", "prod-aa70acae"))
    assert named(called("Prod"), taken=Taken(both)) == {A: "prod-aa70acae-6ea8"}
    tricky = (*same, called("prod aa70acae", connector_id=B.replace("b", "c")))
    assert named(*tricky)[A] == "prod-aa70acae-6ea8"


def test_a_title_that_makes_no_name_and_one_that_the_settings_give() -> None:
    assert named(called("支払い", "123456789012")) == {A: "aws-123456789012"}
    assert named(called("支払い")) == {A: "aws-aa70acae"}
    assert named(called("Größe ﬁ")) == {A: "grosse-fi"}
    assert named(called("x" * 80)) == {A: "x" * 63}
    assert named(called("Prod"), taken=Taken(given={A: "AWS payments"})) == {A: "aws-payments"}


hexes = st.text("0123456789abcdef", min_size=8, max_size=8)
ids = hexes.map(lambda begun: begun + A[8:])
titles = st.sampled_from(("", "Prod", "prod", "prod-aa70acae", "支払い", "x" * 70)) | st.text(
    max_size=9
)
listings = st.lists(
    st.builds(
        SeenConnector,
        ids,
        titles.map(lambda title: " ".join(title.split())),
        st.sampled_from(("unknown", "123456789012")),
        st.sampled_from(("SUCCESS", "ERROR", "unknown")),
        st.sampled_from((True, False, None)),
    ),
    unique_by=lambda each: each.id,
    max_size=6,
)


@given(listings, listings, st.data())
def test_a_second_pull_changes_nothing_and_none_changes_a_name_or_a_label(
    first: list[SeenConnector], second: list[SeenConnector], draw: Any
) -> None:
    known, _ = merged("aws", {}, first, Taken(), TODAY)
    assert all(re.fullmatch("[a-z0-9-]{1,63}", name) for name in known)
    assert len(known) == len(first)
    assert merged("aws", known, draw.draw(st.permutations(first)), Taken(), LATER) == (known, [])
    labels = {name: {"of": name} for name in known if draw.draw(st.booleans())}
    mine = {
        name: {**entry, **({"labels": labels[name]} if name in labels else {})}
        for name, entry in known.items()
    }
    after, changes = merged("aws", mine, second, Taken(), LATER)
    assert [name for name in after if name in mine] == list(mine)
    assert {name: each["id"] for name, each in after.items() if name in mine} == {
        name: each["id"] for name, each in mine.items()
    }
    assert {name: each["labels"] for name, each in after.items() if "labels" in each} == labels
    there = {each.id for each in second}
    assert all(("gone" in each) is (each["id"] not in there) for each in after.values())
    assert there <= {each["id"] for each in after.values()}
    assert bool(changes) is (after != mine)
    assert merged("aws", after, second, Taken(), "2027-01-01") == (after, [])


@given(listings, st.data())
def test_names_do_not_depend_on_the_order_of_the_list(seen: list[SeenConnector], draw: Any) -> None:
    taken = Taken(frozenset(draw.draw(st.sets(st.sampled_from(("prod", "prod-aa70acae"))))))
    names = named(*seen, taken=taken)
    assert named(*draw.draw(st.permutations(seen)), taken=taken) == names
    assert len({*names.values(), *taken.names}) == len(seen) + len(taken.names)
    assert all(len(name) <= LONGEST_NAME for name in names.values())
