"""Histories of any shape, made in one go: what they are is known without asking git."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

_BEGIN = 1_700_000_000
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r<>"), max_size=12)
_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=40)
PATHS = ("runs/a.yaml", "runs/deep/b c.yaml", "docs/ü\U0001f600.md", ":x", "-dash")


@dataclass(frozen=True)
class Made:
    """A commit: its parents by their numbers, who made it, what it says, which file it writes."""

    parents: tuple[int, ...]
    author: str
    committer: str
    words: str
    path: str


@st.composite
def histories(draw: st.DrawFn, most: int = 12) -> tuple[Made, ...]:
    """Commits, each after its parents: lines, several roots, merges of up to four."""
    found: list[Made] = []
    for number in range(draw(st.integers(2, most))):
        before = st.integers(0, number - 1)
        parents = draw(st.lists(before, max_size=4, unique=True)) if number else []
        if number and not parents and draw(st.integers(0, 3)):
            parents = [number - 1]  # a further root is rare
        found.append(
            Made(
                tuple(parents), draw(_TEXT), draw(_TEXT), draw(_WORDS), draw(st.sampled_from(PATHS))
            )
        )
    return tuple(found)


def build(folder: Path, made: Sequence[Made], *, sha256: bool = False) -> list[str]:
    """Make a repository with these commits, a branch `c<number>` for each; return their ids."""
    kind = ["--object-format=sha256"] if sha256 else []
    subprocess.run(["git", "init", "--quiet", *kind, str(folder)], check=True)
    stream = b"".join(_written(number, commit) for number, commit in enumerate(made))
    marks = folder / ".git/marks"
    subprocess.run(
        ["git", "-C", str(folder), "fast-import", "--quiet", "--force", f"--export-marks={marks}"],
        input=stream, check=True,
    )  # fmt: skip
    ids = dict(line.split(" ") for line in marks.read_text(encoding="ascii").splitlines())
    subprocess.run(["git", "-C", str(folder), "switch", "--quiet", "c0"], check=True)
    return [ids[f":{number + 1}"] for number in range(len(made))]


def _written(number: int, commit: Made) -> bytes:
    at = _BEGIN + number
    content = f"{number}\n".encode()
    lines = [
        b"commit refs/heads/c%d" % number,
        b"mark :%d" % (number + 1),
        b"author %s <a%d@example.com> %d +0130" % (commit.author.encode(), number, at),
        b"committer %s <c%d@example.com> %d -0800" % (commit.committer.encode(), number, at + 7),
        b"data %d\n%s" % (len(commit.words.encode()), commit.words.encode()),
        *(
            b"%s :%d" % (b"merge" if place else b"from", parent + 1)
            for place, parent in enumerate(commit.parents)
        ),
        b"M 100644 inline %s\ndata %d\n%s" % (commit.path.encode(), len(content), content),
    ]
    return b"\n".join(lines) + b"\n"


def ancestors(made: Sequence[Made]) -> Mapping[int, frozenset[int]]:
    """Each commit and all that it descends from."""
    found: dict[int, frozenset[int]] = {}
    for number, commit in enumerate(made):
        above = (found[parent] for parent in commit.parents)
        found[number] = frozenset({number}).union(*above)
    return found


def first_line(made: Sequence[Made], number: int) -> list[int]:
    """A commit and its first parents, newest first."""
    found = [number]
    while made[found[-1]].parents:
        found.append(made[found[-1]].parents[0])
    return found


def best_bases(made: Sequence[Made], number: int, other: int) -> frozenset[int]:
    """The common ancestors that no other common ancestor descends from."""
    above = ancestors(made)
    common = above[number] & above[other]
    return frozenset(
        one for one in common if not any(one in above[two] for two in common if two != one)
    )
