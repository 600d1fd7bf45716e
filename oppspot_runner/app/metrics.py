"""Wires the metrics of a process: what its runner does, what it answers, how the fleet stands."""

from __future__ import annotations

from collections.abc import Iterator

from oppspot_runner.base.events import RunnerStarted, WakeChanged
from oppspot_runner.db.pool import Database
from oppspot_runner.observe import catalog
from oppspot_runner.observe.counting import RequestCounts, RunnerCounts, Sample
from oppspot_runner.observe.fleet import FleetGauges
from oppspot_runner.observe.metrics import Metrics
from oppspot_runner.runner.loop import Runner


def build_metrics(database: Database, requests: RequestCounts, runner: Runner | None) -> Metrics:
    """The metrics of this process, which may have a runner; it is counted from now on."""
    own = [requests.samples, lambda: pool_gauges(database)]
    if runner is not None:
        own += [RunnerCounts(runner.events).samples, RunnerGauges(runner).samples]
    return Metrics(FleetGauges(database), own)


def pool_gauges(database: Database) -> Iterator[Sample]:
    """The connections of a process."""
    use = database.use()
    idle = use["pool_available"]
    yield catalog.POOL, ("in_use",), use["pool_size"] - idle
    yield catalog.POOL, ("idle",), idle
    yield catalog.POOL_WAITING, (), use.get("requests_waiting", 0)


class RunnerGauges:
    """How a runner stands."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.wake = "poll"
        runner.events.subscribe(RunnerStarted, self._heard_of_wake)
        runner.events.subscribe(WakeChanged, self._heard_of_wake)

    def _heard_of_wake(self, event: RunnerStarted | WakeChanged) -> None:
        self.wake = event.wake

    def samples(self) -> Iterator[Sample]:
        """Its gauges."""
        runner = self.runner
        yield catalog.RUNNER_INFO, (runner.config.version, runner.state, self.wake), 1
        yield catalog.RUNNER_SLOTS, (), runner.config.slots
        yield catalog.RUNNER_RUNNING, (), len(runner.attempts)
        if runner.watchdog is not None:
            yield catalog.LOOP_LAG, (), runner.watchdog.watch.late_s
