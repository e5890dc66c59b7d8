"""Answers to POST …/run of every kind, over a raw socket that really executes, or doesn't.

Each is drawn in parts, so that what it proves is known from how it was made, not from reading
it: `Drawn.proves_nothing_ran` is the rule of docs/api.md 12, said once more.
"""

import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from hypothesis import strategies as st

LIMIT_CODES = ("1960", "1965")
NONE_LEFT, WAIT = ("0", " 0 "), ("1", "30", "250")
LOOKS_LIKE_NUMBERS = ("", "00", "-1", "+0", "0.0", "0,5", "0, 0", "1_0", "²", "٣", "9" * 30, "soon")
WHOLE = ("length", "chunked")
FRAMES = (*WHOLE, "close", "short", "head", "drop", "garbage")
"""How an answer ends: said beforehand, or only by the connection's end, too early, or never."""


@dataclass(frozen=True)
class Drawn:
    """An answer, and whether the request that it is for was carried out.

    `left` and `wait` are the values of the rate headers (several: several headers), `codes` the
    error codes in fields of their own, `names` whether it names an execution, `challenges`
    whether it says that the token was refused, `readable` whether the body is all there.
    """

    status: int
    left: tuple[str, ...]
    wait: tuple[str, ...]
    more: tuple[tuple[str, str], ...]
    body: bytes
    frame: str
    hints: int
    codes: tuple[str, ...]
    names: bool
    challenges: bool
    readable: bool
    executes: bool = False

    @property
    def is_clean(self) -> bool:
        return self.frame in WHOLE and not self.names

    @property
    def proves_nothing_ran(self) -> bool:
        """What is sent again: a limit, a token that was refused."""
        if not self.is_clean:
            return False
        if self.status == 401:
            return self.challenges
        if self.status != 409:
            return self.status == 429
        says = self.left in [(one,) for one in NONE_LEFT] or self.wait in [(one,) for one in WAIT]
        return says and self.readable and set(self.codes) <= set(LIMIT_CODES)

    def on_the_wire(self, execution: str) -> bytes:
        """Its bytes; `execution` is what was begun, put in where the answer has room for it."""
        if self.frame == "drop":
            return b""
        if self.frame == "garbage":
            return b"\x00garbage 429\r\n\r\n"
        body = self.body.replace(b"@EXECUTION@", execution.encode())
        lines = [f"HTTP/1.1 {self.status} x"]
        lines += [f"X-RateLimit-Remaining: {one}" for one in self.left]
        lines += [f"X-RateLimit-ToWait-Sec: {one}" for one in self.wait]
        lines += [f"{name}: {value}" for name, value in self.more]
        hints = "HTTP/1.1 103 x\r\nX-RateLimit-Remaining: 0\r\n\r\n" * self.hints
        if self.frame == "head":
            return (hints + "\r\n".join(lines)).encode()
        if self.frame == "length":
            lines.append(f"Content-Length: {len(body)}")
        elif self.frame == "short":
            lines.append(f"Content-Length: {len(body) + 7}")
        elif self.frame == "chunked":
            lines.append("Transfer-Encoding: chunked")
            body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        return (hints + "\r\n".join((*lines, "", ""))).encode() + body


# --- drawing them --------------------------------------------------------------------

_DIGITS = st.sampled_from(
    ("1960", "1965", "1959", "1966", "19:60:19", "c1965f01-1960-4965-8960-196519601965", "0",
     "ok", "\u0661\u0669\u0666\u0665", "\u202e", "'")
)  # fmt: skip
_NOISE = st.lists(_DIGITS, max_size=3).map(" ".join)
_CODES = st.sampled_from(
    ("1960", "1965", 1960, 1965, "1920", 1907, "409 CONFLICT", "1965 ", 1965.5)
)
_CODE_KEYS = st.sampled_from(("errorCode", "code", "error_code", "CODE", "errorNumber"))
_KEYS = st.sampled_from(("message", "traceId", "timestamp", "path", "details", "detail", "hint"))
_IDS = st.sampled_from(("executionId", "execution_id", "ExecutionID"))


