"""Makes and refreshes clones of other repositories: what git is told to do, and nothing else.

A store is a bare repository with the objects of one address, a clone a repository that borrows
them and has no file of its own: everything is read from commits. What a clone may send along is in
the environment it is given, and in none of its files.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import re
import secrets
import shutil
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.errors import InvalidInput, UnreachableError
from qflow_gitops.git import push_answers
from qflow_gitops.git.child import TOO_LONG, ended, given_input
from qflow_gitops.git.lock_git import safe
from qflow_gitops.git.process import SET_VARIABLES, GitProcess, is_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

HEADS = "refs/heads/"
ASK = 60.0
"""Seconds that a remote may take to say what it has; what it takes to give that is the caller's."""
_KEPT = "refs/fleet/"
_TRACKING = "refs/remotes/origin/"
_TRIES = 3
_TOP = Path("/")
_BRANCH = re.compile(
    r"(?!-|.*(?:\.\.|//|@\{|\.lock(?:/|\Z)|/\.))[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])"
)
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
          "--no-recurse-submodules", "--no-write-commit-graph")  # fmt: skip
_LEFT = ("*.lock", "refs/**/*.lock", "objects/info/*.lock", "objects/pack/*.lock",
         "objects/pack/tmp_*")  # fmt: skip
"""What a git that was killed leaves: locks which hold up the next one, and halves of packs."""


class Tips(NamedTuple):
    """What a remote has: the commit of each branch that was asked for, and its default branch."""

    commits: Mapping[str, str]
    default: str


