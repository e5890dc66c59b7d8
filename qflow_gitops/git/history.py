"""Reads how commits follow one another: by GitPython, or by plumbing where that can't.

GitPython reads neither other ids than SHA-1 nor reftable, and a folder with `$` in its name as
another one. Whatever else keeps it from an answer, plumbing gives it, or says what is wrong. Each
question opens the repository anew, so that no two threads or processes share it.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from qflow_gitops.git.process import is_id, literal_paths
from qflow_gitops.git.repository import GitRepo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from qflow_gitops.git.gitpython import CleanRepo
    from qflow_gitops.git.process import GitProcess

Answer = TypeVar("Answer")


class HistoryRepo(GitRepo):
    """A repository for whoever asks much of its history; implements `ports.git.Repository`."""

    @classmethod
    def of(cls, repo: GitRepo) -> Self:
        """Return the same repository, read so."""
        return cls.like(repo, repo.prefix)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` is `old` or descends from it, as far as this clone can tell."""
        if not (is_id(old) and is_id(new)):
            return False
        found = _asked(self, lambda repo: repo.is_ancestor(repo.named(old), repo.named(new)))
        return super().is_ancestor(old, new) if found is None else found

    def first_parents(
        self, base: str, head: str, most: int, folders: Sequence[str] = ()
    ) -> Sequence[str]:
        """Return the commits on the first-parent line of `head` that `base` ("": none) lacks.

        Newest first, at most so many; with `folders` those that change something there.
        """
        found = None
        if is_id(head) and (not base or is_id(base)):
            span, paths = f"{base}..{head}" if base else head, literal_paths(folders)
            found = _asked(
                self,
                lambda repo: [
                    commit.hexsha
                    for commit in repo.iter_commits(
                        span, paths=paths, first_parent=True, max_count=most
                    )
                ],
            )
        return super().first_parents(base, head, most, folders) if found is None else found

    def merge_base(self, commit: str, other: str) -> str | None:
        """Return the newest common ancestor, None where this clone knows none."""
        found = None
        if is_id(commit) and is_id(other):
            found = _asked(
                self,
                lambda repo: [
                    base.hexsha for base in repo.merge_base(repo.named(commit), repo.named(other))
                ],
            )
        return next(iter(found), None) if found is not None else super().merge_base(commit, other)


def is_readable(repo: GitProcess) -> bool:
    """Whether this is a repository that GitPython reads as git does."""
    reftable = (repo.common_dir / "reftable").exists()
    return repo.object_format == "sha1" and "$" not in str(repo.root) and not reftable


def _asked(repo: GitProcess, question: Callable[[CleanRepo], Answer]) -> Answer | None:
    """Ask GitPython; None where there is no answer, for whatever reason."""
    if not is_readable(repo):
        return None
    try:
        from qflow_gitops.git.gitpython import CleanRepo

        with closing(CleanRepo(repo)) as opened:
            return question(opened)
    except Exception:  # noqa: BLE001  plumbing is asked then, and says what is wrong
        return None
