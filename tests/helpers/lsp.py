"""A small client of the language server protocol, enough to ask what an editor would show."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.helpers.node import NODE


class Editor:
    """One folder opened in an editor with the YAML extension."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, settings: Any) -> None:
        self._process = process
        self._folder = folder
        self._settings = settings
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._found: dict[str, queue.Queue[list[dict[str, Any]]]] = {}
        self._number = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        out = self._process.stdout
        assert out
        while line := out.readline():
            length = int(line.split(b":")[1])
            while out.readline().strip():
                pass
            self._take(json.loads(out.read(length)))

    def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "workspace/configuration":
            items = message["params"]["items"]
            self._write({"id": message["id"], "result": [self._section(one) for one in items]})
        elif method == "textDocument/publishDiagnostics":
            found = message["params"]
            self._found.setdefault(found["uri"], queue.Queue()).put(found["diagnostics"])
        elif method is not None and "id" in message:
            self._write({"id": message["id"], "result": None})
        elif "id" in message:
            self._answers.put(message)

    def _section(self, item: dict[str, Any]) -> Any:
        return self._settings if item.get("section") == "yaml" else {}

    def _write(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self._write({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        self._number += 1
        self._write({"id": self._number, "method": method, "params": params})
        while True:
            answer = self._answers.get(timeout=30)
            if answer["id"] == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, name: str) -> list[dict[str, Any]]:
        """Open a file, once; what the editor underlines."""
        self.show(name)
        return self.underlined(name)

    def show(self, name: str) -> None:
        """Open a file, once, and go on: the server waits a while before it looks at it."""
        uri = (self._folder / name).as_uri()
        text = (self._folder / name).read_text(encoding="utf-8")
        self._found[uri] = queue.Queue()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def underlined(self, name: str) -> list[dict[str, Any]]:
        return self._found[(self._folder / name).as_uri()].get(timeout=30)

    def at(self, method: str, name: str, line: int, character: int) -> Any:
        """Ask about a place; line and character from 0."""
        uri = (self._folder / name).as_uri()
        place = {"line": line, "character": character}
        return self.ask(method, {"textDocument": {"uri": uri}, "position": place})


@contextmanager
def editor(folder: Path) -> Iterator[Editor]:
    """Start the real yaml-language-server with the folder's own VS Code settings."""
    own = json.loads((folder / ".vscode/settings.json").read_text(encoding="utf-8"))
    schemas = {
        (folder / name).resolve().as_uri(): patterns
        for name, patterns in own["yaml.schemas"].items()
    }
    settings = {
        "schemas": schemas, "validate": True, "hover": True, "completion": True,
        "schemaStore": {"enable": False},
    }  # fmt: skip
    command: list[str | Path] = [
        "node",
        NODE / "yaml-language-server/bin/yaml-language-server",
        "--stdio",
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        one = Editor(process, folder, settings)
        root = {"uri": folder.as_uri(), "name": "folder"}
        one.ask(
            "initialize",
            {
                "processId": None, "rootUri": folder.as_uri(), "workspaceFolders": [root],
                "capabilities": {
                    "workspace": {"configuration": True, "workspaceFolders": True},
                    "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}},
                },
            },
        )  # fmt: skip
        one.tell("initialized", {})
        one.tell("workspace/didChangeConfiguration", {"settings": {"yaml": settings}})
        yield one
        process.kill()
