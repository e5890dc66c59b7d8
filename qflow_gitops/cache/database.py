"""Where verdicts, answers and contents are kept: a SQLite file in the git directory.

It settles several processes at once, a full disk and a process that
dies. It is only ever a faster way to the same answer: what can't be read, isn't whole or was
kept by another version of the program counts as not there, and what can't be written isn't.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import qflow_gitops

FILE = "kept.sqlite"
FORMAT = 2
MOST = 200_000
"""So many verdicts are kept; with more, only those of the context at hand."""
MOST_CONTENTS = 20
FEW = 500
"""So many blobs are asked for by name; with more, all of a context are read."""

_TABLES = (
    """CREATE TABLE IF NOT EXISTS verdicts (
         context TEXT, blob TEXT, size INTEGER, entry TEXT, crc INTEGER,
         PRIMARY KEY (context, blob)
       ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS contents (
         name TEXT PRIMARY KEY, content BLOB, crc INTEGER
       )""",
)


_NOT_NOW = tuple(
    f"SQLITE_{name}" for name in ("BUSY", "LOCKED", "FULL", "IOERR", "READONLY", "CANTOPEN", "PERM")
)
"""What says nothing against the file: it can't be written by this process, or not now."""


_ONLY_THE_NEWEST = """DELETE FROM contents WHERE rowid NOT IN
  (SELECT rowid FROM contents ORDER BY rowid DESC LIMIT ?)"""


class SqliteCache:
    """Implements `ports.git.SqliteCache` in a folder of the git directory."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made when there is something to keep."""
        self._folder = folder

    @cached_property
    def tool(self) -> str:
        """What is another one for each version of this program, and for each change to its code."""
        found = sha256(qflow_gitops.__version__.encode())
        package = Path(__file__).parents[1]
        for folder, _, names in sorted(os.walk(package)):
            for name in sorted(names):
                if name.endswith((".py", ".json")):
                    about = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118  it is quicker
                    found.update(f"{name} {about.st_size} {about.st_mtime_ns}\n".encode())
        return found.hexdigest()

    def verdicts(self, context: str, blobs: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        """Return what is known of these blobs in a context: id -> size in bytes, and a text.

        It may be more than was asked for.
        """
        ask = "SELECT blob, size, entry, crc FROM verdicts WHERE context = ?"
        few = tuple(blobs) if len(blobs) <= FEW else ()
        if few:
            ask += f" AND blob IN ({','.join('?' * len(few))})"
        return {
            blob: (size, entry)
            for blob, size, entry, crc in self._asked(ask, context, *few)
            if crc == _crc(context, blob, size, entry)
        }

    def keep_verdicts(self, context: str, verdicts: Mapping[str, tuple[int, str]]) -> None:
        """Keep what was found out about blobs: id -> size in bytes, and a text."""
        rows = [
            (context, blob, size, entry, _crc(context, blob, size, entry))
            for blob, (size, entry) in verdicts.items()
        ]

        def work(database: sqlite3.Connection) -> None:
            database.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)", rows)
            ((count,),) = database.execute("SELECT COUNT(*) FROM verdicts")
            if count > MOST:
                database.execute("DELETE FROM verdicts WHERE context <> ?", (context,))

        self._kept(work)

    def answer(self, context: str) -> Any:
        """Return the JSON data that was kept as an answer in a context, None for none."""
        content = self.content(context)
        with contextlib.suppress(ValueError):
            return None if content is None else json.loads(content)
        return None

    def keep_answer(self, context: str, data: Any) -> None:
        """Keep JSON data as the answer in a context."""
        self.keep_content(context, json.dumps(data, separators=(",", ":")).encode())

    def content(self, name: str) -> bytes | None:
        """Return the bytes that were kept under a name, None for none."""
        for content, crc in self._asked("SELECT content, crc FROM contents WHERE name = ?", name):
            if isinstance(content, bytes) and crc == crc32(content, _crc(name)):
                return content
        return None

    def keep_content(self, name: str, content: bytes) -> None:
        """Keep bytes under a name."""

        def work(database: sqlite3.Connection) -> None:
            ((count,),) = database.execute("SELECT COUNT(*) FROM contents")
            if count > MOST_CONTENTS:
                database.execute(_ONLY_THE_NEWEST, (MOST_CONTENTS // 2,))
            row = (name, content, crc32(content, _crc(name)))
            database.execute("INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", row)

        self._kept(work)

    def _asked(self, question: str, *values: str) -> list[tuple[Any, ...]]:
        path = self._folder / FILE
        if not path.is_file() or path.is_symlink():
            return []
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=1.0)) as database:
                if _format(database) != FORMAT:
                    return []
                return database.execute(question, values).fetchall()
        except sqlite3.Error:
            return []

    def _kept(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Write, all or nothing; a file that is broken or of another kind is begun anew, once."""
        path = self._folder / FILE
        for _ in range(2):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                if path.is_symlink():
                    path.unlink()
                with contextlib.closing(sqlite3.connect(path, timeout=1.0)) as database:
                    _prepare(database)
                    with database:
                        work(database)
            except OSError:
                return
            except sqlite3.Error as problem:
                if getattr(problem, "sqlite_errorname", "").startswith(_NOT_NOW):
                    return
                for left in (path, path.with_name(FILE + "-journal")):
                    with contextlib.suppress(OSError):
                        left.unlink()
            else:
                return


def _prepare(database: sqlite3.Connection) -> None:
    # What a power cut or a kill may cost is what was kept: crc32 shows where it cost a part.
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA journal_mode = MEMORY")
    database.execute("PRAGMA page_size = 32768")  # of a new file; most of it is read in one go
    with database:
        database.execute("BEGIN IMMEDIATE")
        if _format(database) != FORMAT:
            for name in ("verdicts", "contents"):
                database.execute(f"DROP TABLE IF EXISTS {name}")
            database.execute(f"PRAGMA user_version = {FORMAT}")
        for table in _TABLES:
            database.execute(table)


def _format(database: sqlite3.Connection) -> int:
    ((found,),) = database.execute("PRAGMA user_version")
    return int(found)


def _crc(*parts: object) -> int:
    return crc32("\0".join(map(str, parts)).encode())
