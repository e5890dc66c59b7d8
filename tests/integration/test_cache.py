"""What is kept in the git directory: only ever a faster way to the same answer."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qflow_gitops.base.forks import spread
from qflow_gitops.cache.database import FILE, SqliteCache, _crc
from tests.helpers.cli import Cli
from tests.helpers.disks import small_disk
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, spec

WARNED = spec(
    "warned",
    extra="  connectorType: aws\n"
    "  variables: {credentials: aa70acae-6ea8-3acf-b504-f327855b316a}\n",
)


def kept(project: Workspace) -> Path:
    return project.path / ".git/qflow-gitops/verdicts" / FILE


@pytest.fixture
def known(project: Workspace, cli: Cli) -> Workspace:
    """A project that was validated."""
    project.write("qflow.yaml", SANDBOX_PROJECT)
    for name in ("a", "b", "c"):
        project.write(f"runs/{name}.yaml", spec(name))
    project.commit()
    assert cli("validate").code == 0
    assert kept(project).is_file()
    return project


def test_it_is_out_of_the_work_tree_and_safe_to_delete(known: Workspace, cli: Cli) -> None:
    assert known.git("status", "--porcelain") == ""
    before = cli("validate", "--format", "json").out
    kept(known).unlink()
    assert cli("validate", "--format", "json").out == before


CHANGES: dict[str, Callable[[Workspace], object]] = {
    "a file goes bad": lambda one: one.write("runs/a.yaml", "nonsense\n"),
    "a new file is bad": lambda one: one.write("runs/z.yaml", "nonsense\n"),
    "a name twice": lambda one: one.write("runs/z.yaml", spec("a")),
    "the settings change": lambda one: one.write(
        "qflow.yaml", SANDBOX_PROJECT.replace("prod:", "other:").replace("spec:", "spec:", 1)
        + "    more: {platform: sandbox}\n",
    ),
    "a catalog appears": lambda one: one.write(
        "workflows/6cad21c8-4405-4517-beb9-7372feafb5b0.json",
        '{"apiVersion": "qflow-gitops/v1", "kind": "Workflow",'
        ' "id": "6cad21c8-4405-4517-beb9-7372feafb5b0"}',
    ),
    "a link": lambda one: (one.path / "runs/link.yaml").symlink_to("a.yaml"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen_as_without_it(
    known: Workspace, cli: Cli, change: Callable[[Workspace], object]
) -> None:
    change(known)
    warm = cli("validate", "--format", "json")
    assert warm.code == 3
    kept(known).unlink()
    cold = cli("validate", "--format", "json")
    assert (warm.code, warm.out) == (cold.code, cold.out)


def test_warnings_are_told_again(project: Workspace, cli: Cli) -> None:
    project.write("runs/warned.yaml", WARNED)
    project.commit()
    first = cli("validate")
    assert "[legacy-variable]" in first.out
    assert cli("validate").out == first.out
    project.write("runs/other.yaml", spec("other"))
    assert first.out.splitlines()[0] in cli("validate").out


def test_what_git_does_not_look_at_is_looked_at_here(known: Workspace, cli: Cli) -> None:
    known.git("update-index", "--assume-unchanged", "runs/a.yaml")
    assert cli("validate").code == 0
    known.write("runs/a.yaml", "nonsense\n")
    assert known.git("status", "--porcelain") == ""
    assert cli("validate").code == 3


def test_another_size_on_disk_than_the_blob_is_read(known: Workspace, cli: Cli) -> None:
    """A filter stands between: what is validated is what lies there."""
    known.git("config", "filter.bad.smudge", "echo nonsense")
    known.git("config", "filter.bad.clean", "git cat-file blob HEAD:runs/a.yaml")
    known.write(".gitattributes", "runs/a.yaml filter=bad\n")
    (known.path / "runs/a.yaml").unlink()
    known.git("checkout", "--", "runs/a.yaml")
    assert known.read("runs/a.yaml") == "nonsense\n"
    assert cli("validate").code == 3


def put_instead(path: Path, made: Callable[[], None]) -> None:
    path.unlink()
    made()


SPOILT: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "no database": lambda path: path.write_bytes(b"hello" * 1000),
    "cut short": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a folder": lambda path: put_instead(path, path.mkdir),
    "a link": lambda path: put_instead(path, lambda: path.symlink_to("/etc/hostname")),
    "another format": lambda path: changed(path, "PRAGMA user_version = 99"),
    "other entries": lambda path: changed(path, "UPDATE verdicts SET entry = '[[], [], []]'"),
    "other contents": lambda path: changed(path, "UPDATE contents SET content = X'5B5D'"),
    "no tables": lambda path: changed(path, "DROP TABLE verdicts"),
}


def changed(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    with database:
        database.execute(statement)
    database.close()


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_what_is_broken_or_foreign_is_ignored(
    known: Workspace, cli: Cli, spoil: Callable[[Path], object]
) -> None:
    expected = cli("validate", "--format", "json").out, cli("plan", "--full").out
    spoil(kept(known))
    for _ in range(2):
        assert (cli("validate", "--format", "json").out, cli("plan", "--full").out) == expected
    known.write("runs/a.yaml", "nonsense\n")
    assert cli("validate").code == 3


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_what_is_broken_or_foreign_is_begun_anew(
    known: Workspace, spoil: Callable[[Path], object]
) -> None:
    spoil(kept(known))
    cache = SqliteCache(kept(known).parent)
    cache.keep_answer("x", 1)
    assert cache.answer("x") == (None if kept(known).is_dir() else 1)


ODD = (
    b"", b"[]\n", b"{}\n", b"[[\n", b"[" * 100_000 + b"\n",
    b'["BASIS", [1], [], "x", [0, []], [], 0]\n',
    b'["BASIS", ["runs"], [], "x", [0, []], null, 0]\n',
    b'["BASIS", ["runs"], [2], "x", [0, []], [3], 0]\n',
    b'["BASIS", ["runs"], ["w"], "x", ["many", []], [], 0]\n',
    b'["BASIS", ["runs"], [], "x", [0, []], [], 0]\n\xff\0nothing that git lists',
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_a_survey_that_is_none_is_ignored(known: Workspace, cli: Cli, odd: bytes) -> None:
    expected = cli("validate", "runs/b.yaml", "--format", "json").out
    cache, name = SqliteCache(kept(known).parent), f"survey {known.path.resolve()}"
    survey = cache.content(name)
    assert survey is not None
    cache.keep_content(name, odd.replace(b"BASIS", survey.split(b'"')[1]))
    for _ in range(2):
        assert cli("validate", "runs/b.yaml", "--format", "json").out == expected


def test_only_the_newest_contents_are_kept(tmp_path: Path) -> None:
    cache = SqliteCache(tmp_path)
    for number in range(50):
        cache.keep_content(str(number), b"x")
    assert cache.content("49") == b"x"
    assert cache.content("1") is None


def test_a_full_disk_is_no_reason_to_fail(known: Workspace, cli: Cli) -> None:
    with small_disk(known.path / ".git/qflow-gitops") as disk:
        expected = cli("validate", "--format", "json").out
        disk.fill()
        known.write("runs/d.yaml", spec("d"))
        for _ in range(2):
            assert cli("validate").code == 0
        known.remove("runs/d.yaml")
        assert cli("validate", "--format", "json").out == expected


def test_what_was_kept_wrongly_runs_nothing(known: Workspace, cli: Cli) -> None:
    """An entry that is sound in itself, and says something else of a file than the file."""
    assert cli("plan").code == 0
    path = kept(known)
    database = sqlite3.connect(path)
    rows = database.execute("SELECT context, blob, size, entry FROM verdicts").fetchall()
    with database:
        for context, blob, size, entry in rows:
            other = entry.replace('"v1:sha256:', '"v1:sha256:0')
            assert other != entry
            crc = _crc(context, blob, size, other)
            database.execute(
                "UPDATE verdicts SET entry = ?, crc = ? WHERE blob = ?", (other, crc, blob)
            )
    database.close()
    warm = cli("plan").out
    path.unlink()
    assert cli("plan").out == warm


def test_several_processes_at_once(known: Workspace) -> None:
    kept(known).unlink()
    program = [str(Path(sys.executable).with_name("qflow-gitops")), "validate"]
    begun = [subprocess.Popen(program, cwd=known.path, stdout=-1, stderr=-1) for _ in range(8)]
    ended = [(one.communicate(), one.returncode) for one in begun]
    assert {code for _, code in ended} == {0}
    assert len({out for (out, _), _ in ended}) == 1


def test_a_folder_that_may_not_be_made_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = SqliteCache(tmp_path / "file" / "verdicts")
    cache.keep_answer("x", 1)
    cache.keep_verdicts("x", {"a": (1, "[]")})
    assert cache.answer("x") is None
    assert cache.verdicts("x", ["a"]) == {}


def test_plan_says_the_same_with_and_without(known: Workspace, cli: Cli) -> None:
    known.write("runs/b.yaml", spec("b", 2))
    known.commit()
    cold = [cli("plan", *form).out for form in ((), ("--full",), ("--format", "json"))]
    warm = [cli("plan", *form).out for form in ((), ("--full",), ("--format", "json"))]
    assert warm == cold


def test_work_is_spread_in_order_and_done_where_a_process_dies() -> None:
    parent = os.getpid()

    def square(number: int) -> int:
        if number == 333 and os.getpid() != parent:
            os._exit(1)
        return number * number

    assert spread(square, range(1001)) == [number * number for number in range(1001)]


def test_what_goes_wrong_in_a_process_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    def bad(number: int) -> int:
        if number == 777:
            raise ValueError("seven")
        return number

    with pytest.raises(ValueError, match="seven"):
        spread(bad, range(1001))
    assert capfd.readouterr() == ("", "")
