"""Each workflow of the specs: found, its revision, its variables."""

from collections.abc import Iterator, Sequence

from qflow_gitops.doctor.qualys.role import Right, trouble
from qflow_gitops.doctor.qualys.subject import UsedWorkflow
from qflow_gitops.doctor.qualys.visit import Visit, inner, more
from qflow_gitops.ports.tenant import Shown
from qflow_gitops.qualys.workflows import described
from qflow_gitops.results.checks import Check, failed, left_out, ok, unknown, warning
from qflow_gitops.specs.catalogs import lacking

NAME = "workflow"
_SHOWN = 50  # lines about what isn't in order
_NAMED = 5


def checks(visit: Visit, used: Sequence[UsedWorkflow], most: int) -> Iterator[Check]:
    """Ask for each, with at most so many calls; those in order share a line."""
    good: list[UsedWorkflow] = []
    bad: list[Check] = []
    left: list[UsedWorkflow] = []
    end = visit.tenant.made + most
    asked = {each.look.about for each in visit.of("workflow")}
    for one in used:
        may_ask = visit.tenant.made < end or (one.id,) in asked
        shown = visit.ask("workflow", one.id) if may_ask else None
        if shown is None:
            left.append(one)
            continue
        check = _judged(one, shown)
        good += [one] if check is None else []
        bad += [check] if check is not None else []
    if good:
        yield ok(NAME, _about(good), "found, as specs and catalog have them")
    yield from bad[:_SHOWN]
    if len(bad) > _SHOWN:
        yield unknown(NAME, more(len(bad) - _SHOWN, "workflow"), "likewise not in order")
    if left:
        why = visit.over or "their share of the calls is used up"
        hint = visit.hint or f"`{visit.again}` asks for all of them."
        yield from left_out(((NAME, more(len(left), "workflow")),), why, hint)


def _about(some: Sequence[UsedWorkflow]) -> str:
    if len(some) == 1:
        return f"workflow {title(some[0])}"
    return f"{len(some):,} workflows of specs"


def title(one: UsedWorkflow) -> str:
    """Call a workflow by its name, and by its id."""
    name = one.known.name if one.known else ""
    return f"{name[:60]} ({one.id})" if name else one.id


def _judged(one: UsedWorkflow, shown: Shown) -> Check | None:
    about = f"workflow {title(one)}"
    if shown.status == 404:
        way = "Correct the id, or let the role see it (its tags, or all)."
        return failed(NAME, about, f"Qualys doesn't show it; {one.file} runs it", way)
    wrong = trouble(Right(NAME, about, "read"), shown)
    if wrong is not None:
        return wrong
    data = inner(shown)
    if data is None:
        return unknown(NAME, about, "the answer holds no object")
    told = str(data.get("id") or one.id).lower()
    if told != one.id:
        return unknown(NAME, about, "the answer is about another workflow")
    seen, known = described(data, one.id), one.known
    absent = lacking(seen, one.variables)
    if absent:
        some = ", ".join(absent[:_NAMED])
        way = "Correct them, or add them to the workflow in Qualys."
        return warning(NAME, about, f"it lacks variables that specs set: {some}", way)
    pull = f"`qflow-gitops workflows pull {one.id}`"
    if one.missing:
        return warning(NAME, about, "found; the catalog doesn't have it", f"Add it: {pull}")
    if known and known.revision and seen.revision and known.revision != seen.revision:
        found = "it was changed since it was pulled into the catalog"
        return warning(NAME, about, found, f"{pull}, and read what changed.")
    return None