@st.composite
def _json(draw: st.DrawFn, status: int) -> dict[str, Any]:
    """The parts of a JSON body: its text, and what stands in it where."""
    data: dict[str, Any] = draw(st.dictionaries(_KEYS, _NOISE, max_size=2))
    error = draw(st.sampled_from(("", "Conflict", "Unauthorized")))
    told = draw(st.sampled_from((None, status, 401)))
    data |= {"error": error} if error else {}
    data |= {"status": told} if told else {}
    codes = draw(st.lists(_CODES, max_size=2))
    names = draw(st.integers(0, 5)) == 0
    inner = data
    for key in draw(st.lists(st.sampled_from(("data", "body", "errors")), max_size=2)):
        inner[key] = {}
        inner = inner[key]
    for code in codes:
        inner[draw(_CODE_KEYS)] = code
        inner["more"] = {}
        inner = inner["more"]
    if names:
        inner[draw(_IDS)] = "@EXECUTION@"
    shown = [str(one) for one in codes]
    refused = error == "Unauthorized" and told in (None, 401)
    return {"body": json.dumps(data).encode(), "codes": shown, "names": names, "refused": refused}


@st.composite
def _xml(draw: st.DrawFn) -> dict[str, Any]:
    codes = [str(one) for one in draw(st.lists(_CODES, max_size=2))]
    names = draw(st.integers(0, 5)) == 0
    noise = re.sub("[^0-9a-z: -]", "", draw(_NOISE))
    body = f"<SIMPLE_RETURN><DATETIME>{noise}</DATETIME>"
    body += "".join(f"<CODE>{one}</CODE>" for one in codes)
    body += "<executionId>@EXECUTION@</executionId>" if names else ""
    codes = [one.strip() for one in codes]  # blanks around it aren't part of an element's text
    return {"body": f"{body}</SIMPLE_RETURN>".encode(), "codes": codes, "names": names}


@st.composite
def _bodies(draw: st.DrawFn, status: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(("none", "noise", "bytes", "json", "json", "xml", "cut")))
    if kind == "none":
        return {"body": b""}
    if kind == "noise":
        return {"body": ("trace " + draw(_NOISE).replace("{", "").replace("=", "")).encode()}
    if kind == "bytes":
        return {"body": b"\x00" + draw(st.binary(max_size=20)), "readable": False}
    if kind == "xml":
        return draw(_xml())
    made = draw(_json(status))
    if kind == "cut":
        body = made["body"]
        body = body[: draw(st.integers(1, len(body) - 1))]
        named = re.search(rb"execution_?id", body, re.IGNORECASE) is not None
        return {"body": body, "names": named, "readable": False}
    return made


def _values(good: Iterable[str]) -> st.SearchStrategy[tuple[str, ...]]:
    one = st.sampled_from((*good, *good, "250", "0", "1", *LOOKS_LIKE_NUMBERS))
    return st.one_of(st.just(()), st.tuples(one), st.tuples(one), st.tuples(one, one))


_STATUSES = st.sampled_from(
    (200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 403, 404, 405, 408, 410, 413, 415,
     418, 422, 425, 451, 500, 502, 503, 504, 599, *(401, 409, 429) * 12)
)  # fmt: skip
_MORE = st.sampled_from(
    (
        ("X-RateLimit-Limit", "1960"), ("X-RateLimit-Window-Sec", "1965"), ("Retry-After", "1"),
        ("X-Concurrency-Limit-Running", "2"), ("X-Trace-Id", "1960-1965"),
        ("WWW-Authenticate", "Bearer"), ("WWW-Authenticate", "Basic realm=1965"),
        ("Location", "/qflowapi/v1/executions/@1965-1960-1965"), ("Location", "/elsewhere"),
        ("Date", "Fri, 31 Dec 9999 23:59:59 -9999"),
    )
)  # fmt: skip


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """An answer of any kind. What it is for was carried out, unless it proves that it wasn't."""
    status = draw(_STATUSES)
    made = draw(_bodies(status))
    more = draw(st.lists(_MORE, max_size=3, unique_by=lambda one: one[0]))
    leads = any("/executions/" in value for _, value in more)
    more = [(name, value.replace("@", "")) for name, value in more]
    one = Drawn(
        status=status,
        left=draw(_values(NONE_LEFT)),
        wait=draw(_values(WAIT)),
        more=tuple(more),
        body=made["body"],
        frame=draw(st.sampled_from((*WHOLE * 6, *FRAMES))),
        hints=draw(st.sampled_from((0, 0, 0, 1, 2))),
        codes=tuple(made.get("codes", ())),
        names=made.get("names", False) or leads,
        challenges=("WWW-Authenticate", "Bearer") in more or made.get("refused", False),
        readable=made.get("readable", True),
    )
    executes = not one.proves_nothing_ran and draw(st.booleans())
    return Drawn(**{**vars(one), "executes": executes})


