"""Files that attack: each ends quickly, in little memory, in exit 3 with a place."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.partners import rows
from tests.helpers.specs import spec

HEAD = b"apiVersion: qflow-gitops/v1\nkind: WorkflowRun\nmetadata: {name: a}\nspec:\n  input:\n"
LEVELS = range(1, 30)
BOMBS = {
    "alias": HEAD
    + b"    a0: &a0 [x, x]\n"
    + b"".join(b"    a%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1) for n in LEVELS),
    "merge": HEAD
    + b"    a0: &a0 {x: 1}\n"
    + b"".join(b"    a%d: &a%d {<<: [*a%d, *a%d]}\n" % (n, n, n - 1, n - 1) for n in LEVELS),
    "brackets": HEAD + b"    a: " + b"[" * 100_000,
    "braces": HEAD + b"    a: " + b"{a: " * 50_000,
    "dashes": HEAD + b"    a:\n" + b"      " + b"- " * 100_000 + b"x\n",
    "questions": HEAD + b"    a:\n" + b"      " + b"? " * 100_000 + b"x\n",
    "5 MB": HEAD + b"    a: " + b"x" * 5_000_000,
    "5 MB of lines": HEAD + b"    a: x\n" * 550_000,
    "5,000 digits": HEAD + b"    a: " + b"7" * 5_000,
    "deep indentation": HEAD + b"".join(b" " * n + b"a:\n" for n in range(4, 400)),
    "lone surrogate": HEAD + b'    a: "\\ud800"\n',
    "beyond Unicode": HEAD + b'    a: "\\UFFFFFFFF"\n',
    "encoded surrogate": HEAD + b"    a: \xed\xa0\x80\n",
    "UTF-16": (HEAD + b"    a: x\n").decode().encode("utf-16"),
    "NUL": HEAD + b"    a: x\x00y\n",
    "list as root": b"- a\n- b\n",
    "control character": HEAD + b"    a: \x1b[2J\n",
    "many keys": HEAD + b"".join(b"    k%d: 1\n" % n for n in range(15_000)) + b"  x: 1\n",
    "many errors": b"".join(b"k%d: 1\n" % n for n in range(15_000)),
    "many documents": b"---\na: 1\n" * 20_000,
    "wide list": HEAD + b"    a: [" + b"1," * 100_000 + b"{]\n",
    "secret look-alikes": HEAD + b"    password: " + b'secret: "token=' * 15_000 + b"\n",
}
LIKE_ANOTHER = (
    "5,000 digits", "deep indentation", "lone surrogate", "beyond Unicode", "encoded surrogate",
    "UTF-16", "list as root", "control character", "braces", "merge",
)  # fmt: skip
"""Small ones, and such as another one is: `.ci/nightly` measures them."""
MEMORY = 200 * 2**20
MEASURED = """\
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, file=sys.stderr)
sys.exit(code)
"""
"""A small process between, since the kernel counts what a process was before its exec as well."""
PATIENCE = 200.0
"""So many times as long as a million additions here and now; the widest list takes 60 to 100."""


def additions() -> float:
    """Give the processor seconds that a million additions take: machines differ, and get tired."""
    begun = time.process_time()
    sum(number for number in range(1_000_000))
    return time.process_time() - begun


@pytest.mark.parametrize("name", rows(BOMBS, lambda name: name not in LIKE_ANOTHER))
def test_it_is_refused_quickly_and_in_little_memory(project: Workspace, name: str) -> None:
    project.write("runs/hostile.yaml", BOMBS[name])
    program = str(Path(sys.executable).with_name("qflow-gitops"))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, program, "-q", "validate"],
        cwd=project.path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    *err, used = done.stderr.splitlines()
    seconds, memory = map(float, used.split())
    assert (done.returncode, err) == (3, [])
    assert "runs/hostile.yaml:" in done.stdout
    assert len(done.stdout.splitlines()) < 40
    assert seconds < PATIENCE * max(additions() for _ in range(2))
    assert memory < MEMORY


# --- names ---------------------------------------------------------------------------


def committed(workspace: Workspace, entries: dict[bytes, tuple[str, bytes]]) -> None:
    """Commit paths that a file system might not take, with plumbing only."""
    listing = b""
    for path, (mode, content) in entries.items():
        if mode == "160000":
            blob = b"1" * 40
        else:
            made = subprocess.run(
                ["git", "hash-object", "-w", "--stdin"],
                cwd=workspace.path, input=content, capture_output=True, check=True,
            )  # fmt: skip
            blob = made.stdout.strip()
        listing += b"%s %s\t%s\0" % (mode.encode(), blob, path)
    for command, given in (
        (["git", "update-index", "-z", "--index-info"], listing),
        (["git", "commit", "--quiet", "-m", "hostile"], b""),
    ):
        subprocess.run(command, cwd=workspace.path, input=given, capture_output=True, check=True)


NAMES: dict[str, tuple[dict[bytes, tuple[str, bytes]], str, str]] = {
    "not UTF-8": ({b"runs/\xff.yaml": ("100644", b"a")}, "file-name", r"runs/\xff.yaml"),
    "line end": ({b"runs/a\nb.yaml": ("100644", b"a")}, "file-name", r"runs/a\nb.yaml"),
    "escape": ({b"runs/\x1b[2J.yaml": ("100644", b"a")}, "file-name", r"runs/\x1b[2J.yaml"),
    "direction": (
        {"runs/\u202elmay.yaml".encode(): ("100644", b"a")}, "file-name", r"runs/\u202elmay.yaml",
    ),
    "decomposed": (
        {"runs/u\u0308.yaml".encode(): ("100644", b"a")}, "file-name", "runs/u\u0308.yaml",
    ),
    "link": ({b"runs/l.yaml": ("120000", b"/etc/passwd")}, "file-kind", "runs/l.yaml"),
    "submodule": ({b"runs/sub": ("160000", b"")}, "file-kind", "runs/sub"),
    "same but for case": (
        {b"runs/A.yaml": ("100644", spec("a").encode()),
         b"runs/a.yaml": ("100644", spec("b").encode())},
        "file-collision", "runs/A.yaml",
    ),
    "folders that differ in case": (
        {b"runs/X/a.yaml": ("100644", spec("a").encode()),
         b"runs/x/a.yaml": ("100644", spec("b").encode())},
        "file-collision", "runs/X/a.yaml",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_refused_and_shown_escaped(project: Workspace, cli: Cli, name: str) -> None:
    entries, rule, shown = NAMES[name]
    committed(project, entries)
    done = cli("plan", "--full")
    assert done.code == 3
    assert f"{shown}:1:1: error [{rule}]" in done.out
    assert not {"\x1b", "\u202e", "\xff"} & set(done.out + done.err)


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (b"runs/.GIT/a.yaml", "file-name"),
        (b"runs/.git/a.yaml", "file-name"),
        (b"runs/x/.Git ./a.yaml", "file-name"),
        (b"runs/GIT~1/a.yaml", "file-name"),
    ],
)
def test_a_folder_of_gits_own_is_refused(path: bytes, rule: str) -> None:
    """git itself keeps such names out of an index, but not every tree was made by git."""
    from qflow_gitops.specs.filenames import spec_name

    name, problem = spec_name(path)
    assert name is None
    assert problem
    assert problem.rule == rule


def test_a_link_in_the_work_tree_is_refused(project: Workspace, cli: Cli) -> None:
    (project.path / "runs/l.yaml").symlink_to("/etc/passwd")
    (project.path / "runs/d").symlink_to("/etc")
    done = cli("validate")
    assert done.code == 3
    assert done.out.count("[file-kind]") == 2
    assert "root:" not in done.out


def test_a_pipe_is_refused_and_never_read(project: Workspace, cli: Cli) -> None:
    import os

    os.mkfifo(project.path / "runs/pipe.yaml")
    assert cli("validate").code in (0, 3)  # git doesn't list a pipe; a hang would fail the test


def test_schemas_of_the_repository_are_never_read(project: Workspace, cli: Cli) -> None:
    """A pull request could bring a schema that allows anything, or leads to another host."""
    assert cli("schema", "export", ".qflow/schemas").code == 0
    for file in Path(project.path / ".qflow/schemas").iterdir():
        file.write_text('{"$ref": "http://127.0.0.1:9/schema"}')
    project.write("runs/b.yaml", spec("B"))
    assert cli("validate").code == 3
