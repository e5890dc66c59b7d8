"""Which ticket of a change management a run needs, and whether that lets it go now. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from qflow_gitops.base.printable import shown
from qflow_gitops.base.times import moment
from qflow_gitops.policy import patterns
from qflow_gitops.policy.governed import Governed

SERVICENOW, JIRA, COMMAND = SYSTEMS = ("servicenow", "jira", "command")
"""Where tickets are: two systems, or whatever a program of the team's asks."""
NAMES: Mapping[str, str] = {
    SERVICENOW: "ServiceNow",
    JIRA: "Jira",
    COMMAND: "The program of QFLOW_TICKET_COMMAND",
}
TICKET = "ticket"
"""The name by which `--ack` releases what is held for its ticket."""
_LONGEST = 100  # characters of a state
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # goes into an address and a query


class TicketRule(NamedTuple):
    """That runs need a ticket, and which ones let them go.

    `annotation` is the spec's one that holds its number, which `pattern` has to match as a whole.
    `states` are those that count as ready, () for any. `starts`, `ends` and `approval` name the
    fields of its planned window and of its approval, "" where that isn't looked at; `approved` are
    the values that mean yes. A program's answer has no fields to name. `environments` are those
    that it is about, () for all.
    """

    system: str
    pattern: str
    annotation: str = "ticket"
    states: tuple[str, ...] = ()
    starts: str = ""
    ends: str = ""
    approval: str = ""
    approved: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()

    def covers(self, environment: str) -> bool:
        """Whether it is about an environment."""
        return not self.environments or environment in self.environments


class Ticket(NamedTuple):
    """A ticket as its system told of it.

    `state` is the word for people, `code` what stands for it there, "" for nothing else.
    `approved` is None where that wasn't told, `starts` and `ends` are RFC 3339, UTC, "" where none
    is set. `sha256` is of the answer's bytes, `read_at` when they came (RFC 3339).
    """

    id: str
    state: str
    approved: bool | None = None
    starts: str = ""
    ends: str = ""
    sha256: str = ""
    read_at: str = ""
    code: str = ""

    @property
    def word(self) -> str:
        """Return its state as it is shown and kept: a system may answer a text of any length."""
        return shown(" ".join(self.state[:_LONGEST].split()))


class Asked(NamedTuple):
    """A ticket that is to be looked up, by the rule that says where and for what."""

    rule: TicketRule
    id: str


class Reasons(NamedTuple):
    """What holds a run, and what a person can do about it besides a release."""

    detail: str
    way_on: str = "Have the ticket in order; the next apply looks again."


Looks = Mapping[Asked, Ticket | Reasons]
"""What was found, or why that isn't known."""


def asked(rules: Iterable[TicketRule], run: Governed) -> Iterator[Asked]:
    """Return the tickets that have to be looked up for a run, where its annotations name any."""
    for rule in rules:
        value = run.annotations.get(rule.annotation, "")
        if rule.covers(run.environment) and not _unfit(rule, run):
            yield Asked(rule, value)


def held(
    rules: Iterable[TicketRule],
    run: Governed,
    looks: Looks | None,
    now: datetime | None,
    *,
    sending: bool,
) -> Reasons | None:
    """Say what holds a run, None for nothing.

    `looks` is None where nobody asked, which holds only where something is about to be sent.
    """
    rules = tuple(rules)
    for rule in rules:
        if rule.covers(run.environment) and (unfit := _unfit(rule, run)):
            return Reasons(unfit, f"Correct `{rule.annotation}:` under `metadata.annotations` in "
                                  f"{run.file}.")  # fmt: skip
    for each in asked(rules, run) if looks is not None or sending else ():
        found = (looks or {}).get(each, Reasons(f"nobody looked up ticket {each.id}"))
        if reasons := found if isinstance(found, Reasons) else why_not(each.rule, found, now):
            return reasons
    return None


def _unfit(rule: TicketRule, run: Governed) -> str:
    """Say why an annotation is no ticket's number, "" where it is one."""
    value, name = run.annotations.get(rule.annotation), rule.annotation
    if value is None:
        return f"the policy asks for a ticket in the annotation `{name}`, and it has none"
    if not patterns.matches(rule.pattern, value):
        return f"the policy asks for a ticket like {rule.pattern} in `{name}`, and `{value}` isn't"
    if not _ID.fullmatch(value):
        return (
            f"`{value}` in the annotation `{name}` can't be a ticket's number: letters, digits, "
            "`.`, `_` and `-`, at most 100"
        )
    return ""


def why_not(rule: TicketRule, ticket: Ticket, now: datetime | None) -> Reasons | None:
    """Say why a ticket doesn't let its runs go, None where it does; `now` as for windows."""
    name = f"ticket {ticket.id}"
    if rule.states and not {ticket.state, ticket.code} & set(rule.states):
        code = f" ({shown(ticket.code[:_LONGEST])})" if ticket.code else ""
        state = f"{ticket.word or 'unknown'}{code}"
        return Reasons(f"{name} is in state {state}, not in {_either(rule.states)}")
    if rule.approval or rule.system == COMMAND:
        if ticket.approved is None:
            return Reasons(f"{name} doesn't say whether it is approved")
        if not ticket.approved:
            return Reasons(f"{name} isn't approved")
    outside = _outside(rule, ticket, now)
    return Reasons(outside) if outside else None


def _outside(rule: TicketRule, ticket: Ticket, now: datetime | None) -> str:
    """Say how a moment lies outside of a ticket's planned window: its end isn't in it."""
    name, starts, ends = f"ticket {ticket.id}", ticket.starts, ticket.ends
    for field, at, what in ((rule.starts, starts, "start"), (rule.ends, ends, "end")):
        if field and not at:
            return f"{name} has no planned {what} (its field {field})"
    if now is None:
        return ""
    if starts and now < moment(starts):
        return f"the planned window of {name} begins at {starts}: it may be sent from then on"
    if ends and now >= moment(ends):
        return f"the planned window of {name} ended at {ends}"
    return ""


def _either(names: tuple[str, ...]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} or {last}" if rest else last
