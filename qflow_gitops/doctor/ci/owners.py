"""Whose review a change of what decides takes (docs.github.com, "About code owners")."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from qflow_gitops.doctor.ci.seen import Seen
from qflow_gitops.results.checks import Check, ok, warning

_NAME, _ABOUT = "code-owners", "code owners"


def unowned(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths, folders with `/` at their end, that no line of such a file gives an owner.

    The last line that matches counts, and one without an owner takes it away.
    """
    rules = [line.partition("#")[0].split() for line in text.splitlines()]
    return tuple(path for path in paths if not _owners([rule for rule in rules if rule], path))


def _owners(rules: list[list[str]], path: str) -> list[str]:
    matching = [owners for pattern, *owners in rules if _matches(pattern, path)]
    return matching[-1] if matching else []


def _matches(pattern: str, path: str) -> bool:
    bare, whole = pattern.strip("/").removesuffix("/**"), path.rstrip("/")
    return fnmatchcase(whole, bare) or fnmatchcase(path, f"{bare}/*") or bare in ("*", "**")


def owners(seen: Seen) -> Iterator[Check]:
    """Say whether each of them has one, and whom GitHub doesn't find."""
    found = seen.expected.owners
    if found is None:
        return
    if not found.file:
        hint = "Have `qflow-gitops init --github` write .github/CODEOWNERS, and fill it in."
        yield warning(_NAME, _ABOUT, "no file names any", hint)
    elif found.unowned:
        why = f"{found.file} gives none to {', '.join(found.unowned)}"
        yield warning(_NAME, _ABOUT, why, f"Name a team for each in {found.file}.")
    elif errors := seen.host.owner_errors():
        why = f"{found.file}: {'; '.join(errors[:3])}"
        yield warning(_NAME, _ABOUT, why, f"Correct {found.file}: who isn't known owns nothing.")
    else:
        yield ok(_NAME, _ABOUT, f"{found.file} names them")
