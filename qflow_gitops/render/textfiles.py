"""What became of files and comments, and the catalog, as lines for a person."""

from collections.abc import Iterator

from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.layout import Fixed, Line, Table
from qflow_gitops.results.files import Draft, Files, Known
from qflow_gitops.results.reviews import Comments


def known(body: Known) -> Iterator[Line]:
    """The workflows of the catalog."""
    if not body.workflows:
        yield "The catalog is empty. Fill it: `qflow-gitops workflows pull`"
    rows = [
        (
            workflow.id,
            workflow.name or "(no name)",
            workflow.revision[:12],
            str(len(workflow.own_variables)),
        )
        for workflow in body.workflows
    ]
    yield Table(("ID", "NAME", "REVISION", "VARIABLES"), rows)
    for workflow in body.workflows if body.detailed else ():
        yield ""
        if workflow.variables is None:
            yield "Its definition doesn't show its variables."
        for name, kind in (workflow.variables or {}).items():
            mark = "" if name in workflow.own_variables else "  (system)"
            yield f"  {clean(name)}  {clean(kind)}{mark}"


def comments(body: Comments) -> Iterator[str]:
    """One line a comment, or the comments themselves where they are only shown."""
    for commented in body.entries:
        if commented.text:
            yield from map(Fixed, commented.text.splitlines())
            continue
        more = f"; {count(commented.removed, 'duplicate')} removed" if commented.removed else ""
        yield (
            f"pull request {commented.pull_request}, {clean(commented.key.environment)}"
            f"{f' of {clean(commented.key.project)}' if commented.key.project else ''}: "
            f"{commented.standing}; "
            f"{_COMMENTED[commented.what]}{more}  {clean(commented.url)}"
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
    for change in body.changes:
        if change.diff:
            for line in change.diff.splitlines():
                yield Fixed("\t".join(map(clean, line.split("\t"))))
        else:
            detail = f"  {clean(change.detail)}" if change.detail else ""
            yield f"{change.what:>8}  {clean(change.file)}{detail}"
    if body.next:
        yield ""
        yield "Next:"
        for command in body.next:
            yield f"  {clean(command)}"


def draft(body: Draft) -> Iterator[str]:
    """The text itself."""
    yield from map(Fixed, body.content.splitlines())
