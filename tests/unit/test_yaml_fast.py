"""The quick way to read YAML never says anything else than the thorough one; see `fast`."""

import random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from qflow_gitops.yaml import fast
from qflow_gitops.yaml.parse import parse
from tests.fuzz import ROOT, agree, seeds, spoilt, told, twisted
from tests.helpers.node import requires_node, script
from tests.helpers.partners import NIGHTLY
from tests.helpers.specs import SAMPLE


def test_on_every_file_of_the_corpus_and_the_examples() -> None:
    taken = [agree(one) for one in seeds()]
    assert taken.count(True) > 150
    assert taken.count(False) > 30


def test_every_run_spec_of_the_examples_is_plain() -> None:
    """What people write goes the quick way, comments, blocks, lists and several documents too."""
    specs = sorted((ROOT / "examples").rglob("runs/**/*.yaml"))
    assert len(specs) > 5
    for path in specs:
        assert fast.read(path.read_text()) is not None, path


@requires_node
def test_on_the_public_suite() -> None:
    taken = [agree(one["yaml"].encode()) for one in script("suite.mjs", None)]
    assert taken.count(True) > 30


@pytest.mark.parametrize("seed", range(4))
def test_on_files_that_were_spoilt(seed: int) -> None:
    chance, files = random.Random(seed), [one for one in seeds() if len(one) < 1000]
    taken = [agree(spoilt(chance, files)) for _ in range(60)]
    taken += [agree(twisted(chance, files)) for _ in range(140)]
    assert taken.count(True) > 5
    assert taken.count(False) > 50


def test_on_every_short_scalar_it_takes() -> None:
    chance, taken = random.Random(1), 0
    for alphabet in (
        "0123456789",
        "0123456789+-.eE",
        "0123456789abcdefxo_:",
        "yesnotruflNIAif~ .-",
    ):
        for _ in range(250):
            word = "".join(chance.choices(alphabet, k=chance.randrange(1, 9)))
            taken += agree(f"a: {word}\n{word}: b\n- c\n".encode())
            taken += agree(f"a: {word}\nb:\n- {word}\n".encode())
    assert taken > 200


DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400 if NIGHTLY else 40, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(min_size=1), DATA, min_size=1), min_size=1, max_size=2),
    st.sampled_from([True, False, None]),
    st.sampled_from([None, "'", '"', "|", ">"]),
    st.integers(10, 90),
)
def test_on_data_of_every_kind_written_in_every_style(
    data: list[Any], flow: bool | None, style: str | None, width: int
) -> None:
    text = yaml.safe_dump_all(
        data, default_flow_style=flow, default_style=style, width=width, allow_unicode=True,
        explicit_start=len(data) > 1,
    )  # fmt: skip
    agree(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "odd",
    [
        "a: &x 1\n", "a: *x\n", "a: !!str 1\n", "%YAML 1.2\n---\na: 1\n", "a: 1\na: 2\n",
        "<<: {a: 1}\n", "1: a\n", "a: yes\n", "a: 012\n", "a: 0x1f\n", "a: .inf\n", "a: 1e999\n",
        "a: 9007199254740993\n", "- a\n", "a\n", "", "# nothing\n", "a: 1", "a:\n", "a:\tb\n",
        "? a\n: b\n", "{?a: 1}\n", 'a: "\\ud800"\n', "a: \u2028b\n", "a: [\n", "a: >#x\n b\n",
        "a: b\n...\n...\n",
        'a: ["b":c]\n', "a: |\n    \n  b\n", "[" * 99 + "]" * 99 + "\n", "a: b\r\n",
    ],
)  # fmt: skip
def test_what_needs_a_closer_look_gets_one(odd: str) -> None:
    assert fast.read(odd) is None
    agree(odd.encode("utf-8", "surrogatepass"))


def test_without_libyaml_everything_is_read_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = told(parse(SAMPLE.encode(), "a.yaml"))
    monkeypatch.setattr(fast, "_Parser", None)
    assert fast.read(SAMPLE) is None
    assert told(parse(SAMPLE.encode(), "a.yaml")) == quick
