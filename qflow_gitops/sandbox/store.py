"""What the sandbox remembers: executions and every request, in a SQLite file."""

import json
import math
import sqlite3
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MONTH = 30 * 86400
"""Seconds; what is older can't be read by API (docs/api.md 1.5, 1.6 [D RN118, EXDET])."""

_TABLES = """
CREATE TABLE IF NOT EXISTS executions (
  id TEXT PRIMARY KEY, workflow TEXT NOT NULL COLLATE NOCASE, created REAL NOT NULL,
  duration REAL NOT NULL, outcome TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS executions_of_workflow ON executions (workflow, created);
CREATE INDEX IF NOT EXISTS executions_by_time ON executions (created);
CREATE TABLE IF NOT EXISTS requests (
  number INTEGER PRIMARY KEY, at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  headers TEXT NOT NULL, body TEXT NOT NULL
);
"""
_LATER_COLUMNS = {  # a data file of an earlier release hasn't got them
    "source": "TEXT NOT NULL DEFAULT 'PUBLIC_API'",
    "ours": "INTEGER NOT NULL DEFAULT 1",
    "forgotten": "INTEGER NOT NULL DEFAULT 0",
    "failed_at": "TEXT NOT NULL DEFAULT ''",
}
_EXACT = 0.0005  # seconds; times are shown, and asked for, in whole milliseconds


@dataclass(frozen=True, slots=True)
class Begun:
    """An execution to be added: how it ends, when and through whom it came into being.

    `failed_at` is the kind of the step that fails, "" for the last one.
    `duration` is in seconds, `created` in seconds since 1970, now where it is None; one in
    the future is seen by nobody before. `ours`: begun through the sandbox's POST run.
    """

    workflow: str
    body: Any
    duration: float
    outcome: str = "Success"
    source: str = "PUBLIC_API"
    ours: bool = True
    created: float | None = None
    failed_at: str = ""


