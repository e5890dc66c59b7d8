"""A server between the program and the sandbox, which gives its answers in another form."""

import gzip
import http.client
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextmanager
def relay(
    url: str,
    *,
    informational: tuple[int, ...] = (),
    packed: bool = False,
    page: int | None = None,
) -> Iterator[str]:
    """Lead to `url` for as long as it is open; gives its own address.

    Before each answer go those `informational` ones; its body is compressed where `packed`. A
    list has only `page` items on a page, and doesn't say how many there are.
    """
    to = urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            beyond = http.client.HTTPConnection(to.hostname or "", to.port, timeout=30)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = re.sub(r"pageSize=\d+", f"pageSize={page}", self.path) if page else self.path
            beyond.request(self.command, path, body, dict(self.headers))
            answer = beyond.getresponse()
            content = answer.read()
            if page and b'"total"' in content:
                content = json.dumps(json.loads(content) | {"total": None}).encode()
            headers = [one for one in answer.getheaders() if one[0].lower() != "content-length"]
            if packed:
                content, headers = gzip.compress(content), [*headers, ("Content-Encoding", "gzip")]
            for code in informational:
                self.wfile.write(b"HTTP/1.1 %d x\r\nLink: </x>\r\n\r\n" % code)
            self.send_response_only(answer.status)
            for name, value in [*headers, ("Content-Length", str(len(content)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            beyond.close()

        do_POST = do_GET  # noqa: N815 - the library's own name

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
