"""A git server that is a process of its own, so that no kill of a client reaches it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until somebody listens at a port of this machine."""
    for _ in range(200):
        assert process.poll() is None, "the server ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nobody listens at port {port}")


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve the repositories of a folder over git://, pushes included; the folder's address."""
    port = free_port()
    command = [
        "git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all",
        "--enable=receive-pack", f"--base-path={folder}", str(folder),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            wait_for(port, process)
            yield f"git://127.0.0.1:{port}"
        finally:
            process.terminate()
