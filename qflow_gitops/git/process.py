"""Starts git: the one place that does, with nothing that a repository could make it run.

What a repository's or a user's configuration could make git run (hooks, filters, fsmonitor,
external diffs, pagers, lazy fetches) is switched off. Of the caller's GIT_* variables only those
that hold configuration are passed on, as git itself obeys them, so that a hook's GIT_DIR can't
redirect a plan.
"""

from __future__ import annotations

import os
import re
import subprocess
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from qflow_gitops.base import printable
from qflow_gitops.base.paths import TreeFile
from qflow_gitops.errors import InvalidInput
from qflow_gitops.git.child import ended, given_input, scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Self


_KEPT_VARIABLES = (
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "SYSTEMROOT",
    "SUDO_UID",  # as root, git also trusts what belongs to this user (safe.directory)
)  # fmt: skip
SET_VARIABLES = {
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


class GitProcess:
    """Runs git in one work tree and its repository."""

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
        self.object_format = object_format
        self._present: set[str] = set()  # commits that were seen; none goes away meanwhile
        self._descents: set[tuple[str, str]] = set()  # an ancestor, and what descends from it
        self._listings: dict[tuple[str, str], Mapping[bytes, TreeFile]] = {}
        self._single: dict[str, bytes] = {}  # blobs that were asked for one by one: settings

    @classmethod
    def open(cls, directory: Path, environ: Mapping[str, str]) -> Self:
        """Find the repository that a directory belongs to.

        Raises UsageProblem where there is none, it is bare, or git may not or can't be used.
        """
        probe = cls(directory, directory, directory, clean(environ))
        asked = ["--path-format=absolute", "--show-toplevel", "--git-common-dir", "--git-dir",
                 "--show-prefix", "--show-object-format"]  # fmt: skip
        status, out, err = probe.run(["rev-parse", *asked])
        if status:
            from qflow_gitops.git.unusable import not_usable

            raise not_usable(directory, err)
        *lines, prefix, object_format = out.splitlines()
        root, common_dir, git_dir = (Path(os.fsdecode(line)) for line in lines[:3])
        found = cls(root, common_dir, git_dir, probe.environ, object_format.decode())
        found.prefix = os.fsdecode(prefix).rstrip("/")
        return found

    def at(self, prefix: str) -> Self:
        """Return the same repository, as if another folder were at hand."""
        return self.like(self, prefix)

    @classmethod
    def like(cls, other: GitProcess, prefix: str) -> Self:
        """Return the repository of another one, with what that knows of it by now."""
        found = cls(
            other.root, other.common_dir, other.git_dir, other.environ, other.object_format, prefix
        )
        found._present, found._listings = other._present, other._listings
        found._single, found._descents = other._single, other._descents
        return found

    @cached_property
    def configured(self) -> Sequence[tuple[str, str]]:
        """Each name, in lower case, and value ("" for none) that git is told; the last counts."""
        listed = self.run(["config", "-z", "--list"])[1].split(b"\0")[:-1]
        pairs = (os.fsdecode(each).partition("\n") for each in listed)
        return [(name, value) for name, _, value in pairs]

    @property
    def is_partial(self) -> bool:
        """Whether something was left out of this clone, by `--filter`."""
        return any(re.fullmatch(r"remote\..*\.promisor", name) for name, _ in self.configured)

    @cached_property
    def _without_filters(self) -> Mapping[str, str]:
        """What to tell a git that looks at the work tree, so that it runs no `filter.*`."""
        off = (("clean", ""), ("process", ""), ("required", "false"))
        return self._told(r"filter\..*\.(clean|process)", off)

    @cached_property
    def _without_drivers(self) -> Mapping[str, str]:
        """What to tell a git that merges, so that it runs no `merge.*.driver`: all of it fails."""
        return self._told(r"merge\..*\.driver", (("driver", "false"),))

    def _told(self, pattern: str, values: Iterable[tuple[str, str]]) -> Mapping[str, str]:
        """Set keys anew in each configured section that has a key like `pattern`.

        As a variable, since a section's name may hold any character.
        """
        keys = [key for key, _ in self.configured if re.fullmatch(pattern, key)]
        names = sorted({key.rpartition(".")[0] for key in keys})
        off = [
            f"{_quoted(f'{name}.{key}')}={_quoted(value)}"
            for name in names
            for key, value in values
        ]
        given = self.environ.get(_PARAMETERS)
        return {_PARAMETERS: " ".join([*([given] if given else []), *off])} if off else {}

    def _pieces(self, arguments: Sequence[str]) -> list[bytes]:
        return self._out(arguments).split(b"\0")[:-1]

    def _out(self, arguments: Sequence[str], feed: bytes | None = None) -> bytes:
        return self._good(arguments, self.run(arguments, feed))

    def begun(self, arguments: Sequence[str]) -> Callable[[], tuple[bytes, bytes]]:
        """Begin a command; what is given waits for it: what it wrote, and what it complained of.

        It writes to a file, so that it comes to its end while nobody reads.
        """
        output = scratch()
        with given_input(b"") as nothing:
            variables = {**self.environ, **self._without_filters}
            process = self.started(arguments, nothing, variables, output=output)

        def written() -> tuple[bytes, bytes]:
            with output:
                status, _, err = ended(process, None)
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
        if self.is_partial:
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
        network: Callable[[], float] | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Run a git command: exit status, stdout, stderr. Its stdin is `feed`, whole.

        `extra` are further environment variables, none of them secret. `network` marks a
        command that talks to a remote or an agent: it gets the caller's environment but for
        what has QFLOW_ in its name, and most of GIT_*. It says how many seconds there are,
        asked again while git runs; the shortest time that it ever gave holds. Then git is
        ended, and its status isn't 0. Every git has a session of its own, so that a Ctrl-C at
        the terminal, which goes to all processes there, is this program's to handle. Raises
        UsageProblem where git can't be started.
        """
        if network is None:
            variables = {**self.environ, **(extra or {})}
        else:
            kept = {name: value for name, value in os.environ.items() if not _is_dropped(name)}
            variables = {**kept, **SET_VARIABLES, **(extra or {})}
        with given_input(feed or b"") as given:
            process = self.started(arguments, given, variables)
        return ended(process, network)

    def started(
        self,
        arguments: Sequence[str],
        given: BinaryIO | int,
        variables: Mapping[str, str],
        *,
        output: BinaryIO | int = subprocess.PIPE,
        silent: bool = False,
        held: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a git with exactly these variables; what a `silent` one complains of is lost.

        `held` are open files that it keeps open: a lock on one lasts as long as it runs. Raises
        UsageProblem where git can't be started.
        """
        options = [part for option in _OPTIONS for part in ("-c", option)]
        try:
            return subprocess.Popen(
                ["git", *options, "-C", str(self.root), *arguments],
                stdin=given,
                stdout=output,
                stderr=subprocess.DEVNULL if silent else subprocess.PIPE,
                env=variables,
                start_new_session=True,
                pass_fds=held,
            )
        except OSError as problem:
            from qflow_gitops.git.unusable import not_usable

            raise not_usable(self.root, str(problem).encode()) from None


def clean(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the whole environment of a git that talks to nobody: no secret is in it."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in _KEPT_VARIABLES or _CONFIG.fullmatch(name)
    }
    return {**kept, **SET_VARIABLES}


def _quoted(text: str) -> str:
    """Quote as git does, for `GIT_CONFIG_PARAMETERS` (sq_quote_buf in git's quote.c)."""
    return "'" + text.replace("'", "'\\''").replace("!", "'\\!'") + "'"


def _is_dropped(name: str) -> bool:
    if "QFLOW_" in name:
        return True  # git's helpers have no use for Qualys' credentials, nor a fleet's ACME_QFLOW_*
    kept = name in _NETWORK_VARIABLES or _CONFIG.fullmatch(name)
    return name.startswith("GIT_") and not kept


def literal_paths(folders: Sequence[str]) -> list[str]:
    """`.` stands for everything, which git's commands mean without a path."""
    return [] if "." in folders else list(folders)


def is_id(text: str) -> bool:
    """Whether a text is the whole id of an object."""
    return len(text) in (40, 64) and all(char in "0123456789abcdef" for char in text)


def shown(text: str) -> str:
    """Return one line without characters that could move a cursor."""
    return printable.shown(text.strip("\n"))
