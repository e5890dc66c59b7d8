"""Stand-ins of tenants that answer differently where Qualys' documentation is silent.

Each is a Qualys that might be: what its pages say holds for none of them in all. Whatever a
customer has typed or owns says `acme` somewhere, so that it can be looked for in what is printed.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.helpers.specs import CONNECTOR, WORKFLOW

EXECUTION = "497d0fe7-0000-4a0b-8d1b-3d90e904d1c5"
FAILED = "5a1d0fe7-1111-4a0b-8d1b-3d90e904d1c6"
RUNNING = "6b2d0fe7-2222-4a0b-8d1b-3d90e904d1c7"
CUSTOMER = "54f50897-26f3-c9af-83f9-e71459be70d9"
MS = 1_000


class Reply(NamedTuple):
    """An answer: a value that becomes JSON, or bytes as they are."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = {}


Answer = Callable[[Mapping[str, str]], Reply]
"""Answers a request by its parameters."""

NAMELESS = Reply({"status": 401, "error": "Unauthorized acme"}, 401)
NOT_FOUND = Reply({"message": "No acme such thing", "status": 404}, 404)


@dataclass(frozen=True)
class Tenant:
    """A tenant: what it answers by call, with which claims its token comes, and its headers.

    A token lasts so many seconds, and says when it began where it is `dated`.
    """

    name: str
    calls: Mapping[str, Answer]
    claims: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    nameless: Reply = NAMELESS
    lasts: int = 4 * 3600
    dated: bool = False

    @property
    def token(self) -> str:
        begun = int(time.time())
        claims = {"exp": begun + self.lasts, "sub": "acme-ada"} | dict(self.claims)
        claims |= {"iat": begun} if self.dated else {}
        parts = ({"alg": "RS256"}, claims)
        head = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
        return ".".join((*(part.decode().rstrip("=") for part in head), "c2lnbmVkLWJ5LWFjbWU"))


PATHS = {
    "workflows": r"/qflowapi/v1/workflows",
    "workflow": rf"/qflowapi/v1/workflows/{WORKFLOW}",
    "executions": rf"/qflowapi/v1/workflows/{WORKFLOW}/executions",
    "execution": rf"/qflowapi/v1/executions/({EXECUTION}|{FAILED}|{RUNNING})",
    "steps": rf"/qflowapi/v1/executions/({EXECUTION}|{FAILED}|{RUNNING})/steps",
    "step": rf"/qflowapi/v1/executions/({EXECUTION}|{FAILED}|{RUNNING})/steps/[^/]+",
    "output": rf"/qflowapi/v1/executions/({EXECUTION}|{FAILED}|{RUNNING})/steps/trigger/output",
    "connectors": r"/cloudview-api/rest/v1/aws/connectors",
    "version": r"/qps/rest/portal/version",
}


