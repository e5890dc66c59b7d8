"""What a program of the user's complained of, as people may see it."""

import re

from qflow_gitops.base.program import Ended
from qflow_gitops.specs import secrets

LOOKED_AT = 8 * 1024
"""Bytes of what a program wrote that are looked at where it gives nothing."""
_TRACEBACK = "Traceback (most recent call last):"
_GIVEN = re.compile(
    r"(\b(?:bearer|basic) +|(?<!\S)--?[\w-]{0,40}(?:password|secret|token|key)[= ]|(?<!\S)-u )\S+",
    re.IGNORECASE,
)
"""What stands behind such a word is given away by many a program that tells how it was called."""


def complaint(ended: Ended) -> str:
    """Return what a program complained of, as one line, cut, without what looks like a secret.

    Of a traceback of Python's that is the last line, which says what went wrong.
    """
    said = ended.err[:LOOKED_AT].decode(errors="replace").strip()
    if said.startswith(_TRACEBACK):
        said = said.splitlines()[-1]
    return without_secrets(" ".join(said.split()))


def without_secrets(line: str) -> str:
    """Return a line without what looks like a secret, or stands where one is given."""
    for start, end in sorted(secrets.spans(line), reverse=True):
        line = f"{line[:start]}***{line[end:]}"
    return _GIVEN.sub(r"\1***", line)
