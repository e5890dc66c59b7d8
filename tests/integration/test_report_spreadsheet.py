"""The CSV of a report as LibreOffice opens it: no cell is a formula, however it is taken apart.

Where lists are separated by semicolons, as in much of Europe, a spreadsheet takes a row apart
there, and LibreOffice can take comma, semicolon and tab at once. Skipped where it isn't installed.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qflow_gitops.render import csv
from qflow_gitops.results.evidence import AttemptEvidence
from qflow_gitops.results.report import Report
from tests.helpers.evidence import Maker
from tests.helpers.partners import nightly

OFFICE = shutil.which("soffice")
FORMULA = re.compile(r'table:formula="([^"]*)"')
SEPARATORS = {"comma": "44", "all three": "44/59/9", "semicolon": "59", "tab": "9"}
PIECES = ("=1+1", "+1+1", "-1+1", "@SUM(1)", '"=1+1"', " =1+1", "\t=1+1")
WORDS = [
    f"{before}{piece}{after}"
    for before in ("", "x;", "x; ", "x\t", 'x;"', "x,", 'x","', 'x";"', "x;;")
    for piece in PIECES
    for after in ("", ";y", '";')
]


def formulas(table: str, separators: str, folder: Path) -> list[str]:
    """Return what LibreOffice takes for formulas in a table."""
    (folder / "table.csv").write_text(table, "utf-8", newline="")
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    words = [f"--infilter=CSV:{separators},34,76,1", "--convert-to", "fods", "table.csv"]
    command = [str(OFFICE), profile, "--headless", "--norestore", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    opened = (folder / "table.fods").read_text("utf-8")
    assert "table:table-cell" in opened
    return FORMULA.findall(opened)


@nightly
@pytest.mark.skipif(OFFICE is None, reason="needs LibreOffice: apt-get install libreoffice-calc")
@pytest.mark.parametrize("separators", SEPARATORS.values(), ids=SEPARATORS)
def test_no_cell_of_a_report_is_a_formula(separators: str, tmp_path: Path) -> None:
    assert formulas("a\r\n=1+1\r\n", separators, tmp_path) == ["of:=1+1"], "it would run one"
    body = Maker().evidence(len(WORDS), targets=4)
    words = iter(WORDS)
    runs = tuple(
        run._replace(attempts=tuple(map(planted, run.attempts, words))) for run in body.runs
    )
    table = csv.render(Report("report", body=body._replace(runs=runs)))
    assert table.count("@SUM(1)") >= len(WORDS) / len(PIECES)
    assert formulas(table, separators, tmp_path) == []


def planted(one: AttemptEvidence, words: str) -> AttemptEvidence:
    """An attempt of which people, files and Qualys say this."""
    annotations = {"a": words, words: "b"}
    return one._replace(status=words, actor=words, file=words, annotations=annotations)