class Served:
    """A tenant that answers on this machine: `with Served(tenant) as served: … served.url`."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        self.tokens: set[str] = set()
        handler = type("Handler", (_Handler,), {"served": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Served":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_about: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, target: str, named: bool) -> Reply:
        self.requests.append((method, target))
        parts = urlsplit(target)
        if method == "POST":
            token = self.tenant.token
            self.tokens.add(token)
            return Reply(token.encode()) if parts.path == "/auth/oidc" else NOT_FOUND
        return self.reply_of(self.tenant, target) if named else self.tenant.nameless

    @staticmethod
    def reply_of(tenant: Tenant, target: str) -> Reply:
        """What a tenant answers to a GET with a token."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        query["path"] = parts.path
        for call, path in PATHS.items():
            if re.fullmatch(path, parts.path):
                answer = tenant.calls.get(call)
                return answer(query) if answer else NOT_FOUND
        unknown = tenant.calls.get("unknown")
        return unknown(query) if unknown else NOT_FOUND

    def texts(self) -> Iterator[str]:
        """Give every text, number, and name of somebody's, that was answered or made up here."""
        yield from self.tokens
        for token in self.tokens:
            yield from token.split(".")
        for body in self.bodies:
            try:
                yield from _leaves(json.loads(body))
            except ValueError:
                yield from re.findall(r"[^<>\s]{5,}", body.decode("utf-8", "replace"))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if "acme" in name.lower():
                yield name
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, str):
        yield value
        try:
            yield from _leaves(json.loads(value))
        except ValueError:
            yield from re.findall(r"\w*acme\w*", value)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > 99_999:
        yield str(value)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Served

    def _reply(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        reply = self.served.answer(method, self.path, "Authorization" in self.headers)
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        if method != "POST":
            self.served.bodies.append(body)
        self.send_response(reply.status)
        for name, value in {**self.served.tenant.headers, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._reply("GET")

    def do_POST(self) -> None:
        self._reply("POST")

    def log_message(self, *_about: object) -> None: ...


# --- what they have in common --------------------------------------------------------


def now(days: float = 0, unit: int = MS) -> int:
    return int((time.time() - days * 86_400) * unit)


def execution(which: str, status: str, *, ended: bool = True, unit: int = MS) -> dict[str, Any]:
    """An execution as the pages have it."""
    data = {
        "id": which,
        "execution": which,
        "workflow": WORKFLOW,
        "customerId": CUSTOMER,
        "createdAt": now(1, unit),
        "updatedAt": now(1, unit),
        "tags": ["created_by=acme-ada"],
        "status": status,
        "startDate": now(1, unit),
        "details": {},
    }
    return data | ({"endDate": now(0.9, unit)} if ended else {})


def definition(*variables: tuple[str, Any]) -> dict[str, Any]:
    """What a workflow's definition holds."""
    return {
        "variables": [{"key": key, "value": value} for key, value in variables],
        "components": [{"name": "acme trigger", "id": "trigger", "type": "trigger"}],
    }


VARIABLES = (
    ("region", ["us-east-1"]),
    ("credentials", [f"@{CONNECTOR}"]),
    ("acmeBudgetCode", ["acme-4711"]),
)


def workflow(inside: Any, **more: Any) -> dict[str, Any]:
    """A workflow as the pages have it."""
    return {
        "id": WORKFLOW,
        "workflow": WORKFLOW,
        "createdAt": now(90),
        "updatedAt": now(80),
        "tags": ["acme"],
        "revision": "ab12" * 16,
        "definition": inside,
    } | more


def step(node: str, status: str, order: int, **more: Any) -> dict[str, Any]:
    """A step as the pages have it."""
    return {
        "id": f"01JT3585YRG0DHQNS9DNN432X{order}",
        "nodeId": node,
        "nodeType": node.rpartition("-")[2],
        "eventOrder": order,
        "status": status,
        "execution": EXECUTION,
        "customerId": CUSTOMER,
        "tags": [],
        "createdAt": now(1),
        "updatedAt": now(1),
        "parDateKey": "2026-11-28T00:00:00.000Z",
    } | more


def output(source: str, *variables: dict[str, Any]) -> list[dict[str, Any]]:
    """What a trigger puts out."""
    return [
        {
            "source": source,
            "customerId": CUSTOMER,
            "workflowId": WORKFLOW,
            "executionId": EXECUTION,
            "input": {"acmePayroll": "acme salaries", "reason": "acme"},
            "forceRun": source == "PUBLIC_API",
            "overrideVariables": list(variables),
        }
    ]


def connectors(*states: str) -> Reply:
    """A page of TotalCloud's."""
    items = [
        {
            "connectorId": CONNECTOR if number == 0 else f"{number:08x}{CONNECTOR[8:]}",
            "name": f"acme account {number}",
            "awsAccountId": "123456789012",
            "state": state,
            "isDisabled": False,
        }
        for number, state in enumerate(states)
    ]
    return Reply({"content": items, "last": True, "number": 0, "totalElements": len(items)})


def portal(version: str) -> Reply:
    versions = {"PortalApplication-VERSION": "3.25.0.0-10", "QFLOW-VERSION": version}
    response = {"responseCode": "SUCCESS", "count": 1, "data": [{"Portal-Version": versions}]}
    return Reply({"ServiceResponse": response})


def which(query: Mapping[str, str]) -> str:
    """The execution that a request is about."""
    return query["path"].split("/")[4]


def always(body: Any, status: int = 200, **headers: str) -> Answer:
    return lambda _query: Reply(body, status, {k.replace("_", "-"): v for k, v in headers.items()})
