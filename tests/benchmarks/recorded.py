"""Repositories in which so many runs are recorded on a branch, in each form of the lockfile.

What stands in a lockfile is written down here once more, and git's `fast-import` puts it there:
no version of the program writes what it is measured with, and 50,000 runs take seconds.

In form 1 `qflow.lock` holds everything. In form 2 it is a head, and each run has a file of its own.
"""

import hashlib
import json
import shutil
import subprocess
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from qflow_gitops.git.repository import GitRepo
from qflow_gitops.sources import settings
from qflow_gitops.sources import specs as reading
from tests.benchmarks import repository
from tests.helpers.clones import BRANCH, BRANCH_PROJECT, Remote

SETTINGS = BRANCH_PROJECT + "  policy: {limits: {runs: 100}}\n"
ENVIRONMENT = "prod"
DUE = ("--label", "batch=due")
"""Selects what is due: where nothing is recorded, everything else would be as well."""

WAVE = 4  # runs at once
COMMITS = 8
"""Of the branch: one begins it, the next has nearly everything, then an apply with its waves."""

STATES = ("intent", "accepted", "succeeded")
_LINEAGE = "0123456789abcdef0123456789abcdef"
_README = b"# The lockfile of qflow-gitops\n"
_AT = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:05:00Z")


def made_up(*words: object) -> str:
    """Return 64 hexadecimal digits that look like chance and stay the same."""
    return hashlib.sha256(repr(words).encode()).hexdigest()


class Run(NamedTuple):
    """What a recorded attempt says of its run."""

    name: str
    digest: str
    facts: Mapping[str, Any]

    def attempt(self, number: int, state: str) -> dict[str, Any]:
        """Return an attempt that came as far as this state, as it stands in the lockfile."""
        count = STATES.index(state) + 1
        by = {"actor": "bench@example.com", "tool": "0.1.0"}
        apply = {
            "workflow": "bench/runs/.github/workflows/qflow.yml@refs/heads/main",
            "workflowCommit": self.facts.get("commit", ""),
            "installed": f"sha256:{made_up('installed')}",
            "clockSkew": 0,
        }
        intent = {
            "by": by, "leaseUntil": "2026-01-01T00:06:00Z", "executionsBefore": [], "apply": apply,
        }  # fmt: skip
        extra: tuple[dict[str, Any], ...]
        extra = (intent, {"httpStatus": 200}, {"status": "Success"})
        execution = str(uuid.UUID(made_up("execution", self.name, number)[:32], version=4))
        return {
            "number": number,
            "state": state,
            **({"executionId": execution} if count > 1 else {}),
            **({"status": "Success"} if count > 2 else {}),
            "digest": self.digest,
            **self.facts,
            "events": [
                {"at": at, "to": to, **more}
                for at, to, more in zip(_AT, STATES[:count], extra, strict=False)
            ],
        }

    def again(self, number: int) -> "Run":
        """Return the run as it is after so many changes of its file: all that is told by chance."""
        digest = made_up("digest", self.name, number)
        new = {
            "commit": made_up("commit", self.name, number)[:40],
            "blob": made_up("blob", self.name, number)[:40],
            "bodySha256": made_up("body", self.name, number),
            "nonce": made_up("nonce", self.name, number)[:32],
            "evidence": self._evidence(number),
        }
        return Run(self.name, f"v1:sha256:{digest}", {**self.facts, **new})

    def _evidence(self, number: int) -> dict[str, Any]:
        """Return what allowed it: a pull request of its own, approved by one person."""
        chance = made_up("pull request", self.name, number)
        review = {"by": "bench", "review": int(chance[:8], 16), "commit": chance[:40]}
        return {
            "planDigest": f"v1:sha256:{made_up('plan', self.name, number)}",
            "pullRequest": int(chance[:3], 16) + 1,
            "approvers": ["bench"],
            "approvals": [review],
            "mergedBy": "bench",
            "catalogRevision": made_up("revision"),
        }


class Version(NamedTuple):
    """A commit of the branch: what it says in its message, and the runs that it changes."""

    says: str
    latest: str
    runs: Mapping[str, Sequence[Mapping[str, Any]]]


