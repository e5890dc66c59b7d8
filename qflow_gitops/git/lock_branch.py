"""A branch of the remote as a place to write to: no checkout, no work tree, no hooks.

Commits are made of objects (`hash-object`, `mktree`, `commit-tree`) and pushed with an
explicit lease, so that a push is a compare-and-swap. Whatever git says of a push, the
remote is read back: a commit that is there was pushed, one that isn't was not.
"""

import contextlib
import os
import random
import re
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from qflow_gitops.base import atomic
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import NOTHING_MORE, LockError, UsageProblem
from qflow_gitops.git.process import shown
from qflow_gitops.git.repository import GitRepo

TRIES = 5
"""How often a push or a look at the remote is tried where nothing says that it can't work."""
READ_BACK = 1.0
"""Seconds of the time that is left which belong to the look at what became of a push."""
_NO_TIME = b"there was no time left for it"
_FILE = b"qflow.lock"
_NO_IDENTITY = ("qflow-gitops", "qflow-gitops@localhost")
_README = b"""\
# The lockfile of qflow-gitops

This branch holds `qflow.lock`, the lockfile of every run: what was sent to Qualys, when, by whom,
from which commit, and how it ended. `git log` here reads as a history. Only `qflow-gitops` writes
it; a change by hand, a force-push or the removal of this branch could send runs twice.
Protect the branch against deletion and force-pushes.
"""
_FINAL = re.compile(
    r"denied|forbidden|403|401|authenticat|could not read username|hook declined|protected|"
    r"GH006|GH013|not appear to be a git|not found|no such|unpacker error|read-only|pre-receive",
    re.IGNORECASE,
)
_PUSH_ANSWERS = {
    "rule": r"hook declined|pre-receive|protected|GH006|GH013|rule violation|hidden ref",
    "how": r"push option|--signed|push certificate",
    "room": r"unpack|no space|quota|read-only|too large",
    "rights": r"denied|forbidden|40[13]|authenticat|could not read username|permission",
    "address": r"not appear to be a git|not found|no such|does not exist",
    "time": r"resolve|timed out|refused|reset|unreachable|hung up|early eof|ssl|tls|no time left|"
    r"connect|RPC failed|50[0-9]",
}
"""What kind of answer a push got -> words of git and of hosts; the first that fits counts."""


