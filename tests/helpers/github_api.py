"""A GitHub API over HTTP: pull requests, comments in pages, faults on demand, all recorded."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
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
    message: str = ""


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
        self.reviews: dict[int, list[dict[str, Any]]] = {}
        self.commits: dict[int, list[dict[str, Any]]] = {}
        self.pushes: list[dict[str, Any]] = []
        self.brought: dict[str, int] = {}
        self.events: dict[int, list[dict[str, Any]]] = {}
        self.rights: dict[str, str] = {}
        self.settings: dict[str, Any] = {}
        """What GET answers, by path below the repository's, or the whole path: github_settings."""
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.before_create: Callable[[], None] = lambda: None
        self._ids = iter(range(1_001, 1_000_000))
        self._reviews = iter(range(80, 1_000_000))
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
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
            "user": {"login": "ada"},
            "created_at": "2026-11-01T00:00:00Z",
            "head": {"sha": head, "ref": f"pull-{number}", "repo": {"full_name": REPOSITORY}},
            "base": {"ref": base, "sha": base_commit},
            "merged": False,
            "merged_at": None,
            "merge_commit_sha": "f" * 40,  # the test merge
        }
        self.committed(number, head)
        self.push(number, head)

    def merge(self, number: int, commit: str, by: str = "ada") -> None:
        merged = {"merged": True, "merged_at": "2026-11-02T00:00:00Z", "merge_commit_sha": commit}
        self.pulls[number] |= merged
        self.brought[commit] = number
        self.events.setdefault(number, []).append(
            {
                "id": next(self._reviews), "event": "merged", "actor": {"login": by},
                "commit_id": self.pulls[number]["head"]["sha"],
                "created_at": "2026-11-02T00:00:00Z",
            },
        )  # fmt: skip

    def committed(self, number: int, sha: str, by: str = "ada", **more: Any) -> None:
        """A commit of the pull request, written and committed by one user."""
        made = {
            "sha": sha, "author": {"login": by} if by else None, "committer": {"login": "web-flow"},
            "commit": {"message": "words", "verification": {"verified": True}},
        }  # fmt: skip
        self.commits.setdefault(number, []).append({**made, **more})

    def push(self, number: int, head: str, by: str = "ada", before: str = "") -> None:
        """A push to the pull request's branch, which was at the commit `before`."""
        self.pushes.insert(
            0,
            {
                "ref": f"refs/heads/pull-{number}", "before": before or "0" * 40, "after": head,
                "timestamp": "2026-11-01T00:00:00Z", "actor": {"login": by},
                "activity_type": "push",
            },
        )  # fmt: skip

    def update(self, number: int, head: str, by: str) -> None:
        """Somebody presses "Update branch": who did wrote the merge, and pushed it."""
        before = self.pulls[number]["head"]["sha"]
        self.pulls[number]["head"]["sha"] = head
        self.committed(number, head, by)
        self.push(number, head, by, before)

    def approve(
        self, number: int, by: str, commit: str = "", state: str = "APPROVED", kind: str = "User"
    ) -> None:
        """A review, on the head unless it says another commit; who gives it may write."""
        self.rights.setdefault(by, "write")
        self.reviews.setdefault(number, []).append(
            {
                "id": next(self._reviews), "user": {"login": by, "type": kind}, "state": state,
                "commit_id": commit or self.pulls[number]["head"]["sha"],
                "submitted_at": "2026-11-01T12:00:00Z",
            },
        )  # fmt: skip

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
                said = fault.message or f"Refused for {asked.token}"
                return fault.status, fault.headers, {"message": said}
        set_to = self.settings.get(asked.path.removeprefix(_BASE).removeprefix("/"))
        set_to = self.settings.get(asked.path, set_to)
        if asked.method == "GET" and set_to is not None:
            return 200, {}, cut(set_to, query)
        if asked.path == "/user":
            return (200, {}, self.user) if self.user else (403, {}, {"message": _INTEGRATION})
        found = re.fullmatch(_BASE + r"/pulls/(\d+)", asked.path)
        if found:
            pull = self.pulls.get(int(found[1]))
            return (200, {}, pull) if pull else (404, {}, {"message": "Not Found"})
        listed = self._listed(asked.path, query)
        if listed is not None:
            return 200, {}, listed
        found = re.fullmatch(_BASE + r"/issues/(\d+)/comments", asked.path)
        if found and asked.method == "GET":
            return 200, {}, _page(self.comments.get(int(found[1]), []), query)
        if found and int(found[1]) in self.pulls:
            self.before_create()
            if len(asked.body["body"]) > 65_536:
                return 422, {}, {"message": "Body is too long (maximum is 65536 characters)"}
            return 201, {}, self.say(int(found[1]), asked.body["body"], self.me)
        found = re.fullmatch(_BASE + r"/issues/comments/(\d+)", asked.path)
        return self._on_comment(asked, int(found[1])) if found else (404, {}, {"message": "no"})

    def _listed(self, path: str, query: dict[str, list[str]]) -> Any:
        """What is known about who wrote, pushed and approved."""
        for what, lists in (("reviews", self.reviews), ("commits", self.commits)):
            found = re.fullmatch(_BASE + rf"/pulls/(\d+)/{what}", path)
            if found:
                return _page(lists.get(int(found[1]), []), query)
        found = re.fullmatch(_BASE + r"/issues/(\d+)/events", path)
        if found:
            return _page(self.events.get(int(found[1]), []), query)
        if path == _BASE:
            return {"default_branch": "main"}
        found = re.fullmatch(_BASE + r"/commits/([0-9a-f]+)/pulls", path)
        if found:
            number = self.brought.get(found[1])
            pull = dict(self.pulls[number]) if number else {}
            pull.pop("merged", None)  # only a single pull request has it
            return _page([pull] if number else [], query)
        found = re.fullmatch(_BASE + r"/collaborators/([^/]+)/permission", path)
        if found:
            return {"permission": self.rights.get(found[1], "read")}
        if path == _BASE + "/activity":
            return [one for one in self.pushes if one["ref"] == query["ref"][0]]
        return None

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


def _page(items: list[dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
    size, page = int(query["per_page"][0]), int(query["page"][0])
    return items[(page - 1) * size : page * size]


def cut(data: Any, query: dict[str, list[str]]) -> Any:
    """The page that is asked for of a list, or of a list in an object."""
    if "page" not in query:
        return data
    if isinstance(data, list):
        return _page(data, query)
    return {key: _page(one, query) if isinstance(one, list) else one for key, one in data.items()}


_INTEGRATION = "Resource not accessible by integration"


def _handler(api: GitHubApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            address = urlsplit(self.path)
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            token = token or self.headers.get("PRIVATE-TOKEN", "")
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
