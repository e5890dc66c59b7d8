"""Celery's worker, with a door before it: of a message only a commit and a member's name pass."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from celery import Celery, signals
from celery.worker.consumer import Consumer
from kombu import Message as Delivered
from kombu.exceptions import KombuError

from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.base.printable import shown
from qflow_gitops.fleet.engines.celery import QUEUE, TASK, app_of, check_queue
from qflow_gitops.fleet.serving import Message, Refused, read

_LONGEST = 64 * 1024
"""Bytes that a message may have."""
_TOLD = 500
"""Characters of what Celery warns of."""
_KNOWN = {
    "delivery acknowledgement": "RabbitMQ gave up on a message, since a member takes longer than "
    "its `consumer_timeout`. What was begun goes on; what is delivered again is put aside.",
    "Couldn't ack": "",  # it is delivered again, and put aside
}
"""What Celery warns of, by some words of it, and what that means here; "" for nothing."""
_PAUSE = 1.0
"""Seconds before it is begun anew, after the broker sent what can't be read."""


class _Heard(logging.Handler):
    """Tells what Celery warns of, in a line each: not how its program came there."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        said = shown(without_secrets(" ".join(record.getMessage().split())))[:_TOLD]
        known = (told for words, told in _KNOWN.items() if words in said)
        if told := next(known, said):
            self._say(told)


class _Door(Consumer):  # type: ignore[misc]  # it ships no type information
    """Takes messages off the queue, and hands on what is left of them once they were read.

    Celery takes limits, times, other tasks and more from a message, and one in which these are
    something else ends the worker: so it gets none of them.
    """

    say: Callable[[str], None]

    def create_task_handler(self, *given: Any, **more: Any) -> Callable[[Delivered], None]:
        handle = super().create_task_handler(*given, **more)

        def guarded(message: Delivered) -> None:
            try:
                _strip(message)
            except Refused as problem:
                self.say(f"A message was put aside: {problem}.")
                message.ack_log_error(None, ())
            else:
                handle(message)

        return guarded


def _strip(message: Delivered) -> None:
    """Leave of a message what it is for. Raises Refused where it is for nothing else."""
    headers = message.headers
    if not isinstance(headers, Mapping) or headers.get("task") != TASK:
        raise Refused("it is for another task")
    if message.content_type != "application/json":
        raise Refused("it isn't JSON")
    body = message.body
    if not isinstance(body, bytes | str) or len(body) > _LONGEST:
        raise Refused("it is too long")
    try:
        words, given, _ = json.loads(body)
        told = read(tuple(words), dict(given))
    except (ValueError, TypeError, RecursionError):
        raise Refused("it isn't as Celery writes one") from None
    message.headers = {"lang": "py", "task": TASK, "id": str(uuid4())}
    message.body = json.dumps([[], told._asdict(), {}])
    message.content_encoding = "utf-8"


def serve(
    broker: str,
    member_time: float,
    at_once: int,
    work: Callable[[Message], None],
    stopping: threading.Event,
    say: Callable[[str], None],
) -> int:
    """Take messages until somebody asks to stop; each is given to `work`, on a thread.

    Whatever comes of it, the message is done with: the driver publishes what isn't. Raises
    UsageProblem where the queue is another program's.
    """
    app = app_of(broker, member_time)
    with contextlib.suppress(KombuError, OSError):  # it is waited for
        check_queue(app)
    _hush()
    heard = _Heard(say)

    def listen(**_: Any) -> None:
        for name in ("celery", "kombu", "amqp"):
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [heard], False

    @app.task(name=TASK, shared=False, typing=False)  # type: ignore[untyped-decorator]
    def member(commit: str, member: str) -> None:
        work(Message(commit, member))

    def stop(**_: Any) -> None:
        stopping.set()

    signals.setup_logging.connect(listen)  # with that Celery sets up no log of its own
    signals.worker_shutting_down.connect(stop)
    while not stopping.is_set():
        _serve_once(app, at_once, say)
        if not stopping.wait(_PAUSE):
            say("The broker sent what no program can read; it is begun anew.")
    return 0


def _serve_once(app: Celery, at_once: int, say: Callable[[str], None]) -> None:
    door = type("Door", (_Door,), {"say": staticmethod(say)})
    worker = app.Worker(
        pool="threads",
        concurrency=at_once,
        queues=[QUEUE],
        consumer_cls=door,
        loglevel="WARNING",
        quiet=True,
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
    )
    _hush()  # it has set up which warnings are shown
    worker.start()


def _hush() -> None:
    """Let Celery warn nobody of pickle, which isn't used, and of what its next version will do."""
    warnings.filterwarnings("ignore", module="celery")
