"""A GitHub API over HTTP: pull requests, comments in pages, faults on demand, all recorded."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_test-canary-token-0123456789"
REPOSITORY = "octo/runs"
ACTIONS = {"login": "github-actions[bot]", "type": "Bot"}
OTHER = {"login": "github-actions", "type": "User"}
_BASE = f"/repos/{REPOSITORY}"


@dataclass
class Fault:
    """An answer instead of the real one, for requests that match, so many times."""

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1_000


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    body: Any
    token: str


class GitHubApi:
    """Serves one repository on loopback. `me` is as whom a token writes, `user` what /user says."""

    def __init__(
        self, me: dict[str, str] | None = None, user: dict[str, str] | None = None
    ) -> None:
        self.me, self.user = me or ACTIONS, user
        self.pulls: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.before_create: Callable[[], None] = lambda: None
        self._ids = iter(range(1_001, 1_000_000))
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> "GitHubApi":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environ(self) -> dict[str, str]:
        """What a runner would set."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": f"http://127.0.0.1:{self._server.server_port}",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
        }

    # --- the state -------------------------------------------------------------------

    def open(self, number: int, head: str, base_commit: str, base: str = "main") -> None:
        """Open a pull request, or push to it."""
        self.pulls[number] = {
            "number": number,
            "head": {"sha": head},
            "base": {"ref": base, "sha": base_commit},
            "merged": False,
            "merge_commit_sha": "f" * 40,  # the test merge
        }

    def merge(self, number: int, commit: str) -> None:
        self.pulls[number] |= {"merged": True, "merge_commit_sha": commit}

    def say(self, number: int, body: str, user: dict[str, str]) -> dict[str, Any]:
        """Somebody writes a comment."""
        with self._lock:
            made = {"id": next(self._ids), "user": user, "body": body}
            made["html_url"] = f"https://github.example/{REPOSITORY}/pull/{number}#{made['id']}"
            self.comments.setdefault(number, []).append(made)
            return made

    def bodies(self, number: int) -> list[str]:
        return [one["body"] for one in self.comments.get(number, [])]

    def sent(self, *methods: str) -> list[Asked]:
        """What came that changes something (or what came with these methods)."""
        return [one for one in self.asked if one.method in (methods or ("POST", "PATCH", "DELETE"))]

    # --- the answers -----------------------------------------------------------------

    def answer(self, asked: Asked, query: dict[str, list[str]]) -> tuple[int, dict[str, str], Any]:
        self.asked.append(asked)
        for fault in self.faults:
            if fault.times and fault.method == asked.method and re.search(fault.path, asked.path):
                fault.times -= 1
                return fault.status, fault.headers, {"message": f"Refused for {asked.token}"}
        if asked.path == "/user":
            return (200, {}, self.user) if self.user else (403, {}, {"message": _INTEGRATION})
        found = re.fullmatch(_BASE + r"/pulls/(\d+)", asked.path)
        if found:
            pull = self.pulls.get(int(found[1]))
            return (200, {}, pull) if pull else (404, {}, {"message": "Not Found"})
        found = re.fullmatch(_BASE + r"/issues/(\d+)/comments", asked.path)
        if found and asked.method == "GET":
            return 200, {}, self._page(int(found[1]), query)
        if found and int(found[1]) in self.pulls:
            self.before_create()
            if len(asked.body["body"]) > 65_536:
                return 422, {}, {"message": "Body is too long (maximum is 65536 characters)"}
            return 201, {}, self.say(int(found[1]), asked.body["body"], self.me)
        found = re.fullmatch(_BASE + r"/issues/comments/(\d+)", asked.path)
        return self._on_comment(asked, int(found[1])) if found else (404, {}, {"message": "no"})

    def _page(self, number: int, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return self.comments.get(number, [])[(page - 1) * size : page * size]

    def _on_comment(self, asked: Asked, wanted: int) -> tuple[int, dict[str, str], Any]:
        with self._lock:
            for comments in self.comments.values():
                for one in comments:
                    if one["id"] == wanted and asked.method == "DELETE":
                        comments.remove(one)
                        return 204, {}, None
                    if one["id"] == wanted:
                        one["body"] = asked.body["body"]
                        return 200, {}, one
        return 404, {}, {"message": "Not Found"}


_INTEGRATION = "Resource not accessible by integration"


def _handler(api: GitHubApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            address = urlsplit(self.path)
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            body = json.loads(content) if content else None
            asked = Asked(self.command, address.path, body, token)
            status, headers, data = api.answer(asked, parse_qs(address.query))
            answer = b"" if data is None else json.dumps(data).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
