"""Reads commits of the lockfile's branch: what they hold, and what each changed.

What a partial clone left out is fetched from the remote, all of it in one go.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass

from qflow_gitops.base.times import of_milliseconds, stamp
from qflow_gitops.errors import NOTHING_MORE, LockError
from qflow_gitops.git.child import given_input
from qflow_gitops.git.lock_git import LockGit, safe
from qflow_gitops.ports.lock_branch import FileChange, Step, TreeEntry

_LAZY = {"GIT_NO_LAZY_FETCH": "0"}
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class LockReading:
    """Reads in a clone; `bring` fetches objects that it lacks, by their ids."""

    git: LockGit
    bring: Callable[[Sequence[str]], None]

    def parents(self, commit: str) -> Sequence[str]:
        """Return a commit's parents, as the commit itself says: also where they aren't here."""
        head, _, _ = self.git.out(["cat-file", "commit", commit]).partition(b"\n\n")
        lines = head.decode(errors="replace").split("\n")
        return [line[len("parent ") :] for line in lines if line.startswith("parent ")]

    def entries(self, commit: str) -> Sequence[TreeEntry]:
        """Return every file of a commit, in the order of the paths."""
        listed = self._asked(["ls-tree", "-r", "-z", "--full-tree", commit], [commit])
        found = []
        for line in listed.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, blob = about.decode().split(" ")
            found.append(TreeEntry(_shown(path), mode, blob))
        return found

    def steps(self, base: str, tip: str, only: str = "") -> Sequence[Step]:
        """Return the commits that `tip` descends from and `base` doesn't, oldest first.

        With `only` those that changed this path, and of them no more than that.
        """
        log = ["log", "--topo-order", "--reverse", "--raw", "--no-abbrev", "--no-renames", "-z"]
        # Whatever `diff.orderFile`, `i18n.logOutputEncoding` and `color.ui` say.
        log += ["-O/dev/null", "--encoding=UTF-8", "--no-color", "--no-mailmap"]
        log += ["--root", "--diff-merges=first-parent", "--ignore-submodules=none"]
        span = [tip, *([f"^{base}"] if base else [])]
        log += ["--format=%x01%ct %H %P", *span, *(["--", only] if only else [])]
        found: list[tuple[str, list[FileChange]]] = []
        parts = iter(self._asked(log, span).split(b"\0"))
        for part in parts:
            words = part.strip(b"\n").decode()
            if words.startswith("\1"):
                found.append((words[1:], []))
            elif words:
                was, mode, old, new, _ = words.split(" ")
                blobs = (_there(was.lstrip(":"), old), _there(mode, new))
                found[-1][1].append(FileChange(_shown(next(parts)), mode, *blobs))
        named = ((names.split(), tuple(changes)) for names, changes in found)
        return [
            Step(commit, tuple(parents), changes, _time(seconds))
            for (seconds, commit, *parents), changes in named
        ]

    def _asked(self, command: Sequence[str], span: Sequence[str]) -> bytes:
        """Return what git says of these commits; what it lacks of them is fetched. LockError."""
        status, out, err = self.git.run(command)
        if status and (trees := self._left_out_of(span)):
            self.bring(trees)
            status, out, err = self.git.run(command)
        if status:
            status, out, err = self.git.run(command, extra=_LAZY, network=self.git.time_left)
        if status:
            raise self._unreadable(f"Commit {span[0][:10]} of the lockfile's branch", err)
        return out

    def _left_out_of(self, span: Sequence[str]) -> Sequence[str]:
        """Name the trees that a partial clone lacks of commits, and of those before them.

        git would fetch them commit by commit. Each brings the trees in it along.
        """
        if not self.git.repo.is_partial:
            return ()
        ends = [each.lstrip("^") for each in span]
        commits = dict.fromkeys(self.git.out(["rev-list", *span]).decode().split() + ends)
        listing = ["rev-list", "--objects", "--no-walk", "--missing=print", "--no-object-names",
                   "--filter=blob:none", "--stdin"]  # fmt: skip
        status, out, _ = self.git.run(listing, "".join(f"{each}\n" for each in commits).encode())
        words = () if status else out.decode().split()
        return [each.lstrip("?") for each in words if each.startswith("?")]

    def blobs(self, ids: Sequence[str]) -> Iterator[bytes]:
        """Read many blobs by one process of git's; their contents, in this order."""
        at = 0
        for again in (False, True):
            with closing(self._stream(ids[at:])) as stream:
                for content in stream:
                    at += 1
                    yield content
            if at == len(ids):
                return
            if again:
                err = self.git.run(["cat-file", "blob", ids[at]])[2]
                raise self._unreadable("A file of the lockfile", err)
            if left_out := self._left_out(ids[at:]):  # or else another process has fetched them
                self.bring(left_out)

    def _stream(self, ids: Sequence[str]) -> Generator[bytes, None, None]:
        r"""Take `cat-file --batch` apart: `<id> blob <size>\n<content>\n`.

        It ends before the first that isn't there: `<id> missing\n`.
        """
        with given_input("".join(f"{blob}\n" for blob in ids).encode()) as given:
            with self.git.startable():
                process = self.git.repo.started(
                    ["cat-file", "--batch", "--buffer"], given, self.git.repo.environ, silent=True
                )
            assert process.stdout is not None  # noqa: S101  it is a pipe
            try:
                while header := process.stdout.readline():
                    words = header.split()
                    if len(words) != 3 or words[1] != b"blob":
                        return
                    size = int(words[2])
                    content = process.stdout.read(size + 1)
                    if len(content) != size + 1:
                        return
                    yield content[:-1]
            finally:
                process.stdout.close()
                with suppress(ProcessLookupError):
                    process.kill()
                process.wait()

    def _left_out(self, ids: Sequence[str]) -> Sequence[str]:
        """Name the blobs that a partial clone lacks; none in a clone that should have them all.

        All that is there is listed, since a git that is asked for what isn't ends there.
        """
        if not self.git.repo.is_partial:
            return ()
        listing = ["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)"]
        here = set(self.git.out(listing).decode().split())
        return [blob for blob in ids if blob not in here]

    def _unreadable(self, what: str, err: bytes) -> LockError:
        said = safe(err.decode(errors="replace"))[-300:] or "git gave no reason"
        return LockError(
            f"{what} can't be read from this clone: {said}.",
            where=self.git.where,
            not_done=NOTHING_MORE,
            hint=f"`git fsck` names what is damaged; `git fetch --refetch {self.git.remote} "
            f"{self.git.ref}` fetches what is missing. A new clone has all of it.",
            reason="lock_unreadable",
        )


def _shown(path: bytes) -> str:
    return path.decode(errors="backslashreplace")


def _time(seconds: str) -> str:
    moment = of_milliseconds(int(seconds) * 1000) if seconds.isdecimal() else None
    return stamp(moment) if moment else ""


def _there(mode: str, blob: str) -> str:
    """Return "" for the id that git gives a file which isn't there, and for a submodule's."""
    return blob if blob.strip("0") and mode != _SUBMODULE else ""
