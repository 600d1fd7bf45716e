"""structlog set up once: console lines on a terminal, else JSON; secrets never get through.

What libraries log by the standard library is written in the same form. Also the subscriber that
turns a runner's events into log lines. Every line about a task carries task_id, execution_id,
agent_id, agent_type, stream_id, org_id, runner and attempt.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO, cast
from uuid import UUID

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import FilteringBoundLogger, Processor

from oppspot_runner.base import events
from oppspot_runner.base.events import EventBus
from oppspot_runner.base.outcome import Snooze
from oppspot_runner.base.redact import redact
from oppspot_runner.base.task import Task
from oppspot_runner.observe.stderr import PresentStderr

OURS = "oppspot_runner"
TraceId = Callable[[Task], str | None]
Tell = Callable[[str, str, Mapping[str, Any]], None]


def redact_line(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The structlog processor that redacts a whole line."""
    cleaned: dict[str, Any] = redact(dict(line))
    return cleaned


def ids_as_text(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The structlog processor that writes ids as people do; only lines that are written pay."""
    return {key: str(one) if isinstance(one, UUID) else one for key, one in line.items()}


def named(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor that says who speaks, where the line does not."""
    line.setdefault("logger", OURS)
    return line


class StandardLines(logging.Handler):
    """Writes what is logged by the standard library like our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line; a record that cannot be written is told of, and harms nothing."""
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 - whatever the values of a record do
            structlog.get_logger().error(
                "a line could not be logged", logger=record.name, error=repr(error)
            )
        else:
            structlog.PrintLogger(STDERR).msg(text)


STDERR = cast(TextIO, PresentStderr())
STANDARD = StandardLines()


def set_up(form: str | None = None, level: str = "info") -> None:
    """Configures the logging of this process, also that of libraries.

    `form` console or json; None: by the terminal.
    """
    if form == "console" or (form is None and sys.stderr.isatty()):
        last = [console()]
    else:
        last = [named, structlog.processors.JSONRenderer(default=str)]
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        ids_as_text,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_line,
        *last,
    ]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *shared],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=lambda *_: structlog.PrintLogger(STDERR),
        cache_logger_on_first_use=False,
    )
    STANDARD.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
            processors=[ProcessorFormatter.remove_processors_meta, *shared],
        )
    )
    root = logging.getLogger()
    root.addHandler(STANDARD)
    root.setLevel(least)
    logging.captureWarnings(True)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # outages are reported once, by us


def console() -> Processor:
    """Lines for people. Errors stay the text that was redacted."""
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def task_fields(task: Task, runner_id: int, trace_id: str | None = None) -> dict[str, Any]:
    """What every line about a task carries."""
    traced = {} if trace_id is None else {"trace_id": trace_id}
    return {
        **traced,
        "task_id": task.id,
        "execution_id": task.execution_id,
        "agent_id": task.agent.id if task.agent else None,
        "agent_type": task.agent_type or task.task_type,
        "stream_id": task.stream_id,
        "org_id": task.org_id,
        "runner": runner_id,
        "attempt": task.attempt,
    }


