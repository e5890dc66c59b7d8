"""The one place that starts git: plumbing only, bytes in and out, each path literal.

What a repository's or a user's configuration could make git run (hooks, filters, fsmonitor,
external diffs, pagers, lazy fetches) is switched off. Of the caller's GIT_* variables only those
that hold configuration are passed on, as git itself obeys them, so that a hook's GIT_DIR can't
redirect a plan.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
import signal
import subprocess
import time
import unicodedata
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from qflow_gitops.base.paths import TreeFile
from qflow_gitops.errors import InvalidInput, QflowError, Unreadable, UsageProblem
from qflow_gitops.git.worktree import MAX_CONTENT, WorkTree, on_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from qflow_gitops.ports.git import PathChange

_GLANCE, _LAST_WORDS = 0.1, 0.3  # seconds between looks at a git; and until it is killed
_GIVEN_UP = 20  # so many broken objects are passed over where they are only for explaining
_KEPT_VARIABLES = (
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "SYSTEMROOT",
    "SUDO_UID",  # as root, git also trusts what belongs to this user (safe.directory)
)  # fmt: skip
_SET_VARIABLES = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # what a commit holds is what its objects say
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_PAGER": "cat",
}
_OPTIONS = (
    "safe.bareRepository=explicit",  # a bare repository in a subfolder can run commands
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "core.commitGraph=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "log.showSignature=false",  # it would stand before what a format asks for
)
_MERGE_OPTIONS = (
    "merge.renames=true",
    "merge.directoryRenames=conflict",
    "merge.renormalize=false",
)
"""Git's own defaults (git-config(1)), whatever is configured."""
_NETWORK_VARIABLES = frozenset(
    {
        "GIT_ALLOW_PROTOCOL", "GIT_ASKPASS", "GIT_HTTP_PROXY_AUTHMETHOD",
        "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
        "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY",
    }
)  # fmt: skip
"""Of the caller's GIT_* variables, those that say how a remote is reached, never which one."""
_CONFIG = re.compile(r"GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|COUNT|(KEY|VALUE)_[0-9]+)")
"""Where configuration is, and what it is (git-config(1), ENVIRONMENT): whom git trusts, say."""
_PARAMETERS = "GIT_CONFIG_PARAMETERS"
"""What `git -c NAME=VALUE` hands to an alias' program; of all configuration it counts last."""


