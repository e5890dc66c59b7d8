"""Which files of the program run: one hash over all of them.

It is what `sha256sum` makes of what it says of each file, in the order of their paths, so that
anybody takes it again, of an installation or of a wheel: docs/concepts/lockfile.md says how.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

_PACKAGE = __name__.partition(".")[0]


class Installed(NamedTuple):
    """The program's files: `sha256:` and 64 hex digits, "" where they can't be read.

    `editable` is whether they are a source tree that anybody may edit, and no installation.
    """

    digest: str
    editable: bool


@cache
def installed() -> Installed:
    """Look at the files of this program, once. Raises nothing."""
    package = Path(__file__).parents[1]
    try:
        return Installed(f"sha256:{digest_of(package)}", _is_editable(package))
    except (OSError, ValueError):
        return Installed("", editable=False)


def digest_of(package: Path) -> str:
    """Return the hash of a package's files, without Python's compiled ones.

    Raises OSError, and ValueError where there is none.
    """
    paths = (path for path in package.rglob("*") if "__pycache__" not in path.parts)
    named = {path.relative_to(package.parent).as_posix(): path for path in paths if path.is_file()}
    if not named:
        raise ValueError("there are no files")
    lines = (f"{sha256(named[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(named))
    return sha256("".join(lines).encode()).hexdigest()


def _is_editable(package: Path) -> bool:
    """Whether no installer put these files where they are: its own record lies beside them."""
    return next(package.parent.glob(f"{_PACKAGE}-*.dist-info"), None) is None
