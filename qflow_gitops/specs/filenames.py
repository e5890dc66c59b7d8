"""Which files of a repository are taken for specs, and what is said of the others."""

import re
import unicodedata
from collections.abc import Iterable

from qflow_gitops.base import printable
from qflow_gitops.findings.finding import Diagnostic, error

_REGULAR = ("100644", "100755")
_GIT_NAMES = frozenset((".git", "git~1"))  # as the file systems of Windows and macOS see them too
_PLAIN_NAME = re.compile(rb"(?:[\w-][\w.-]*/)*[\w-][\w.-]*\.ya?ml")  # of bytes: ASCII
_KINDS = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a folder"}


def spec_name(path: bytes, mode: str = "100644") -> tuple[str | None, Diagnostic | None]:
    """Return a path as text if a run spec may live there; None, and why not, otherwise.

    Files that aren't YAML are nobody's business: None without a finding.
    """
    if mode in _REGULAR and _PLAIN_NAME.fullmatch(path):
        return path.decode(), None
    is_yaml = path.lower().endswith((b".yaml", b".yml"))
    if not is_yaml and mode in (*_REGULAR, "unreadable"):
        return None, None
    if mode not in _REGULAR:
        return None, not_plain(path, mode)
    shown = escaped(path)
    try:
        name = path.decode()
    except UnicodeDecodeError:
        return None, error("file-name", "The file's name is not UTF-8.", shown, hint="Rename it.")
    if shown != name or unicodedata.normalize("NFC", name) != name:
        return None, error(
            "file-name",
            "The file's name holds control, invisible or not normalised characters.",
            shown,
            hint="Rename it.",
        )
    if any(part.lower().rstrip(". ") in _GIT_NAMES for part in name.split("/")):
        return None, error(
            "file-name", "Part of the path is a name of git's own.", shown, hint="Rename it."
        )
    return name, None


def not_plain(path: bytes, mode: str, what: str = "specs") -> Diagnostic:
    """Say what is there in place of a plain file that may be read."""
    if mode == "unreadable":
        return error(
            "file-unreadable",
            "This user may not read the file.",
            escaped(path),
            hint="Give yourself the right to read it.",
        )
    return error(
        "file-kind",
        f"This is {_KINDS.get(mode, 'not a plain file')}, and {what} have to be plain files.",
        escaped(path),
        hint="Put the file itself here.",
    )


def is_regular(mode: str) -> bool:
    """Whether a git mode is that of a plain file."""
    return mode in _REGULAR


def escaped(path: bytes) -> str:
    r"""Return a path so that it can be shown: odd bytes and characters as `\x..` or `\u....`."""
    return printable.shown(path.decode("utf-8", "backslashreplace"))


def collisions(names: Iterable[str]) -> Iterable[Diagnostic]:
    """Find files that some file systems take for one (their names are NFC already)."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(name)
    for group in alike.values():
        for name in group if len(group) > 1 else ():
            other = next(another for another in group if another != name)
            yield error(
                "file-collision",
                f"On many machines this is the same file as {other}.",
                name,
                hint="Rename one of them.",
            )
