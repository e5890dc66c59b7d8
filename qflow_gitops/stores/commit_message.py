"""What a commit of the lockfile's branch says, for whoever reads its history."""

from collections.abc import Sequence

from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.notes import Checkpoint, Note

_SUBJECT = 72


def message_of(transitions: Sequence[Transition], mark: Checkpoint | None) -> str:
    """Say what happened: a subject that reads as a history, then one line for each attempt."""
    opened = [one.run for one in transitions if one.opens is not None and one.event.to == "intent"]
    told = {}
    for one in transitions:
        if one.opens is None or one.event.to != "intent":
            told[one.run] = str(one.event.to).replace("_", " ")
    clauses = [f"{run} {state}" for run, state in told.items()]
    if opened:
        clauses.append("start " + ", ".join(opened))
    mark = mark or Checkpoint()
    clauses += [" ".join(filter(None, (one.run, one.event.event))) for one in mark.notes]
    names = {one.environment for one in transitions} or {one.environment for one in mark.notes}
    environments = sorted((names or {mark.environment}) - {""})
    if not clauses:
        what = "all applied" if mark.applied_through == mark.latest else "worked on"
        clauses.append(f"{what} through {mark.latest[:10]}" if mark.latest else "begin")
    subject = f"{', '.join(environments) or 'all'}: {'; '.join(clauses)}"
    if len(subject) > _SUBJECT:
        subject = subject[: _SUBJECT - 1].rsplit(" ", 1)[0] + " …"
    lines = [*map(_line, transitions), *map(_noted, mark.notes)]
    if mark.latest:
        lines.append(f"worked on commit {mark.latest}")
    return "\n".join([subject, *(["", *lines] if lines else [])])


def _noted(one: Note) -> str:
    where = "/".join(filter(None, (one.environment, one.run))) or "all"
    said = one.event.text("reason") or one.event.text("from")
    return f"{where}: {one.event.event}" + (f", {' '.join(said.split())[:200]}" if said else "")


def _line(one: Transition) -> str:
    words = f"{one.environment}/{one.run} #{one.number}: {one.event.to}"
    if one.execution_id:
        words += f", execution {one.execution_id}"
    if one.event.lets_go:
        words += f", lets go of execution {one.event.lets_go}"
    if one.status:
        words += f", {' '.join(one.status.split())[:60]}"
    return words
