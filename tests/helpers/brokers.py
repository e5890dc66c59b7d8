"""A broker of the fleet's workers that tests start and end, and what can be put into its queue."""

import json
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from kombu import Connection, Queue

from qflow_gitops.fleet.engines.celery import QUEUE, TASK, app_of


class Broker(ABC):
    """A server of its own at `url`; as a context it is ended."""

    url: str

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start it, and wait until it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Kill it; what it held is gone."""

    @abstractmethod
    def push(self, raw: str) -> None:
        """Push what isn't even a message, as one does by hand."""

    @abstractmethod
    def waiting(self) -> int:
        """Count the messages that nobody has yet."""

    def restart(self) -> None:
        self.stop()
        self.start()

    def publish(self, *words: Any, name: str = TASK, **given: Any) -> None:
        """Put in a message as Celery would."""
        app = app_of(self.url, 60.0)
        app.send_task(name, args=words, kwargs=given, queue=QUEUE)

    def put(self, body: bytes, content_type: str = "application/json", **headers: Any) -> None:
        """Put in a message of any kind."""
        with Connection(self.url) as connection:
            producer = connection.Producer()
            producer.publish(
                body, routing_key=QUEUE, exchange="", declare=[Queue(QUEUE)], headers=headers,
                content_type=content_type, content_encoding="utf-8",
            )  # fmt: skip


def message(commit: str, member: str) -> bytes:
    """The body of a message as Celery writes it."""
    return json.dumps([[], {"commit": commit, "member": member}, {}]).encode()
