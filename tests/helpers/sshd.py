"""A real ssh server on this machine, with keys of its own, for git over ssh."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.gitdaemon import free_port, wait_for

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
MISSING = (
    "" if SSHD and shutil.which("ssh-keygen") else "needs sshd: apt-get install openssh-server"
)
if not MISSING and os.geteuid():
    MISSING = "sshd is started as root"


@dataclass(frozen=True)
class Sshd:
    """A running server: the address before a repository's path, and how to reach it."""

    address: str
    folder: Path

    def command(self, *, key: str = "client", known: str = "known_hosts") -> str:
        """The ssh command with a key; `known` is the file of the hosts that it trusts."""
        options = [f"UserKnownHostsFile={self.folder / known}", "IdentitiesOnly=yes"]
        options += ["IdentityAgent=none"]
        words = ["ssh", "-F", "/dev/null", "-i", str(self.folder / key)]
        return " ".join([*words, *(word for one in options for word in ("-o", one))])


def _key(path: Path) -> str:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True
    )
    return path.with_suffix(".pub").read_text()


@contextmanager
def serve_ssh(folder: Path) -> Iterator[Sshd]:
    """Start it with fresh keys: `client` is let in, `stranger` isn't."""
    folder.mkdir()
    host, client, _ = (_key(folder / name) for name in ("host", "client", "stranger"))
    (folder / "authorized").write_text(client)
    port = free_port()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host}")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
        "KexAlgorithms curve25519-sha256\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\n"
        f"SetEnv HOME={folder}\n"  # else the shell of each session reads the user's own files
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd gives up its rights
    command = [str(SSHD), "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")]
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            wait_for(port, process)
            user = pwd.getpwuid(os.geteuid()).pw_name
            yield Sshd(f"ssh://{user}@127.0.0.1:{port}", folder)
        finally:
            process.terminate()
