"""Disks that are full, and folders that can't be written."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_FILLER = "filler"


def _mount(*words: str) -> None:
    """Mount something, or skip the test that needs it."""
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk needs the right to mount: {done.stderr.strip()}")


def _unmount(path: Path) -> None:
    subprocess.run(["umount", "--lazy", str(path)], capture_output=True, check=False)


class SmallDisk:
    """A disk of 2 MiB at a folder, with the folder's content."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        """Use up all of its room."""
        with (self.path / _FILLER).open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 4096)
        assert shutil.disk_usage(self.path).free == 0

    def empty(self) -> None:
        """Make room again."""
        (self.path / _FILLER).unlink()


@contextmanager
def small_disk(path: Path) -> Iterator[SmallDisk]:
    """Move a folder onto a disk of its own, which is unmounted afterwards."""
    moved = path.with_name(f"{path.name}.moved")
    path.rename(moved)
    path.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path))
        shutil.copytree(moved, path, dirs_exist_ok=True, symlinks=True)
        yield SmallDisk(path)
    finally:
        _unmount(path)


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Let nobody write in a folder: for root by a mount, for others by its rights."""
    if os.geteuid() == 0:
        _mount("--bind", str(path), str(path))
        try:
            _mount("-o", "remount,bind,ro", str(path))
            yield
        finally:
            _unmount(path)
        return
    folders = [path, *(one for one in path.rglob("*") if one.is_dir())]
    for one in folders:
        one.chmod(0o555)
    try:
        yield
    finally:
        for one in folders:
            with suppress(FileNotFoundError):
                one.chmod(0o755)
