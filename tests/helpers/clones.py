"""A bare remote and its clones: what teams and CI runners have."""

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.helpers.git import Workspace

BRANCH = "qflow-lock"
BRANCH_PROJECT = """\
apiVersion: qflow-gitops/v1
kind: Project
spec:
  environments:
    prod: {platform: sandbox}
  lock: {store: branch}
"""


class Remote:
    """A bare repository on disk, with the history of a workspace; made where there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            subprocess.run(
                ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True
            )

    def git(self, *arguments: str) -> str:
        return Workspace(self.path).git(*arguments)

    def clone(self, name: str, *options: str) -> Workspace:
        """A fresh clone beside the remote."""
        folder = self.path.parent / name
        subprocess.run(
            ["git", "clone", "--quiet", *options, self.path.as_uri(), str(folder)],
            check=True,
            env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"},
        )
        return Workspace(folder)

    def tip(self) -> str:
        return self.git("rev-parse", f"refs/heads/{BRANCH}")

    def record(self, commit: str = BRANCH) -> Any:
        """The lockfile of a commit of its branch, put together from the files there."""
        return record_of(self.path, commit)

    def attempts(self, run: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.record()["environments"]["prod"]["runs"][run]["attempts"]
        return found

    def states(self) -> dict[str, str]:
        """The last state of every run."""
        runs = self.record()["environments"]["prod"]["runs"]
        return {name: run["attempts"][-1]["state"] for name, run in runs.items()}

    def subjects(self) -> list[str]:
        return self.git("log", "--format=%s", "--reverse", BRANCH).splitlines()

    def hook(self, name: str, script: str) -> None:
        """Let the remote refuse what a script refuses."""
        file = self.path / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("#!/bin/sh\n" + script)
        file.chmod(0o755)


def record_of(repository: Path, commit: str = BRANCH) -> Any:
    """The lockfile of a commit of its branch, put together from the files there."""
    command = ["git", "-C", str(repository), "archive", "--format=tar", commit]
    made = subprocess.run(command, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as tar:
        opened = {file.name: tar.extractfile(file) for file in tar if file.isfile()}
        data = {name: json.load(file) for name, file in opened.items()
                if file and name.startswith(("qflow.lock", "runs/"))}  # fmt: skip
    head = data.pop("qflow.lock")
    for environment in head["environments"].values():
        environment["runs"] = {}
    for path in sorted(data, key=lambda path: (_part(path), path)):
        piece = data[path]
        runs = head["environments"][piece.pop("environment")]["runs"]
        run = runs.setdefault(piece.pop("name"), {"attempts": []})
        run["attempts"] += piece.pop("attempts")
        run |= piece
    return head


def files_of_record(data: Any) -> dict[str, bytes]:
    """The files of a lockfile that is given as one. Made without the program."""
    head = json.loads(json.dumps(data))
    files = {}
    for name, environment in head["environments"].items():
        for run, record in environment.pop("runs").items():
            folder = f"runs/{name}/{hashlib.sha256(run.encode()).hexdigest()[:2]}/{run}"
            some = [record["attempts"][at : at + 100]
                    for at in range(0, max(1, len(record["attempts"])), 100)]  # fmt: skip
            for number, attempts in enumerate(some, 1):
                piece = {"environment": name, "name": run, **record, "attempts": attempts}
                if number > 1:
                    piece.pop("events", None)
                files[folder + (f".{number}" if number > 1 else "") + ".json"] = _json(piece)
    return {"qflow.lock": _json(head), **files}


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def put_files(repository: Path, files: Mapping[str, bytes], parent: str = "") -> str:
    """Make a commit on the lockfile's branch with these files and no others, as by hand."""
    lines = [b"commit refs/heads/%s" % BRANCH.encode(), b"mark :1"]
    lines += [b"committer x <x@x> 1700000000 +0000", b"data 7", b"by hand"]
    lines += [b"from %s" % parent.encode()] if parent else []
    lines.append(b"deleteall")
    for path, content in files.items():
        lines += [b"M 100644 inline " + path.encode(), b"data %d" % len(content), content]
    feed = b"\n".join([*lines, b"get-mark :1", b"done", b""])
    command = ["git", "-C", str(repository), "fast-import", "--quiet", "--force", "--done"]
    made = subprocess.run(command, input=feed, capture_output=True, check=True)
    return made.stdout.decode().strip()


def moved_along(remote: Path) -> bool:
    """Let the lockfile of a remote that was copied be known where the copy is.

    As an apply with `--ack place=1` does; False where there is none.
    """
    shown = ["git", "-C", str(remote), "cat-file", "blob", f"refs/heads/{BRANCH}:qflow.lock"]
    found = subprocess.run(shown, capture_output=True, check=False)
    if found.returncode:
        return False
    head = json.loads(found.stdout)
    address = str(remote).removesuffix(".git")
    digest = hashlib.sha256(f"{head['lineage']}\n{address}".encode()).hexdigest()
    event = {"at": "2026-01-01T00:00:00Z", "event": "known", "address": f"sha256:{digest}"}
    head["places"] = [*head.get("places", []), event]
    head["serial"] += 1
    ref = b"refs/heads/%s" % BRANCH.encode()
    content = _json(head)
    feed = [b"commit " + ref, b"committer x <x@x> 1700000000 +0000", b"data 7", b"by hand"]
    feed += [b"from %s^0" % ref, b"M 100644 inline qflow.lock", b"data %d" % len(content), content]
    command = ["git", "-C", str(remote), "fast-import", "--quiet", "--done"]
    subprocess.run(command, input=b"\n".join([*feed, b"done", b""]), check=True)
    return True


def _part(path: str) -> int:
    """Which of a run's files it is: `<run>.json`, `<run>.2.json`, …"""
    number = path.removesuffix(".json").rpartition(".")[2]
    return int(number) if number.isdecimal() and "." in path.removesuffix(".json") else 1
