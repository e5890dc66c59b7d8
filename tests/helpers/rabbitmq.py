"""Debian's RabbitMQ on the loopback address: a node, ports, a cookie and folders of its own."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from amqp import Connection, Message

from qflow_gitops.fleet.engines.celery import QUEUE
from tests.helpers.brokers import Broker
from tests.helpers.gitdaemon import free_port

PROGRAM = "rabbitmq-server"
_AS_IT_IS = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's own is a wrapper, which runs it as another user, in that one's folders."""
_SETTINGS = """\
loopback_users = none
disk_free_limit.absolute = 1MB
"""


class RabbitMQ(Broker):
    """A server of its own.

    `patience` is how many seconds it waits for a message to be acknowledged, which it looks at
    each second; without it, as long as it does by itself.
    """

    def __init__(self, folder: Path, patience: float | None = None) -> None:
        self.port, self.folder, self.patience = free_port(), folder / "rabbitmq", patience
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._names = free_port()
        self._between = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        settings = self.folder / "rabbitmq.conf"
        settings.write_text(_SETTINGS)
        further = self.folder / "advanced.config"
        further.write_text(self._patience())
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),  # the cookie is there
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",  # it ends, though it knows the node still
            "RABBITMQ_NODENAME": f"fleet-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._between),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(settings),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(further),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "kept"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
        }
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_AS_IT_IS], env=environ, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "server.log").read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        self._kill()
        shutil.rmtree(self.folder / "kept", ignore_errors=True)

    def push(self, raw: str) -> None:
        with self._connected() as connection:
            connection.channel().basic_publish(Message(raw), routing_key=QUEUE)

    def waiting(self) -> int:
        with self._connected() as connection:
            declared = connection.channel().queue_declare(QUEUE, durable=True, auto_delete=False)
            return int(declared.message_count)

    def make_queue(self, *, durable: bool) -> None:
        """Make the queue as another program might."""
        with self._connected() as connection:
            connection.channel().queue_declare(QUEUE, durable=durable, auto_delete=False)

    def _connected(self) -> Connection:
        return Connection(f"127.0.0.1:{self.port}", connect_timeout=5)

    def _patience(self) -> str:
        if self.patience is None:
            return "[]."
        settings = f"{{consumer_timeout, {round(self.patience * 1000)}}}"
        return f"[{{rabbit, [{settings}, {{channel_tick_interval, 1000}}]}}]."

    def _kill(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            # What keeps the names of nodes is a process that nobody waits for.
            subprocess.run(
                ["epmd", "-port", str(self._names), "-kill"], check=False, capture_output=True,
                env={**os.environ, "ERL_EPMD_ADDRESS": "127.0.0.1"},
            )  # fmt: skip

    def _answers(self) -> bool:
        try:
            with self._connected():
                return True
        except OSError:
            return False
