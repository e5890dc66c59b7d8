"""Ways to a bearer token, as the program puts them together."""

import base64
import contextlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import Transport
from qflow_gitops.qualys.credentials import from_environment
from qflow_gitops.qualys.logins.login import Machine
from qflow_gitops.qualys.logins.registry import login_of
from qflow_gitops.qualys.token import TokenSource


def tokens_of(transport: Transport, environ: Mapping[str, str], redact: Redactor) -> TokenSource:
    """The tokens of whatever the environment says."""
    machine = Machine(Path("/"))
    login = login_of(from_environment(environ), environ, transport, redact, machine)
    return TokenSource(login, redact)


AUDIENCE = "https://qualys.example/flow?a=b&c"
SUBJECT = "repo:acme/runs:environment:production"


def id_token(until: float, *, audience: object = AUDIENCE, mark: str = "", **claims: object) -> str:
    """A JSON Web Token that nobody signed; `mark` makes it differ from others."""
    said = {"iss": "https://forge.example", "sub": SUBJECT, "aud": audience, "exp": until}
    parts = ({"alg": "RS256", "typ": "JWT"}, said | {"jti": mark} | claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
    return ".".join((*(one.decode().rstrip("=") for one in encoded), f"canary-signature-{mark}"))


def without_secrets(text: str) -> str:
    """A shipped file for a CI with its other way to log in: what stands there as comments."""
    text = re.sub(r"^ +QFLOW_CLIENT_(ID|SECRET):.*\n", "", text, flags=re.MULTILINE)
    return re.sub(
        r"^( +)# ((?:id-token|id_tokens|QFLOW_LOGIN\w*): )", r"\1\2", text, flags=re.MULTILINE
    )


class Forge:
    """A forge's server that issues ID tokens: what it was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        """Path and `Authorization` of each request."""
        self.answer: Callable[[str], tuple[int, dict[str, str], bytes]] = lambda _: (404, {}, b"")
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                forge.asked.append((self.path, self.headers.get("Authorization", "")))
                status, headers, body = forge.answer(self.path)
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the library's own name

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environ(self) -> dict[str, str]:
        """What a runner sets in a job that may have an ID token."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/job/1?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "canary-request-token",
        }

    def gives(self, token: object) -> None:
        """Answer with a token from now on."""
        body = json.dumps({"value": token}).encode()
        self.answer = lambda _: (200, {"Content-Type": "application/json"}, body)

    def fails(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer with another status from now on."""
        self.answer = lambda _: (status, headers, body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
