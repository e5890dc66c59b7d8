"""Faults on the wire: answers that refuse, break off, drip in or never come."""

import contextlib
import socket
import struct
import time
from http import HTTPStatus
from typing import NoReturn

from flask import Response, g, jsonify, request
from werkzeug.http import http_date

from qflow_gitops.sandbox import shapes
from qflow_gitops.sandbox.faults import Fault

_RATE_CODE = "1965"  # "rate limit" in sibling APIs (docs/api.md 4.3)


def ahead() -> float:
    """Seconds by which the clock that this request is shown is ahead of the real one."""
    return float(g.get("ahead", 0.0))


def bearer() -> str:
    """Return the token that this request brings, "" where it brings none."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if kind == "Bearer" else ""


def rates(struck: dict[str, Fault]) -> dict[str, str]:
    """Return the rate headers that a fault asks for (docs/api.md 4.3); nothing is refused."""
    fault = struck.get("rate-headers")
    if fault is None:
        return {}
    limit, left, seconds = (fault.value or "300/299/3600").split("/")
    return {
        "X-RateLimit-Limit": limit,
        "X-RateLimit-Window-Sec": seconds,
        "X-RateLimit-Remaining": str(max(0, int(left) - fault.struck + 1)),
    }


def no(status: int, headers: dict[str, str] | None = None, **more: str) -> Response:
    """Refuse, in the form that sibling APIs have."""
    answer: Response = jsonify(shapes.problem(status, ahead()) | more)
    answer.status_code = status
    answer.headers.update(headers or {})
    return answer


def refusal(struck: dict[str, Fault]) -> Response | None:
    """Return the answer of a fault that executes nothing; None where there is none."""
    for name, fault in struck.items():
        if name in ("429", "409-rate"):
            headers = {
                "X-RateLimit-Limit": "1",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-ToWait-Sec": f"{fault.seconds:.0f}",
            }
            code = {"errorCode": _RATE_CODE} if name == "409-rate" else {}
            return no(int(name[:3]), headers, **code)
        if name.isdecimal():
            return no(int(name))
        if name == "redirect":
            return no(307, {"Location": "/elsewhere"})
        if name == "html":
            return Response("<html><body>Please log in</body></html>", 200)
        if name == "empty":
            return jsonify({})
        if name == "hidden":
            return no(404)
        if name == "hang":
            time.sleep(fault.seconds)
            cut_off()
    return None


def disturbed(struck: dict[str, Fault], answer: Response) -> Response:
    """Spoil the answer of a request that was carried out."""
    if "accept-then-drop" in struck or "drop" in struck:
        cut_off()
    if "accept-then-cut" in struck:
        head, body = _raw(answer)
        cut_off(head + body[: len(body) // 2])
    if "accept-then-500" in struck:
        return no(500)
    if "drip" in struck:
        _dripped(b"".join(_raw(answer)), struck["drip"].seconds)
    return answer


def cut_off(begun: bytes = b"") -> NoReturn:
    """End the connection at once (with a reset where nothing was answered)."""
    wire: socket.socket = request.environ["werkzeug.socket"]
    if begun:
        wire.sendall(begun)
    else:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _gone(wire)


def _raw(answer: Response) -> tuple[bytes, bytes]:
    """Return an answer as it looks on the wire: its head and its body."""
    body = answer.get_data()
    head = [
        f"HTTP/1.1 {answer.status_code} {HTTPStatus(answer.status_code).phrase}",
        f"Date: {http_date(time.time() + ahead())}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in rates(g.struck).items()),
    ]
    return "\r\n".join((*head, "", "")).encode(), body


def _dripped(content: bytes, seconds: float) -> NoReturn:
    wire: socket.socket = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        for at in range(len(content)):
            wire.sendall(content[at : at + 1])
            time.sleep(seconds / len(content))
    _gone(wire)


def _gone(wire: socket.socket) -> NoReturn:
    with contextlib.suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR) if wire.fileno() >= 0 else None
    raise ConnectionAbortedError("the sandbox was asked to end this connection")
