"""Hostile input by the million: `python -m tests.fuzz --seconds 300`. Not part of the tests.

Every input goes through everything that reads files offline; whatever is raised is a finding.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qflow_gitops.base.paths import CATALOG_FOLDER
from qflow_gitops.commands.migrate import rewrite
from qflow_gitops.render.formats import FORMATS
from qflow_gitops.results.report import Validated, validated
from qflow_gitops.specs import load, project_file
from qflow_gitops.yaml import fast
from qflow_gitops.yaml.document import Parsed
from qflow_gitops.yaml.parse import decode, parse, parse_closely
from tests.unit.test_cases import SETTINGS

ROOT = Path(__file__).parents[2]
SLOW = 5.0  # seconds for one input
TOKENS = (
    b"&a ", b"*a", b"<<: ", b"!!str ", b"!<tag:x> ", b"%YAML 1.1\n", b"---\n", b"...\n", b"? ",
    b": ", b"- ", b"[", b"]", b"{", b"}", b",", b"|\n", b">-\n", b"'", b'"', b"#", b"\t", b"\r",
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xc2\x85", b"\xe2\x80\xa8", b"\\ud800",
    b"\xed\xa0\x80", b"~", b"null", b"0123", b"1e999", b".nan", b"9" * 400, b"no", b"@", b"`",
    b"connectorId", b"credentials", b"sensitive", b"/input/x", b"\n", b"\n  ", b"\n      ",
    b"1.5", b"true", b"key: value\n", b"(" * 80, b"[" * 80, b"x" * 3000, b"::error::", b"\x1b[2J",
)  # fmt: skip


def seeds() -> list[bytes]:
    """Real files to spoil."""
    cases = [*(ROOT / "tests/cases").glob("*/*/*.yaml"), *(ROOT / "examples").rglob("*.yaml")]
    return [path.read_bytes() for path in sorted(cases)]


def spoilt(chance: random.Random, files: list[bytes]) -> bytes:
    """Give the next input: bytes, tokens, or a real file with a few changes."""
    if chance.random() < 0.1:
        return chance.randbytes(chance.randrange(200))
    if chance.random() < 0.1:
        return b"".join(chance.choices(TOKENS, k=chance.randrange(40)))
    content = chance.choice(files)
    for _ in range(chance.randrange(1, 6)):
        content = _changed(chance, content, files)
    return content[:50_000]


TWISTS = (
    *"ab01 -:#\n'\"|>[]{},&*!?%@`~.+e_\\/", "\n  ", "\n    ", "- ", ": ", "\n- ", "---\n", "...\n",
    "null", "true", "yes", "0x1f", "1e3", "|\n", "|-\n", ">+\n", "''", '""', "\\n", "\u00e9",
    "\u2028", "\t", "\n\n", "# c\n", "{a: b}", "[a, b]", "? ", "<<", "1.5", "012", " |2\n", ">#",
)  # fmt: skip


def twisted(chance: random.Random, files: list[bytes]) -> bytes:
    """Give a real file, or some lines of one, with a few changes that mostly leave it YAML."""
    text = chance.choice(files).decode(errors="replace")
    if chance.random() < 0.3:
        lines = text.split("\n")
        first = chance.randrange(len(lines))
        text = "\n".join(lines[first : first + chance.randrange(1, 9)]) + "\n"
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(5):
            case 0:
                text = text[:at] + text[at + chance.randrange(1, 4) :]
            case 1:
                other = chance.randrange(len(text) + 1)
                text = text[:at] + text[other : other + chance.randrange(1, 30)] + text[at:]
            case _:
                text = text[:at] + chance.choice(TWISTS) + text[at:]
    return text.encode()


def _changed(chance: random.Random, content: bytes, files: list[bytes]) -> bytes:
    at = chance.randrange(len(content) + 1)
    lines = content.splitlines(keepends=True) or [b""]
    line = chance.randrange(len(lines))
    match chance.randrange(7):
        case 0:
            return content[:at] + chance.choice(TOKENS) + content[at:]
        case 1:
            return content[:at] + content[at + chance.randrange(20) :]
        case 2:
            return b"".join([*lines[:line], lines[line], *lines[line:]])
        case 3:
            return b"".join([*lines[:line], *lines[line + 1 :]])
        case 4:
            return b"".join([*lines[:line], b"  " + lines[line], *lines[line + 1 :]])
        case 5:
            return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
        case _:
            return content + b"---\n" + chance.choice(files)


def told(parsed: Parsed) -> list[Any]:
    """Everything that a caller can see; repr keeps 1, 1.0 and True apart."""
    documents = [
        (one.file, one.index, repr(one.data), dict(one.keys), dict(one.values))
        for one in parsed.documents
    ]
    return [*documents, *parsed.diagnostics]


def agree(content: bytes) -> bool:
    """Check one content; whether the quick way was taken."""
    quick, thorough = parse(content, "a.yaml"), parse_closely(content, "a.yaml")
    assert told(quick) == told(thorough), content
    text, _ = decode(content, "a.yaml")
    return text is not None and fast.read(text) is not None


def swallow(content: bytes) -> None:
    """Do all that is ever done with a file offline. Raises only for a defect."""
    name = f"{CATALOG_FOLDER}/6cad21c8-4405-4517-beb9-7372feafb5b4.json"
    found = load.load({"runs/a.yaml": content}, SETTINGS).diagnostics
    found += load.load({}, SETTINGS, {name: content}).diagnostics
    found += project_file.load_project(content, "EU2")[1]
    report = validated(Validated(1, 0), found)
    for render in FORMATS.values():
        render(report)
    result = rewrite(content, "runs/a.yaml")
    if result.content is not None:
        again = rewrite(result.content, "runs/a.yaml")
        assert again.content is None, "migrating twice changes something"


def run(
    seconds: float, seed: int, at_least: int = 0
) -> Iterator[tuple[int, bytes, Exception | None]]:
    """Give each input that raised or was slow; at the end the count of all, with b""."""
    chance, files, count = random.Random(seed), seeds(), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or count < at_least:
        content = chance.choice((spoilt, twisted))(chance, files)
        begun = time.monotonic()
        try:
            swallow(content)
        except Exception as problem:
            yield count, content, problem
        if time.monotonic() - begun > SLOW:
            yield count, content, None
        try:
            agree(content)
        except Exception as problem:
            yield count, content, problem
        count += 1
    yield count, b"", None