def task_log(
    task: Task, runner_id: int, tell: Tell | None = None, *, trace_id: str | None = None
) -> FilteringBoundLogger:
    """The logger that an agent gets as `ctx.log`. `tell` is told level, text and values of each
    line that is logged, without what every line of the task carries."""
    fields = task_fields(task, runner_id, trace_id)
    if tell is None:
        log: FilteringBoundLogger = structlog.get_logger(**fields)
        return log

    def tee(_logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        own = {key: one for key, one in line.items() if key not in fields}
        tell(method, str(own.pop("event", "")), own)
        return line

    set_up_as = structlog.get_config()
    told: FilteringBoundLogger = structlog.wrap_logger(
        set_up_as["logger_factory"](), processors=[tee, *set_up_as["processors"]], **fields
    )
    return told


class EventLog:
    """Writes a line for every event of a runner."""

    def __init__(self, bus: EventBus, trace_id: TraceId | None = None) -> None:
        self.trace_id = trace_id or (lambda _: None)
        self.log: FilteringBoundLogger = structlog.get_logger().bind()
        self.runner_id = 0
        bus.on_error = events.everybody.on_error = self.subscriber_failed
        bus.subscribe(events.RunnerStarted, self.runner_started)
        bus.subscribe(events.RunnerState, self.runner_state)
        bus.subscribe(events.WakeChanged, self.wake_changed)
        bus.subscribe(events.LoopStoodStill, self.loop_stood_still)
        bus.subscribe(events.TaskStarted, self.task_started)
        bus.subscribe(events.TaskFinished, self.task_finished)
        bus.subscribe(events.BreakerOpened, self.breaker_opened)
        bus.subscribe(events.BreakerClosed, self.breaker_closed)
        bus.subscribe(events.ResultDropped, self.result_dropped)
        bus.subscribe(events.TasksRescued, self.tasks_rescued)
        bus.subscribe(events.ScheduleStopped, self.schedule_stopped)
        bus.subscribe(events.NotificationsFailed, self.notifications_failed)
        bus.subscribe(events.LeaseLost, self.lease_lost)
        bus.subscribe(events.DatabaseAway, self.database_away)
        bus.subscribe(events.DatabaseBack, self.database_back)

    def _fields(self, task: Task) -> dict[str, Any]:
        return task_fields(task, self.runner_id, self.trace_id(task))

    def runner_started(self, event: events.RunnerStarted) -> None:
        self.runner_id = event.runner_id
        self.log.info(
            "runner started", runner=event.runner_id, slots=event.slots, poll_s=event.poll_s
        )

    def runner_state(self, event: events.RunnerState) -> None:
        self.log.info(
            "runner state", state=event.state, runner=event.runner_id, reason=event.reason
        )

    def wake_changed(self, event: events.WakeChanged) -> None:
        self.log.info("wake-up", by=event.wake, runner=event.runner_id, reason=event.reason)

    def loop_stood_still(self, event: events.LoopStoodStill) -> None:
        self.log.warning(
            "the event loop moves again",
            stood_still_s=round(event.seconds, 1),
            runner=event.runner_id,
        )

    def task_started(self, event: events.TaskStarted) -> None:
        if self.log.is_enabled_for(logging.DEBUG):
            self.log.debug("task started", **self._fields(event.task))

    def task_finished(self, event: events.TaskFinished) -> None:
        level = logging.ERROR if event.status == "failed" else logging.WARNING
        if isinstance(event.outcome, Snooze):  # as the agent wished
            level = logging.INFO
        if not self.log.is_enabled_for(logging.INFO if event.error is None else level):
            return
        fields = self._fields(event.task)
        fields |= {"status": event.status, "run_ms": event.run_ms, **event.spent}
        if event.error is None:
            self.log.info("task finished", **fields)
            return
        if event.next_attempt_s is not None:
            fields["next_attempt_s"] = event.next_attempt_s
        self.log.log(level, "attempt ended", error=event.error, **fields)

    def breaker_opened(self, event: events.BreakerOpened) -> None:
        self.log.warning(
            "breaker open: after errors in a row the agent's tasks wait", agent_id=event.agent_id
        )

    def breaker_closed(self, event: events.BreakerClosed) -> None:
        self.log.info("breaker closed: the agent's tasks go on", agent_id=event.agent_id)

    def result_dropped(self, event: events.ResultDropped) -> None:
        fields = self._fields(event.task)
        self.log.warning("stale_result", reason=event.reason, **fields)

    def tasks_rescued(self, event: events.TasksRescued) -> None:
        self.log.warning(
            "tasks of dead runners put back",
            runner=self.runner_id,
            tasks=[str(one) for one in event.task_ids],
            dead_runners=list(event.runner_ids),
            failed=event.failed,
        )

    def schedule_stopped(self, event: events.ScheduleStopped) -> None:
        self.log.error(
            "a schedule was stopped: see `oppspot-runner schedules list`",
            schedule=event.schedule_id,
            error=event.error,
        )

    def notifications_failed(self, event: events.NotificationsFailed) -> None:
        self.log.error("notifications are not sent: see `oppspot-runner doctor`", error=event.error)

    def lease_lost(self, event: events.LeaseLost) -> None:
        self.log.error(
            "lease lost: attempts were cancelled, the runner starts over",
            runner=event.runner_id,
            attempts=event.attempts,
        )

    def database_away(self, event: events.DatabaseAway) -> None:
        self.log.error("the database is away, waiting for it", error=event.error)

    def database_back(self, event: events.DatabaseBack) -> None:
        self.log.info("the database is back", away_s=round(event.away_s, 1))

    def subscriber_failed(self, event: events.Event, error: BaseException) -> None:
        self.log.error("a subscriber failed", event_type=type(event).__name__, error=repr(error))
