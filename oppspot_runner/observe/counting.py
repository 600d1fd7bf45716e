"""What this process did, counted from the events of its runner and from answered requests."""

from __future__ import annotations

import math
import os
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from oppspot_runner.base import events
from oppspot_runner.base.events import EventBus
from oppspot_runner.base.outcome import Cancel, Done, Fail, Release, Retry, Snooze
from oppspot_runner.base.task import Task
from oppspot_runner.observe import catalog
from oppspot_runner.observe.catalog import Metric
from oppspot_runner.observe.tallies import (
    BUCKETS_MS,
    OTHER,
    Counter,
    Distribution,
    Histogram,
    Labels,
    empty_counts,
)

INFINITE = math.inf
NO_AGENT = "none"
MOST_KINDS = 300  # of task type, agent type and outcome
MOST_NAMES = 50  # of numbers in results, for each of those
OUTCOMES: Mapping[type, str] = {
    Done: "completed",
    Retry: "retried",
    Fail: "failed",
    Snooze: "snoozed",
    Cancel: "cancelled",
    Release: "released",
}
REASONS = {"retried": "error", "snoozed": "snoozed", "released": "released"}
TASK_TYPE, AGENT_TYPE, OUTCOME = range(3)

Key = tuple[str, str | None, type, str]
Sample = tuple[Metric, Labels, float | Distribution]


@dataclass(slots=True)
class Ends:
    """What is counted of ends of one task type, agent type and outcome; times in milliseconds."""

    run: list[int] = field(default_factory=empty_counts)
    wait: list[int] = field(default_factory=empty_counts)
    run_ms: int = 0
    wait_ms: int = 0
    results: dict[str, float] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """How many there were."""
        return sum(self.run)

    def sum_up(self, numbers: Mapping[str, float]) -> None:
        """Adds the numbers of one output. A sum cannot fall, so those below zero are left out."""
        results = self.results
        for name, number in numbers.items():
            if 0 < number < INFINITE and (name in results or len(results) < MOST_NAMES):
                results[name] = results.get(name, 0.0) + number