class _Import:
    """Commits through one process of git's; each goes on top of what its branch holds."""

    def __init__(self, bare: Path) -> None:
        command = ["git", "fast-import", "--quiet"]
        self._process = subprocess.Popen(command, cwd=bare, stdin=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        assert self._process.wait() == 0 or kind

    def commit(self, branch: str, message: str, files: Iterable[tuple[str, bytes]]) -> None:
        who = b"committer bench <bench@example.com> 1767225600 +0000\n"
        self._say(b"commit refs/heads/" + branch.encode() + b"\n" + who)
        self._data(message.encode())
        for path, content in files:
            self._say(b"M 100644 inline " + path.encode() + b"\n")
            self._data(content)

    def _data(self, content: bytes) -> None:
        self._say(b"data %d\n" % len(content))
        self._say(content)
        self._say(b"\n")

    def _say(self, text: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(text)


class Origin:
    """A bare repository with so many specs, of which some are changed by its second commit."""

    def __init__(self, folder: Path, count: int, due: int) -> None:
        """Make it in a folder of its own."""
        folder.mkdir()
        self.folder = folder
        self.remote = Remote(folder / "specs.git")
        chosen = repository.changed(due, count)
        with _Import(self.remote.path) as into:
            specs = ((repository.file_of(one), _spec(one)) for one in range(count))
            into.commit("main", "runs", [("qflow.yaml", SETTINGS.encode()), *specs])
            into.commit(
                "main", "changed", ((repository.file_of(one), _spec(one, True)) for one in chosen)
            )
        self.base, self.head = (self.remote.git("rev-parse", name) for name in ("main~1", "main"))
        self._runs: list[Run] = []

    @property
    def runs(self) -> Sequence[Run]:
        """What the first commit asks for, sorted by name; read once."""
        self._runs = self._runs or _read(self.remote, self.base)
        return self._runs

    def empty(self, form: int) -> Path:
        """Make a copy whose lockfile holds no run."""
        return self._copy(f"empty-{form}", form, [])

    def recorded(self, form: int) -> Path:
        """Make a copy whose lockfile holds every run of the first commit, as succeeded."""
        return self._copy(f"recorded-{form}", form, history(self.runs, self.base))

    def settled(self, form: int) -> Path:
        """Make a copy of that in which nothing is due: the second commit isn't there yet."""
        target = self.folder / f"settled-{form}.git"
        if not target.exists():
            shutil.copytree(self.recorded(form), target)
            Remote(target).git("update-ref", "refs/heads/main", self.base)
        return target

    def grown(self, form: int, more: Iterable[Version]) -> Path:
        """Make a copy with everything recorded, and these versions after that."""
        return self._copy(f"grown-{form}", form, (*history(self.runs, self.base), *more))

    def _copy(self, name: str, form: int, versions: Iterable[Version]) -> Path:
        target = self.folder / f"{name}.git"
        if not target.exists():
            shutil.copytree(self.remote.path, target)
            write(target, form, versions)
            Remote(target).git("gc", "--quiet")
        return target


def _spec(number: int, changed: bool = False) -> bytes:
    text = repository.spec(number, changed=changed, environment=ENVIRONMENT)
    labelled = text.replace("    tier:", "    batch: due\n    tier:")
    return (labelled if changed else text).encode()


def _read(remote: Remote, commit: str) -> list[Run]:
    """Read what a commit asks for, as the program does."""
    clone = remote.clone("reading", "--no-checkout")
    repo = GitRepo.open(clone.path, {"PATH": "/usr/bin:/bin"})
    project = settings.settings(repo, commit, "").project
    blobs = {one.path.decode(): one.blob for one in repo.files(commit, ["runs"]).values()}
    specs = reading.commit_specs(repo, commit, project).specs
    shutil.rmtree(clone.path)
    return [
        Run(
            name,
            one.digest,
            {
                "workflowId": one.workflow_id,
                "revision": made_up("revision", one.workflow_id),
                "platform": "sandbox",
                "gateway": "127.0.0.1:8080",
                "file": one.file,
                "commit": commit,
                "blob": blobs[one.file],
                "bodySha256": one.body_sha256,
                "nonce": made_up("nonce", name)[:32],
                "annotations": dict(one.annotations),
                "evidence": {"planDigest": f"v1:sha256:{made_up('plan')}"},
            },
        )
        for (_, name), one in sorted(specs.items())
    ]


def history(runs: Sequence[Run], latest: str) -> Iterator[Version]:
    """Yield versions: nearly everything, then waves of an apply, each with the answers before."""
    waves = COMMITS - 3
    step = max(1, len(runs) // (waves * WAVE))
    late = list(runs[::step][: waves * WAVE])  # all over the folders
    names = {one.name for one in late}
    early = {one.name: [one.attempt(1, "succeeded")] for one in runs if one.name not in names}
    yield Version("all applied", latest, early)
    before: list[Run] = []
    for first in range(0, len(late), WAVE):
        wave = late[first : first + WAVE]
        opened = {one.name: [one.attempt(1, "intent")] for one in wave}
        answered = {one.name: [one.attempt(1, "accepted")] for one in before}
        yield Version("start " + ", ".join(opened), latest, answered | opened)
        before = wave
    ended = {one.name: [one.attempt(1, "succeeded")] for one in late}
    yield Version("all succeeded", latest, ended)


def write(bare: Path, form: int, versions: Iterable[Version]) -> None:
    """Put versions of a lockfile on a branch that isn't there yet, a commit each."""
    files, known = _FORMS[form], dict[str, str]()
    with _Import(bare) as into:
        begin = [("README.md", _README), *files(known, 1, Version("", "", {}))]
        into.commit(BRANCH, _message("begin", 1), begin)
        for serial, version in enumerate(versions, 2):
            into.commit(BRANCH, _message(version.says, serial), files(known, serial, version))


def _message(says: str, serial: int) -> str:
    subject = f"{ENVIRONMENT}: {says}"[:72]
    nonce = made_up("commit", serial)[:32]
    who = "Qflow-Actor: bench@example.com"
    return f"{subject}\n\nQflow-Serial: {serial}\nQflow-Nonce: {nonce}\n{who}\n"


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _deeper(text: str, spaces: int) -> str:
    return text.replace("\n", "\n" + " " * spaces)


def _whole(known: dict[str, str], serial: int, version: Version) -> Iterator[tuple[str, bytes]]:
    """Form 1: yield the one file; `known` keeps the text of each run for the next version."""
    for name, attempts in version.runs.items():
        run = _text({name: {"attempts": attempts}})
        known[name] = _deeper(run.removeprefix("{").removesuffix("\n}"), 6)
    head = _text(_head(1, serial, version, {"runs": {}}))
    runs = ",".join(known[name] for name in sorted(known))
    text = head.replace('"runs": {}', f'"runs": {{{runs}\n      }}')
    yield "qflow.lock", (text + "\n").encode()


def _pieces(_: dict[str, str], serial: int, version: Version) -> Iterator[tuple[str, bytes]]:
    """Form 2: yield the head, and the files of the runs that are changed."""
    yield "qflow.lock", (_text(_head(2, serial, version, {})) + "\n").encode()
    for name, attempts in version.runs.items():
        assert len(attempts) <= 100
        whole = {"environment": ENVIRONMENT, "name": name, "attempts": attempts}
        yield piece(name), (_text(whole) + "\n").encode()


def piece(name: str) -> str:
    """Return the path of a run's file in form 2."""
    return f"runs/{ENVIRONMENT}/{hashlib.sha256(name.encode()).hexdigest()[:2]}/{name}.json"


def _head(form: int, serial: int, version: Version, runs: dict[str, Any]) -> dict[str, Any]:
    through = {"latest": version.latest, "appliedThrough": version.latest}
    environments = {ENVIRONMENT: {**through, **runs}} if version.latest else {}
    return {
        "lockfileVersion": form,
        "lineage": _LINEAGE,
        "serial": serial,
        "environments": environments,
    }


_FORMS = {1: _whole, 2: _pieces}
"""`lockfileVersion` -> what gives the files that a version changes."""
