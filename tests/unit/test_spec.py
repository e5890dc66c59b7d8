"""Request, digest and masking."""

import dataclasses
import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from qflow_gitops.base.jsondiff import MISSING, differences
from qflow_gitops.specs import spec as spec_module
from qflow_gitops.specs.spec import (
    MASK,
    LazySpec,
    RunSpec,
    StaleCache,
    canonical,
    from_document,
    hidden,
    in_todays_words,
    mask,
    normalised,
)
from qflow_gitops.yaml.parse import parse
from tests.helpers.node import requires_node, script
from tests.helpers.specs import CONNECTOR, SAMPLE, WORKFLOW

LEGACY = SAMPLE.replace("    connectorId:", "    credentials:")


def read(text: str) -> RunSpec:
    (document,) = parse(text.encode(), "runs/a.yaml").documents
    return from_document(document, "prod")


def test_the_digest_is_pinned() -> None:
    """If this changes, every recorded run is due again: never change it, add `v2:`."""
    assert read(SAMPLE).digest == (
        "v1:sha256:c65f2dcf8a5c37b45a906e67715b6c3b04c609255b456af9e08949e045ee88e9"
    )


def test_what_is_not_meaning_is_not_in_the_digest() -> None:
    same = [
        LEGACY,
        LEGACY.replace(CONNECTOR, "'@" + CONNECTOR + "'"),
        SAMPLE.replace("  input:", "    credentials: x\n  input:"),
        SAMPLE.replace("buckets\n", "buckets\n  labels: {a: b}\n  annotations: {c: d}\n", 1),
        SAMPLE + "  sensitive: [/input/bucketName]\n",
        SAMPLE.replace("encrypt-prod-buckets", "another-name"),
    ]
    assert {read(text).digest for text in same} == {read(SAMPLE).digest}


def test_what_is_meaning_is_in_the_digest() -> None:
    different = [
        SAMPLE,
        SAMPLE.replace("6cad21c8", "6cad21c9"),
        SAMPLE.replace("us-east-1", "us-east-2"),
        SAMPLE.replace("totalBucketCount: 4", "totalBucketCount: '4'"),
        SAMPLE.replace("maha2", "maha3"),
        SAMPLE + "  rerun: 1\n",
        SAMPLE + "  rerun: 2\n",
    ]
    assert len({read(text).digest for text in different}) == len(different)


def test_the_request_is_sent_as_written() -> None:
    assert json.loads(read(LEGACY).body)["variables"]["credentials"] == CONNECTOR
    assert read(SAMPLE).body == read(SAMPLE).body
    bare = SAMPLE.split("  variables:")[0]
    assert read(bare).body == b"{}"


def test_two_legacy_variables_have_no_equivalent() -> None:
    two = {"credentials": "a", "credentials_azure": "b"}
    assert normalised(two) == two
    assert normalised({**two, "connectorId": "c"}) == {"connectorId": "c"}


def test_an_id_is_shown_and_sent_as_written_and_compared_in_lower_case() -> None:
    """But nobody knows what a variable of the workflow's own means, whatever it looks like."""
    written = {"credentials": "AA70", "credentials_azure": "0FFA", "own": "AA70"}
    assert in_todays_words(written) == written
    assert normalised(written) == {
        "credentials": "aa70", "credentials_azure": "0ffa", "own": "AA70",
    }  # fmt: skip
    assert normalised({"credentials_gcp": "@AA70"}) == {"connectorId": "aa70"}
    loud = read(SAMPLE.replace(CONNECTOR, CONNECTOR.upper()))
    assert loud.connectors == (CONNECTOR.upper(),)
    assert CONNECTOR.upper() in loud.body.decode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner),
    max_leaves=8,
)


every_json = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False) | st.text('0123456789.e,:["'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(every_json)
def test_the_canonical_form_is_that_of_the_library(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@requires_node
@settings(max_examples=10)
@given(st.lists(every_json, min_size=60, max_size=60))
def test_the_canonical_form_is_that_of_another_language(values: list[object]) -> None:
    assert script("canonical.mjs", values) == [canonical(one).decode() for one in values]


some_json = st.dictionaries(st.text(max_size=3), every_json, max_size=3)


@given(some_json, some_json, st.integers(0, 10**5))
def test_the_digest_is_the_hash_of_the_canonical_form(
    input_: dict[str, object], variables: dict[str, object], number: int
) -> None:
    """However it is put together: as a whole, by the library, it is the same."""
    one = dataclasses.replace(read(SAMPLE), input=input_, variables=variables, rerun=number)
    meaning = {"input": input_, "variables": variables, "rerun": number}
    whole: Any = {"workflowId": WORKFLOW, **{name: part for name, part in meaning.items() if part}}
    expected = "v1:sha256:" + hashlib.sha256(rfc8785.dumps(whole)).hexdigest()
    assert one.digest == expected
    again, plain, once_more = one.digests((number, 0, number))
    assert (again, once_more) == (expected, expected)
    assert plain == dataclasses.replace(one, rerun=0).digest
    assert one.body == rfc8785.dumps(one.request)


@given(json_values, json_values)
def test_differences_are_complete(old: object, new: object) -> None:
    """There is one exactly where the JSON differs."""
    found = differences(old, new)
    assert bool(found) == (json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True))
    assert all(one.old is not one.new for one in found)


@given(json_values)
def test_masking_hides_the_value_and_what_holds_it(value: object) -> None:
    request = {"input": {"secret": "canary", "rest": value}}
    assert "canary" not in json.dumps(mask(request, ["/input/secret"]))
    for pointer in ("/input/secret", "/input"):
        shown = hidden(
            request["input"] if pointer == "/input" else "canary", pointer, ["/input/secret"]
        )
        assert "canary" not in json.dumps(shown)
    assert hidden(MISSING, "/input/secret", ["/input/secret"]) is MISSING
    assert mask([1, [2]], ["/1/0"]) == [1, [MASK]]
    assert mask({"a": 1}, ["/b/c", "/a/b"]) == {"a": 1}


def test_the_modules_words_are_those_of_the_field() -> None:
    assert set(spec_module.LEGACY_VARIABLES.values()) == {"aws", "azure", "gcp"}


def recalled(whole: RunSpec, digest: str = "") -> LazySpec:
    known = {"environment": whole.environment, "name": whole.name, "previous_name": "",
             "labels": whole.labels, "file": whole.file, "index": whole.index,
             "digest": digest or whole.digest}  # fmt: skip
    return LazySpec(lambda: [whole], known)


def test_a_recalled_spec_reads_the_rest_when_it_is_asked_for() -> None:
    whole = read(SAMPLE)
    known = recalled(whole)
    assert "variables" not in known.__dict__
    assert (known.key, known.digest) == (whole.key, whole.digest)
    assert (known.request, known.body, known.masked) == (whole.request, whole.body, whole.masked)


def test_a_recalled_spec_that_the_file_contradicts_gives_nothing() -> None:
    known = recalled(read(SAMPLE), "v1:sha256:other")
    for _ in range(2):
        with pytest.raises(StaleCache, match="isn't what the file says") as said:
            known.request  # noqa: B018  reading it is the point
        assert "rm -r" in said.value.hint