class GitRepo:
    """One work tree and its repository; implements `ports.GitTree`."""

    def __init__(
        self,
        root: Path,
        common_dir: Path,
        git_dir: Path,
        environ: Mapping[str, str],
        object_format: str = "",
        prefix: str = "",
    ) -> None:
        """Take the folders, the whole environment of a git, what ids are; `open` finds them.

        `prefix` is the folder at hand, from the root.
        """
        self.root = root
        self.common_dir = common_dir
        self.git_dir = git_dir
        self.environ = environ
        self.prefix = prefix
        self._object_format = object_format
        self._present: set[str] = set()  # commits that were seen; none goes away meanwhile
        self._listings: dict[tuple[str, str], Mapping[bytes, TreeFile]] = {}

    @classmethod
    def open(cls, directory: Path, environ: Mapping[str, str]) -> GitRepo:
        """Find the repository that a directory belongs to.

        Raises UsageProblem where there is none, it is bare, or git may not or can't be used.
        """
        kept = {
            name: value
            for name, value in environ.items()
            if name in _KEPT_VARIABLES or _CONFIG.fullmatch(name)
        }
        probe = cls(directory, directory, directory, {**kept, **_SET_VARIABLES})
        asked = ["--path-format=absolute", "--show-toplevel", "--git-common-dir", "--git-dir",
                 "--show-prefix", "--show-object-format"]  # fmt: skip
        status, out, err = probe.run(["rev-parse", *asked])
        if status:
            raise _not_usable(directory, err)
        *lines, prefix, object_format = out.splitlines()
        root, common_dir, git_dir = (Path(os.fsdecode(line)) for line in lines[:3])
        found = cls(root, common_dir, git_dir, probe.environ, object_format.decode())
        found.prefix = os.fsdecode(prefix).rstrip("/")
        return found

    def at(self, prefix: str) -> GitRepo:
        """Give the same repository, as if another folder were at hand."""
        found = GitRepo(
            self.root, self.common_dir, self.git_dir, self.environ, self._object_format, prefix
        )
        found._present, found._listings = self._present, self._listings
        return found

    # --- revisions -------------------------------------------------------------------

    def resolve(self, revision: str) -> str:
        """Give the full commit id of `revision`; UsageProblem where there is none.

        Raises Unreadable where it names one that this clone can't give.
        """
        if revision in self._present:
            return revision
        safe = shown(revision)
        # `^main` is what git takes for all but main, in words that it calls a name, too
        if not revision or revision.startswith(("-", "^")) or safe != revision:
            raise UsageProblem(
                f"`{safe}` is no revision.",
                not_done="Nothing was planned and nothing was sent.",
                hint="Give a commit, a branch or a tag.",
                reason="revision_unknown",
            )
        self._check_one_meaning(revision)
        status, out, _ = self.run(
            ["rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"]
        )
        commit = out.decode().strip()
        if status == 0 and _is_id(commit):
            self._present.add(commit)
            return commit
        self._check_lost(revision)
        if revision == "HEAD":
            raise UsageProblem(
                "The repository has no commits yet.",
                where=str(self.root),
                not_done="Nothing was planned and nothing was sent.",
                hint="Commit your specs first: `git add . && git commit -m 'Run specs'`",
                reason="no_commits",
            )
        hint = "`git log --oneline` shows the commits there are."
        if self.is_shallow():
            hint = "This clone is shallow; `git fetch --unshallow` fetches the older commits."
        raise UsageProblem(
            f"There is no commit `{safe}` in this repository.",
            not_done="Nothing was planned and nothing was sent.",
            hint=hint,
            reason="revision_unknown",
        )

    def _check_one_meaning(self, revision: str) -> None:
        """Raise UsageProblem for a name that a branch and a tag have: git takes the tag."""
        if revision == "HEAD" or _is_id(revision) or revision.startswith("refs/"):
            return
        places = [f"refs/{kind}/{revision}" for kind in ("heads", "tags", "remotes")]
        listed = self.run(["for-each-ref", "--format=%(refname)", *places])[1].splitlines()
        found = [name for name in map(os.fsdecode, listed) if name in places]
        if len(found) > 1:
            raise UsageProblem(
                f"`{revision}` is the name of more than one thing here: {' and '.join(found)}.",
                not_done="Nothing was planned and nothing was sent.",
                hint=f"Name one of them in full: {found[0]}",
                reason="revision_unknown",
            )

    def _check_lost(self, revision: str) -> None:
        """Raise Unreadable where a revision names a commit that git can't give."""
        if _is_id(revision):
            return  # git takes any of them for the name of something
        command = ["rev-parse", "--verify", "--quiet", "--end-of-options", revision]
        status, out, _ = self.run(command)
        named = "" if status else out.decode().strip()
        if status and revision == "HEAD":
            named = self._broken_branch()
        kind = self.run(["cat-file", "-t", named])[1].strip() if named else b""
        if named and kind not in (b"blob", b"tree"):  # those are there, and no commit
            raise Unreadable(
                f"The commit that `{shown(revision)}` names can't be read from this clone: "
                f"{shown(named)}.",
                where=str(self.root),
                not_done="Nothing was planned and nothing was sent.",
                hint=self._way_back(),
            )

    def _broken_branch(self) -> str:
        """Name what is checked out and can't be read, "" for a branch without a commit."""
        status, out, _ = self.run(["symbolic-ref", "--quiet", "HEAD"])
        branch = out.decode().strip()
        if status:
            return "HEAD"
        return branch if (self.common_dir / branch).is_file() else ""

    def has_commit(self, commit: str) -> bool:
        """Whether the commit object is in this clone (it may be shallow)."""
        if not _is_id(commit):
            return False
        if commit not in self._present:
            if self.run(["cat-file", "-e", commit + "^{commit}"])[0]:
                return False
            self._present.add(commit)
        return True

    def is_shallow(self) -> bool:
        """Whether history is cut off in this clone."""
        return (self.common_dir / "shallow").exists()

    def unshallow(self, remote: str) -> None:
        """Fetch the history that a shallow clone lacks, as far as the remote gives it."""
        if self.is_shallow() and remote in self.remotes():
            fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--unshallow"]
            self.run(
                [*fetch, "--no-filter", "--no-recurse-submodules", "--", remote],
                outward=lambda: 300.0,
            )

    def bring(self, commit: str, remote: str, ref: str) -> bool:
        """Whether the commit is in this clone, if need be after a fetch of the remote's `ref`."""
        if not self.has_commit(commit) and remote in self.remotes() and _is_id(commit):
            fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap="]
            # What is asked for is needed whole, also in a clone that was made with --filter.
            self.run(
                [*fetch, "--no-filter", "--no-recurse-submodules", "--", remote, ref],
                outward=lambda: 300.0,
            )
        return self.has_commit(commit)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` is `old` or descends from it, as far as this clone can tell."""
        if not (_is_id(old) and _is_id(new)):
            return False
        return self.run(["merge-base", "--is-ancestor", old, new])[0] == 0

    def first_parents(
        self, base: str, head: str, most: int, folders: Sequence[str] = ()
    ) -> Sequence[str]:
        """Give the commits on the first-parent line of `head` that `base` ("": none) lacks.

        Newest first, at most so many; with `folders` those that change something there.
        """
        span = [head, f"^{base}"] if base else [head]
        command = ["rev-list", "--first-parent", f"--max-count={most}", *span, "--"]
        return self._out([*command, *_paths(folders)]).decode().split()

    def merge_base(self, one: str, other: str) -> str | None:
        """Give the newest common ancestor, None where this clone knows none."""
        status, out, _ = self.run(["merge-base", one, other])
        return None if status else out.decode().strip()

    def clean_merge(self, commit: str) -> tuple[str, str] | None:
        """Give both parents of a merge whose content is exactly what git makes of them.

        None for any other commit, where there are conflicts, and where this can't be proved: by
        a git before 2.38, or one that may not write into the repository (git-merge-tree(1)).
        """
        status, out, _ = self.run(["rev-list", "--parents", "--max-count=1", commit, "--"])
        _, *parents = out.decode().split() if status == 0 else [""]
        if len(parents) != 2:
            return None
        tree = self.run(["rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}"])[1].split()
        options = [part for one in _MERGE_OPTIONS for part in ("-c", one)]
        merge = [*options, "merge-tree", "--write-tree", "--no-messages", *parents]
        status, made, _ = self.run(merge, extra=self._without_drivers)
        return (parents[0], parents[1]) if status == 0 and tree and made.split() == tree else None

    # --- commits ---------------------------------------------------------------------

    def files(self, commit: str, folders: Sequence[str]) -> Mapping[bytes, TreeFile]:
        """Everything that the commit holds under the folders or at these paths."""
        return self._entries(["ls-tree", "-r", "-z", "--full-tree", "--", commit, *_paths(folders)])

    def listing(self, commit: str, folder: str) -> Mapping[bytes, TreeFile]:
        """What a folder ("": the root) of a commit holds itself; nothing where there is none.

        Of the work tree where `commit` is "", without blobs and whether git knows it or not.
        Paths are from the root; a folder has the mode `040000`.
        """
        if not commit:
            return on_disk(self.root, folder)
        if (commit, folder) not in self._listings:
            inside = [folder + "/"] if folder else []
            found = self._entries(["ls-tree", "-z", "--full-tree", "--", commit, *inside])
            self._listings[commit, folder] = found
        return self._listings[commit, folder]

    def named(self, commit: str, name: str) -> Sequence[str]:
        """Give the paths of everything that a commit holds under this name, in any folder."""
        listed = b"\0/" + self._out(["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit])
        found, ending = [], os.fsencode(name) + b"\0"
        place = listed.find(ending)
        while place > 0:
            if listed[place - 1] in b"/\0":
                begin = listed.rfind(b"\0", 0, place) + 1
                found.append(os.fsdecode(listed[begin : place + len(ending) - 1]).lstrip("/"))
            place = listed.find(ending, place + 1)
        return found

    def _entries(self, command: Sequence[str]) -> Mapping[bytes, TreeFile]:
        found = {}
        for entry in self._pieces(command):
            about, _, path = entry.partition(b"\t")
            mode, _, blob = about.decode().split(" ")
            found[path] = TreeFile(path, mode, blob)
        return found

    def contents(self, entries: Iterable[TreeFile]) -> Mapping[str, bytes]:
        """Give the contents of files that a commit holds, by their blobs.

        Each is cut after `MAX_CONTENT` + 1 bytes. Raises Unreadable where this clone can't
        give one: a commit that names it holds it.
        """
        paths = {one.blob: one.path for one in entries}
        found, _, (status, _, err) = self._read(sorted(paths))
        for blob in sorted(paths.keys() - found.keys()):
            said = shown(err.decode(errors="replace"))[:300] if status else "git says it is missing"
            raise Unreadable(
                f"What the commit holds here can't be read from this clone: blob {blob[:10]}, "
                f"{said}.",
                where=shown(os.fsdecode(paths[blob])),
                not_done="Nothing was planned and nothing was sent.",
                hint=self._way_back(),
            )
        return found

    def blobs_at_hand(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Give the contents of blobs that something else than a commit names, likewise cut.

        One that this clone lacks or can't read is left out: for what is only explained by it.
        """
        left = sorted({one for one in ids if _is_id(one)})
        found, tried, end = self._read(left)
        for again in range(_GIVEN_UP):
            if not end[0]:
                break
            # git stopped at one: it is broken, or a partial clone lacks it, as many others.
            left = left[tried:] if again else self._at_hand(left[tried:])
            more, tried, end = self._read(left)
            found |= more
        return found

    def _at_hand(self, ids: Sequence[str]) -> list[str]:
        """Leave out what this clone lacks, so that git needn't ask a remote for it."""
        command = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]
        there = frozenset(self._out(command).decode().split())
        return [one for one in ids if one in there]

    def _read(self, ids: Sequence[str]) -> tuple[dict[str, bytes], int, tuple[int, bytes, bytes]]:
        """Read blobs in one process, with no more memory than is given back.

        Gives what could be read, how many were tried, and how git ended: not with 0 where it
        stopped at the last one tried.
        """
        if not ids:
            return {}, 0, (0, b"", b"")
        with _given("".join(one + "\n" for one in ids).encode()) as given:
            process = self._started(["cat-file", "--batch"], given, self.environ)
        assert process.stdout is not None  # noqa: S101  it was asked for
        found, tried = {}, 0
        for one in ids:
            tried += 1
            line = process.stdout.readline()
            if not line:
                break
            about = line.split(b" ")
            if len(about) != 3:  # `<id> missing`
                continue
            size = int(about[2])
            kept = process.stdout.read(min(size, MAX_CONTENT + 1))
            rest = size - len(kept) + 1  # with the line break that ends it
            while rest > 0 and (skipped := process.stdout.read(min(rest, 1 << 16))):
                rest -= len(skipped)
            if rest:
                break  # git gave up in the middle of it
            if about[1] == b"blob":
                found[one] = kept
        return found, tried, _ended(process, None)

    def changes(self, base: str, head: str, folders: Sequence[str]) -> Sequence[PathChange]:
        """Give the paths under the folders that differ, sorted; never a rename."""
        from qflow_gitops.ports.git import ChangeKind, PathChange

        named = {b"A": ChangeKind.ADDED, b"D": ChangeKind.REMOVED}
        command = ["diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv"]
        pieces = self._pieces([*command, "--name-status", base, head, "--", *_paths(folders)])
        kinds, paths = pieces[::2], pieces[1::2]
        return sorted(
            (
                PathChange(path, named.get(kind, ChangeKind.MODIFIED))
                for kind, path in zip(kinds, paths, strict=True)
            ),
            key=lambda one: one.path,
        )

    # --- the work tree ---------------------------------------------------------------

    def uncommitted(self, folders: Sequence[str]) -> Sequence[str]:
        """Give the paths under the folders whose work tree differs from HEAD, for display."""
        command = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames",
                   "--ignore-submodules=dirty", "--", *_paths(folders)]  # fmt: skip
        out = self._good(command, self.run(command, extra=self._without_filters))
        pieces = out.split(b"\0")[:-1]
        return sorted(shown(os.fsdecode(piece[3:])) for piece in pieces)

    def worktree(self, folders: Sequence[str]) -> WorkTree:
        """Look at what is on disk under the folders and isn't ignored by git."""
        paths = _paths(folders)
        return WorkTree(self.root, self.git_dir, paths, self._begun, self._object_format)

    def is_tracked(self, path: Path) -> bool:
        """Whether a file of the work tree is in git's index."""
        real = path.parent.resolve() / path.name
        if not real.is_relative_to(self.root.resolve()):
            return False
        name = real.relative_to(self.root.resolve()).as_posix()
        return bool(self._pieces(["ls-files", "-z", "--cached", "--", name]))

    @cached_property
    def _without_filters(self) -> Mapping[str, str]:
        """What to tell a git that looks at the work tree, so that it runs no `filter.*`."""
        off = (("clean", ""), ("process", ""), ("required", "false"))
        return self._told(r"^filter\..*\.(clean|process)$", off)

    @cached_property
    def _without_drivers(self) -> Mapping[str, str]:
        """What to tell a git that merges, so that it runs no `merge.*.driver`: all of it fails."""
        return self._told(r"^merge\..*\.driver$", (("driver", "false"),))

    def _told(self, pattern: str, values: Iterable[tuple[str, str]]) -> Mapping[str, str]:
        """Set keys anew in each configured section that has a key like `pattern`.

        As a variable, since a section's name may hold any character.
        """
        keys = self.run(["config", "-z", "--name-only", "--get-regexp", pattern])[1]
        names = sorted({os.fsdecode(key).rpartition(".")[0] for key in keys.split(b"\0")[:-1]})
        off = [
            f"{_quoted(f'{name}.{key}')}={_quoted(value)}"
            for name in names
            for key, value in values
        ]
        given = self.environ.get(_PARAMETERS)
        return {_PARAMETERS: " ".join([*([given] if given else []), *off])} if off else {}

    # --- about the person ------------------------------------------------------------

    @cached_property
    def user(self) -> str:
        """Who git says works here: mail address, else name, "" without either."""
        for key in ("user.email", "user.name"):
            status, out, _ = self.run(["config", "--get", key])
            if status == 0:
                return shown(out.decode(errors="replace").strip())
        return ""

    def remotes(self) -> Sequence[str]:
        """Give the names of the remotes."""
        return [shown(os.fsdecode(line)) for line in self._out(["remote"]).splitlines()]

    # --- processes -------------------------------------------------------------------

    def _pieces(self, arguments: Sequence[str]) -> list[bytes]:
        return self._out(arguments).split(b"\0")[:-1]

    def _out(self, arguments: Sequence[str], feed: bytes | None = None) -> bytes:
        return self._good(arguments, self.run(arguments, feed))

    def _begun(self, arguments: Sequence[str]) -> Callable[[], tuple[bytes, bytes]]:
        """Begin a command; what is given waits for it: what it wrote, and what it complained of.

        It writes to a file, so that it comes to its end while nobody reads.
        """
        output = _scratch()
        with _given(b"") as nothing:
            variables = {**self.environ, **self._without_filters}
            process = self._started(arguments, nothing, variables, output)

        def written() -> tuple[bytes, bytes]:
            with output:
                status, _, err = _ended(process, None)
                output.seek(0)
                return self._good(arguments, (status, output.read(), err)), err

        return written

    def _good(self, arguments: Sequence[str], end: tuple[int, bytes, bytes]) -> bytes:
        status, out, err = end
        if status:
            raise InvalidInput(
                f"git {arguments[0]} failed: {shown(err.decode(errors='replace'))[:300]}",
                where=str(self.root),
                not_done="Nothing was sent.",
                hint=self._way_back(),
                reason="git_failed",
            )
        return out

    def _way_back(self) -> str:
        """Say how a clone gets back what git can't read in it."""
        remotes = self.run(["remote"])[1].decode(errors="replace").split()
        if not remotes:
            return "`git fsck` names what is damaged: put back a copy of the repository."
        remote = "origin" if "origin" in remotes else remotes[0]
        if self.run(["config", "--get-regexp", r"^remote\..*\.promisor$"])[0] == 0:
            return (
                "This clone was made with --filter, and git doesn't fetch what it left out by "
                f"itself here. `git fetch --refetch --no-filter {remote}` fetches all of it."
            )
        return (
            f"`git fsck` names what is damaged; `git fetch --refetch {remote}` fetches what is "
            f'missing. A new clone has all of it: `git clone "$(git remote get-url {remote})" '
            "../fresh-clone`"
        )

    def run(
        self,
        arguments: Sequence[str],
        feed: bytes | None = None,
        *,
        extra: Mapping[str, str] | None = None,
        outward: Callable[[], float] | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Run a git command: exit status, stdout, stderr. Its stdin is `feed`, whole.

        `extra` are further environment variables, none of them secret. `outward` marks a
        command that talks to a remote or an agent: it gets the caller's environment but for
        QFLOW_* and most of GIT_*. It says how many seconds there are, asked again while git
        runs; the shortest time that it ever gave holds. Then git is ended, and its status
        isn't 0. Every git has a session of its own, so that a Ctrl-C at the terminal, which
        goes to all processes there, is this program's to handle. Raises UsageProblem where
        git can't be started.
        """
        if outward is None:
            variables = {**self.environ, **(extra or {})}
        else:
            kept = {name: value for name, value in os.environ.items() if not _is_dropped(name)}
            variables = {**kept, **_SET_VARIABLES, **(extra or {})}
        with _given(feed or b"") as given:
            process = self._started(arguments, given, variables)
        return _ended(process, outward)

    def _started(
        self,
        arguments: Sequence[str],
        given: BinaryIO,
        variables: Mapping[str, str],
        output: BinaryIO | int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        options = [part for option in _OPTIONS for part in ("-c", option)]
        try:
            return subprocess.Popen(
                ["git", *options, "-C", str(self.root), *arguments],
                stdin=given,
                stdout=output,
                stderr=subprocess.PIPE,
                env=variables,
                start_new_session=True,
            )
        except OSError as problem:
            raise _not_usable(self.root, str(problem).encode()) from None


def _ended(
    process: subprocess.Popen[bytes], patience: Callable[[], float] | None
) -> tuple[int, bytes, bytes]:
    """Wait for a git, no longer than there is patience: exit status, stdout, stderr."""
    if patience is None:
        out, err = process.communicate()
        return process.returncode, out, err
    deadline = math.inf
    while True:
        now = time.monotonic()
        deadline = min(deadline, now + patience())
        try:
            out, err = process.communicate(timeout=max(0.0, min(_GLANCE, deadline - now)))
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            return _given_up(process)
        return process.returncode, out, err


def _given_up(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """End a git and its helpers; first so that it takes its lock files away."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            out, err = process.communicate(timeout=_LAST_WORDS)
            return process.returncode or 1, out, err + b"\nfatal: it took too long and was ended"
    # Something that left the session holds its output open: nothing to wait for.
    return 1, b"", b"fatal: it took too long and was ended"


@contextmanager
def _given(feed: bytes) -> Iterator[BinaryIO]:
    """Give a process' stdin: a file, so that no pipe can fill up; in memory where there is that.

    So a full disk is no reason why a record that belongs elsewhere can't be written. Raises
    UsageProblem where there is no room.
    """
    with ExitStack() as opened:
        try:
            file = opened.enter_context(_scratch())
            left = memoryview(feed)
            while left:  # a disk that is nearly full takes only a part
                left = left[file.write(left) :]
            file.seek(0)
        except OSError as problem:
            raise UsageProblem(
                f"There is no room for what git is to read: {problem.strerror or problem}.",
                not_done="Nothing was planned and nothing was sent.",
                hint="Make room in the folder for temporary files, or set TMPDIR to another one.",
                reason="no_room",
            ) from None
        yield file


def _scratch() -> BinaryIO:
    """Open a file without a name; unbuffered, so that closing it has nothing left to write."""
    if hasattr(os, "memfd_create"):
        return cast(BinaryIO, os.fdopen(os.memfd_create("feed"), "w+b", buffering=0))
    import tempfile

    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0))  # macOS


