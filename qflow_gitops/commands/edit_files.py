"""Change files of the work tree, and show what changed."""

import difflib
import os
from pathlib import Path

from qflow_gitops.base import atomic
from qflow_gitops.errors import InvalidInput
from qflow_gitops.specs import excerpts


def difference(name: str, old: bytes, new: bytes) -> str:
    """Return the difference to read; not a patch, as what is sensitive in it is masked."""
    before, after = (excerpts.readable(content, name) for content in (old, new))
    if not (before[-1] or after[-1]):  # what follows the last line break is no line
        before, after = before[:-1], after[:-1]
    return "\n".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm=""))


def replace(path: Path, content: bytes, *, not_done: str) -> None:
    """Return a file a new content and its old permissions; InvalidInput where that can't be."""
    try:
        atomic.replace(path, content, mode=os.lstat(path).st_mode & 0o777)
    except OSError as problem:
        raise InvalidInput(
            f"The file can't be written: {problem.strerror}.",
            where=str(path),
            not_done=not_done,
            hint="Make room or fix the folder's rights, then run the command again.",
            reason="file_unwritable",
        ) from None
