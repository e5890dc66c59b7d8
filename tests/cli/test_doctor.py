"""`doctor` as a person calls it: what it shows in each format, and its exit code."""

from tests.helpers.cli import Cli


def test_every_format_shows_each_check(cli: Cli) -> None:
    found = cli.json("doctor")
    assert sum(found["counts"].values()) == len(found["checks"]) > 0
    text, markdown = cli("doctor").out, cli("doctor", "--format", "markdown").out
    for check in found["checks"]:
        if check["result"] not in ("unknown", "not_looked_at"):  # those stand together in a line
            assert check["about"] in text
        assert f"`{check['about']}`" in markdown
