"""Makes the commits of the lockfile's branch: no checkout, no index, no hooks.

By one `git fast-import`, which reads no more of the parent than the folders that change.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from qflow_gitops.errors import LockError
from qflow_gitops.git.lock_git import LockGit
from qflow_gitops.git.process import shown

_NO_IDENTITY = ("qflow-gitops", "qflow-gitops@localhost")
_CRUD = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
_README = b"""\
# The lockfile of qflow-gitops

This branch holds the lockfile: what was sent to Qualys, when, by whom, from which commit, and how
it ended. `qflow.lock` is its head; each run has a file of its own below `runs/<environment>/`, so
`git log -- runs/<environment>/*/<run>.json` is the history of one run, and `git log` that of all.
`anchors/` has time stamps of what stood here. How to check all of it is told in docs/verify.md.
Only `qflow-gitops` writes here; a change by hand, a force-push or the removal of this branch could
send runs twice. Protect the branch against deletion and force-pushes.
"""


@dataclass(frozen=True)
class LockCommits:
    """Makes commits, and pushes none."""

    git: LockGit

    def commit(self, parent: str, files: Mapping[str, bytes], message: str) -> str:
        """Make a commit with these files on top of `parent` ("": the first one).

        The first one gets a page that explains. Raises LockError.
        """
        files = files if parent else {"README.md": _README, **files}
        ref = f"refs/qflow-gitops/made/{secrets.token_hex(16)}"
        script = b"".join(self._script(ref, parent, files, message.encode()))
        command = ["fast-import", "--quiet", "--done", "--date-format=now"]
        try:
            commit = self.git.made(command, script)
        except LockError as problem:
            self._tidy(ref)
            problem.message = problem.message.partition(" · fast-import: dumping")[0]
            raise
        return self._signed(commit, parent, message) if self._signs else commit

    def _script(
        self, ref: str, parent: str, files: Mapping[str, bytes], message: bytes
    ) -> Iterator[bytes]:
        """Say all of it in fast-import's words; it answers with the commit's id.

        The ref is only needed to say it: taken back before the end, it is never written.
        """
        nobody = b"0" * (64 if self.git.repo.object_format == "sha256" else 40)
        name, mail = (text.encode() for text in self._identity)
        yield b"commit %s\nmark :1\ncommitter %s <%s> now\n" % (ref.encode(), name, mail)
        yield b"data %d\n%s\n" % (len(message), message)
        if parent:
            yield b"from %s\n" % parent.encode()
        for path, content in files.items():
            yield b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content)
        yield b"\nget-mark :1\nreset %s\nfrom %s\n\ndone\n" % (ref.encode(), nobody)

    def _tidy(self, ref: str) -> None:
        """Take away the report that fast-import leaves of an end that it didn't expect.

        Where it had no room for that either, it is empty.
        """
        for report in self.git.repo.git_dir.glob("fast_import_crash_*"):
            with contextlib.suppress(OSError):
                text = report.read_text(encoding="utf-8", errors="replace")
                if ref in text or not text:
                    report.unlink()

    def _signed(self, commit: str, parent: str, message: str) -> str:
        """Make the same commit once more, signed; that may ask an agent."""
        command = ["commit-tree", "-S", commit + "^{tree}", *(["-p", parent] if parent else [])]
        identity = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in zip(("NAME", "EMAIL"), self._identity, strict=True)
        }
        feed = message.encode()
        return self.git.made(command, feed, extra=identity, network=self.git.time_left)

    @cached_property
    def _signs(self) -> bool:
        return self.git.line(["config", "--type=bool", "--get", "commit.gpgsign"]) == "true"

    @property
    def _identity(self) -> tuple[str, str]:
        """Who git says commits here; a machine without an identity is the normal case."""
        name, mail = (_plain(self.git.repo.setting(f"user.{key}")) for key in ("name", "email"))
        return name or _NO_IDENTITY[0], mail or _NO_IDENTITY[1]


def _plain(text: str) -> str:
    """Take out of a name what can't stand in a commit, as git itself does."""
    said = os.fsencode(text).decode(errors="replace")
    kept = "".join(each for each in said if each not in "<>\n\0")
    return shown(kept.strip(_CRUD))
