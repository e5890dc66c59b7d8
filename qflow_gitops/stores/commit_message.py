"""What a commit of the lockfile's branch says, for whoever reads its history."""

from collections.abc import Iterator, Mapping, Sequence

from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.circumstances import APPLY
from qflow_gitops.lockfile.notes import FAILED_AT, KNOWN, MOVED, OF_PLACES, OPENED, PENDING, Note
from qflow_gitops.lockfile.outbox import OutboxChange
from qflow_gitops.lockfile.places import site_of

_SUBJECT = 72
_WORDS = {KNOWN: "known here", OPENED: "open here", FAILED_AT: "failed at a step"}


def message_of(transitions: Sequence[Transition], mark: Checkpoint | None) -> str:
    """Say what happened: a subject that reads as a history, then one line for each attempt."""
    opened = [
        transition.run
        for transition in transitions
        if transition.opens is not None and transition.event.to == "intent"
    ]
    told = {}
    for transition in transitions:
        if transition.opens is None or transition.event.to != "intent":
            told[transition.run] = str(transition.event.to).replace("_", " ")
    clauses = [f"{run} {state}" for run, state in told.items()]
    if opened:
        clauses.append("start " + ", ".join(opened))
    mark = mark or Checkpoint()
    beside = bool(transitions or mark.latest)  # a place that is known from now on is no news then
    clauses += [
        " ".join(filter(None, (note.run, _event(note))))
        for note in mark.notes
        if not (beside and note.event.event == KNOWN)
    ]
    names = {transition.environment for transition in transitions} or {
        note.environment for note in mark.notes
    }
    environments = sorted((names or {mark.environment}) - {""})
    if not clauses and not mark.latest and mark.last_apply:
        clauses.append(f"an apply got through at {mark.last_apply}")
    if not clauses and not mark.latest and mark.outbox != OutboxChange():
        clauses.append("notices")
    if not clauses:
        what = "all applied" if mark.applied_through == mark.latest else "worked on"
        clauses.append(f"{what} through {mark.latest[:10]}" if mark.latest else "begin")
    subject = f"{', '.join(environments) or 'all'}: {'; '.join(clauses)}"
    if len(subject) > _SUBJECT:
        subject = subject[: _SUBJECT - 1].rsplit(" ", 1)[0] + " …"
    lines = [*map(_line, transitions), *_applies(transitions), *map(_noted, mark.notes)]
    if mark.latest:
        lines.append(f"worked on commit {mark.latest}")
    return "\n".join([subject, *(["", *lines] if lines else [])])


def _applies(transitions: Sequence[Transition]) -> Iterator[str]:
    """Say what is known of the apply that these begin."""
    for transition in transitions:
        told = transition.opens.events[0].extra.get(APPLY) if transition.opens else None
        if isinstance(told, Mapping):
            said = (f"{name} {' '.join(str(value).split())[:200]}" for name, value in told.items())
            yield f"apply: {', '.join(said)}"


def _noted(note: Note) -> str:
    where = "/".join(filter(None, (note.environment, note.run))) or "all"
    why = note.event.text("reason") or (
        "" if note.event.event in OF_PLACES else note.event.text("from")
    )
    return f"{where}: {_event(note)}" + (f", {' '.join(why.split())[:200]}" if why else "")


def _event(note: Note) -> str:
    """Name an event; of a move also from where, or where to."""
    event = note.event
    ends = {PENDING: ("copied from", "from"), MOVED: ("moved to", "to")}
    if event.event not in ends:
        return _WORDS.get(event.event, event.event)
    words, key = ends[event.event]
    return f"{words} {site_of(event.extra.get(key)) or 'another place'}"


def _line(transition: Transition) -> str:
    words = f"{transition.environment}/{transition.run} #{transition.number}: {transition.event.to}"
    if transition.execution_id:
        words += f", execution {transition.execution_id}"
    if transition.event.lets_go:
        words += f", lets go of execution {transition.event.lets_go}"
    if transition.status:
        words += f", {' '.join(transition.status.split())[:60]}"
    return words
