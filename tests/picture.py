"""The rooms of the package as a picture for `docs/architecture.md`: `python -m tests.picture`.

Made from the import contract in `pyproject.toml` and the first line of each room's docstring, so
that neither can be changed alone.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/architecture.md"
BLOCK = re.compile(r"(?<=^```text\n)qflow_gitops/\n.*?(?=^```$)", re.MULTILINE | re.DOTALL)


def layers() -> list[list[str]]:
    """The rooms of each layer, the top one first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (found,) = (one["layers"] for one in contracts if one["type"] == "layers")
    return [re.split(r" [|:] ", layer) for layer in found]


def docstring(room: str) -> str:
    """What a room, or a module beside the rooms, says of itself."""
    folder = ROOT / "qflow_gitops" / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def picture() -> str:
    """The lines, each with a newline."""
    return "qflow_gitops/\n" + "".join(_lines())


def _lines() -> Iterator[str]:
    for rooms in layers():
        for room in rooms:
            name = f"{room}/" if (ROOT / "qflow_gitops" / room).is_dir() else f"{room}.py"
            bar = "|" if len(rooms) > 1 else " "
            yield f"{bar} {name:<11}{docstring(room).splitlines()[0]}\n"


if __name__ == "__main__":
    PAGE.write_text(
        BLOCK.sub(lambda _: picture(), PAGE.read_text(encoding="utf-8")), encoding="utf-8"
    )
