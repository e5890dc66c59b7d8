"""The layout is what it says: one room a layer, nothing in `__init__`, small files."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from qflow_gitops.base.printable import is_hidden
from tests.picture import BLOCK, PAGE, ROOT, docstring, layers, picture

PACKAGE = ROOT / "qflow_gitops"
FILES = sorted(PACKAGE.rglob("*.py"))
LINES, FUNCTION, CLASS, METHODS = 350, 45, 250, 20
"""No file, function and class is longer; what grows beyond is split by what it does."""


def test_the_picture_shows_the_rooms_as_they_are() -> None:
    assert BLOCK.findall(PAGE.read_text(encoding="utf-8")) == [picture()]


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


def _definitions() -> Iterator[tuple[str, ast.stmt, int]]:
    """Each function and class with its name and its length."""
    for file in FILES:
        for one in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(one, ast.FunctionDef | ast.ClassDef):
                name = f"{file.relative_to(PACKAGE).as_posix()}:{one.name}"
                yield name, one, (one.end_lineno or 0) - one.lineno + 1


def test_no_file_is_long() -> None:
    found = {
        one.relative_to(PACKAGE).as_posix(): count
        for one in FILES
        if (count := len(one.read_text(encoding="utf-8").splitlines())) > LINES
    }
    assert found == {}


def test_most_files_are_short() -> None:
    assert median(len(one.read_text(encoding="utf-8").splitlines()) for one in FILES) <= 110


def test_no_function_is_long() -> None:
    found = {
        name: count
        for name, one, count in _definitions()
        if isinstance(one, ast.FunctionDef) and count > FUNCTION
    }
    assert found == {}


def test_no_class_is_big() -> None:
    found = {}
    for name, one, count in _definitions():
        if isinstance(one, ast.ClassDef):
            methods = sum(isinstance(each, ast.FunctionDef) for each in one.body)
            if count > CLASS or methods > METHODS:
                found[name] = (count, methods)
    assert found == {}


def test_no_file_holds_what_nobody_sees() -> None:
    """A control character that a tool left in a text would be printed, or hidden in a diff."""
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert not any(is_hidden(line) for line in text.split("\n")), file


def test_the_auditors_check_can_be_read_whole_and_trusts_nothing_of_ours() -> None:
    text = (ROOT / "examples/audit/verify.py").read_text(encoding="utf-8")
    (most,) = re.findall(r"at most (\d+) lines", (ROOT / "docs/verify.md").read_text("utf-8"))
    assert len(text.splitlines()) <= int(most) <= 250
    names = {
        name.partition(".")[0] for node in ast.walk(ast.parse(text)) for name in imported(node)
    }
    assert names <= sys.stdlib_module_names


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or "."]
    return [one.name for one in node.names] if isinstance(node, ast.Import) else []
