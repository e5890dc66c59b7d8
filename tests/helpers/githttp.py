"""A git server over http or https that wants a token, as GitHub does."""

import base64
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "ghs_canaryTokenOfTheRemote0123456789"


def header(token: str = TOKEN) -> str:
    """The header as actions/checkout sets it."""
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return f"Authorization: Basic {basic}"


class GitHttp:
    """What the server allows; `pushes` is how many it still takes, None for all.

    `elsewhere` is the server that it sends everybody to, "" for none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pushes: int | None = None
        self.requests: list[str] = []
        self.url = self.elsewhere = ""

    def refuses(self, request: "_Request") -> int:
        """401 for a wrong token, 403 for a push that isn't allowed, else 0."""
        if request.headers.get("Authorization") != header().split(": ", 1)[1]:
            return 401
        if request.path.endswith("/git-receive-pack") and self.pushes is not None:
            self.pushes -= 1
            return 403 if self.pushes < 0 else 0
        return 0


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        body = self._body()
        git: GitHttp = self.server.git
        git.requests.append(f"{self.command} {self.path}")
        if git.elsewhere:
            self.send_response(302)
            self.send_header("Location", git.elsewhere + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        refused = git.refuses(self)
        if refused:
            self.send_response(refused)
            if refused == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._answer(self._backend(git, body))

    do_POST = do_GET  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def _backend(self, git: GitHttp, body: bytes) -> bytes:
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(git.folder), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "ci",
            "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(git.folder),
        }  # fmt: skip
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, env=variables
        )
        return done.stdout

    def _answer(self, out: bytes) -> None:
        head, _, body = out.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().splitlines()]
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split(" ", 1)[0]))
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve_http(folder: Path, certificate: Path | None = None) -> Iterator[GitHttp]:
    """Serve the repositories of a folder; with a certificate and its key in one file, by TLS."""
    git = GitHttp(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Request)
    server.daemon_threads = True
    server.git = git  # type: ignore[attr-defined]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate else "http"
    git.url = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield git
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def has_backend() -> bool:
    """Whether this git brings its http server along."""
    where = subprocess.run(["git", "--exec-path"], capture_output=True, text=True).stdout.strip()
    return (Path(where) / "git-http-backend").exists()


def make_certificate(folder: Path) -> Path | None:
    """A certificate for 127.0.0.1 with its key in one file; None without openssl."""
    if not shutil.which("openssl"):
        return None
    key, certificate, both = (folder / name for name in ("tls.key", "tls.crt", "tls.pem"))
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both
