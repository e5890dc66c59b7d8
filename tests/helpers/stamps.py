"""A time-stamp server on loopback: openssl's `ts` behind a small HTTP server, faults on demand."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import (
    CertificateBuilder,
    Name,
    NameAttribute,
    load_pem_x509_certificate,
    random_serial_number,
)
from cryptography.x509.oid import NameOID

from tests.helpers.git import Workspace

_CONFIG = """\
[req]
distinguished_name = dn
prompt = no
[dn]
CN = to be told
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[ts]
serial = serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
tsa_name = no
"""


def openssl(folder: Path, *words: str, clock: Mapping[str, str] = {}) -> bytes:
    """Run it in a folder, in a world without the user's own configuration.

    `clock` are the variables of one that isn't the machine's.
    """
    command = [shutil.which("openssl") or "openssl", *words]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **clock}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def certificate(begin: datetime, end: datetime) -> str:
    """A certificate that signs itself, valid for that time, in PEM."""
    key = generate_private_key(SECP256R1())
    name = Name([NameAttribute(NameOID.COMMON_NAME, "a root")])
    made = CertificateBuilder(name, name, key.public_key(), random_serial_number(), begin, end)
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


class Authority:
    """A root, and a server's certificate that it signed, for so many days from now.

    `clock` says which time it is, as the variables of its openssl.
    """

    def __init__(
        self,
        folder: Path,
        *,
        expired: bool = False,
        clock: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        folder.mkdir(parents=True)
        self.folder, self._clock = folder, clock
        (folder / "ts.cnf").write_text(_CONFIG)
        (folder / "serial").write_text("01\n")
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        new += ["-config", "ts.cnf"]
        root, own = f"/CN={folder.name} root", f"/CN={folder.name}"
        self._openssl("req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem",
                      "-days", "3650", "-subj", root, "-extensions", "ca")  # fmt: skip
        self._openssl("req", *new, "-keyout", "key", "-out", "csr", "-subj", own)
        self._openssl("x509", "-req", "-in", "csr", "-CA", "root.pem", "-CAkey", "root.key",
                      "-CAcreateserial", "-out", "signer.pem", "-days", "365", "-extfile", "ts.cnf",
                      "-extensions", "signer")  # fmt: skip

        if expired:
            self._expire()

    def _openssl(self, *words: str) -> bytes:
        return openssl(self.folder, *words, clock=self._clock())

    def _expire(self) -> None:
        """Let the server's certificate be the same, but over since yesterday."""
        key = load_pem_private_key((self.folder / "root.key").read_bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        old = load_pem_x509_certificate((self.folder / "signer.pem").read_bytes())
        now = datetime.now(UTC)
        new = CertificateBuilder(old.issuer, old.subject, old.public_key(), old.serial_number)
        new = new.not_valid_before(now - timedelta(days=9)).not_valid_after(now - timedelta(days=1))
        for one in old.extensions:
            new = new.add_extension(one.value, one.critical)
        made = new.sign(key, SHA256())
        (self.folder / "signer.pem").write_bytes(made.public_bytes(Encoding.PEM))

    @property
    def root(self) -> str:
        return (self.folder / "root.pem").read_text()

    def query(self, file: str) -> bytes:
        """A request for a file's content."""
        return openssl(self.folder, "ts", "-query", "-data", file, "-sha256", "-cert")

    def reply(self, query: bytes) -> bytes:
        """What the server answers to a request."""
        name = f"query-{threading.get_ident()}"
        (self.folder / name).write_bytes(query)
        return self._openssl("ts", "-reply", "-queryfile", name, "-inkey", "key", "-signer",
                             "signer.pem", "-config", "ts.cnf", "-section", "ts")  # fmt: skip

    def check(self, response: bytes, digest: str, roots: str = "") -> None:
        """Hold an answer against the root, by openssl alone; AssertionError for one not sound."""
        (self.folder / "response").write_bytes(response)
        (self.folder / "roots").write_text(roots or self.root)
        openssl(self.folder, "ts", "-verify", "-digest", digest, "-in", "response",
                "-CAfile", "roots")  # fmt: skip


Answer = tuple[int, dict[str, str], bytes]
PLAIN = {"Content-Type": "application/timestamp-reply"}


class StampServer:
    """Serves an authority; `answers` says what goes out in place of its own answer."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.answers: Callable[[bytes], Answer] = self.honest
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                server.asked.append((dict(self.headers), query))
                status, headers, body = server.answers(query)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def honest(self, query: bytes) -> Answer:
        return 200, PLAIN, self.authority.reply(query)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/tsr"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def name_server(workspace: Workspace, server: StampServer) -> None:
    """Let the settings of a project name a server; publish that."""
    settings = (workspace.path / "qflow.yaml").read_text()
    settings += f"  anchor: {{url: '{server.url}', certificate: tsa.pem}}\n"
    workspace.write("qflow.yaml", settings)
    workspace.write("tsa.pem", server.authority.root)
    workspace.publish("a time-stamp server")
