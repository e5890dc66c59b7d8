"""What a change management has against runs."""

from tests.helpers.carried import Person
from tests.helpers.scenarios.base import APPLY, WHY, applied, scenario
from tests.helpers.specs import spec
from tests.helpers.terminal import Terminal
from tests.helpers.ticket_systems import Fault, ServiceNow

CHG = "CHG0000024"
RULE = "  policy: {require: {ticket: {system: servicenow, pattern: 'CHG[0-9]{7}'}}}\n"


def _asked(at: Terminal) -> ServiceNow:
    """Have a policy that asks for tickets, one spec, and what knows its ticket."""
    server = at.open.enter_context(ServiceNow())
    for name, value in server.environment.items():
        at.environ(name, value)
    at.settings(more=RULE)
    at.specs(a=spec("a", metadata=f"  annotations: {{ticket: {CHG}}}\n"))
    return server


@scenario("worktree")
def a_ticket_that_isnt_approved(at: Terminal) -> tuple[str, Person]:
    """The ticket of a run isn't approved."""
    server = _asked(at)
    server.put(CHG, approval="requested")
    in_order = {"Have the ticket in order": lambda _at: server.put(CHG, approval="approved")}
    return APPLY, Person(WHY, changes=in_order)


@scenario("worktree")
def a_run_without_a_ticket(at: Terminal) -> tuple[str, Person]:
    """The policy asks for a ticket, and a run has none."""
    server = _asked(at)
    server.put(CHG)
    at.specs(a=spec("a"))
    annotated = spec("a", metadata=f"  annotations: {{ticket: {CHG}}}\n")
    corrected = {"Correct `ticket:`": lambda at: at.specs(a=annotated)}
    return APPLY, Person(WHY, changes=corrected)


@scenario("worktree")
def a_note_that_cant_be_written(at: Terminal) -> tuple[str, Person]:
    """What became of a run can't be noted on its ticket."""
    server = _asked(at)
    server.put(CHG)
    server.faults.append(Fault("sys_journal_field", 503))
    applied(at)
    return "qflow-gitops notify", Person(first=lambda _at: server.faults.clear())
