"""Two network namespaces and a link between them that can be cut: a real partition.

In the one, `far`, the sandbox listens on its loopback address. In the other, `near`, the
loopback device is down and 127.0.0.1 is routed over the link (`route_localnet`): so the
program connects to 127.0.0.1, as it has to where the platform is `sandbox`, and every packet
crosses the link. Nothing outside the two namespaces is touched.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qflow_gitops.sandbox.store import Store

PORT = 8080
GATEWAY = f"http://127.0.0.1:{PORT}"
_NEAR, _FAR = "192.0.2.1", "192.0.2.2"  # RFC 5737: for documentation, routed nowhere
_PROGRAM = "from qflow_gitops.cli.main import main; main()"
_HASTE = """\
import os, subprocess
from qflow_gitops.qualys.caller import Caller
from qflow_gitops.http.transport import Transport
from qflow_gitops.apply.launch import Launch
Transport.__init__.__kwdefaults__.update(connect_timeout=1.0, read_timeout=2.0, deadline=4.0)
Caller.__init__.__kwdefaults__.update(sleep=lambda seconds: None)
start = Launch._start_post
def cut_first(self, *what):
    subprocess.run(["ip", "link", "set", os.environ["LINK"], "down"], check=True)
    start(self, *what)
if os.environ.get("CUT") == "before-the-send":
    Launch._start_post = cut_first
"""
"""Shorter time-outs than 10, 30 and 60 s; and with CUT the link is cut after the intent."""


class NotPermittedError(Exception):
    """There are no network namespaces to be had here; the text says why."""


def _ip(*words: str) -> None:
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    except OSError as problem:
        raise NotPermittedError(f"ip can't be started: {problem.strerror}") from None
    if done.returncode:
        raise NotPermittedError(f"ip {' '.join(words[:4])} failed: {done.stderr.strip()}")


@dataclass(frozen=True, slots=True)
class Partition:
    """The link, and what runs at its two ends."""

    near: str
    far: str
    link: str
    data: Path

    def cut(self) -> None:
        """No packet passes any more, in either direction; nobody is told."""
        _ip("-n", self.near, "link", "set", self.link, "down")

    def mend(self) -> None:
        _ip("-n", self.near, "link", "set", self.link, "up")
        _ip("-n", self.near, "route", "replace", "127.0.0.1/32", "via", _FAR, "src", _NEAR)

    def program(self, folder: Path, *arguments: str, cut: str = "") -> "subprocess.Popen[str]":
        """Start the program at the near end. `cut`: see `_HASTE`."""
        environ = {
            **os.environ,
            "QFLOW_GATEWAY": GATEWAY,
            "QFLOW_CLIENT_ID": "test-client",
            "QFLOW_CLIENT_SECRET": "test-canary-secret",
            "LINK": self.link,
            "CUT": cut,
        }
        script = [sys.executable, "-c", _HASTE + _PROGRAM, *arguments]
        return _started(self.near, script, folder, environ)

    def store(self) -> Store:
        """What the sandbox has seen and done, read from its data file."""
        return Store(self.data)

    def posts(self) -> int:
        store = self.store()
        try:
            return sum(one["path"].endswith("/run") for one in store.requests())
        finally:
            store.close()

    def ran(self) -> list[dict[str, Any]]:
        store = self.store()
        try:
            return store.executions()
        finally:
            store.close()


def _started(
    namespace: str, command: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["ip", "netns", "exec", namespace, *command],
        cwd=folder,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def partition(folder: Path, *faults: str) -> Iterator[Partition]:
    """Make the namespaces, the link and the sandbox; NotPermittedError where that can't be."""
    near, far = (f"qflow-{os.getpid()}-{end}" for end in ("near", "far"))
    made = Partition(near, far, "near0", folder / "sandbox.sqlite")
    server = None
    try:
        for name in (near, far):
            _ip("netns", "add", name)
        _ip("-n", near, "link", "add", "near0", "type", "veth", "peer", "far0", "netns", far)
        for name, device, address in ((near, "near0", _NEAR), (far, "far0", _FAR)):
            for setting in (
                "all/route_localnet=1",
                f"{device}/route_localnet=1",
                "all/rp_filter=0",
            ):
                _set(name, setting)
            _ip("-n", name, "address", "add", f"{address}/30", "dev", device)
        _ip("-n", far, "link", "set", "lo", "up")
        _ip("-n", far, "link", "set", "far0", "up")
        made.mend()
        command = [sys.executable, "-c", _PROGRAM, "sandbox", "--port", str(PORT)]
        command += ["--credentials", "test-client:test-canary-secret"]
        command += ["--data", str(made.data), "--duration", "0"]
        command += [word for one in faults for word in ("--fault", one)]
        server = _started(far, command, folder, os.environ)
        _wait_for(made)
        yield made
    finally:
        if server is not None:
            server.terminate()
            server.communicate(timeout=10)
        for name in (near, far):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _set(namespace: str, setting: str) -> None:
    name, _, value = setting.partition("=")
    write = f"echo {value} > /proc/sys/net/ipv4/conf/{name}"
    _ip("netns", "exec", namespace, "sh", "-c", write)


def _wait_for(made: Partition) -> None:
    """Wait until the sandbox can be reached from the other end of the link."""
    connect = f"import socket; socket.create_connection(('127.0.0.1', {PORT}), 1)"
    until = time.monotonic() + 15
    while True:
        try:
            _ip("netns", "exec", made.near, sys.executable, "-c", connect)
        except NotPermittedError as problem:
            if time.monotonic() > until:
                raise NotPermittedError(f"127.0.0.1 can't be routed here: {problem}") from None
            time.sleep(0.2)
        else:
            return
