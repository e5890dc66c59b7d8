"""What the settings say of tickets: `policy: {require: {ticket: …}}`."""

from collections.abc import Iterator, Mapping
from typing import Any

from qflow_gitops.findings.finding import Diagnostic, error
from qflow_gitops.policy.tickets import COMMAND, JIRA, SERVICENOW, TicketRule
from qflow_gitops.yaml.document import Document

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    SERVICENOW: {
        "states": ("-2", "-1"),
        "window": {"start": "start_date", "end": "end_date"},
        "approved": {"field": "approval", "values": ("approved",)},
    }
}
"""What counts where the settings say nothing, as ServiceNow documents it: Scheduled and Implement,
the planned start and end, the approval (docs/tickets.md 1). Jira's are each company's own."""


def from_data(given: Mapping[str, Any] | None) -> TicketRule | None:
    """Read what satisfies the schema `project`; None for nothing."""
    if given is None:
        return None
    told = {**DEFAULTS.get(given["system"], {}), **given}
    window, approved = told.get("window") or {}, told.get("approved") or {}
    return TicketRule(
        system=told["system"],
        pattern=told["pattern"],
        annotation=told.get("annotation", "ticket"),
        states=tuple(_text(state) for state in told.get("states", ())),
        starts=window.get("start", ""),
        ends=window.get("end", ""),
        approval=approved.get("field", ""),
        approved=tuple(_text(value) for value in approved.get("values", ())),
        environments=tuple(told.get("environments", ())),
    )


def _text(value: str | float) -> str:
    """Write a state as its system does; -2 may stand there as a number."""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def problems(document: Document) -> Iterator[Diagnostic]:
    """Find what doesn't go together; `document` satisfies the schema `project`."""
    at = ("spec", "policy", "require", "ticket")
    given: Any = document.data
    for key in at:
        given = given.get(key) or {}
    system, approved = given.get("system"), given.get("approved", {})
    if system == JIRA and "states" not in given:
        message = "Which statuses mean that a ticket of Jira is ready isn't the same anywhere."
        hint = "Name them: `states: [Approved, Implementing]`."
        yield error("policy-value", message, document.file, document.value_range(at), hint)
    for field in ("window", "approved") if system == COMMAND else ():
        if field in given:
            message = "A program answers whether a ticket is approved, and when; it has no fields."
            place = document.value_range((*at, field))
            yield error("policy-value", message, document.file, place, f"Leave `{field}` out.")
    if len(approved) == 1:
        message = "An approval needs both its field and the values that mean yes."
        place = document.value_range((*at, "approved"))
        hint = "Write it like {field: approval, values: [approved]}."
        yield error("policy-value", message, document.file, place, hint)
