"""Durable files: whole or not at all, and an append log that forgets only what was torn."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qflow_gitops.base import atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_replace_is_whole_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    atomic.replace(target, b"old")

    def fails(*_args: object) -> None:
        raise OSError(5, "Input/output error")

    for name in ("fsync", "write"):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, fails)
            with pytest.raises(OSError, match="Input/output"):
                atomic.replace(target, b"new")
        assert target.read_bytes() == b"old"
        assert names(tmp_path) == ["file"]
    atomic.replace(target, b"new", mode=0o600)
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)


def test_parts_are_written_one_after_the_other_all_or_none(tmp_path: Path) -> None:
    target = tmp_path / "file"
    atomic.replace(target, iter([b"one, ", b"", b"two"]))
    assert target.read_bytes() == b"one, two"

    def torn() -> Iterator[bytes]:
        yield b"three"
        raise LookupError

    with pytest.raises(LookupError):
        atomic.replace(target, torn())
    assert target.read_bytes() == b"one, two"
    assert names(tmp_path) == ["file"]


def test_leftovers_are_swept(tmp_path: Path) -> None:
    target = tmp_path / "file"
    atomic.replace(target, b"x")
    (tmp_path / ".file.0123abcd.tmp").write_bytes(b"torn")
    (tmp_path / ".other.0123abcd.tmp").write_bytes(b"not ours")
    atomic.sweep(target)
    assert names(tmp_path) == [".other.0123abcd.tmp", "file"]


def test_lines_survive_and_a_torn_one_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    log = atomic.AppendLog(path)
    log.append([b"one", b"two"], reserve=100)
    log.close()
    content = path.read_bytes()
    kept = content.rstrip(b"\0")
    for end in range(len(kept) + 1):
        path.write_bytes(kept[:end] + b"\0" * 50)
        whole = list(atomic.read_lines(path))
        assert whole == [b"one", b"two"][: kept[:end].count(b"\n")]
    path.write_bytes(b"one\ntw" + b"\0" * 50)
    log = atomic.AppendLog(path)
    log.append([b"three"])
    log.close()
    assert list(atomic.read_lines(path)) == [b"one", b"three"]


def test_no_room_is_noticed_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    log = atomic.AppendLog(path)
    log.append([b"one"], reserve=1000)

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    log.append([b"the answer fits into the reserve"])
    with pytest.raises(OSError, match="No space"):
        log.append([b"x" * 100_000])
    log.append([b"and a later one too"])
    log.close()
    assert len(list(atomic.read_lines(path))) == 3


def test_after_a_failed_sync_nothing_more_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = atomic.AppendLog(tmp_path / "journal")
    log.append([b"one"])
    with monkeypatch.context() as patched:

        def fails(_descriptor: int) -> None:
            raise OSError(5, "Input/output error")

        patched.setattr(os, "fdatasync", fails)
        with pytest.raises(OSError, match="Input/output"):
            log.append([b"two"])
    with pytest.raises(OSError, match="earlier write"):
        log.append([b"three"])
    log.close()
    assert list(atomic.read_lines(tmp_path / "journal")) == [b"one"]


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    assert list(atomic.read_lines(tmp_path / "none")) == []