class Store:
    """One connection, used by one thread at a time."""

    def __init__(self, file: Path) -> None:
        """Open or create the file."""
        self.elapsed = 0.0
        """Seconds that `elapse` let go by; shown clocks are ahead of the machine's by as much."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL").fetchall()
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_TABLES)
        there = {row["name"] for row in self._all("PRAGMA table_info(executions)")}
        for name, kind in _LATER_COLUMNS.items():
            if name not in there:
                self._db.execute(f"ALTER TABLE executions ADD COLUMN {name} {kind}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    # --- executions ------------------------------------------------------------------

    def add_execution(self, begun: Begun) -> str:
        """Begin an execution; give its id."""
        execution_id = str(uuid.uuid4())
        created = time.time() if begun.created is None else begun.created
        # Whole milliseconds, as they are shown, and downwards: never later than now.
        created = math.floor(created * 1000 + 0.001) / 1000
        row = (execution_id, begun.workflow, created, begun.duration, begun.outcome)
        more = (json.dumps(begun.body), begun.source, begun.ours, begun.failed_at)
        self._all(
            "INSERT INTO executions"
            " (id, workflow, created, duration, outcome, body, source, ours, failed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *row,
            *more,
        )
        return execution_id

    def executions(
        self, workflow: str = "", *, foreign: bool = False, coming: bool = False
    ) -> list[dict[str, Any]]:
        """Return what was begun, oldest first, of one workflow or of all; `foreign`: by anybody.

        What the API no longer shows is here too: it happened. `coming`: also what will begin.
        """
        query = "SELECT * FROM executions WHERE created <= ? AND ours >= ?"
        values: list[Any] = [math.inf if coming else time.time(), not foreign]
        if workflow:
            query += " AND workflow = ?"
            values.append(workflow)
        return [_execution(row) for row in self._all(f"{query} ORDER BY created, rowid", *values)]

    def count(self) -> int:
        """Return how many executions were begun, by anybody."""
        query = "SELECT count(*) FROM executions WHERE created <= ?"
        return int(self._all(query, time.time())[0][0])

    def any_execution(self, execution_id: str) -> dict[str, Any] | None:
        """Return an execution that was begun, whether the API shows it or not."""
        query = "SELECT * FROM executions WHERE id = ? AND created <= ?"
        rows = self._all(query, execution_id, time.time())
        return _execution(rows[0]) if rows else None

    def by_workflow(self) -> list[dict[str, Any]]:
        """Return each workflow that was run: `workflow`, `executions`, `last` in milliseconds."""
        query = (
            "SELECT workflow, count(*) AS executions, max(created) * 1000 AS last FROM executions"
            " WHERE created <= ? GROUP BY workflow ORDER BY last DESC"
        )
        return [dict(row) for row in self._all(query, time.time())]

    def newest(self, size: int, offset: int) -> list[dict[str, Any]]:
        """Return some of what was begun, by anybody, the newest first."""
        query = "SELECT * FROM executions WHERE created <= ? ORDER BY created DESC, rowid DESC"
        rows = self._all(f"{query} LIMIT ? OFFSET ?", time.time(), size, offset)
        return [_execution(row) for row in rows]

    def workflows(self) -> list[str]:
        """Return the ids of all workflows that were ever run, in their order."""
        query = "SELECT DISTINCT workflow FROM executions WHERE created <= ? ORDER BY workflow"
        return [row["workflow"] for row in self._all(query, time.time())]

    def execution(self, execution_id: str) -> dict[str, Any] | None:
        """Return an execution that the API shows, None where there is none."""
        now = time.time()
        query = (
            "SELECT * FROM executions WHERE id = ? AND created BETWEEN ? AND ? AND forgotten = 0"
        )
        rows = self._all(query, execution_id, now - MONTH, now)
        return _execution(rows[0]) if rows else None

    def page(
        self, workflow: str, start: float, end: float, *, newest_first: bool, size: int, number: int
    ) -> tuple[int, list[dict[str, Any]]]:
        """Return how many executions the API shows in a window of time, and one page of them.

        `start` and `end` are in seconds since 1970; `number` counts from 1.
        """
        now = time.time()
        found = "FROM executions WHERE workflow = ? AND created BETWEEN ? AND ? AND forgotten = 0"
        window = (workflow, max(start, now - MONTH) - _EXACT, min(end + _EXACT, now))
        order = "created DESC, rowid DESC" if newest_first else "created, rowid"
        with self._lock:  # one for both, so that total and page agree
            total = self._db.execute(f"SELECT count(*) {found}", window).fetchone()[0]
            rows = self._db.execute(
                f"SELECT * {found} ORDER BY {order} LIMIT ? OFFSET ?",
                (*window, size, (number - 1) * size),
            ).fetchall()
        return total, [_execution(row) for row in rows]

    def forget(self, execution_id: str) -> None:
        """Let the API show an execution no more. Raises KeyError where there is none."""
        self._change("UPDATE executions SET forgotten = 1 WHERE id = ?", execution_id)

    def age(self, execution_id: str, seconds: float) -> None:
        """Move the beginning of an execution back. Raises KeyError where there is none."""
        self._change(
            "UPDATE executions SET created = created - ? WHERE id = ?", seconds, execution_id
        )

    def elapse(self, seconds: float) -> None:
        """Let time go by: whatever was begun, or is still to begin, is that much older."""
        self._all("UPDATE executions SET created = created - ?", seconds)
        self.elapsed += seconds

    def _change(self, query: str, *values: float | str) -> None:
        with self._lock:
            if not self._db.execute(query, values).rowcount:
                raise KeyError(values[-1])

    # --- requests --------------------------------------------------------------------

    def add_request(self, method: str, path: str, headers: dict[str, str], body: str) -> None:
        """Note a request; secrets have been taken out of its headers."""
        self._all(
            "INSERT INTO requests (at, method, path, headers, body) VALUES (?, ?, ?, ?, ?)",
            *(time.time(), method, path, json.dumps(headers), body),
        )

    def requests(self) -> list[dict[str, Any]]:
        """Return every request, in their order."""
        return [_request(row) for row in self._all("SELECT * FROM requests ORDER BY number")]

    def count_requests(self) -> int:
        """Return how many there were."""
        return int(self._all("SELECT count(*) FROM requests")[0][0])

    def newest_requests(self, size: int, offset: int) -> list[dict[str, Any]]:
        """Return some of them, the newest first."""
        query = "SELECT * FROM requests ORDER BY number DESC LIMIT ? OFFSET ?"
        return [_request(row) for row in self._all(query, size, offset)]


def _request(row: sqlite3.Row) -> dict[str, Any]:
    return {**dict(row), "headers": json.loads(row["headers"])}


def _execution(row: sqlite3.Row) -> dict[str, Any]:
    flags = {"ours": bool(row["ours"]), "forgotten": bool(row["forgotten"])}
    return {**dict(row), "body": json.loads(row["body"]), **flags}
