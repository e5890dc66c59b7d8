"""What the program runs on, judged by values that the caller took from the machine."""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.results.checks import Check, failed, ok, unknown, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qflow_gitops.errors import QflowError
    from qflow_gitops.git.program import GitVersion

_YEAR = re.compile(r"[0-9]{4}(?=[a-z])")


class Machine(NamedTuple):
    """What is known of a machine.

    `python` is which one runs this, and its version; `git` the problem where there is none that
    can be started. `encoding` is that of stdout. `rules` is the version of the time zones' rules,
    `zones` the zones that policies use, None where the settings can't be read.
    """

    python: str
    git: GitVersion | QflowError
    encoding: str
    rules: str
    zones: Sequence[str] | None = ()


def checks(machine: Machine, now: datetime) -> Iterator[Check]:
    """Judge a machine."""
    yield ok("python", "Python", machine.python)
    yield _git(machine.git)
    yield _zones(machine, now)
    yield _encoding(machine.encoding)


def _git(git: GitVersion | QflowError) -> Check:
    about = "git"
    if not isinstance(git, tuple):
        return failed("git", about, git.message, git.hint)
    if not git.major:
        return unknown("git", about, f"it calls its version `{git.said}`; 2.31 or newer is needed")
    if not git.runs:
        hint = "Install a newer git, and put it first on the PATH."
        return failed("git", about, f"{git.said}, and 2.31 or newer is needed", hint)
    if not git.merges:
        lacks = 'an approval doesn\'t outlast an "Update branch": that takes 2.38'
        return ok("git", about, f"{git.said}; with it {lacks}")
    return ok("git", about, git.said)


def _zones(machine: Machine, now: datetime) -> Check:
    """Judge the rules by their year: their letter doesn't say in which month they came out."""
    about, name = "time zones", machine.rules
    if not name:
        hint = "`pip install --upgrade tzdata`"
        return warning("zones", about, "nobody knows of when their rules are", hint)
    year = _YEAR.match(name)
    middle = datetime(int(year[0]), 7, 1, tzinfo=UTC) if year else now
    old = (now - middle).days > 365
    zones = [zone for zone in machine.zones or () if zone not in ("UTC", "Etc/UTC")]
    if not old:
        return ok("zones", about, f"rules of {name}")
    if machine.zones is not None and not zones:
        return ok("zones", about, f"rules of {name}; no policy here has a window that needs them")
    used = f", and windows are judged by them ({', '.join(zones[:3])})" if zones else ""
    hint = "`pip install --upgrade tzdata`"
    return warning("zones", about, f"rules of {name} are more than a year old{used}", hint)


def _encoding(name: str) -> Check:
    about = "output"
    try:
        is_utf8 = codecs.lookup(name).name == "utf-8"
    except LookupError:
        is_utf8 = False
    if is_utf8:
        return ok("encoding", about, "UTF-8")
    return warning(
        "encoding",
        about,
        f"it is written as {name or 'an unknown encoding'}: other characters come as escapes",
        "`export PYTHONIOENCODING=utf-8`",
    )
