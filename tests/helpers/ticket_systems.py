"""ServiceNow and Jira over HTTP, as far as tickets need them, made from their documented answers.

docs/tickets.md says from which pages. Faults on demand, and all that came is kept.
"""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

USER, PASSWORD = "qflow.integration", "canary-of-the-ticket-account"
TOKEN = "canary-token-of-the-ticket-account"
_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass
class Fault:
    """An answer instead of the real one, for requests whose path holds a text, so many times."""

    path: str
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1_000
    method: str = ""


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


class TicketServer:
    """Serves on loopback.

    `before` is done at each request, `after` once it is carried out; as often as `cut` says, the
    answer to a change is lost then.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.before: Callable[[Asked], None] = lambda _: None
        self.after: Callable[[Asked], None] = lambda _: None
        self.cut = 0
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What leads there."""
        return {
            "QFLOW_TICKET_URL": self.url,
            "QFLOW_TICKET_USERNAME": USER,
            "QFLOW_TICKET_PASSWORD": PASSWORD,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(self, asked: Asked) -> Fault | None:
        """Return the fault that this request meets."""
        for fault in self.faults:
            if fault.times and fault.path in asked.path and fault.method in ("", asked.method):
                fault.times -= 1
                return fault
        return None

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer a request of somebody who is known."""
        raise NotImplementedError

    def stranger(self) -> tuple[int, Any]:
        """Answer one of somebody who isn't."""
        raise NotImplementedError


class ServiceNow(TicketServer):
    """Change requests and their work notes.

    `changes` are rows of change_request by their numbers, as the database has them: all texts, and
    times in UTC. `hidden` are fields that this account may not read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.changes: dict[str, dict[str, str]] = {}
        self.notes: list[dict[str, str]] = []
        self.hidden: set[str] = set()
        self._ids: Iterator[int] = count(0x9D38_5017_C611)

    def put(self, number: str, **fields: str) -> None:
        """Have a change request that is scheduled and approved, for years, but for these fields."""
        usual = {
            "sys_id": f"{next(self._ids):032x}", "number": number, "state": "-2",
            "approval": "approved", "start_date": "2020-01-01 00:00:00",
            "end_date": "2099-01-01 00:00:00", "short_description": "Reboot the server at 6 am",
        }  # fmt: skip
        self.changes[number] = {**usual, **self.changes.get(number, {}), **fields}

    def texts(self, number: str) -> list[str]:
        """Return the work notes of a change request."""
        sys_id = self.changes[number]["sys_id"]
        return [row["value"] for row in self.notes if row["element_id"] == sys_id]

    def stranger(self) -> tuple[int, Any]:
        return 401, _problem("User Not Authenticated", "Required to provide Auth information")

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """The Table API of two tables (docs/tickets.md 1.1)."""
        parts = asked.path.removeprefix("/api/now/table/").split("/")
        if asked.method == "GET" and parts == ["change_request"]:
            return 200, {"result": self._found([*self.changes.values()], asked.query)}
        if asked.method == "GET" and parts == ["sys_journal_field"]:
            return 200, {"result": self._found(self.notes, asked.query)}
        rows = {row["sys_id"]: row for row in self.changes.values()}
        if asked.method == "PATCH" and parts[0] == "change_request" and parts[1] in rows:
            for name, value in asked.body.items():
                self._set(rows[parts[1]], name, value)
            return 200, {"result": rows[parts[1]]}
        return 404, _problem("No Record found", "Record doesn't exist or ACL restricts it")

    def _set(self, row: dict[str, str], name: str, value: str) -> None:
        if name == "work_notes":
            self.note(row["number"], value)
        else:
            row[name] = value

    def note(self, number: str, text: str) -> None:
        """Write a work note as somebody else."""
        created = f"2026-11-29 {12 + len(self.notes) // 3600}:{len(self.notes) // 60 % 60:02d}"
        self.notes.append(
            {
                "element_id": self.changes[number]["sys_id"], "element": "work_notes",
                "name": "change_request", "value": text,
                "sys_created_on": f"{created}:{len(self.notes) % 60:02d}",
            }
        )  # fmt: skip

    def _found(self, rows: list[dict[str, str]], query: dict[str, str]) -> list[dict[str, str]]:
        """What isn't understood of a query is left out of it (1.2)."""
        assert query["sysparm_display_value"] == "false"
        columns = {name for row in rows for name in row}
        for condition in query.get("sysparm_query", "").split("^"):
            name, equals, value = condition.partition("=")
            if equals and name in columns:
                rows = [row for row in rows if row.get(name) == value]
            elif condition.startswith("ORDERBYDESC"):
                rows = sorted(rows, key=lambda row: row[condition[11:]], reverse=True)
        at = int(query.get("sysparm_offset", 0))
        wanted = query["sysparm_fields"].split(",")
        return [
            {name: row[name] for name in wanted if name in row and name not in self.hidden}
            for row in rows[at : at + int(query["sysparm_limit"])]
        ]


def _problem(message: str, detail: str) -> dict[str, Any]:
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


class Jira(TicketServer):
    """Issues and their comments. `moved` maps old keys to those that issues have now."""

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[str, dict[str, Any]] = {}
        self.comments: dict[str, list[dict[str, Any]]] = {}
        self.moved: dict[str, str] = {}
        self.page = 100

    def put(self, key: str, status: str = "Approved", code: str = "10010", **fields: Any) -> None:
        """Have an issue in a status."""
        self.issues[key] = {"status": {"name": status, "id": code}, **fields}
        self.comments.setdefault(key, [])

    def texts(self, key: str) -> list[str]:
        """Return the comments of an issue, a line for each paragraph."""
        return [
            "\n".join("".join(text["text"] for text in line["content"]) for line in body["content"])
            for body in (comment["body"] for comment in self.comments[key])
        ]

    def stranger(self) -> tuple[int, Any]:
        return 401, {"message": "Client must be authenticated to access this resource."}

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Issues and comments of version 3 (docs/tickets.md 2.1)."""
        key, *rest = asked.path.removeprefix("/rest/api/3/issue/").split("/")
        key = self.moved.get(unquote(key), unquote(key))
        if key not in self.issues:
            said = "Issue does not exist or you do not have permission to see it."
            return 404, {"errorMessages": [said], "errors": {}}
        if asked.method == "GET" and not rest:
            wanted = asked.query["fields"].split(",")
            fields = {name: value for name, value in self.issues[key].items() if name in wanted}
            return 200, {"id": "10002", "key": key, "fields": fields}
        if asked.method == "GET" and rest == ["comment"]:
            at = int(asked.query["startAt"])
            newest = self.comments[key][::-1] if asked.query["orderBy"] == "-created" else []
            some = newest[at : at + min(self.page, int(asked.query["maxResults"]))]
            return 200, {
                "comments": some,
                "startAt": at,
                "maxResults": self.page,
                "total": len(some),
            }
        if asked.method == "POST" and rest == ["comment"]:
            assert asked.body.keys() == {"body"}
            self.comments[key].append({"id": str(len(self.comments[key])), **asked.body})
            return 201, self.comments[key][-1]
        return 405, {"errorMessages": ["no"], "errors": {}}


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_args: Any) -> None:
        """Say nothing of a client that was killed."""


def _handler(server: TicketServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            address = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(length)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            asked = Asked(
                self.command, address.path, query, json.loads(content) if content else None
            )
            server.asked.append(asked)
            server.before(asked)
            if fault := server.fault(asked):
                self._send(fault.status, fault.body, fault.headers)
                return
            known = self.headers.get("Authorization") in (_BASIC, f"Bearer {TOKEN}")
            status, data = server.answer(asked) if known else server.stranger()
            server.after(asked)
            if server.cut and asked.method != "GET":
                server.cut -= 1
                self.close_connection = True
                return
            self._send(status, json.dumps(data).encode(), {})

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815  http.server's names

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    return Handler