@dataclass(frozen=True)
class GitBranch:
    """Implements `ports.lockfile.LockBranch`. `time_left`: seconds that a call may take now."""

    repo: GitRepo
    remote: str
    branch: str
    time_left: Callable[[], float]
    _beside: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)
    """Commit -> the other entries of its tree, for the last one made here."""

    @property
    def where(self) -> str:
        """The branch and its remote, for people."""
        return f"branch {self.branch} of {self.remote}"

    def push_command(self, commit: str, *, force: bool = False) -> str:
        """Return what a person types to put a commit on the remote's branch."""
        how = ["--force"] if force else []
        return shlex.join(["git", "push", *how, self.remote, f"{commit}:{self._ref}"])

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.branch}"

    @property
    def _copy(self) -> str:
        return f"refs/qflow-gitops/{self.remote}/{self.branch}"

    @property
    def _stamp(self) -> Path:
        name = f"fetched-{self.remote}-{self.branch.replace('/', '%')}"
        return self.repo.common_dir / "qflow-gitops" / name

    # --- reading ---------------------------------------------------------------------

    @cached_property
    def _address(self) -> str:
        """Where to read: where pushes go, if that is another place than fetches come from."""
        fetch, push = (
            self._line(["remote", "get-url", *option, "--", self.remote])
            for option in ((), ("--push",))
        )
        if not fetch:
            raise LockError(
                f"There is no git remote `{self.remote}`, where the lockfile's branch belongs.",
                where="qflow.yaml",
                not_done="Nothing was sent and nothing was written.",
                hint=f"`git remote add {self.remote} ADDRESS`, or name another one in qflow.yaml: "
                "`lock: {store: branch, remote: NAME}`",
                reason="lock_remote",
            )
        return self.remote if push in ("", fetch) else push

    def fetch(self) -> str:
        """Bring the remote's newest commit into the clone; "" where the branch isn't there."""
        tip = self._tip()
        self._bring(tip)
        with contextlib.suppress(OSError):
            self._stamp.parent.mkdir(parents=True, exist_ok=True)
            atomic.replace(self._stamp, stamp(datetime.now(UTC)).encode())
        return tip

    def _bring(self, tip: str) -> None:
        """Fetch a commit of the remote's branch that this clone hasn't got yet."""
        if tip and not self._has(tip):
            fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc"]
            # No refmap: the user's remote-tracking branch stays as the user's own fetch left it.
            fetch += ["--no-recurse-submodules", "--no-write-commit-graph", "--refmap="]
            self._asked([*fetch, "--", self._address, self._ref])
            if not self._has(tip):
                raise self._unreachable("the commit that it names could not be fetched")

    def _tip(self) -> str:
        out = self._asked(["ls-remote", "--refs", "--", self._address, self._ref])
        return next(
            (line.split("\t")[0] for line in out.splitlines() if line.endswith("\t" + self._ref)),
            "",
        )

    def _asked(self, command: Sequence[str]) -> str:
        """Ask the remote, again where it fails; LockError where it stays so."""
        err = _NO_TIME
        for attempt in range(TRIES):
            if self.time_left() <= 0:
                break
            status, out, err = self._run(command, network=self.time_left)
            if status == 0:
                return out.decode(errors="replace")
            if _FINAL.search(err.decode(errors="replace")) or attempt == TRIES - 1:
                break
            if not self._wait(attempt):
                break
        raise self._unreachable(_safe(err.decode(errors="replace"))[-300:])

    def _wait(self, attempt: int) -> bool:
        """Wait before another try, longer each time; False where there is no time for it."""
        seconds = min(4.0, 0.2 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311  no secret
        if seconds > self.time_left():
            return False
        time.sleep(seconds)
        return True

    def _unreachable(self, said: str) -> LockError:
        return LockError(
            f"The lockfile's branch can't be read: {said or 'git gave no reason'}.",
            where=self.where,
            not_done=NOTHING_MORE,
            hint=f"Check the remote and your rights: `git ls-remote {self.remote} {self._ref}`",
            reason="lock_unreachable",
        )

    def known(self) -> tuple[str, str]:
        """Return the newest commit that this clone has seen, and when (RFC 3339); "" for none."""
        tracked = f"refs/remotes/{self.remote}/{self.branch}"
        command = ["for-each-ref", "--format=%(refname) %(objectname)", self._copy, tracked]
        status, listed, err = self._run(command)
        if status or b"broken ref" in err:
            raise LockError(
                "What this clone remembers of the lockfile's branch can't be read: "
                f"{_safe(err.decode(errors='replace'))[-300:]}.",
                where=self.where,
                not_done=NOTHING_MORE,
                hint="A new clone has no memory of it, and takes what the remote has: look at "
                f"that first, `git ls-remote {self.remote} {self._ref}`",
                reason="lock_unreadable",
            )
        commits = dict(line.split(" ") for line in listed.decode(errors="replace").splitlines())
        ours, theirs = commits.get(self._copy, ""), commits.get(tracked, "")
        if theirs and (not ours or (theirs != ours and self.descends(theirs, ours))):
            committed = self._line(["show", "--no-patch", "--format=%ct", theirs])
            moment = datetime.fromtimestamp(int(committed or 0), UTC)
            return theirs, stamp(moment)
        with contextlib.suppress(OSError):
            return ours, self._stamp.read_text(encoding="ascii").strip()
        return ours, ""

    def remember(self, commit: str) -> None:
        """Keep a commit as the newest one seen, so that a branch put back is noticed."""
        self._run(["update-ref", "--no-deref", self._copy, commit])

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` is `ancestor` or descends from it."""
        with self._startable():
            return commit == ancestor or self.repo.is_ancestor(ancestor, commit)

    def parents(self, commit: str) -> Sequence[str]:
        """Return a commit's parents."""
        return self._out(["rev-list", "--parents", "-n1", commit]).decode().split()[1:]

    def content(self, commit: str) -> bytes | None:
        """Return the lockfile as a commit holds it, None where it holds none.

        Raises LockError where it holds one that git can't give.
        """
        command = ["cat-file", "blob", f"{commit}:{_FILE.decode()}"]
        status, out, _ = self._run(command)
        if status:
            # Perhaps a partial clone: git fetches what is missing where it is allowed to.
            lazy = {"GIT_NO_LAZY_FETCH": "0"}
            listing = ["ls-tree", "--full-tree", commit, _FILE.decode()]
            status, entry, err = self._run(listing, extra=lazy, network=self.time_left)
            if not (status or entry):
                return None
            if not status:
                status, out, err = self._run(command, extra=lazy, network=self.time_left)
        if status:
            raise LockError(
                f"The lockfile of commit {commit[:10]} can't be read from this clone: "
                f"{_safe(err.decode(errors='replace'))[-300:] or 'git gave no reason'}.",
                where=self.where,
                not_done=NOTHING_MORE,
                hint=f"`git fsck` names what is damaged; `git fetch --refetch {self.remote} "
                f"{self._ref}` fetches what is missing. A new clone has all of it.",
                reason="lock_unreadable",
            )
        return out

    def contents(self, commits: Sequence[str]) -> Sequence[bytes | None]:
        """Return the lockfiles of many commits, in their order, by one process of git's."""
        names = "".join(f"{commit}:{_FILE.decode()}\n" for commit in commits)
        status, out, _ = self.repo.run(["cat-file", "--batch"], names.encode())
        found = _batch(out) if status == 0 else [None] * len(commits)
        return [
            self.content(commit) if content is None else content
            for commit, content in zip(commits, found, strict=True)
        ]

    def history(self, tip: str) -> Sequence[tuple[str, Sequence[str]]]:
        """Return every commit that `tip` descends from, oldest first, with its parents."""
        lines = self._out(["rev-list", "--parents", "--topo-order", "--reverse", tip]).decode()
        return [(words[0], words[1:]) for words in map(str.split, lines.splitlines())]

    def signer(self, commit: str, signers: str) -> str:
        """Return who of the allowed signers' file made a commit's SSH signature, "" for nobody.

        git would also accept a GPG key of this machine's keyring, so the kind is looked at.
        """
        headers = self._out(["cat-file", "commit", commit]).split(b"\n\n", 1)[0]
        if b"\ngpgsig -----BEGIN SSH SIGNATURE-----\n" not in headers:
            return ""
        config = ["-c", f"gpg.ssh.allowedSignersFile={os.path.abspath(signers)}"]  # noqa: PTH100
        show = ["show", "--no-patch", "--format=%G?%x00%GS", commit]
        status, out, _ = self._run([*config, *show], network=lambda: 30.0)
        verdict, _, who = out.decode(errors="replace").strip().partition("\0")
        return shown(who) if status == 0 and verdict == "G" else ""

    # --- writing ---------------------------------------------------------------------

    def commit(self, parent: str, content: bytes, message: str) -> str:
        """Make a commit with this lockfile on top of `parent` ("": the first one)."""
        blob = self._made(["hash-object", "-w", "--stdin"], content)
        beside = self._others(parent)
        entries = beside + b"100644 blob %s\t%s\0" % (blob.encode(), _FILE)
        tree = self._made(["mktree", "-z", "--missing"], entries)
        command = ["commit-tree", *(["-S"] if self._signs else []), tree]
        command += ["-p", parent] if parent else []
        name, mail = self._identity
        identity = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", mail))
        }
        # Signing may ask an agent, so it gets the caller's environment.
        limit = self.time_left if self._signs else None
        commit = self._made(command, message.encode(), extra=identity, network=limit)
        self._beside.clear()
        self._beside[commit] = beside
        return commit

    def _others(self, parent: str) -> bytes:
        """Return the other entries of the branch's tree; at the beginning, a page that explains."""
        if not parent:
            blob = self._made(["hash-object", "-w", "--stdin"], _README)
            return b"100644 blob %s\tREADME.md\0" % blob.encode()
        if parent in self._beside:
            return self._beside[parent]
        entries = self._out(["ls-tree", "-z", "--full-tree", parent]).split(b"\0")[:-1]
        return b"".join(entry + b"\0" for entry in entries if entry.split(b"\t", 1)[1] != _FILE)

    @cached_property
    def _signs(self) -> bool:
        return self._line(["config", "--type=bool", "--get", "commit.gpgsign"]) == "true"

    @cached_property
    def _identity(self) -> tuple[str, str]:
        """Who git says commits here; a machine without an identity is the normal case."""
        name, mail = (
            self._line(["config", "--get", key]) or usual
            for key, usual in zip(("user.name", "user.email"), _NO_IDENTITY, strict=True)
        )
        return name, mail

    def push(self, commit: str, parent: str) -> bool:
        """Push a commit if the remote's branch still is `parent`; False where it isn't.

        True only after the remote was read back and holds the commit. Raises LockError
        where the remote refuses it, or can't be asked what became of it.
        """
        lease = f"--force-with-lease={self._ref}:{parent}"
        # Nothing that a person configured for pushes of their own: the host may not take it.
        command = ["-c", "push.pushOption=", "-c", f"remote.{self.remote}.mirror=false", "push"]
        command += ["--porcelain", "--no-verify", "--no-signed", "--no-follow-tags"]
        command += ["--recurse-submodules=no", lease, "--", self.remote, f"{commit}:{self._ref}"]
        said = _NO_TIME.decode()
        for attempt in range(TRIES):
            if self.time_left() <= READ_BACK:
                break
            _, out, err = self._run(command, network=lambda: self.time_left() - READ_BACK)
            tip = self._tip()
            if tip == commit:
                self.remember(commit)
                return True
            if tip != parent:  # perhaps ours, and others on top of it
                self._bring(tip)
                return self.descends(tip, commit)
            said = _why(out, err)
            if _FINAL.search(said) or attempt == TRIES - 1 or not self._wait(attempt):
                break
        raise LockError(
            f"The lockfile can't be pushed: {_safe(said)[-400:]}.",
            where=self.where,
            not_done=NOTHING_MORE,
            hint=_way_on(said, self.remote),
            reason="lock_push",
        )

    # --- git -------------------------------------------------------------------------

    def _run(
        self,
        command: Sequence[str],
        feed: bytes | None = None,
        *,
        extra: dict[str, str] | None = None,
        network: Callable[[], float] | None = None,
    ) -> tuple[int, bytes, bytes]:
        with self._startable():
            return self.repo.run(command, feed, extra=extra, network=network)

    @contextlib.contextmanager
    def _startable(self) -> Iterator[None]:
        """A git that can't be started any more is a record that can't be written."""
        try:
            yield
        except UsageProblem as problem:
            raise LockError(
                problem.message,
                where=self.where,
                not_done=NOTHING_MORE,
                hint=problem.hint,
                reason="lock_git",
            ) from None

    def _has(self, commit: str) -> bool:
        with self._startable():
            return self.repo.has_commit(commit)

    def _line(self, command: Sequence[str]) -> str:
        status, out, _ = self._run(command)
        return "" if status else shown(out.decode(errors="replace").strip())

    def _out(self, command: Sequence[str]) -> bytes:
        status, out, err = self._run(command)
        if status:
            raise self._failed(command, err)
        return out

    def _made(
        self,
        command: Sequence[str],
        feed: bytes,
        *,
        extra: dict[str, str] | None = None,
        network: Callable[[], float] | None = None,
    ) -> str:
        status, out, err = self._run(command, feed, extra=extra, network=network)
        if status:
            raise self._failed(command, err)
        return out.decode().strip()

    def _failed(self, command: Sequence[str], err: bytes) -> LockError:
        said = _safe(err.decode(errors="replace"))[-300:]
        return LockError(
            f"git {command[0]} failed: {said or 'it gave no reason'}.",
            where=self.where,
            not_done=NOTHING_MORE,
            hint="Check the disk's room, the rights in .git, and the key where commits are signed.",
            reason="lock_unwritable",
        )