class RunnerCounts:
    """Counts what happens in the runner whose events go to `bus`."""

    def __init__(self, bus: EventBus) -> None:
        own = [one for one in catalog.CATALOG if one.source == "runner"]
        self._sums = {one: Counter() for one in own if one.kind == "counter"}
        self._times = {one: Histogram() for one in own if one.kind == "histogram"}
        self._ends: dict[Key, Ends] = {}
        bus.subscribe(events.TaskFinished, self.task_finished)
        bus.subscribe(events.ResultDropped, self.result_dropped)
        bus.subscribe(events.ResultsSaved, self.results_saved)
        bus.subscribe(events.ModelCalled, self.model_called)
        bus.subscribe(events.ToolCalled, self.tool_called)
        bus.subscribe(events.TasksRescued, self.tasks_rescued)
        bus.subscribe(events.LeaseLost, lambda _: self._count(catalog.LEASE_LOST))
        bus.subscribe(events.BreakerOpened, lambda _: self._count(catalog.BREAKERS_MOVED, "opened"))
        bus.subscribe(events.BreakerClosed, lambda _: self._count(catalog.BREAKERS_MOVED, "closed"))
        bus.subscribe(events.ScheduleStopped, lambda _: self._count(catalog.SCHEDULES_STOPPED))
        bus.subscribe(events.NotificationsFailed, lambda _: self._count(catalog.DELIVERY_FAULTS))
        bus.subscribe(events.DatabaseAway, lambda _: self._count(catalog.DATABASE_AWAY))
        bus.subscribe(events.DatabaseBack, self.database_back)
        bus.subscribe(events.LoopStoodStill, self.loop_stood_still)

    def task_finished(self, event: events.TaskFinished) -> None:
        """Of each task, so it looks up one thing and adds to it, without another call."""
        task, outcome = event.task, type(event.outcome)
        agent = task.agent
        agent_type = None if agent is None else agent.agent_type
        key = (task.task_type, agent_type, outcome, event.status)
        ends = self._ends.get(key) or self._new_ends(key)
        run_ms, wait_ms = event.run_ms, task.wait_ms
        ends.run[bisect_left(BUCKETS_MS, run_ms)] += 1
        ends.wait[bisect_left(BUCKETS_MS, wait_ms)] += 1
        ends.run_ms += run_ms
        ends.wait_ms += wait_ms
        if event.error is not None:
            self._count_error(event)
        elif event.summary:
            ends.sum_up(event.summary)

    def _count_error(self, event: events.TaskFinished) -> None:
        if isinstance(event.outcome, Retry | Fail):
            final = "true" if event.status == "failed" else "false"
            self._count(catalog.ERRORS, _agent_type(event.task), event.outcome.kind, final)

    def _new_ends(self, key: Key) -> Ends:
        if len(self._ends) >= MOST_KINDS:
            key = (OTHER, OTHER, *key[2:])
        return self._ends.setdefault(key, Ends())

    def result_dropped(self, event: events.ResultDropped) -> None:
        self._count(catalog.SETTLED, "lost" if event.lost else "dropped")

    def results_saved(self, event: events.ResultsSaved) -> None:
        result = "saved" if event.error is None else "failed"
        self._count(catalog.SAVES, _agent_type(event.task), result)

    def model_called(self, event: events.ModelCalled) -> None:
        model = (event.provider, event.model)
        self._count(catalog.LLM_CALLS, *model, event.code or "ok")
        self._times[catalog.LLM_DURATION].of(model).add(event.took_s)
        for kind, tokens in event.tokens.items():
            if tokens:
                self._count(catalog.LLM_TOKENS, *model, kind, amount=tokens)
        if event.cost_usd:
            self._count(catalog.LLM_COST, *model, amount=float(event.cost_usd))

    def tool_called(self, event: events.ToolCalled) -> None:
        self._count(catalog.TOOL_CALLS, event.tool, event.code or "ok")
        self._times[catalog.TOOL_DURATION].of((event.tool,)).add(event.took_s)

    def tasks_rescued(self, event: events.TasksRescued) -> None:
        put_back = len(event.task_ids) - event.failed
        self._count(catalog.RESCUED, "put_back", amount=put_back)
        self._count(catalog.RESCUED, "failed", amount=event.failed)
        self._count(catalog.RETRIES, "crash", amount=put_back)

    def database_back(self, event: events.DatabaseBack) -> None:
        self._count(catalog.DATABASE_AWAY_S, amount=event.away_s)

    def loop_stood_still(self, event: events.LoopStoodStill) -> None:
        self._count(catalog.STANDSTILLS_S, amount=event.seconds)

    def samples(self) -> Iterator[Sample]:
        """All numbers as they stand."""
        yield from self._of_ends()
        for metric, counter in self._sums.items():
            for labels, value in counter.sums.items():
                yield metric, labels, value
        for metric, histogram in self._times.items():
            for labels, found in histogram.by_labels.items():
                yield metric, labels, found

    def _of_ends(self) -> Iterator[Sample]:
        runs, waits = Histogram(), Histogram()
        results, retries = Counter(), Counter()
        tasks = Counter(2 * MOST_KINDS)
        for key, ends in self._ends.items():
            labels = _labels(key)
            tasks.add(labels, ends.number)
            runs.of((labels[AGENT_TYPE],)).merge(Distribution(ends.run, ends.run_ms / 1000))
            waits.of((labels[TASK_TYPE],)).merge(Distribution(ends.wait, ends.wait_ms / 1000))
            if labels[OUTCOME] in REASONS:
                retries.add((REASONS[labels[OUTCOME]],), ends.number)
            for name, total in ends.results.items():
                results.add((labels[AGENT_TYPE], name), total)
        yield catalog.SETTLED, ("written",), sum(ends.number for ends in self._ends.values())
        counted = ((catalog.TASKS, tasks), (catalog.RESULTS, results), (catalog.RETRIES, retries))
        for metric, counter in counted:
            for one, value in counter.sums.items():
                yield metric, one, value
        for metric, histogram in ((catalog.DURATION, runs), (catalog.WAIT, waits)):
            for one, found in histogram.by_labels.items():
                yield metric, one, found

    def _count(self, metric: Metric, *labels: str, amount: float = 1) -> None:
        self._sums[metric].add(labels, amount)


def _agent_type(task: Task) -> str:
    return task.agent_type or NO_AGENT


def _labels(key: Key) -> Labels:
    task_type, agent_type, outcome, status = key
    # An error that had no retry left is a failure.
    return task_type, agent_type or NO_AGENT, "failed" if status == "failed" else OUTCOMES[outcome]


class RequestCounts:
    """Counts the requests that this process answered."""

    def __init__(self) -> None:
        self.worker = str(os.getpid())
        self.open_streams = 0
        self._answered = Counter()
        self._times = Histogram()

    def answered(self, route: str, method: str, status: int, took_s: float | None) -> None:
        """One more answer; `took_s` in seconds is None for a stream."""
        self._answered.add((route, method, f"{status // 100}xx", self.worker))
        if took_s is not None:
            self._times.of((route, self.worker)).add(took_s)

    def samples(self) -> Iterator[Sample]:
        """All numbers as they stand."""
        yield catalog.OPEN_STREAMS, (self.worker,), self.open_streams
        for labels, value in self._answered.sums.items():
            yield catalog.REQUESTS, labels, value
        for labels, found in self._times.by_labels.items():
            yield catalog.REQUEST_DURATION, labels, found
