"""Issues of Jira Cloud, by its REST API, version 3 (docs/tickets.md 2)."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from qflow_gitops.base.printable import shown
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import UnreachableError
from qflow_gitops.policy.tickets import Ticket, TicketRule
from qflow_gitops.tickets.calls import Api, Read, held_in

MESSAGES = (("errorMessages", 0), ("message",))
"""Where an error answer says why (docs/tickets.md 2.5)."""
_ISSUE = "/rest/api/3/issue"
_PAGE, _PAGES = 100, 40
_SETTINGS = "`policy.require.ticket` of qflow.yaml"


class Jira:
    """Reads issues by a rule, and writes comments."""

    def __init__(self, api: Api, rule: TicketRule) -> None:
        """Take what calls the API, and which fields the rule looks at."""
        self._api = api
        self._rule = rule

    def read(self, ticket_id: str) -> Ticket | None:
        """Return an issue, None where there is none that this account may see."""
        rule = self._rule
        wanted = ("status", rule.approval, rule.starts, rule.ends)
        query = {"fields": ",".join(dict.fromkeys(filter(None, wanted)))}
        read = self._api.read(_path(ticket_id), query)
        if read is None:
            return None
        fields, status = self._fields(read, ticket_id)
        return Ticket(
            id=ticket_id,
            state=status[0],
            code=status[1],
            approved=self._approved(fields) if rule.approval else None,
            starts=self._time(fields, rule.starts),
            ends=self._time(fields, rule.ends),
            sha256=read.sha256,
            read_at=read.at,
        )

    def noted(self, ticket_id: str, texts: Collection[str]) -> frozenset[str] | None:
        """Return those of some texts that its comments hold."""
        if self._api.read(_path(ticket_id), {"fields": "status"}) is None:
            return None
        return held_in(self._comments(ticket_id), texts)

    def note(self, ticket_id: str, text: str) -> bool:
        """Write a comment; False where there is no such issue.

        As a document of plain texts, so that nothing in it is a mark-up, a mention or a link.
        """
        lines = [line for line in text.splitlines() if line.strip()]
        content = [
            {"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines
        ]
        body = {"body": {"type": "doc", "version": 1, "content": content}}
        return self._api.write("POST", f"{_path(ticket_id)}/comment", body)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _fields(self, read: Read, ticket_id: str) -> tuple[Mapping[str, Any], tuple[str, str]]:
        """Return an issue's fields, and its status: name and id.

        Jira finds an issue that was moved as well, and shows its new key (2.2 [D]).
        """
        key, fields = read.data.get("key"), read.data.get("fields")
        status = fields.get("status") if isinstance(fields, dict) else None
        if not isinstance(key, str) or not isinstance(status, dict):
            raise self._api.odd_answer()
        if key != ticket_id:
            raise UnreachableError(
                f"Jira has it under another key now, {shown(key[:100])}",
                hint="Write that key into the annotation.",
                reason="ticket_answer",
            )
        name, code = status.get("name"), status.get("id")
        if not isinstance(name, str) or not isinstance(code, str):
            raise self._api.odd_answer()
        return fields, (name, code)

    def _approved(self, fields: Mapping[str, Any]) -> bool:
        """Whether all that a field holds means yes: a text, an option, or a list of them."""
        value = self._value(fields, self._rule.approval)
        some = value if isinstance(value, list) else [value]
        return bool(some) and all(_shown(one) in self._rule.approved for one in some)

    def _value(self, fields: Mapping[str, Any], field: str) -> Any:
        if field in fields:
            return fields[field]
        raise UnreachableError(
            f"Jira's answer has no field {field}",
            hint=f"Correct `{field}` in {_SETTINGS}: a field's own name is like customfield_10047.",
            reason="ticket_answer",
        )

    def _time(self, fields: Mapping[str, Any], field: str) -> str:
        """Read a time with its zone; a date alone says neither when nor where (2.3)."""
        value = self._value(fields, field) if field else None
        if value is None:
            return ""
        try:
            at = datetime.fromisoformat(str(value))
            if at.tzinfo is not None:
                return stamp(at)
        except (ValueError, OverflowError):
            pass
        raise UnreachableError(
            f"Jira's answer has no time with a time zone in the field {field}",
            hint=f"Name a field with date and time in place of `{field}` in {_SETTINGS}.",
            reason="ticket_answer",
        )

    def _comments(self, ticket_id: str) -> Iterator[str]:
        """Return the texts of an issue's comments, the newest first.

        Until a page is empty: what `total` counts is documented in two ways (2.4).
        """
        at = 0
        for _ in range(_PAGES):
            query: dict[str, str | int] = {
                "startAt": at,
                "maxResults": _PAGE,
                "orderBy": "-created",
            }
            read = self._api.read(f"{_path(ticket_id)}/comment", query)
            some = [] if read is None else read.data.get("comments")
            if not isinstance(some, list):
                raise self._api.odd_answer()
            yield from ("".join(_texts(each)) for each in some)
            if not some:
                return
            at += len(some)
        raise UnreachableError(f"it has more than {at:,} comments, and they weren't all looked at")


def _path(ticket_id: str) -> str:
    return f"{_ISSUE}/{quote(ticket_id, safe='')}"


def _shown(value: Any) -> str:
    """Return the text of a value, or of an option that was chosen."""
    if isinstance(value, dict):
        value = value.get("value", value.get("name"))
    return value if isinstance(value, str) else ""


def _texts(node: Any, depth: int = 0) -> Iterator[str]:
    """Return the texts of a document, or of anything that holds one, in their order."""
    if isinstance(node, list):
        for each in node:
            yield from _texts(each, depth)
    elif isinstance(node, dict) and depth < _DEEPEST:
        if isinstance(node.get("text"), str):
            yield node["text"]
        for key in ("body", "content"):
            yield from _texts(node.get(key), depth + 1)
    elif isinstance(node, str) and depth == 1:
        yield node  # a comment of an older version may be a text itself


_DEEPEST = 50
