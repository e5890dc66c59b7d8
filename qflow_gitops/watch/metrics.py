"""What a watch measures, in Prometheus' format; needs the extra `watch`."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

import qflow_gitops
from qflow_gitops.watch.serving import Answer

if TYPE_CHECKING:
    from qflow_gitops.watch.health import Health

_PREFIX = "qflow_gitops_watch"


class _Standing(Collector):
    """Says how a watch stands, each time that it is asked; nothing is kept beside that."""

    def __init__(self, every: float) -> None:
        self.every = every
        self.health: Health | None = None

    def collect(self) -> Iterator[Metric]:
        version = {"version": qflow_gitops.__version__}
        yield InfoMetricFamily("qflow_gitops_build", "The program.", version)
        yield _gauge("interval_seconds", "Seconds between two rounds.", self.every)
        rounds = CounterMetricFamily(
            f"{_PREFIX}_rounds", "Rounds by the exit code of their apply.", labels=["exit_code"]
        )
        stands = self.health
        for code, count in sorted(stands.rounds.items()) if stands else ():
            rounds.add_metric([str(code)], count)
        yield rounds
        if stands is None:
            return
        yield _gauge("last_round_timestamp_seconds", "When a round ended.", stands.at.timestamp())
        yield _gauge("last_round_duration_seconds", "How long it took.", stands.seconds)
        yield _gauge("last_round_exit_code", "How its apply ended.", stands.last.exit_code)
        yield _gauge("next_round_timestamp_seconds", "When one begins.", stands.next.timestamp())
        yield _gauge("held_runs", "Runs that a person has to release.", stands.last.held)
        yield _gauge("doubtful_runs", "Runs that may have run.", stands.last.doubts)
        if stands.last_good:
            told = "When a round got through."
            yield _gauge("last_good_round_timestamp_seconds", told, stands.last_good.timestamp())


class Metrics:
    """Makes what is answered to Prometheus."""

    def __init__(self, every: float) -> None:
        """Take the seconds between two rounds."""
        self._standing = _Standing(every)
        self._registry = CollectorRegistry()
        self._registry.register(self._standing)
        ProcessCollector(registry=self._registry)

    def __call__(self, health: Health | None) -> Answer:
        """Return everything that is measured."""
        self._standing.health = health
        return Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry))


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", told, value=value)