# --- serving them --------------------------------------------------------------------


@dataclass
class Execution:
    """What was really begun."""

    id: str
    workflow: str
    body: Any
    created: int


@dataclass
class Answering:
    """Answers POST run with what is in `script`, and then as documented. All else is honest.

    `posts` says of each POST run whether it executed.
    """

    script: list[Drawn] = field(default_factory=list)
    posts: list[bool] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    answered: list[Drawn] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def begin(self, script: Iterable[Drawn]) -> None:
        """Forget what was, and answer so from now on."""
        self.script, self.posts, self.executions, self.answered = list(script), [], [], []

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                wire, _ = self._listener.accept()
                threading.Thread(target=self._one, args=(wire,), daemon=True).start()

    def _one(self, wire: socket.socket) -> None:
        with suppress(OSError), wire, wire.makefile("rb") as reader:
            while head := reader.readline():
                method, path, _ = head.decode().split(" ")
                length = 0
                while (line := reader.readline()).strip():
                    name, _, value = line.decode().partition(":")
                    length = int(value) if name.lower() == "content-length" else length
                body = reader.read(length)
                with self._lock:
                    answer, keep = self._answer(method, path, body)
                wire.sendall(answer)
                if not keep:
                    return

    def _answer(self, method: str, path: str, body: bytes) -> tuple[bytes, bool]:
        found = re.fullmatch(r"/qflowapi/v1/workflows/([^/]+)/run", path)
        if method == "POST" and found:
            return self._run(found[1], body), False
        if path.startswith("/auth"):
            return _ok(f"e30.e30.{uuid.uuid4().hex}".encode()), True
        return _ok(json.dumps(self._shown(path.partition("?")[0])).encode()), True

    def _run(self, workflow: str, body: bytes) -> bytes:
        one = self.script.pop(0) if self.script else _HONEST
        made = Execution(str(uuid.uuid4()), workflow, json.loads(body), round(time.time() * 1000))
        self.posts.append(one.executes)
        self.answered.append(one)
        if one.executes:
            self.executions.append(made)
        return one.on_the_wire(made.id)

    def _shown(self, path: str) -> Any:
        if path.endswith("/executions"):
            items = [_details(one) for one in self.executions]
            return {"total": len(items), "items": items}
        found = re.search(r"/executions/([^/]+)(/steps/trigger/output)?$", path)
        if not found:
            return {"data": {"id": path.rpartition("/")[2], "revision": "f" * 64}}
        (one,) = [each for each in self.executions if each.id == found[1]]
        return [_echo(one)] if found[2] else {"data": _details(one)}


def _ok(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _details(one: Execution) -> dict[str, Any]:
    return {
        "id": one.id, "execution": one.id, "workflow": one.workflow, "status": "Success",
        "createdAt": one.created, "startDate": one.created, "endDate": one.created + 1,
    }  # fmt: skip


def _echo(one: Execution) -> dict[str, Any]:
    variables = [
        {"key": key, "value": value, "type": "user-defined"}
        for key, value in one.body.get("variables", {}).items()
    ]
    return {
        "source": "PUBLIC_API", "executionId": one.id, "workflowId": one.workflow,
        "input": one.body.get("input", {}), "overrideVariables": variables,
    }  # fmt: skip


_HONEST = Drawn(
    200, (), (), (), b'{"message": "Workflow execution started", "executionId": "@EXECUTION@"}',
    "length", 0, (), names=True, challenges=False, readable=True, executes=True,
)  # fmt: skip
