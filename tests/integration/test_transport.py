"""What each fault on the wire proves: sent or not, and never later than the deadline."""

import gzip
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.errors import UsageProblem
from qflow_gitops.http import adapter
from qflow_gitops.http.route import from_environment
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BODY = b'{"input": {}}'


def read_request(wire: socket.socket) -> bytes:
    """Read one whole request."""
    data = b""
    while not data.endswith(BODY):
        piece = wire.recv(65536)
        if not piece:
            break
        data += piece
    return data


def reset(wire: socket.socket) -> None:
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()


class Wire:
    """A server that treats each connection as told, and counts whole requests."""

    def __init__(
        self,
        treat: Callable[[socket.socket], None],
        *,
        read: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self.requests: list[bytes] = []
        self.connections = 0
        self._treat, self._read = treat, read
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(wire,), daemon=True).start()

    def _one(self, wire: socket.socket) -> None:
        wire.settimeout(10)
        with wire, suppress(OSError), self._secured(wire) as secured:
            if self._read:
                self.requests.append(read_request(secured))
            self._treat(secured)

    def _secured(self, wire: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(wire, server_side=True) if self._tls else wire

    def close(self) -> None:
        self._listener.close()


@contextmanager
def served(treat: Callable[[socket.socket], None], **options: Any) -> Iterator[Wire]:
    wire = Wire(treat, **options)
    try:
        yield wire
    finally:
        wire.close()


def post(url: str, **more: float) -> HttpAnswer:
    transport = Transport(
        url, connect_timeout=0.5, read_timeout=0.5, deadline=more.get("deadline", 1.0)
    )
    return transport.send("POST", "/run", headers={}, body=BODY, fresh=True)


def drip(content: bytes, pause: float) -> Callable[[socket.socket], None]:
    def treat(wire: socket.socket) -> None:
        for at in range(len(content)):
            wire.sendall(content[at : at + 1])
            time.sleep(pause)

    return treat


def stalled(content: bytes, pause: float) -> Callable[[socket.socket], None]:
    """Send this, then nothing for so many seconds."""

    def treat(wire: socket.socket) -> None:
        wire.sendall(content)
        time.sleep(pause)

    return treat


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"
SENT = {
    "reset after the request": reset,
    "closed after the request": lambda wire: wire.close(),
    "no answer": lambda _wire: time.sleep(1.5),
    "a stall in the body": stalled(HEAD + b"{", 1.5),
    "a cut in the body": lambda wire: wire.sendall(HEAD + b"{"),
    "a cut chunk": lambda wire: wire.sendall(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"
    ),
    "garbage": lambda wire: wire.sendall(b"\x00\x01garbage\r\n\r\n"),
    "bad gzip": lambda wire: wire.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
    ),
    "headers that drip": drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 400, 0.05),
    "a body that drips": drip(HEAD + b"x" * 20, 0.1),
    "too much": lambda wire: wire.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
    ),
}


@pytest.mark.parametrize("fault", SENT)
def test_after_the_first_byte_nothing_is_proven(fault: str) -> None:
    with served(SENT[fault]) as wire:
        begun = time.monotonic()
        with pytest.raises(NoAnswerError) as raised:
            post(wire.url)
        assert time.monotonic() - begun < 3
        assert raised.value.sent
        assert len(wire.requests) == 1
        assert wire.connections == 1


@pytest.mark.parametrize("status", [200, 400, 401, 409, 429])
def test_a_cut_in_the_headers_is_an_answer_that_is_not_whole(status: int) -> None:
    """Which is no proof either: it holds no execution id, and might have."""
    head = f"HTTP/1.1 {status} x\r\nX-RateLimit-Remaining: 0\r\nContent-Le".encode()
    with served(lambda wire: wire.sendall(head)) as wire:
        answer = post(wire.url)
    assert (answer.content, answer.is_whole) == (b"", False)


