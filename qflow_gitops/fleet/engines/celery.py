"""Members are worked on by Celery's workers, on any number of machines.

A message holds the fleet's commit and a member's name. What comes of it is read in fleet.lock, by
the driver as by the workers: the broker only says that somebody should look there. So whatever
it loses, repeats or makes up costs time and nothing else.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from celery import Celery
from kombu import Connection, Queue
from kombu.exceptions import KombuError

from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.errors import AGAIN, UnreachableError, UsageProblem
from qflow_gitops.fleet.worker import MARGIN, Worker

QUEUE = "qflow-fleet"
TASK = "qflow_gitops.member"
_SOON, _LATEST, _SLOWER = 1.0, 3.0, 1.2
"""Seconds between two looks at fleet.lock: more and more while nothing changes there."""
_LOST, _PATIENT = 5.0, 300.0
"""Seconds after which what nobody took is published again, twice as many each time."""
_NOBODY = 900.0
"""Seconds that it is waited for a worker to take anything."""
_TRIES = 5
"""So often a member is published that workers begin and give back, or die of."""
_GLANCE = 0.25
"""Seconds between two looks at whether somebody asks to stop."""
_ANSWER = 5.0
"""Seconds that a broker may take to answer."""


class _Sent(NamedTuple):
    """A member was published, and is taken for lost from then on; after so many seconds."""

    pause: float
    until: float


def app_of(broker: str, member_time: float) -> Celery:
    """Return the application that driver and workers have in common.

    `member_time` is how long one member's process may run; what is taken and not done after that
    the broker gives to another worker, which does no harm where it is too early.
    """
    for name in [each for each in os.environ if each.startswith("CELERY_")]:
        del os.environ[name]  # Celery would take these for the broker, before what it is told
    app = Celery("qflow-gitops", broker=broker, set_as_current=False, fixups=())
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        event_serializer="json",
        result_accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        task_default_queue=QUEUE,
        task_queues=[Queue(QUEUE, routing_key=QUEUE, durable=True)],
        task_create_missing_queues=False,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,  # else whoever reaches the broker commands workers
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # RabbitMQ ends the channel of who takes longer than its `consumer_timeout`: what was begun
        # goes on, and what is delivered again finds the member claimed.
        broker_channel_error_retry=True,
        broker_transport_options={
            "visibility_timeout": member_time + 2 * MARGIN,
            "socket_connect_timeout": _ANSWER,
            "confirm_publish": True,
        },
    )
    return app


def check_queue(app: Celery) -> tuple[type[Exception], ...]:
    """Make the queue where there is none; give what the broker's own library raises.

    Raises UsageProblem where another program made it in another way, and KombuError or OSError
    where the broker doesn't answer.
    """
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=_ANSWER)
        try:
            _declared(connection)
        except connection.channel_errors as problem:
            raise UsageProblem(
                f"The broker has a queue {QUEUE} that isn't as the fleet makes it.",
                where=f"{without_secrets(app.conf.broker_url)}: {problem}",
                not_done="No member was begun.",
                hint="Give the fleet a virtual host of its own in QFLOW_FLEET_BROKER, or, where "
                "nobody else uses the queue: `rabbitmqctl delete_queue qflow-fleet`",
                reason="broker",
            ) from None
        return (*connection.connection_errors, *connection.channel_errors)


def _declared(connection: Connection) -> int:
    """Make the queue where there is none; how many messages wait in it."""
    # Not passively: an empty queue of Redis isn't there, and would be an error.
    declared = connection.default_channel.queue_declare(QUEUE, durable=True, auto_delete=False)
    return int(declared.message_count)


@dataclass
class CeleryEngine:
    """Implements `Engine`.

    What another `fleet apply` has begun is waited for, too: its workers record it likewise.
    """

    broker: str
    _app: Celery = field(init=False)
    _troubles: tuple[type[Exception], ...] = (KombuError, OSError)
    _sent: dict[str, _Sent] = field(default_factory=dict)
    _times: Counter[str] = field(default_factory=Counter)

    def run(self, worker: Worker) -> Iterator[str]:
        """Have members worked on as long as it is anybody's turn; give each name as it has ended.

        Raises UnreachableError where the broker doesn't answer at first, or no worker ever does.
        """
        self._app = app_of(self.broker, worker.services.fleet.time)
        self._check_broker()
        clock, before, told = worker.services.clock, worker.turns.record, set(worker.worked)
        last, nap = clock.monotonic(), _SOON
        try:
            while True:
                names = self._still(worker.publish(before, worker.lasts))
                before = worker.turns.record
                yield from (ended := worker.worked.keys() - told)
                told |= ended
                busy = sum(bool(before.holder(name, clock.now())) for name in worker.turns.looked)
                if worker.services.stop() or worker.overtaken or not (names or busy):
                    return
                room = max(0, worker.services.fleet.at_once - busy)
                sent = self._publish(names[:room], worker.services.commit, clock.monotonic())
                if ended or busy:
                    last = clock.monotonic()
                elif clock.monotonic() - last > _NOBODY:
                    raise _nobody()
                nap = _SOON if ended or sent else min(nap * _SLOWER, _LATEST)
                _sleep(worker, nap)
        finally:
            worker.close()

    def _still(self, names: list[str]) -> list[str]:
        """Leave out what was published again and again, since each worker gave it back."""
        return [name for name in names if self._times[name] < _TRIES or name in self._sent]

    def _check_broker(self) -> None:
        try:
            self._troubles += check_queue(self._app)
        except (KombuError, OSError) as problem:
            raise _unreachable(self.broker, problem) from None

    def _publish(self, names: list[str], commit: str, now: float) -> bool:
        """Tell the workers of members that are to be had; whether any was told of."""
        self._sent = {name: sent for name, sent in self._sent.items() if name in names}
        new = [name for name in names if name not in self._sent]
        old = [name for name, sent in self._sent.items() if now >= sent.until]
        try:
            # As long as any waits in the queue the workers are busy, and none is lost.
            if old and self._waiting():
                old = []
            for name in (*new, *old):
                given = {"commit": commit, "member": name}
                self._app.send_task(
                    TASK, kwargs=given, queue=QUEUE, retry=False, argsrepr="", kwargsrepr=""
                )
                pause = min(2 * self._sent[name].pause, _PATIENT) if name in old else _LOST
                self._sent[name] = _Sent(pause, now + pause)
            self._times.update(new)
        except self._troubles:
            return False  # as good as lost: what is to be had is published again
        return bool(new or old)

    def _waiting(self) -> int:
        """Count the messages that no worker has yet."""
        with self._app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=_ANSWER)
            return _declared(connection)


def _sleep(worker: Worker, seconds: float) -> None:
    clock = worker.services.clock
    until = clock.monotonic() + seconds
    while clock.monotonic() < until and not worker.services.stop():
        clock.sleep(_GLANCE)


def _nobody() -> UnreachableError:
    return UnreachableError(
        f"No worker took a member for {_NOBODY / 60:.0f} minutes.",
        where=f"the queue {QUEUE}",
        not_done="No more members are begun.",
        hint="Look at what the workers say, or start some, in clones of this repository and with "
        "this broker: `qflow-gitops fleet worker`",
        reason="no_worker",
    )


def _unreachable(broker: str, problem: Exception) -> UnreachableError:
    """Say that a broker doesn't answer."""
    return UnreachableError(
        f"The broker doesn't answer: {type(problem).__name__}.",
        where=without_secrets(broker),
        not_done="No member was begun.",
        hint=f"Correct QFLOW_FLEET_BROKER, or start the broker, and run it again: `{AGAIN}`",
        reason="broker",
    )
