"""The lists of regions are those of the clouds' SDKs, as `python -m tests.regions` writes them."""

import os
from pathlib import Path

import pytest

from qflow_gitops.specs.connectors import region_names, region_words, regions
from tests.regions import CONNECTORS, PINNED, ROOT, files

WHEELS = os.environ.get("QFLOW_TESTS_WHEELS", "")


@pytest.mark.skipif(not WHEELS, reason="QFLOW_TESTS_WHEELS is no folder with the SDKs' wheels")
def test_what_is_committed_is_what_the_script_makes() -> None:
    for path, text in files(Path(WHEELS)).items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, path


@pytest.mark.parametrize("name", ["regions", "region_names"])
def test_they_say_what_they_are_made_of_and_from_when(name: str) -> None:
    text = (ROOT / CONNECTORS / f"{name}.py").read_text(encoding="utf-8")
    for package, version in PINNED.items():
        assert f"{package} {version} (2026-" in text


def test_each_region_is_called_something_but_the_iso_ones() -> None:
    iso = {one for one in regions.AWS if one.startswith(("us-iso", "eu-iso"))}
    assert region_names.AWS.keys() == regions.AWS - iso
    assert region_names.OCI.keys() == regions.OCI


@pytest.mark.parametrize(
    ("variable", "names"), [("region", region_names.AWS), ("oci_region", region_names.OCI)]
)
def test_each_name_leads_to_its_region_alone(variable: str, names: dict[str, str]) -> None:
    for region, name in names.items():
        assert region_words.meant(variable, name) == [region]
        assert region_words.meant(variable, name.upper()) == [region]
        assert region_words.advice(variable, region.replace("-", "_")) == (
            f"Did you mean `{region}`?"
        )


@pytest.mark.parametrize("said", ["", "()", "-", "Europe", "\u5317\u4eac", "x" * 5000, "(" * 5000])
def test_what_names_no_region_or_many_leads_nowhere(said: str) -> None:
    assert region_words.advice("region", said) == ""
    assert region_words.advice("oci_region", said) == ""
