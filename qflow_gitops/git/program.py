"""Which git there is, and which of its versions knows what is asked of it here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.git.process import GitProcess, clean, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS = re.compile(r"([0-9]+)\.([0-9]+)(?:\.([0-9]+))?")


class GitVersion(NamedTuple):
    """A version of git; `said` is how git calls it, the numbers are 0 where it says none."""

    major: int
    minor: int
    patch: int
    said: str

    @property
    def runs(self) -> bool:
        """Whether everything that is asked of git anywhere is known to it.

        `rev-parse --path-format` and `log --diff-merges=first-parent` (git's release notes, 2.31).
        """
        return self[:2] >= (2, 31)

    @property
    def merges(self) -> bool:
        """Whether it tells what a merge comes to (`merge-tree`; release notes, 2.38)."""
        return self[:2] >= (2, 38)

    @property
    def stays_offline(self) -> bool:
        """Whether a partial clone doesn't fetch by itself what it lacks, where that is asked for.

        `GIT_NO_LAZY_FETCH`: release notes of 2.45, and the security releases of the same month.
        """
        since = {39: 4, 40: 2, 41: 1, 42: 2, 43: 4, 44: 1}
        return self[:2] >= (2, 45) or self.patch >= since.get(self.minor, 1 << 30)


def version(environ: Mapping[str, str]) -> GitVersion:
    """Ask git for its version. Raises UsageProblem where there is no git that can be started."""
    top = Path("/")
    out = GitProcess(top, top, top, clean(environ)).run(["version"])[1]
    return parsed(shown(out.decode(errors="replace").strip()))


def parsed(said: str) -> GitVersion:
    """Read what git says of itself: `git version 2.39.5 (Apple Git-154)`."""
    words = said.removeprefix("git version ")
    found = _NUMBERS.match(words)
    if not found:
        return GitVersion(0, 0, 0, words)
    return GitVersion(int(found[1]), int(found[2]), int(found[3] or 0), words)
