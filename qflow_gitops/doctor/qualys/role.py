"""What the role of the credentials' user permits, by what each endpoint answers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from qflow_gitops.doctor.qualys.subject import Subject
from qflow_gitops.doctor.qualys.visit import Visit, inner, items, rows, said, text, usable
from qflow_gitops.http.messages import ROLE_HINT
from qflow_gitops.ports.tenant import Shown
from qflow_gitops.results.checks import Check, Verdict, failed, left_out, ok, unknown, warning

PAGE = 100
_DAYS = 30  # docs/api.md 1.5
_TRIED = 2  # ids of one kind, until one is found

LATER = "Run the command again later; nothing is lost."
REPORT = "Please report the shape of the answer: `qflow-gitops doctor --facts`"
_ADD = (
    "In Qualys: Administration → Role Management → your role → add the right to {right} workflows, "
    "all, by tags or one's own."
)
_RUN_WAY = (
    "In Qualys: Administration → Role Management → the role has to have Qualys API Access, and one "
    "of EXECUTE ALL, EXECUTE WF BY TAGS, EXECUTE MY WF."
)


class Right(NamedTuple):
    """Something that a role permits: the check's name, what it is about, the right's word."""

    name: str
    about: str
    right: str


LIST = Right("list_workflows", "list workflows", "list")
READ = Right("read_workflow", "read a workflow", "read")
EXECUTIONS = Right("list_executions", "list a workflow's executions of 30 days", "list")
EXECUTION = Right("read_execution", "read an execution", "list")
STEPS = Right("read_steps", "read an execution's steps", "list")
RIGHTS = (LIST, READ, EXECUTIONS, EXECUTION, STEPS)
NAMES = (*((each.name, each.about) for each in RIGHTS), ("run", "run a workflow"))


class Role:
    """The looks that tell what a role permits; `workflow` and `execution` are ids that Qualys has.

    Both are "" where none was found.
    """

    def __init__(self, visit: Visit, subject: Subject, now: datetime) -> None:
        """Take what asks, what about, and the time by the gateway's clock."""
        self._visit = visit
        self._subject = subject
        self.now = now
        self.workflow = ""
        self.execution = ""
        self.readable = True
        """Whether nothing says that workflows can't be read."""
        self._hidden = ""  # an execution of the lockfile that Qualys doesn't show

    def look(self) -> dict[Right, Shown | None]:
        """Ask each endpoint for something that is there; None for what couldn't be asked."""
        found: dict[Right, Shown | None] = dict.fromkeys(RIGHTS)
        found[LIST] = self._visit.ask("workflows", pageSize=PAGE, pageNumber=1)
        used = [each.id for each in self._subject.workflows]
        listed = [text(each.get("id")) for each in rows(found[LIST])]
        for workflow in [each for each in (*used[:_TRIED], *listed[:1]) if usable(each)]:
            found[READ] = shown = self._visit.ask("workflow", workflow)
            if shown is None or shown.status != 404:
                self.workflow = workflow
                break
        if self.workflow:
            found[EXECUTIONS] = self._visit.ask("executions", self.workflow, **self.window)
        found[EXECUTION] = self._execution(found[EXECUTIONS])
        if self.execution:
            found[STEPS] = self._visit.ask("steps", self.execution)
        return found

    @property
    def window(self) -> dict[str, str | int]:
        """The parameters that ask for the newest executions of the last days."""
        start = self.now - timedelta(days=_DAYS) + timedelta(hours=1)
        return {"pageSize": PAGE, "pageNumber": 1, "startAt": when(start), "order": "-createdAt"}

    def _execution(self, listed: Shown | None) -> Shown | None:
        since = self.now - timedelta(days=_DAYS - 1)
        recorded = [
            each.execution
            for each in self._subject.executions
            if each.at >= since.strftime("%Y-%m-%d")
        ]
        known = [id_of(each) for each in rows(listed)]
        shown = None
        for execution in [each for each in (*recorded[:_TRIED], *known[:1]) if usable(each)]:
            shown = self._visit.ask("execution", execution)
            if shown is None or shown.status != 404:
                self.execution = execution
                break
            self._hidden = self._hidden or execution
        return shown

    def checks(self) -> Iterator[Check]:
        """Look, and judge each right; one line where nothing at all is permitted."""
        found = self.look()
        answers = [shown for shown in found.values() if shown is not None]
        if answers and all(shown.status == 403 for shown in answers):
            whole = f"Qualys permits nothing that was asked for ({said(answers[0])})"
            yield failed("api-access", "role", whole, ROLE_HINT.format(right="read, list and run"))
            yield from left_out(NAMES, "without access to the API nothing more can be told")
            return
        read = found[READ]
        self.readable = read is None or read.status == 404 or trouble(READ, read) is None
        for right in RIGHTS:
            yield self._judged(right, found[right])
        yield self._run()

    def _judged(self, right: Right, shown: Shown | None) -> Check:
        if shown is None:
            return self._not_asked(right)
        if right is EXECUTION and self._hidden:
            where = f"Qualys doesn't show {self._hidden}, which the lockfile has"
            way = "Check that the credentials are of the subscription that it was sent to."
            if self._subject.platform == "sandbox":
                way = (
                    "A sandbox forgets when it stops: `qflow-gitops sandbox --data FILE` keeps it."
                )
            return warning(right.name, right.about, where, way)
        if (wrong := trouble(right, shown)) is not None:
            if right is LIST and wrong.verdict is Verdict.FAILED:
                way = "Only `qflow-gitops workflows pull --all` needs it."
                return wrong._replace(verdict=Verdict.WARNING, hint=way)
            return wrong
        holds = right in (READ, EXECUTION)
        if (inner(shown) if holds else items(shown)) is None:
            what = "object" if holds else "list of items"
            return unknown(
                right.name, right.about, f"permitted, but the answer holds no {what}", REPORT
            )
        return ok(right.name, right.about, "permitted")

    def _not_asked(self, right: Right) -> Check:
        if self._visit.over:
            (check,) = left_out(((right.name, right.about),), self._visit.over,
                                self._visit.hint)  # fmt: skip
            return check
        kind = "execution" if right in (EXECUTION, STEPS) else "workflow"
        (check,) = left_out(((right.name, right.about),), f"no {kind} is known to look at")
        return check

    def _run(self) -> Check:
        """Never ask: no page says that a run is refused before it begins (docs/api.md 12)."""
        found = "only a run shows it, and none is started here"
        for sent, what in ((self._subject.accepted, "took"), (self._subject.refused, "refused")):
            if sent is not None:
                found += f"; Qualys {what} {sent.run} of {sent.at}"
        return unknown("run", "run a workflow", found, _RUN_WAY)