@pytest.mark.parametrize(
    ("head", "body", "whole"),
    [
        (b"Content-Length: 2", b"{}", True),
        (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n", True),
        (b"Connection: close", b"{}", False),
        (b"Content-Length: +2", b"{}", False),
        (b"Content-Length: 2\r\nContent-Length: 2", b"{}", False),
        (b"Transfer-Encoding: identity", b"{}", False),
    ],
)
def test_what_ends_with_its_connection_is_not_whole(head: bytes, body: bytes, whole: bool) -> None:
    """It is read all the same: what it holds it holds."""
    with served(
        lambda wire: wire.sendall(b"HTTP/1.1 429 x\r\n" + head + b"\r\n\r\n" + body)
    ) as wire:
        answer = post(wire.url)
    assert (answer.data(), answer.is_whole) == ({}, whole)


@pytest.mark.parametrize("codes", [(100,), (102,), (103,), (100, 103, 102, 103)])
def test_informational_answers_are_not_the_answer(codes: tuple[int, ...]) -> None:
    """Nor is what follows them the answer to the connection's next request."""
    hints = b"".join(b"HTTP/1.1 %d x\r\nLink: </x>\r\n\r\n" % code for code in codes)
    second = OK.replace(b"{}", b"[]")
    with served(
        _in_pieces(lambda wire: wire.sendall(hints + OK), lambda wire: wire.sendall(second))
    ) as wire:
        transport = Transport(wire.url)
        shown = [transport.send("GET", "/x", headers={}, body=BODY).data() for _ in range(2)]
        assert (shown, wire.connections) == ([{}, []], 1)


def test_another_protocol_is_no_answer() -> None:
    switched = b"HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n" + OK
    with (
        served(lambda wire: wire.sendall(switched)) as wire,
        pytest.raises(NoAnswerError) as raised,
    ):
        post(wire.url)
    assert raised.value.sent


def test_hints_without_end_are_no_answer() -> None:
    def treat(wire: socket.socket) -> None:
        while True:
            wire.sendall(b"HTTP/1.1 103 x\r\n\r\n")

    with served(treat) as wire, pytest.raises(NoAnswerError) as raised:
        post(wire.url)
    assert raised.value.sent


def test_an_answer_that_is_compressed_unasked_is_read() -> None:
    """Its length is that on the wire."""
    packed = gzip.compress(b'{"executionId": "x"}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with served(lambda wire: wire.sendall(head + packed)) as wire:
        answer = post(wire.url)
    assert (answer.data(), answer.is_whole) == ({"executionId": "x"}, True)


def test_a_cut_in_the_headers_at_the_deadline_is_no_answer() -> None:
    """Even if the clock says that there was still a moment."""
    with served(stalled(HEAD[:17], 1)) as wire:
        transport = Transport(wire.url, deadline=0.3, monotonic=lambda: 0.0)
        with pytest.raises(NoAnswerError) as raised:
            transport.send("POST", "/run", headers={}, body=BODY, fresh=True)
    assert raised.value.sent
    assert raised.value.reason == "no answer in time"


def test_a_server_that_says_nothing_is_said_to_be_late_and_not_to_hang_up() -> None:
    """The connection is cut here, at the deadline."""
    with served(stalled(b"", 1)) as wire, pytest.raises(NoAnswerError) as raised:
        Transport(wire.url, deadline=0.3).send("GET", "/", headers={})
    assert (raised.value.sent, raised.value.reason) == (True, "no answer in time")


def test_nothing_is_sent_once_the_deadline_is_over_while_it_is_asked_whether_it_may_be() -> None:
    def slow() -> bool:
        time.sleep(0.6)
        return True

    with served(stalled(OK, 0)) as wire, pytest.raises(NoAnswerError) as raised:
        Transport(wire.url, deadline=0.3).send("POST", "/", headers={}, body=BODY, may_send=slow)
    assert not raised.value.sent


def test_a_refused_connection_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoAnswerError) as raised:
        post(f"http://127.0.0.1:{port}")
    assert not raised.value.sent
    assert raised.value.reason == "the connection was refused"
    assert raised.value.step == "connection"


@pytest.mark.parametrize("treat", [lambda wire: wire.sendall(b"nonsense"), lambda _: time.sleep(1)])
def test_a_failed_tls_handshake_sent_nothing(treat: Callable[[socket.socket], None]) -> None:
    with served(treat, read=False) as wire:
        with pytest.raises(NoAnswerError) as raised:
            post(wire.url.replace("http:", "https:"))
        assert not raised.value.sent
        assert wire.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """Nor is their body read to its end."""
    head = f"HTTP/1.1 {status} x\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
    with served(lambda wire: wire.sendall(head)) as wire:
        assert post(wire.url).status == status
        assert len(wire.requests) == 1


def test_each_post_has_a_connection_of_its_own() -> None:
    with served(lambda wire: wire.sendall(OK)) as wire:
        transport = Transport(wire.url)
        for _ in range(3):
            transport.send("POST", "/run", headers={}, body=BODY, fresh=True)
        assert wire.connections == 3


def test_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a proxy nor .netrc."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login evil password evil\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with served(lambda wire: wire.sendall(OK)) as wire:
        transport = Transport(wire.url)
        transport.send(
            "POST", "/run", headers={"Authorization": "Bearer mine"}, body=BODY, fresh=True
        )
        (request,) = wire.requests
    assert b"Authorization: Bearer mine" in request
    assert b"Basic" not in request


def test_a_header_that_cannot_be_sent_sends_nothing() -> None:
    with served(lambda wire: wire.sendall(OK)) as wire:
        transport = Transport(wire.url)
        with pytest.raises(NoAnswerError) as raised:
            transport.send("POST", "/run", headers={"X": "a\r\nEvil: 1"}, body=BODY)
        assert not raised.value.sent
        assert "Evil" not in raised.value.reason


def _in_pieces(*rounds: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Answer one request after another on the same connection."""

    def treat(wire: socket.socket) -> None:
        rounds[0](wire)
        for one in rounds[1:]:
            read_request(wire)
            one(wire)

    return treat


def test_the_deadline_holds_on_a_connection_that_was_kept() -> None:
    def stall(wire: socket.socket) -> None:
        wire.sendall(HEAD[:17])
        drip(b"X: " + b"y" * 20, 0.2)(wire)

    answers = _in_pieces(lambda wire: wire.sendall(OK), stall)
    with served(answers) as wire:
        transport = Transport(wire.url, deadline=0.5)
        transport.send("GET", "/", headers={}, body=BODY)
        begun = time.monotonic()
        with pytest.raises(NoAnswerError) as raised:
            transport.send("GET", "/", headers={}, body=BODY)
        assert time.monotonic() - begun < 2
        assert raised.value.reason == "no answer in time"
        assert wire.connections == 1


def test_a_fresh_connection_is_not_one_that_was_kept() -> None:
    with served(_in_pieces(*[lambda wire: wire.sendall(OK)] * 3)) as wire:
        transport = Transport(wire.url)
        transport.send("GET", "/", headers={}, body=BODY)
        transport.send("POST", "/run", headers={}, body=BODY, fresh=True)
        assert wire.connections == 2
        transport.send("GET", "/", headers={}, body=BODY)
        assert wire.connections == 2, "the kept one is still there for another GET"
        transport.send("POST", "/run", headers={}, body=BODY, fresh=True)
        assert wire.connections == 3


def test_one_thread_watches_all_deadlines_and_ends_when_there_are_none() -> None:
    with served(drip(HEAD, 0.05)) as wire:
        transport = Transport(wire.url, deadline=0.5)
        before = set(threading.enumerate())

        def watching() -> int:
            new = set(threading.enumerate()) - before
            return len([one for one in new if "_look" in one.name])

        def send() -> None:
            with pytest.raises(NoAnswerError):
                transport.send("POST", "/run", headers={}, body=BODY, fresh=True)

        for _ in range(2):  # the second time it begins anew
            senders = [threading.Thread(target=send) for _ in range(4)]
            for one in senders:
                one.start()
            time.sleep(0.2)
            assert watching() == 1
            for one in senders:
                one.join(3)
            time.sleep(0.7)
            assert watching() == 0


# --- whom it trusts ------------------------------------------------------------------


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own for an address, and that certificate."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here to make a certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", f"subjectAltName=IP:{name}",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], list[Any]]]:
    """Trust a certificate as the authorities are trusted; gives what is read of them."""

    def trust(certificate: Path) -> list[Any]:
        read: list[Any] = []
        real = ssl.SSLContext.load_verify_locations

        def load(context: ssl.SSLContext, *args: Any, **options: Any) -> None:
            read.append((args, options))
            real(context, *args, **options)

        monkeypatch.setattr(adapter, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load)
        adapter._trusted.cache_clear()
        return read

    yield trust
    adapter._trusted.cache_clear()


@pytest.mark.parametrize("of", ["another host", "nobody that is known"])
def test_a_certificate_that_says_nothing_for_the_host_gets_no_byte(
    tmp_path: Path, trusting: Callable[[Path], list[Any]], of: str
) -> None:
    context, certificate = certified(tmp_path, f"127.0.0.{2 if of == 'another host' else 1}")
    if of == "another host":
        trusting(certificate)
    with served(lambda wire: wire.sendall(OK), tls=context) as wire:
        with pytest.raises(NoAnswerError) as raised:
            post(wire.url)
        assert "QFLOW_CA_FILE names a file" in raised.value.reason
        assert raised.value.step == "tls"
        assert not raised.value.sent
        assert wire.requests == []


def test_an_authority_of_ones_own_is_trusted_by_our_variable_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Besides the usual ones; what a machine sets for other programs counts for nothing."""
    context, certificate = certified(tmp_path, "127.0.0.1")
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate))
    with served(lambda wire: wire.sendall(OK), tls=context) as wire:
        with pytest.raises(NoAnswerError):
            post(wire.url)
        route = from_environment({"QFLOW_CA_FILE": str(certificate)})
        transport = Transport(wire.url, route=route)
        assert transport.send("POST", "/", headers={}, body=BODY, fresh=True).status == 200
    assert len(adapter._trusted(str(certificate)).get_ca_certs()) > 20


