"""What happens in a runner, as typed events, and the bus that tells subscribers.

A subscriber that fails is reported once per event and can neither break nor silence anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from oppspot_runner.base.outcome import Outcome
from oppspot_runner.base.task import Task, TaskStatus


@dataclass(frozen=True)
class Event:
    """Something that happened in this process."""


@dataclass(frozen=True)
class RunnerStarted(Event):
    """The runner has its row and takes tasks. `wake` is notify or poll."""

    runner_id: int
    slots: int
    poll_s: float
    wake: str


@dataclass(frozen=True)
class RunnerState(Event):
    """The runner changed its state: running, paused, stopping, stopped; and why."""

    runner_id: int
    state: str
    reason: str = ""


@dataclass(frozen=True)
class WakeChanged(Event):
    """How the runner hears of new work changed: notify or poll."""

    runner_id: int
    wake: str
    reason: str


@dataclass(frozen=True)
class LoopStoodStill(Event):
    """Something held up the runner's event loop for that long; told when it moves again."""

    runner_id: int
    seconds: float


@dataclass(frozen=True)
class TaskStarted(Event):
    """An attempt begins."""

    task: Task


@dataclass(frozen=True)
class TaskFinished(Event):
    """The end of an attempt was written. `error` is None for a success.

    `spent` has `model_calls`, `tokens` and `cost_usd` where the attempt asked models; `summary`
    are the numbers of the output.
    """

    task: Task
    outcome: Outcome
    status: TaskStatus
    run_ms: int
    error: str | None = None
    next_attempt_s: float | None = None
    spent: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class BreakerOpened(Event):
    """An agent made so many errors in a row that its tasks wait; also when its last try failed."""

    agent_id: UUID


@dataclass(frozen=True)
class BreakerClosed(Event):
    """A task of an agent whose breaker was open completed: the others go on."""

    agent_id: UUID


@dataclass(frozen=True)
class ResultDropped(Event):
    """The end of an attempt was not written: the task is no longer this runner's.

    `lost`: it was not while the attempt ran; else somebody took it back, or ended it, at the end.
    """

    task: Task
    reason: str
    lost: bool = False


@dataclass(frozen=True)
class ResultsSaved(Event):
    """save_results of an agent was called; `error` says why it saved nothing."""

    task: Task
    error: str | None = None


@dataclass(frozen=True)
class ModelCalled(Event):
    """A call of a model ended for `task`. `code` is None for an answer; the cost may be unknown.

    `tokens` are counted by kind; an answer that was kept is no call.
    """

    task: Task
    provider: str
    model: str
    took_s: float
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost_usd: Decimal | None = None
    code: str | None = None


@dataclass(frozen=True)
class ToolCalled(Event):
    """A call of a tool by the agent of `task` ended. `code` is None when it succeeded."""

    task: Task
    tool: str
    took_s: float
    code: str | None = None


@dataclass(frozen=True)
class TasksRescued(Event):
    """Tasks of dead runners were put back, or failed after too many crashes."""

    task_ids: tuple[UUID, ...]
    runner_ids: tuple[int, ...]
    failed: int = 0


@dataclass(frozen=True)
class ScheduleStopped(Event):
    """A schedule means nothing or cannot start its task; it rests until somebody changes it."""

    schedule_id: UUID
    error: str


@dataclass(frozen=True)
class NotificationsFailed(Event):
    """What happened could not be gathered, or no delivery be begun; told once for each reason."""

    error: str


@dataclass(frozen=True)
class LeaseLost(Event):
    """This runner was taken for dead; it cancels its attempts and starts over."""

    runner_id: int
    attempts: int


@dataclass(frozen=True)
class DatabaseAway(Event):
    """The database does not answer; reported once until it is back."""

    error: str


@dataclass(frozen=True)
class DatabaseBack(Event):
    """The database answers again, after `away_s` seconds."""

    away_s: float


E = TypeVar("E", bound=Event)
Subscriber = Callable[[Any], None]
Tell = Callable[[Event], None]


def tell_nobody(_event: Event) -> None:
    """For who has no subscribers."""


@dataclass
class EventBus:
    """Tells subscribers of events, in the order they subscribed."""

    on_error: Callable[[Event, BaseException], None] | None = None
    _subscribers: list[tuple[type[Event], Subscriber]] = field(default_factory=list)
    _by_kind: dict[type[Event], list[Subscriber]] = field(default_factory=dict)

    def subscribe(self, kind: type[E], subscriber: Callable[[E], None]) -> None:
        """Calls `subscriber` for every event of `kind` or of a class below it."""
        self._subscribers.append((kind, subscriber))
        self._by_kind.clear()

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forgets `subscriber` altogether."""
        self._subscribers = [pair for pair in self._subscribers if pair[1] is not subscriber]
        self._by_kind.clear()

    def emit(self, event: Event) -> None:
        """Tells everybody; never raises."""
        kind = type(event)
        if kind not in self._by_kind:
            self._by_kind[kind] = [
                told for wanted, told in self._subscribers if issubclass(kind, wanted)
            ]
        for subscriber in self._by_kind[kind]:
            try:
                subscriber(event)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - none may hurt the work
                if self.on_error is not None:
                    with suppress(Exception):  # not even telling of it may hurt
                        self.on_error(event, error)


# Subscribers of people who use the package (`@on(...)`): every runner of the process tells them.
everybody = EventBus()


def on(kind: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Calls the decorated function for every event of `kind` in this process's runners.

    It runs in the runner's loop, so it should be quick; one that raises is logged and harms
    nothing.
    """

    def decorate(subscriber: Callable[[E], None]) -> Callable[[E], None]:
        everybody.subscribe(kind, subscriber)
        return subscriber

    return decorate
