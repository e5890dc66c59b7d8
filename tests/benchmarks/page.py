"""What was measured, kept in one file of the documentation, and the page that is made of it.

`docs/performance.json` has for each benchmark its table, with the date, the command and the machine
that it is of. `performance.md.j2` has the words around the tables, and no number of its own.
"""

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.table import Table

DOCS = Path(__file__).parents[2] / "docs"
DATA, PAGE = DOCS / "performance.json", DOCS / "performance.md"
TEMPLATE = Path(__file__).with_name("performance.md.in")
_PLACE = re.compile(r"\{\{ (.+?) \}\}")


def machine() -> dict[str, Any]:
    """Say what it is that measures, and how busy it was when that began."""
    git = subprocess.run(["git", "version"], capture_output=True, text=True).stdout.split()[2]
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "git": git,
        "load": round(os.getloadavg()[0], 1),
    }


def today() -> str:
    """Say when this was measured."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def described(found: Mapping[str, Any]) -> str:
    """Say where something was measured."""
    load = f", load {found['load']} at the start" if "load" in found else ""
    return (
        f"{found['system']}, {found['cores']} cores, Python {found['python']}, git {found['git']}"
        f"{load}"
    )


def known() -> dict[str, Any]:
    """Return what was measured up to now: name of the benchmark -> what `keep` kept of it."""
    found: dict[str, Any] = json.loads(DATA.read_text("utf-8")) if DATA.is_file() else {}
    return found


def keep(name: str, command: str, where: Mapping[str, Any], table: Table) -> None:
    """Keep what a benchmark found, in place of what it found before."""
    record = {
        "date": today(),
        "command": command,
        "machine": dict(where),
        "about": table.about,
        "rows": [dict(row) for row in table.rows],
    }
    data = dict(sorted({**known(), name: record}.items()))
    DATA.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")


def make() -> None:
    """Write the page of what was measured. Raises LookupError for what wasn't."""
    PAGE.write_text(rendered(known()), "utf-8")


def rendered(data: Mapping[str, Any]) -> str:
    """Return the page of what was measured. Raises LookupError for what wasn't."""
    return _PLACE.sub(
        lambda found: _filled(data, *found[1].split(" | ")), TEMPLATE.read_text("utf-8")
    )


def _filled(data: Mapping[str, Any], name: str, what: str = "", column: str = "") -> str:
    """Return a benchmark's table, or one cell of it: of the row whose first cell is `what`."""
    if not what:
        return _table(data[name])
    for row in data[name]["rows"]:
        if next(iter(row.values())) == what:
            return str(row[column])
    raise LookupError(f"{name} has no row {what!r}")


def _table(record: Mapping[str, Any]) -> str:
    shown = Table(record["about"], record["rows"]).markdown()
    where = described(record["machine"])
    return f"{shown}\n\nMeasured on {record['date']} by `{record['command']}`: {where}."
