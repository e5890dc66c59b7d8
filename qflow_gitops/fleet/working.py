"""Work on members by their names, as a job of a CI does; somebody else opened their wave."""

from collections.abc import Generator, Sequence

from qflow_gitops.apply import events
from qflow_gitops.errors import ExitCode, UsageProblem, worst
from qflow_gitops.fleet.applying import code_of
from qflow_gitops.fleet.looking import Looked, exit_of, remembered
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.fleet.telling import told
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.fleet.worker import work_on
from qflow_gitops.results.fleets import FleetTold, Turn
from qflow_gitops.results.report import Report


def work(services: FleetServices, names: Sequence[str]) -> Generator[events.Event, None, Report]:
    """Work on these members, one after the other, each only if it is its turn.

    The exit code is the worst of theirs; 5, `turn`, where one wasn't begun. Raises UsageProblem
    for a name that no member has, and LockError.
    """
    members = {one.name for one in services.fleet.members}
    if unknown := sorted({*names} - members):
        raise UsageProblem(
            f"The fleet has no member {', '.join(unknown)}.",
            where="fleet.yaml",
            not_done="No member was worked on.",
            hint="Look who is in it: `qflow-gitops fleet status -v`",
            reason="member",
        )
    worked: dict[str, Looked] = {}
    for name in dict.fromkeys(names):
        worked |= work_on(services, name).worked
        if name in worked:
            yield events.Said(f"{name}: {worked[name].standing.value}")
    record = services.store.read()
    looked = remembered(services.fleet.members, record) | worked
    turns = Turns(services.files, looked, record, services.commit, set(worked))
    body = told(services, turns, applied=True)
    body = body._replace(members=tuple(one for one in body.members if one.name in names))
    return _reported(body, worked)


def _reported(body: FleetTold, worked: dict[str, Looked]) -> Report:
    codes = [exit_of(found.seen.exit_code) for found in worked.values()]
    code, reason = worst(codes), "members"
    if not code:
        code, reason = code_of(body, worked)
    left = [
        one.name
        for one in body.members
        if one.name not in worked and one.turn in (Turn.RUN, Turn.WAIT)
    ]
    if code or not left:
        return Report("fleet work", code, reason, body=body)
    note = (
        f"{', '.join(left)}: not begun, since its wave isn't open, or others of its subscription "
        "are under way. `qflow-gitops fleet matrix` opens a wave and says whose turn it is."
    )
    return Report("fleet work", ExitCode.HELD, "turn", notes=(note,), body=body)
