"""The layout is what it says: one room a layer, nothing in `__init__`, small files."""

import ast
from pathlib import Path

import pytest

from tests.picture import BLOCK, README, ROOT, docstring, layers, picture

PACKAGE = ROOT / "qflow_gitops"
FILES = sorted(PACKAGE.rglob("*.py"))
LINES = 350
"""No file is longer, but for these, which may only get shorter."""
LONGER = {
    "apply/launch.py": 525,
    "cli/context.py": 427,
    "git/lock_branch.py": 467,
    "git/worktree.py": 393,
    "stores/worktree.py": 404,
    "yaml/strict.py": 419,
}


def test_the_readme_shows_the_rooms_as_they_are() -> None:
    assert BLOCK.findall(README.read_text(encoding="utf-8")) == [picture()]


def test_every_room_says_what_comes_in_and_what_it_may_import() -> None:
    rooms = {one for layer in layers() for one in layer}
    assert {one.name for one in PACKAGE.iterdir() if (one / "__init__.py").is_file()} < rooms
    for room in rooms:
        assert docstring(room), room


@pytest.mark.parametrize("file", [one for one in FILES if one.name == "__init__.py"])
def test_a_rooms_door_holds_one_docstring(file: Path) -> None:
    """No re-exports: the name of a thing's module is where it is. The package has its version."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    rest = [one for one in tree.body if not isinstance(one, ast.Expr)]
    assert ast.get_docstring(tree)
    assert len(rest) == (1 if file.parent == PACKAGE else 0)


def test_no_file_is_long() -> None:
    found = {
        one.relative_to(PACKAGE).as_posix(): count
        for one in FILES
        if (count := len(one.read_text(encoding="utf-8").splitlines())) > LINES
    }
    assert found.keys() == LONGER.keys()
    assert all(count <= LONGER[name] for name, count in found.items())
