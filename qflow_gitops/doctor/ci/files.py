"""Whether the CI's files are those that this version writes."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from qflow_gitops.doctor.ci.expected import Expected, Written
from qflow_gitops.doctor.ci.seen import Seen
from qflow_gitops.errors import QflowError
from qflow_gitops.results.checks import Check, failed, ok, unknown, warning

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_EXAMPLE = "Compare it with examples/gitlab/.gitlab-ci.yml of this version."


def files(expected: Expected) -> Iterator[Check]:
    """Compare each file, byte by byte."""
    if expected.files and all(written.found is None for written in expected.files):
        hint = f"For GitHub Actions: `{expected.renew}`" if expected.renew else _EXAMPLE
        yield unknown("workflow-files", "files of the CI", "this commit has none", hint)
        return
    for written in expected.files:
        yield _compared(written, expected.renew)
    if expected.unread:
        why = f"what they count on isn't looked at: {expected.unread}"
        yield unknown("pipeline", "files of the CI", why)


def _compared(written: Written, renew: str) -> Check:
    hint = f"`{renew}`, then `git diff`" if renew else _EXAMPLE
    if written.found is None:
        return warning("workflow-files", written.path, "it isn't in this commit", hint)
    if written.unset:
        why = "what was to be replaced in it still stands there"
        return failed("workflow-files", written.path, why, "Replace it, as its first lines say.")
    if written.found == written.wanted.encode():
        return ok("workflow-files", written.path, "as this version writes it")
    if written.missing:
        why = f"it hasn't got these jobs: {', '.join(written.missing)}"
        return warning("workflow-files", written.path, why, hint)
    count = _different(written.found.decode(errors="replace"), written.wanted)
    are = "1 line is another" if count == 1 else f"{count:,} lines are others"
    why = f"{are} than this version writes" if count else "line ends differ"
    return warning("workflow-files", written.path, why, hint)


def _different(text: str, wanted: str) -> int:
    one, other = text.splitlines(), wanted.splitlines()
    steps = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return sum(max(b - a, d - c) for kind, a, b, c, d in steps if kind != "equal")


def tool(seen: Seen) -> Iterator[Check]:
    """Compare the version that the CI runs with the one that looks."""
    about, uses = "version that the CI runs", seen.expected.pipeline.tool
    if not uses:
        return
    action, _, commit = uses[0].partition("@")
    if len(uses) > 1:
        hint = "Name one and the same commit everywhere in the workflows."
        yield warning("action", about, f"several: {', '.join(uses)}", hint)
    elif not _COMMIT.fullmatch(commit):
        why = f"{uses[0]} is no full commit: what it names may change"
        yield warning("action", about, why, "Name the commit's 40 characters in the workflows.")
    else:
        yield _version(seen, about, action, commit)


def _version(seen: Seen, about: str, action: str, commit: str) -> Check:
    try:
        version = seen.host.tool_version(action, commit)
    except QflowError as problem:
        return unknown("action", about, problem.message, problem.hint)
    if not version:
        return unknown("action", about, f"{action} at {commit[:10]} doesn't tell its version")
    own = seen.expected.version
    if version != own:
        why = f"{version}, and this is {own}"
        return warning("action", about, why, f"Name a commit of {own} in the workflows.")
    return ok("action", about, version)