class Clones(NamedTuple):
    """Git for one address, with the credentials that `environ` holds.

    `time_left` says how many seconds an exchange may take, `masked` hides secrets in git's words.
    `held` are locks which are kept as long as a git runs, also one whose starter was killed.
    """

    address: str
    environ: Mapping[str, str]
    time_left: Callable[[], float]
    masked: Callable[[str], str]
    held: tuple[int, ...] = ()

    def tips(self, branches: Sequence[str]) -> Tips:
        """Ask the remote for some of its branches. Raises UnreachableError, InvalidInput."""
        for branch in branches:
            if not is_branch(branch):
                raise InvalidInput(
                    f"`{self.masked(branch)}` is no name of a branch.",
                    where=self.masked(self.address),
                    not_done="Nothing was fetched from there.",
                    hint="Name a branch of it, without `refs/heads/`.",
                    reason="member_ref",
                )
        wanted = [HEADS + branch for branch in branches]
        asked = ["ls-remote", "--symref", "--", self.address, "HEAD", *wanted]
        default, commits = "", {}
        for line in self._asked(asked, ASK).decode(errors="replace").splitlines():
            what, _, name = line.partition("\t")
            if name == "HEAD" and what.startswith("ref: " + HEADS):
                default = what.removeprefix("ref: " + HEADS)
            elif name in wanted and is_id(what):
                commits[name.removeprefix(HEADS)] = what
        return Tips(commits, default if is_branch(default) else "")

    def fetched(self, store: Path, branch: str) -> str:
        """Bring a branch into a store; its commit, which may be newer than it was a moment ago."""
        kept = _KEPT + sha256(branch.encode()).hexdigest()[:32]
        git_dir = f"--git-dir={store}"
        self._asked([git_dir, *_FETCH, "--", self.address, f"+{HEADS}{branch}:{kept}"])
        return (
            self._done(store, [git_dir, "rev-parse", "--verify", "--quiet", kept]).decode().strip()
        )

    def make_store(self, store: Path, commit: str) -> None:
        """Make a store for commits with such an id; all at once, under its own name."""
        with made(store) as folder:
            self._done(folder, [*_init(commit), "--bare", "--", str(folder)])

    def make_clone(self, clone: Path, store: Path, commit: str) -> None:
        """Make a clone that borrows a store's objects; all at once, under its own name."""
        with made(clone) as folder:
            self._done(folder, [*_init(commit), "--", str(folder)])
            git_dir = f"--git-dir={folder}/.git"
            for name, value in (("url", self.address), ("fetch", f"+{HEADS}*:{_TRACKING}*")):
                self._done(folder, [git_dir, "config", f"remote.origin.{name}", value])
            objects = folder / ".git/objects"
            (objects / "info").mkdir(exist_ok=True)
            borrowed = os.path.relpath(store / "objects", objects)
            (objects / "info/alternates").write_text(f"{borrowed}\n", encoding="utf-8")

    def point(self, clone: Path, branch: str, commit: str, default: str) -> None:
        """Let a clone stand at a branch's commit, and know of the remote no more than this.

        `default` is the remote's default branch, "" for none.
        """
        git_dir, seen, head = f"--git-dir={clone}/.git", _TRACKING + branch, _TRACKING + "HEAD"
        kept = {seen, head} if default == branch else {seen}
        listed = self._done(clone, [git_dir, "for-each-ref", "--format=%(refname)", _TRACKING])
        gone = [ref for ref in listed.decode().split() if ref not in kept]
        if gone:  # first: `a` can't be made where there is `a/b`
            told = "".join(f"option no-deref\ndelete {ref}\n" for ref in gone)
            self._done(clone, [git_dir, "update-ref", "--stdin"], told)
        told = f"option no-deref\nupdate HEAD {commit}\nupdate {seen} {commit}\n"
        self._done(clone, [git_dir, "update-ref", "--stdin"], told)
        if head in kept:
            self._done(clone, [git_dir, "symbolic-ref", head, seen])

    def _asked(self, command: Sequence[str], most: float = math.inf) -> bytes:
        """Ask the remote, again where that may help: not one that hangs. Raises UnreachableError.

        `most` is how many seconds an answer may take, however much time there is.
        """
        said = b"there was no time left for it"
        for attempt in range(_TRIES):
            if self.time_left() <= 0:
                break
            status, out, said = self._run(command, "", most)
            if status == 0:
                return out
            is_final = push_answers.is_final(said.decode(errors="replace"))
            if is_final or said.endswith(TOO_LONG) or attempt == _TRIES - 1:
                break
            time.sleep(min(0.3 * 2**attempt * random.uniform(0.5, 1.0), self.time_left()))  # noqa: S311  no secret
        raise UnreachableError(
            f"The member's remote doesn't answer as it should: {self._words(said)}.",
            where=self.masked(self.address),
            not_done="Nothing of this member was fetched, and nothing of it was sent.",
            hint="Check the address and the credentials that `fleet.yaml` names for it, then run "
            "the command again.",
            reason="member_unreachable",
        )

    def _done(self, folder: Path, command: Sequence[str], feed: str = "") -> bytes:
        """Do something on this machine. Raises InvalidInput where git can't."""
        status, out, err = self._run(command, feed)
        if status == 0:
            return out
        raise damaged(folder, self._words(err))

    def _run(
        self, command: Sequence[str], feed: str, most: float = math.inf
    ) -> tuple[int, bytes, bytes]:
        # Started in no repository: the one around the clones has settings and tokens of its own.
        git = GitProcess(_TOP, _TOP, _TOP, self.environ)
        variables = {**self.environ, **SET_VARIABLES}
        with given_input(feed.encode()) as given:
            process = git.started(command, given, variables, held=self.held)
        return ended(process, lambda: min(most, self.time_left()))

    def _words(self, err: bytes) -> str:
        # Before it is cut: half a secret is no longer found.
        return safe(self.masked(err.decode(errors="replace")))[-300:] or "it gave no reason"


def is_branch(name: str) -> bool:
    """Whether a branch may be called so (git-check-ref-format(1)), and is no option."""
    return len(name) < 250 and _BRANCH.fullmatch(name) is not None


def damaged(folder: Path, said: str) -> InvalidInput:
    """Return what is told where a clone can't be worked with."""
    return InvalidInput(
        f"A member's clone can't be used: {said}.",
        where=str(folder),
        not_done="Nothing of this member was sent.",
        hint="Make room, or fix the folder's rights. Keep the folder: what an apply couldn't "
        "record may be in it. `git fsck` in it says what is damaged.",
        reason="member_clone",
    )


@contextlib.contextmanager
def made(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which gets its name when it is whole; one may call at a time.

    What others left who were killed amid it goes away.
    """
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        shutil.rmtree(left, ignore_errors=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir(mode=0o700)
        yield temporary
        temporary.rename(path)
    except OSError as problem:
        raise damaged(path, problem.strerror or str(problem)) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def unlock(git_dir: Path) -> None:
    """Remove what gits that were killed left behind. Nobody else may work with the repository."""
    for pattern in _LEFT:
        for left in git_dir.glob(pattern):
            with contextlib.suppress(OSError):
                left.unlink()


def _init(commit: str) -> list[str]:
    form = "sha256" if len(commit) == 64 else "sha1"
    return ["init", "--quiet", "--template=", f"--object-format={form}"]
