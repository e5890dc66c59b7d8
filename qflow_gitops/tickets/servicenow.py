"""Change requests of ServiceNow, by its Table API (docs/tickets.md 1)."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import UnreachableError
from qflow_gitops.policy.tickets import Ticket, TicketRule
from qflow_gitops.tickets.calls import Api, Read, held_in

MESSAGES = (("error", "message"), ("error", "detail"))
"""Where an error answer says why (docs/tickets.md 1.5 [D])."""
_TABLE, _NOTES = "/api/now/table/change_request", "/api/now/table/sys_journal_field"
_SYS_ID = re.compile(r"[0-9a-f]{32}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_PAGE, _PAGES = 200, 20


class ServiceNow:
    """Reads change requests by a rule, and writes work notes."""

    def __init__(self, api: Api, rule: TicketRule) -> None:
        """Take what calls the API, and which fields the rule looks at."""
        self._api = api
        self._rule = rule

    def read(self, ticket_id: str) -> Ticket | None:
        """Return a change request, None where there is none that this account may see."""
        found = self._row(ticket_id)
        if found is None:
            return None
        row, read = found
        state = self._text(row, "state")
        approved = self._text(row, self._rule.approval) if self._rule.approval else ""
        return Ticket(
            id=ticket_id,
            state=state,
            approved=approved in self._rule.approved if self._rule.approval else None,
            starts=self._time(row, self._rule.starts),
            ends=self._time(row, self._rule.ends),
            sha256=read.sha256,
            read_at=read.at,
        )

    def noted(self, ticket_id: str, texts: Collection[str]) -> frozenset[str] | None:
        """Return those of some texts that its work notes hold: they are a table of their own.

        Nothing is left to the query but which change it is: a condition that isn't understood is
        left out by ServiceNow (1.2 [D]).
        """
        found = self._row(ticket_id)
        return None if found is None else held_in(self._notes(found[0]["sys_id"]), texts)

    def note(self, ticket_id: str, text: str) -> bool:
        """Write a work note; False where there is no such change request.

        `[code]` would make HTML of what comes after it (1.4 [D]).
        """
        found = self._row(ticket_id)
        if found is None:
            return False
        plain = re.sub(r"\[(/?code)\]", r"(\1)", text, flags=re.IGNORECASE)
        return self._api.write("PATCH", f"{_TABLE}/{found[0]['sys_id']}", {"work_notes": plain})

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _row(self, ticket_id: str) -> tuple[Mapping[str, Any], Read] | None:
        """Return the one row with this number, and the answer that it stood in."""
        rule = self._rule
        wanted = ("sys_id", "number", "state", rule.approval, rule.starts, rule.ends)
        query: dict[str, str | int] = {
            "sysparm_query": f"number={ticket_id}",
            "sysparm_fields": ",".join(dict.fromkeys(filter(None, wanted))),
            "sysparm_display_value": "false",
            "sysparm_exclude_reference_link": "true",
            "sysparm_limit": 2,
        }
        read = self._api.read(_TABLE, query)
        if read is None:
            return None
        rows = self._rows(read)
        same = [row for row in rows if row.get("number") == ticket_id]
        if not same:
            return None
        if len(rows) > 1 or not _SYS_ID.fullmatch(str(same[0].get("sys_id"))):
            raise self._api.odd_answer()
        return same[0], read

    def _rows(self, read: Read) -> list[Mapping[str, Any]]:
        rows = read.data.get("result")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._api.odd_answer()
        return rows

    def _notes(self, sys_id: str) -> Iterator[str]:
        """Return the texts of a change's work notes, the newest first (1.4 [D], [I])."""
        for page in range(_PAGES):
            query: dict[str, str | int] = {
                "sysparm_query": f"element_id={sys_id}^element=work_notes"
                "^ORDERBYDESCsys_created_on",
                "sysparm_fields": "element_id,element,value",
                "sysparm_display_value": "false",
                "sysparm_limit": _PAGE,
                "sysparm_offset": page * _PAGE,
            }
            read = self._api.read(_NOTES, query)
            rows = [] if read is None else self._rows(read)
            yield from (str(row.get("value")) for row in rows if row.get("element_id") == sys_id)
            if len(rows) < _PAGE:
                return
        raise UnreachableError(
            f"it has more than {_PAGE * _PAGES:,} work notes, and they weren't all looked at"
        )

    def _text(self, row: Mapping[str, Any], field: str) -> str:
        """Return a field's value; one that isn't there is misspelt, or hidden (1.2 [D])."""
        value = row.get(field)
        if isinstance(value, str):
            return value
        raise UnreachableError(
            f"ServiceNow's answer has no text in the field {field}",
            hint=f"Correct `{field}` in `policy.require.ticket` of qflow.yaml, or let the account "
            "read it.",
            reason="ticket_answer",
        )

    def _time(self, row: Mapping[str, Any], field: str) -> str:
        """Read a time, which is in UTC as long as no display values are asked for (1.3 [D])."""
        text = self._text(row, field) if field else ""
        if not text:
            return ""
        try:
            if _TIME.fullmatch(text):
                return stamp(datetime.fromisoformat(text).replace(tzinfo=UTC))
        except ValueError:
            pass
        raise UnreachableError(
            f"ServiceNow's answer has no time in the field {field}",
            hint=f"Name a field with a date and a time in place of `{field}` in "
            "`policy.require.ticket` of qflow.yaml.",
            reason="ticket_answer",
        )
