"""Chooses where a fleet's members are worked on, and is the other end of it: a worker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qflow_gitops.cli import fleet_before, fleet_wiring
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.errors import AGAIN, InvalidInput, QflowError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.fleet.engines.engine import Engine
    from qflow_gitops.fleet.services import FleetServices
    from qflow_gitops.fleet.serving import Server
    from qflow_gitops.ports.fleet import FleetStore
    from qflow_gitops.settings.fleet import Fleet

BROKER = "QFLOW_FLEET_BROKER"
_SCHEMES = ("redis://", "rediss://", "redis+socket://", "amqp://", "amqps://")
_LAST = 5.0
"""Seconds that a remote has to answer once somebody asked to stop."""
_NOTHING = "No member was worked on."


def engine(
    wiring: Wiring, name: str, inventory: str, acks: Mapping[str, int]
) -> Callable[[Fleet], Engine]:
    """Choose an engine. Raises UsageProblem for what workers elsewhere couldn't know."""
    if name == "local":
        from qflow_gitops.fleet.engines.local import Local

        return lambda fleet: Local(fleet.at_once)
    broker = _broker(wiring)
    unknown = {"--inventory": inventory, "--ack unmerged": "unmerged" in acks}
    for option in [each for each, given in unknown.items() if given]:
        raise UsageProblem(
            f"Workers read fleet.yaml from the remote's default branch, so `{option}` means "
            "nothing to them.",
            not_done=_NOTHING,
            hint="Leave it out and have the change merged, or work on the members from here: "
            "`qflow-gitops fleet apply --engine local`",
            reason="engine",
        )
    _check_remote(wiring)
    try:
        from qflow_gitops.fleet.engines.celery import CeleryEngine
    except ImportError:
        raise _no_celery() from None
    return lambda _: CeleryEngine(broker)


def serve(wiring: Wiring, concurrency: int) -> int:
    """Be a worker until somebody ends it; the exit code."""
    try:
        return _serve(wiring, concurrency)
    except QflowError as problem:
        problem.hint = problem.hint.replace(AGAIN, wiring.typed)
        wiring.console.error(problem)
        return int(problem.exit_code)


def _serve(wiring: Wiring, concurrency: int) -> int:
    import threading

    broker = _broker(wiring)
    _check_remote(wiring)
    longest = fleet_wiring.alone(wiring, fleet_wiring.commit_of(wiring, "HEAD")).time
    try:
        from qflow_gitops.fleet.engines import celery_worker
    except ImportError:
        raise _no_celery() from None
    stopping, say = threading.Event(), wiring.console.say
    with fleet_wiring.presence(wiring).shown() as name:
        server = _server(wiring, name, stopping.is_set)
        say(f"Waiting for members, {concurrency} at once.")
        return celery_worker.serve(broker, longest, concurrency, server, stopping, say)


def _server(wiring: Wiring, name: str, stop: Callable[[], bool]) -> Server:
    from qflow_gitops.fleet.serving import Server, is_on_default_branch
    from qflow_gitops.fleet.worker import without_the_dead

    store = fleet_wiring.store(wiring)
    is_dead = fleet_wiring.presence(wiring).is_dead
    # What can't be read or trusted is told now, and not with each message.
    store.change(lambda record: without_the_dead(record, is_dead))
    return Server(
        store,
        SystemClock(),
        lambda commit: is_on_default_branch(wiring.branches, fleet_wiring.REMOTE, commit),
        lambda commit, base: replace(_services(wiring, store, commit, base, stop), id=name),
        wiring.console.say,
    )


def _services(
    wiring: Wiring, store: FleetStore, commit: str, base: str, stop: Callable[[], bool]
) -> FleetServices:
    """Read the fleet of a commit and of the one before it, and build what works on it."""
    from qflow_gitops.fleet.services import FleetServices

    fleet = fleet_wiring.alone(wiring, commit)
    earlier = fleet_before.at(wiring, base, fleet_wiring.REMOTE)
    if base and earlier is None:
        raise InvalidInput(
            f"The fleet.yaml of commit {base[:10]}, whose waves hold as well, can't be read here.",
            where=store.where,
            not_done=_NOTHING,
            hint=f"`git fetch {fleet_wiring.REMOTE}`, and use the program that the driver uses.",
            reason="fleet_base",
        )
    return FleetServices(
        fleet=fleet,
        before=(earlier,) if earlier else (),
        commit=commit,
        store=store,
        reach=fleet_wiring.reach(
            wiring, wiring.environ, fleet, lambda: _LAST if stop() else fleet_wiring.FETCH, stop
        ),
        clock=SystemClock(),
        author=wiring.author(),
        frozen=lambda: fleet_wiring.frozen(wiring),
        stop=stop,
        is_dead=fleet_wiring.presence(wiring).is_dead,
    )


def _broker(wiring: Wiring) -> str:
    broker = wiring.environ.get(BROKER, "")
    if not broker.startswith(_SCHEMES):
        said = "It is no address of Redis or RabbitMQ." if broker else "It isn't set."
        raise UsageProblem(
            said,
            where=BROKER,
            not_done=_NOTHING,
            hint="Set it to the broker that driver and workers have in common: "
            "redis://HOST:6379/0, rediss://…, amqp://… or amqps://…",
            reason="broker",
        )
    return broker


def _check_remote(wiring: Wiring) -> None:
    if fleet_wiring.REMOTE not in wiring.git.remotes():
        raise UsageProblem(
            f"The fleet's repository has no remote {fleet_wiring.REMOTE}, and workers agree by a "
            "branch of it.",
            where=str(wiring.git.root),
            not_done=_NOTHING,
            hint="Work on the members from here: `qflow-gitops fleet apply --engine local`",
            reason="engine",
        )


def _no_celery() -> UsageProblem:
    return UsageProblem(
        "The engine needs Celery, which isn't installed.",
        not_done=_NOTHING,
        hint="`pip install 'qflow-gitops[celery]'`",
        reason="engine",
    )
