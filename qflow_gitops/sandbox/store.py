"""What the sandbox remembers: executions and every request, in a SQLite file."""

import json
import sqlite3
import threading
import time
import uuid
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS executions (
  id TEXT PRIMARY KEY, workflow TEXT NOT NULL, created REAL NOT NULL, duration REAL NOT NULL,
  outcome TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS requests (
  number INTEGER PRIMARY KEY, at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  headers TEXT NOT NULL, body TEXT NOT NULL
);
"""


class Store:
    """One connection, used by one thread at a time."""

    def __init__(self, file: Path) -> None:
        """Open or create the file."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL").fetchall()
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add_execution(self, workflow: str, body: Any, duration: float, outcome: str) -> str:
        """Begin an execution; give its id."""
        one = str(uuid.uuid4())
        row = (one, workflow, time.time(), duration, outcome, json.dumps(body))
        with self._lock:
            self._db.execute("INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?)", row)
        return one

    def executions(self, workflow: str = "") -> list[dict[str, Any]]:
        """Give the executions, oldest first, of one workflow or of all."""
        query = "SELECT * FROM executions WHERE ? IN ('', workflow) ORDER BY created, rowid"
        with self._lock:
            rows = self._db.execute(query, (workflow,)).fetchall()
        return [{**dict(row), "body": json.loads(row["body"])} for row in rows]

    def execution(self, one: str) -> dict[str, Any] | None:
        """Give an execution, None where there is none."""
        with self._lock:
            row = self._db.execute("SELECT * FROM executions WHERE id = ?", (one,)).fetchone()
        return {**dict(row), "body": json.loads(row["body"])} if row else None

    def add_request(self, method: str, path: str, headers: dict[str, str], body: str) -> None:
        """Note a request; secrets have been taken out of its headers."""
        row = (time.time(), method, path, json.dumps(headers), body)
        with self._lock:
            self._db.execute(
                "INSERT INTO requests (at, method, path, headers, body) VALUES (?, ?, ?, ?, ?)", row
            )

    def requests(self) -> list[dict[str, Any]]:
        """Give every request, in their order."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM requests ORDER BY number").fetchall()
        return [{**dict(row), "headers": json.loads(row["headers"])} for row in rows]
