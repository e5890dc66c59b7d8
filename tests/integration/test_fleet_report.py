"""What ran in each member of a fleet, for an auditor: real members, and a page of all."""

import json
from html.parser import HTMLParser
from pathlib import Path

from tests.helpers.fleets import fits
from tests.helpers.sandboxes import served
from tests.integration.test_fleet_guide import Team


class Page(HTMLParser):
    """A page's cells and links, and whether it has a script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attributes if name == "href"]


def test_each_member_is_a_row_with_its_own_pages(tmp_path: Path) -> None:
    with served(duration=0.1) as sandbox:
        team = Team(tmp_path, sandbox)
        gone = team.homes["globex"].remote.path
        team.merge()
        team("qflow-gitops fleet apply --timeout 1m")
        sent = team.sent
        gone.rename(gone.with_suffix(".gone"))
        told = team("qflow-gitops fleet report --output reports --since 2020-01-01", 12)
        assert "3 members, 2 reported" in told
        assert "globex" in told
        index = Page((team.work.path / "reports/index.html").read_text("utf-8"))
        assert index.links == ["acme/index.html", "initech/index.html"]
        assert "script" not in index.tags
        assert index.tags.count("tr") == 4
        pages = team.work.path / "reports"
        assert all((pages / one).is_file() for one in index.links)
        assert list((pages / "acme").rglob("*runs-0*"))

        again = team("qflow-gitops -q fleet report --format json --output reports", 12)
        data = fits(json.loads(again))
        members = {one["name"]: one for one in data["members"]}
        assert members["acme"]["counts"]["succeeded"] == 1
        assert members["globex"]["counts"] is None
        assert members["globex"]["problem"]
        none = json.loads(team("qflow-gitops -q fleet report --format json --until 2020-01-01", 12))
        assert none["members"][0]["counts"]["attempts"] == 0
        assert team.sent == sent, "it only looks"

        (pages / "mine.txt").write_text("x", "utf-8")
        assert "mine.txt" in team("qflow-gitops fleet report --output reports", 2)
        assert (pages / "mine.txt").is_file()
