"""What became of files and comments, and the catalog, as lines for a person."""

from collections.abc import Iterator

from qflow_gitops.render.escape import clean, count, table
from qflow_gitops.results.files import Draft, Files, Known
from qflow_gitops.results.reviews import Comments


def known(body: Known) -> Iterator[str]:
    """The workflows of the catalog."""
    if not body.workflows:
        yield "The catalog is empty. Fill it: `qflow-gitops workflows pull`"
    rows = [
        (one.id, one.name or "(no name)", one.revision[:12], str(len(one.own_variables)))
        for one in body.workflows
    ]
    yield from table(("ID", "NAME", "REVISION", "VARIABLES"), rows)
    for one in body.workflows if body.detailed else ():
        yield ""
        if one.variables is None:
            yield "Its definition doesn't show its variables."
        for name, kind in (one.variables or {}).items():
            mark = "" if name in one.own_variables else "  (system)"
            yield f"  {clean(name)}  {clean(kind)}{mark}"


def comments(body: Comments) -> Iterator[str]:
    """One line a comment, or the comments themselves where they are only shown."""
    for one in body.entries:
        if one.text:
            yield from one.text.splitlines()
            continue
        more = f"; {count(one.removed, 'duplicate')} removed" if one.removed else ""
        yield (
            f"pull request {one.pull_request}, {clean(one.environment)}: {one.standing}; "
            f"{_COMMENTED[one.what]}{more}  {clean(one.url)}"
        )
    if not body.entries:
        yield "No pull request has to be looked at."


_COMMENTED = {
    "created": "comment written",
    "edited": "comment brought up to date",
    "unchanged": "comment is up to date",
    "none": "no comment, since nothing is selected",
}


def changed(body: Files) -> Iterator[str]:
    """What was done to each file, or would be; and the next commands."""
    for one in body.changes:
        if one.diff:
            yield from ("\t".join(map(clean, x.split("\t"))) for x in one.diff.splitlines())
        else:
            detail = f"  {clean(one.detail)}" if one.detail else ""
            yield f"{one.what:>8}  {clean(one.file)}{detail}"
    if body.next:
        yield ""
        yield "Next:"
        for command in body.next:
            yield f"  {clean(command)}"


def draft(body: Draft) -> Iterator[str]:
    """The text itself."""
    yield from body.content.splitlines()