def _quoted(text: str) -> str:
    """Quote as git does, for `GIT_CONFIG_PARAMETERS` (sq_quote_buf in git's quote.c)."""
    return "'" + text.replace("'", "'\\''").replace("!", "'\\!'") + "'"


def _is_dropped(name: str) -> bool:
    if name.startswith("QFLOW_"):
        return True  # git's helpers have no use for Qualys' credentials
    kept = name in _NETWORK_VARIABLES or _CONFIG.fullmatch(name)
    return name.startswith("GIT_") and not kept


def _paths(folders: Sequence[str]) -> list[str]:
    """`.` stands for everything, which git's commands mean without a path."""
    return [] if "." in folders else list(folders)


def _is_id(text: str) -> bool:
    return len(text) in (40, 64) and all(char in "0123456789abcdef" for char in text)


def shown(text: str) -> str:
    """Give one line without characters that could move a cursor."""
    return "".join(
        char
        if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else char.encode("unicode_escape").decode()
        for char in text.strip("\n")
    )


def _not_usable(directory: Path, err: bytes) -> QflowError:
    said = shown(err.decode(errors="replace"))
    not_done = "Nothing was planned and nothing was sent."
    if b"dubious ownership" in err:
        return UsageProblem(
            "The repository belongs to another user, so git doesn't read it.",
            where=str(directory),
            not_done=not_done,
            hint="If you trust it: `git config --global --add safe.directory "
            f"{shlex.quote(str(directory.resolve()))}`",
            reason="git_ownership",
        )
    if b"not a git repository" in err or b"work tree" in err or b"bare repository" in err:
        return UsageProblem(
            "This is not the work tree of a git repository.",
            where=str(directory),
            not_done=not_done,
            hint="Go to your repository, name it with -C DIR, or make one: `git init`",
            reason="no_repository",
        )
    if b"command-line config" in err:
        return UsageProblem(
            f"git can't read the configuration that variables hold: {said[:300]}",
            where="GIT_CONFIG_COUNT, GIT_CONFIG_PARAMETERS",
            not_done=not_done,
            hint="Fix what set them, or do without: `unset GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS`",
            reason="git_configuration",
        )
    if b"bad config" in err or b"configuration file" in err or b"unable to access" in err:
        return UsageProblem(
            f"git can't read its configuration: {said[:300]}",
            where=str(directory),
            not_done=not_done,
            hint="Fix the file that git names, or its rights. Where it is one of your own, this "
            "does without it: `export GIT_CONFIG_GLOBAL=/dev/null`",
            reason="git_configuration",
        )
    return UsageProblem(
        f"git can't be used here: {said[:300]}",
        where=str(directory),
        not_done=not_done,
        hint="git has to be installed (2.31 or newer) and on the PATH.",
        reason="git_unusable",
    )
