"""A repository with one thing broken on purpose: its line says so, no other; then it is mended.

What its line says to do is done to the letter, here and, with an apply after it, in
`test_hints.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.kept import Kept
from tests.helpers.scenarios.doctor import BROKEN, Broken, healthy
from tests.helpers.terminal import Terminal
from tests.helpers.typed import commands

Lines = Mapping[str, Mapping[str, Any]]
NOBODY_LOOKS = ("unknown", "not_looked_at")


@pytest.fixture
def terminal(
    tmp_path: Path,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    kept: Kept,
) -> Callable[[str], Terminal]:
    """From a store to a healthy repository with it."""
    folder = tmp_path / "team"
    folder.mkdir()

    def at(store: str) -> Terminal:
        made = Terminal(store, folder, sandbox, monkeypatch, capfd)
        remote = folder / "remote.git" if store == "branch" else None
        kept.begin(f"healthy, {store}", lambda: healthy(made), made.clone, remote, sandbox)
        monkeypatch.chdir(made.clone.path)  # the copy is another folder
        return made

    return at


def doctor(at: Terminal, *words: str) -> tuple[int, Lines]:
    done = at("doctor", "machine", "repository", *words, "--format", "json")
    assert not done.err, done.err
    return done.code, {check["name"]: check for check in done.data["checks"]}


def told(line: Mapping[str, Any] | None) -> Any:
    return line and (line["result"], line["hint"])


def differing(before: Lines, after: Lines) -> set[str]:
    """Name the lines that say something else, but for those that can't be told."""
    return {
        name
        for name in after
        if told(before.get(name)) != told(after[name]) and after[name]["result"] not in NOBODY_LOOKS
    }


@pytest.mark.parametrize("store", ["branch", "worktree"])
def test_nothing_is_wrong_where_nothing_is(store: str, terminal: Callable[[str], Terminal]) -> None:
    at = terminal(store)
    code, found = doctor(at)
    wrong = {name: line for name, line in found.items() if line["result"] != "ok"}
    assert code == 0
    assert {*wrong} == ({"lock-protected"} if store == "branch" else set())


@pytest.mark.parametrize("name", BROKEN)
def test_its_line_alone_says_so_and_how_it_is_mended(
    name: str, terminal: Callable[[str], Terminal]
) -> None:
    broken = BROKEN[name]
    at = terminal(broken.store)
    _, before = doctor(at)
    broken.breaks(at)
    code, after = doctor(at)
    assert differing(before, after) == {broken.line}, after[broken.line]
    assert after[broken.line]["result"] == broken.result
    assert code == (1 if broken.result == "failed" else 0)
    with at.open:
        outcomes = [doctor(at)[1] for _ in done(at, after[broken.line]["hint"], broken)]
    good = [found for found in outcomes if found[broken.line]["result"] == "ok"]
    assert bool(good) is (broken.mends is not False), [found[broken.line] for found in outcomes]
    for found in good[:1] if broken.mends else ():
        assert differing(before, found) == set()


def done(at: Terminal, hint: str, broken: Broken) -> Iterator[None]:
    """Do what is said, each thing from the same state."""
    broken.person.first(at)
    for command in commands(hint):
        with at.kept():
            typed = command
            for word, value in broken.person.words.items():
                typed = typed.replace(word, value if isinstance(value, str) else value(at))
            at.typed(typed)
            yield
    for part, change in broken.person.changes.items():
        assert part in hint
        with at.kept():
            change(at)
            if at.clone.git("status", "--porcelain"):
                at.merge()
            yield
