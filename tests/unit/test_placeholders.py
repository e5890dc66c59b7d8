"""What was left of an example or a template, and how an id is found within a text."""

import json
import re
import time

import pytest

from qflow_gitops.findings import suggest
from qflow_gitops.specs import schemas
from qflow_gitops.specs.placeholders import EXAMPLES

ID = "7cad21c8-4405-4517-beb9-7372feafb5b4"
IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|ocid1\.compartment\.oc1\.\.\w{60,}")


def test_what_the_editor_offers_as_an_example_is_known_as_one() -> None:
    text = json.dumps(schemas.load("workflow-run"))
    assert set(IDS.findall(text)) <= EXAMPLES
    assert all(one == one.lower() for one in EXAMPLES)


@pytest.mark.parametrize(
    "value",
    [
        f"https://qualys.example/flow/{ID}", f"https://qualys.example/?id={ID}&tab=1", f"'{ID}'",
        f'"{ID}"', f"{{{ID}}}", f"urn:uuid:{ID}", ID.replace("-", ""), f" {ID}/", f"{ID}.json",
    ],
)  # fmt: skip
def test_an_id_within_a_text_is_offered(value: str) -> None:
    assert suggest.about_id(value) == f"The id in it is `{ID}`: write that alone."
    assert ID not in suggest.about_id(value, offered=False)


@pytest.mark.parametrize("value", [f"0{ID}", f"{ID}0", ID[:-1], ID.replace("7", "g"), "a" * 5000])
def test_what_only_looks_like_an_id_is_not(value: str) -> None:
    assert suggest.about_id(value) == ""


@pytest.mark.parametrize("value", [ID, f" {ID}", f"{ID}\n", f"@{ID}"])
def test_an_id_that_is_whole_is_not_offered_again(value: str) -> None:
    assert ID not in suggest.about_id(value)


@pytest.mark.parametrize(
    "value",
    ["${X}", "a ${x.y_1} b", "{{ x }}", "{{x}}", "${{ vars.X }}", "{{ x | upper }}", "{{\n x\n}}"],
)
def test_what_other_tools_would_fill_in(value: str) -> None:
    assert suggest.about_template(value)


@pytest.mark.parametrize(
    "value",
    ["$X", "$(x)", "${}", "{{}}", "{x}", "${aws:username}", '{"a":{"b":{}}}', "${1}", "{ {x} }"],
)
def test_what_is_no_template(value: str) -> None:
    assert suggest.about_template(value) == ""


@pytest.mark.parametrize("part", ["{", "{{", "${", "${a", "{{ a", "0-", "a" * 32, "(", "<"])
def test_a_long_text_takes_no_time(part: str) -> None:
    started = time.process_time()
    for _ in range(10):
        suggest.about_template(part * 20_000)
        suggest.about_id(part * 20_000)
    assert time.process_time() - started < 5