def trouble(right: Right, shown: Shown) -> Check | None:
    """Say what is wrong with an answer, by its status and its form; None for nothing."""
    name, about = right.name, right.about
    if not shown.status:
        return failed(name, about, f"there was no answer: {shown.said}", LATER)
    if shown.status == 403:
        way = _ADD.format(right=right.right)
        return failed(name, about, f"not permitted ({said(shown)})", way)
    if shown.status == 401 or shown.limited:
        return unknown(name, about, f"Qualys refused to answer ({said(shown)})")
    if shown.status == 404:
        return unknown(name, about, f"Qualys doesn't show it ({said(shown)})")
    if not shown.is_good:
        verdict = Verdict.FAILED if shown.status >= 500 else Verdict.UNKNOWN
        return Check(name, about, verdict, f"Qualys answered {said(shown)}", LATER)
    if shown.form == "html":
        way = "Check the platform, and whether a proxy asks for a login of its own."
        return failed(name, about, "a page in HTML came, and no answer of the API", way)
    if shown.form != "json":
        return unknown(name, about, f"the answer is no JSON ({shown.form})", REPORT)
    return None


def id_of(data: dict[str, object]) -> str:
    """Return an execution's id: `execution` is the better one (docs/api.md 1.6)."""
    return text(data.get("execution")) or text(data.get("id"))


def when(moment: datetime) -> str:
    """Write a time as requests have it (docs/api.md 1.5)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
