"""Sandboxes that know the names and secrets which the tests use."""

import sqlite3
from pathlib import Path
from typing import Any

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.logins import AUDIENCE

KNOWN = (
    "test-client:test-canary-secret",
    "test-user:test-canary-secret",
    "ada:test-canary-secret",
    "sandbox-ada:canary-päss:word",
    "sandbox:sandbox",
)


def served(**options: Any) -> SandboxServer:
    """A sandbox that takes them; the options are those of `SandboxServer`."""
    return SandboxServer(**{"credentials": KNOWN, "onboarded": (AUDIENCE,), **options})


def older_data(file: Path, *row: str | float) -> None:
    """Write a data file as an earlier release did: an execution, from its id to its body."""
    old = sqlite3.connect(file)
    old.execute(
        "CREATE TABLE executions (id TEXT PRIMARY KEY, workflow TEXT NOT NULL, created REAL NOT"
        " NULL, duration REAL NOT NULL, outcome TEXT NOT NULL, body TEXT NOT NULL)"
    )
    old.execute("INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?)", row)
    old.commit()
    old.close()
