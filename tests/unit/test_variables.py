"""Variables of other programs, which say something by their value and not by being there."""

import pytest

from qflow_gitops.cli.streams import is_ci


@pytest.mark.parametrize("said", ["", "0", "false", "False", "FALSE", "no", "off"])
def test_what_says_that_it_is_no_ci(said: str) -> None:
    assert not is_ci({"CI": said})
    assert not is_ci({})


@pytest.mark.parametrize("said", ["1", "true", "True", "yes", "woodpecker"])
def test_what_says_that_it_is_a_ci(said: str) -> None:
    assert is_ci({"CI": said})
