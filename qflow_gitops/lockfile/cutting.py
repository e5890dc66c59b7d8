"""Cuts the lockfile's one file into its head and its runs, without reading these.

Only what is in the normal form can be cut: there a run stands between two lines that nothing else
looks like. Pure.
"""

import re
from collections.abc import Iterator
from hashlib import sha1
from typing import NamedTuple

_RUNS, _RUNS_END = b'\n      "runs": {\n', b"\n      }"
_RUN_END = b"\n        }"
_RUN = re.compile(rb',?\n        "([a-z0-9./-]+)": \{(?=\n)')


class Cut(NamedTuple):
    """A run: its environment's number among those with runs, its name, and the rest of its text.

    `begin` is where in the lockfile it stands, for `cut_at`.
    """

    environment: int
    run: str
    piece: bytes
    begin: int

    def named(self, environment: str) -> bytes:
        """Return the run's file as the branch has it, but for all attempts in one."""
        name = b'{\n  "environment": "%s",\n  "name": "%s",' % (
            environment.encode(),
            self.run.encode(),
        )
        return name + self.piece


def cut(content: bytes) -> tuple[bytes, list[Cut]]:
    """Return the lockfile with a number in place of each environment's runs, and these.

    Raises ValueError where it can't be told what is what.
    """
    kept: list[bytes] = []
    runs: list[Cut] = []
    at = number = 0
    while (found := content.find(_RUNS, at)) >= 0:
        begin, end = found + len(_RUNS), content.index(_RUNS_END, found)
        runs += _runs(content[begin - 1 : end], number, begin - 1)
        kept.append(content[at : begin - len(b"{\n")] + b"%d" % number)
        at, number = end + len(_RUNS_END), number + 1
    return b"".join((*kept, content[at:])), runs


def _runs(body: bytes, environment: int, begin: int) -> Iterator[Cut]:
    *runs, rest = body.split(_RUN_END)
    if rest:
        raise ValueError("a run doesn't end")
    for text in runs:
        yield _run(text, environment, begin)
        begin += len(text) + len(_RUN_END)


def _run(text: bytes, environment: int, begin: int) -> Cut:
    name = _RUN.match(text)
    if name is None:
        raise ValueError("a run doesn't begin")
    piece = text[name.end() :].replace(b"\n        ", b"\n") + b"\n}\n"
    return Cut(environment, name[1].decode(), piece, begin)


def cut_at(content: bytes, environment: int, begin: int) -> Cut:
    """Return the run that `cut` found there in the same content; ValueError for none."""
    return _run(content[begin : content.index(_RUN_END, begin)], environment, begin)


def blob_id(content: bytes) -> str:
    """Return the id that git gives a file with this content, where ids are SHA-1."""
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