@contextmanager
def proxy(answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Iterator[Any]:
    """A proxy that leads on what it is asked for, where its answer says so."""
    asked: list[bytes] = []
    open_ones: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65536):
                other.sendall(piece)
            other.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                here, _ = listener.accept()
                asked.append(head := here.recv(65536))
                here.sendall(answer)
                if b" 200 " not in answer:
                    here.close()
                    continue
                host, port = head.split()[1].decode().rsplit(":", 1)
                there = socket.create_connection((host, int(port)))
                open_ones.extend((here, there))
                for one in ((here, there), (there, here)):
                    threading.Thread(target=pump, args=one, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    for one in (listener, *open_ones):
        one.close()


def test_a_proxy_leads_to_the_host_and_sees_no_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = certified(tmp_path, "127.0.0.1")
    with served(lambda wire: wire.sendall(OK), tls=context) as wire, proxy() as (url, asked):
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        route = from_environment({"QFLOW_CA_FILE": str(certificate), "QFLOW_PROXY": url})
        transport = Transport(wire.url, route=route)
        secret = {"Authorization": "Bearer canary"}
        for _ in range(2):
            answer = transport.send("POST", "/", headers=secret, body=BODY, fresh=True)
            assert answer.status == 200
        assert len(wire.requests) == 2
        assert b"canary" in wire.requests[0]
    assert len(asked) == 2
    assert all(one.startswith(b"CONNECT 127.0.0.1:") and b"canary" not in one for one in asked)


@pytest.mark.parametrize("fault", ["refuses", "is away", "asks who it is"])
def test_a_proxy_that_leads_nowhere_sent_nothing(fault: str) -> None:
    """What a proxy is asked is no byte of the request: it is proven that nothing ran."""
    code = b"407 Who?" if fault == "asks who it is" else b"502 No"
    with proxy(b"HTTP/1.1 " + code + b"\r\nContent-Length: 0\r\n\r\n") as (url, _):
        route = from_environment(
            {"QFLOW_PROXY": "http://127.0.0.1:9" if fault == "is away" else url}
        )
        with pytest.raises(NoAnswerError) as raised:
            Transport("https://gateway.example", route=route).send(
                "POST", "/", headers={}, body=BODY, fresh=True
            )
    assert "the proxy of QFLOW_PROXY" in raised.value.reason
    assert raised.value.step == "proxy"
    assert not raised.value.sent


@pytest.mark.parametrize(
    "given",
    [
        {"QFLOW_PROXY": "proxy:3128"}, {"QFLOW_PROXY": "http://ada:secret@proxy:3128"},
        {"QFLOW_PROXY": "http://proxy:99999"}, {"QFLOW_PROXY": "socks5://proxy:1"},
        {"QFLOW_CA_FILE": "/nowhere"}, {"QFLOW_CA_FILE": __file__}, {"QFLOW_CA_FILE": "/"},
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_refused_before_anything_is_sent(given: dict[str, str]) -> None:
    with pytest.raises(UsageProblem) as refused:
        from_environment(given)
    assert "secret" not in str(refused.value) + refused.value.hint


def test_the_authorities_are_read_once_for_all_connections(
    tmp_path: Path, trusting: Callable[[Path], list[Any]]
) -> None:
    """Reading them takes 40 ms of a processor, more than all else that a run costs here."""
    context, certificate = certified(tmp_path, "127.0.0.1")
    read = trusting(certificate)
    with served(lambda wire: wire.sendall(OK), tls=context) as wire:
        transport = Transport(wire.url)
        for _ in range(3):
            assert transport.send("POST", "/", headers={}, body=BODY, fresh=True).status == 200
        assert transport.send("GET", "/", headers={}, body=BODY).status == 200
        assert wire.connections == 4
    assert len(read) == 1


@pytest.mark.parametrize("path", ["@elsewhere.example/run", ".elsewhere.example/run", "//x/run"])
def test_no_path_leads_away_from_the_gateway(path: str) -> None:
    with served(lambda wire: wire.sendall(OK)) as wire:
        transport = Transport(wire.url, connect_timeout=0.5, read_timeout=0.5)
        transport.send("POST", path, headers={}, body=BODY, fresh=True)
        (request,) = wire.requests
    assert b"\r\nHost: " + wire.url[7:].encode() + b"\r\n" in request
