"""What the report's HTML costs: one file, a folder of pages, and a search in a browser.

    python -m tests.benchmarks.report ATTEMPTS nothing | file | pages FOLDER

is what is measured, by a process of its own: it makes the evidence up and writes it.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median

from qflow_gitops.render import html
from qflow_gitops.results.report import Report
from tests.benchmarks.processes import COMPILED, Used, measured, medians
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers import browser
from tests.helpers.evidence import Maker

SEARCH = """words => {
  const field = document.getElementById("words_"), before = performance.now();
  field.value = words;
  field.dispatchEvent(new Event("input", {bubbles: true}));
  document.body.getBoundingClientRect();
  return performance.now() - before;
}"""
"""Types words, and waits for the rows to be laid out; gives milliseconds."""
_WORDS = ("ada", "prod encrypt", "nothing like it", "e")
_ROOT = Path(__file__).parents[2]


def searched(file: Path, rounds: int) -> float:
    """Return the milliseconds that the slowest of some searches takes, the medians of rounds."""
    with browser.opened() as started, browser.window(started) as seen:
        seen.page.goto(file.as_uri())
        took = [[seen.page.evaluate(SEARCH, one) for _ in range(rounds)] for one in _WORDS]
    return float(max(map(median, took)))


def measure(scale: Scale) -> Table:
    """Time both forms beside a process that only makes the evidence up, in turn."""
    count, rounds = scale.largest, min(scale.rounds, 5)
    with tempfile.TemporaryDirectory() as folder:
        into, found = Path(folder), dict[str, list[Used]]()
        for _ in range(rounds):
            for what in ("nothing", "file", "pages"):
                words = ["-m", "tests.benchmarks.report", str(count), what, folder]
                used = measured([sys.executable, *words], _ROOT, COMPILED)
                found.setdefault(what, []).append(used)
        base, file, pages = (medians(some) for some in found.values())
        one = into / "evidence.html"
        size = sum(each.stat().st_size for each in (into / "pages").rglob("*.html"))
        rows = [
            _row("one file", file, base, one.stat().st_size, "5 s, 6 MB, 150 MiB"),
            _row("a page for each run", pages, base, size, "15 s"),
        ]
        if browser.CHROMIUM:
            took = f"{searched(one, rounds):.0f} ms"
            bare = dict.fromkeys(rows[0], "")
            rows.append({**bare, "what": "a search in it, Chromium", "takes": took,
                         "target": "100 ms"})  # fmt: skip
    return Table(
        f"The HTML of {count:,} attempts that are made up, a third of them of rollouts. Medians "
        f"of {rounds}, in turn; making the attempts up is taken off, but for the memory.",
        rows,
    )


def _row(what: str, used: Used, base: Used, size: int, target: str) -> dict[str, str]:
    return {
        "what": what,
        "takes": f"{(used.wall - base.wall) / 1e3:.1f} s",
        "CPU": f"{(used.cpu - base.cpu) / 1e3:.1f} s",
        "MB": f"{size / 1e6:.1f}",
        "peak MiB": f"{used.memory:.0f}",
        "target": target,
    }


def write(count: int, what: str, folder: Path) -> None:
    """Make evidence up, and write it."""
    report = Report("report", body=Maker().evidence(count))
    if what == "file":
        (folder / "evidence.html").write_text(html.render(report), "utf-8")
    elif what == "pages":
        for path, content in html.pages(report):
            page = folder / "pages" / path
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_bytes(content)


if __name__ == "__main__":
    write(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