def _safe(text: str) -> str:
    """Make git's words fit to print: one line, and no password of an address."""
    line = " · ".join(part.strip().rstrip(".") for part in text.splitlines() if part.strip())
    return shown(re.sub(r"://[^/@\s]*@", "://***@", line))


def _batch(output: bytes) -> list[bytes | None]:
    r"""Take `cat-file --batch` apart: `<id> blob <size>\n<content>\n`, or `<name> missing\n`."""
    found: list[bytes | None] = []
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        words = output[at:end].split(b" ")
        at = end + 1
        if len(words) == 2:
            found.append(None)
            continue
        size = int(words[2])
        found.append(output[at : at + size] if words[1] == b"blob" else None)
        at += size + 1
    return found


def _way_on(said: str, remote: str) -> str:
    """Say what helps where a push was answered so."""
    fits = (kind for kind, words in _PUSH_ANSWERS.items() if re.search(words, said, re.IGNORECASE))
    match next(fits, ""):
        case "rule":
            return (
                "A rule or a hook of the host refuses it, whoever pushes: leave the branch out of "
                "rules that ask for pull requests or checks; only fast-forward pushes are needed."
            )
        case "how":
            return (
                "It is about the way of pushing, not about who pushes. What is configured for it: "
                "`git config --show-origin --get-regexp push`"
            )
        case "room":
            return "The host can't store it, whoever pushes: see to its room, then apply again."
        case "rights":
            return "Whoever applies needs the right to push to this branch."
        case "address":
            return f"Nothing answers at the remote's address: `git remote get-url --push {remote}`"
        case "time":
            return "The host didn't answer, or not to its end: apply again later."
    return "What the host answered stands above; when that is seen to, apply again."


def _why(out: bytes, err: bytes) -> str:
    """Take git's reason out of a push's answer: the ref's own line, else what it said last."""
    lines = [line for line in out.decode(errors="replace").splitlines() if line.startswith("!")]
    told = [
        line
        for line in err.decode(errors="replace").splitlines()
        if line.startswith(("remote:", "error:", "fatal:", "ERROR", "ssh:", "Permission"))
    ]
    words = " · ".join([*told, *(line.split("\t")[-1] for line in lines)])
    return words or "git gave no reason"
