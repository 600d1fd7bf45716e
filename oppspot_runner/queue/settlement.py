"""Turns the outcome of an attempt into what its row becomes. Pure; `store.finish` writes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, assert_never

from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.breaker import Breaker
from oppspot_runner.base.jsonsafe import MOST_TEXT, clean, clean_text, cut_to_size
from oppspot_runner.base.outcome import Cancel, Done, Fail, Outcome, Release, Retry, Snooze
from oppspot_runner.base.redact import redact
from oppspot_runner.base.task import Task, TaskStatus

Metrics: TypeAlias = dict[str, int | float | str | None]
SPENT = {"api_calls": "api_calls", "tokens": "tokens_used", "cost_usd": "cost_usd"}
MOST_DELAY_S = 10 * 365 * 86_400.0
MOST_OUTPUT_BYTES = 4 * 1024 * 1024  # what is larger belongs in a table or a file of its own


@dataclass(frozen=True)
class Settlement:
    """What becomes of a task's row and of the row of this attempt in agent_executions.

    A `pending` task is due at `until`, else `delay_s` seconds after the database's now.
    `retries` is what is added to retry_count; `run_ms` how long the body ran. `output` is JSON
    text, `summary` the numbers in it. `breaker` is there when the attempt was an error for which
    the breaker of its agent may open.
    """

    task: Task
    status: TaskStatus
    execution_status: TaskStatus
    delay_s: float = 0.0
    until: datetime | None = None
    retries: int = 0
    error: str | None = None
    output: str | None = None
    summary: dict[str, Any] | None = None
    goal_context: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None
    run_ms: int = 0
    breaker: Breaker | None = None


def settlement(
    task: Task,
    outcome: Outcome,
    *,
    backoff: Backoff,
    max_retries: int,
    breaker: Breaker | Literal[False] = False,
    goal_context: dict[str, Any] | None = None,
    metrics: Metrics | None = None,
    run_ms: int = 0,
) -> Settlement:
    """What `outcome` means for `task`, whose agent allows `max_retries` errors.

    Only what a retry might mend counts for the `breaker`: Fail judges the task, not the agent.
    """
    ending = _ending(task, outcome, backoff, max_retries)
    spent = _spent(ending.get("summary") or {})
    return Settlement(
        task=task,
        goal_context=clean(goal_context) if goal_context else goal_context,
        metrics={**spent, **(metrics or {}), "wait_ms": task.wait_ms, "run_ms": run_ms},
        run_ms=run_ms,
        breaker=breaker or None if isinstance(outcome, Retry) else None,
        **ending,
    )


def _spent(numbers: dict[str, Any]) -> dict[str, int | float]:
    """What the agent says that it used, by the names under which agents say it."""
    return {metric: numbers.get(name, 0) for metric, name in SPENT.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ending(task: Task, outcome: Outcome, backoff: Backoff, max_retries: int) -> dict[str, Any]:
    match outcome:
        case Done(output):
            return {"status": "completed", "execution_status": "completed", **_written(output)}
        case Retry(error, after_s, output):
            return _retry(task, error, after_s, output, backoff, max_retries)
        case Fail(error, output):
            return _failed(error, output)
        case Snooze(reason, until, after_s):
            return {
                "status": "pending",
                "execution_status": "cancelled",
                "error": clean_text(reason, most=MOST_TEXT),
                "until": until,
                "delay_s": _seconds(after_s or 0.0),
            }
        case Cancel(reason):
            text = clean_text(reason, most=MOST_TEXT)
            return {"status": "cancelled", "execution_status": "cancelled", "error": text}
        case Release(reason):
            text = f"given back: {clean_text(reason, most=MOST_TEXT)}"
            return {"status": "pending", "execution_status": "cancelled", "error": text}
        case _:
            assert_never(outcome)


def _retry(
    task: Task,
    error: str,
    after_s: float | None,
    output: dict[str, Any] | None,
    backoff: Backoff,
    max_retries: int,
) -> dict[str, Any]:
    if task.retry_count >= max_retries:
        return _failed(error, output)
    delay_s = _seconds(backoff.delay_s(task.retry_count) if after_s is None else after_s)
    return {**_failed(error, output), "status": "pending", "retries": 1, "delay_s": delay_s}


def _seconds(wanted: float) -> float:
    # Always a float: the driver refuses a batch in which some are whole numbers.
    return float(min(max(wanted, 0.0), MOST_DELAY_S)) if math.isfinite(wanted) else MOST_DELAY_S


def _failed(error: str, output: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "status": "failed",
        "execution_status": "failed",
        "error": clean_text(redact(error), most=MOST_TEXT) or "an error without a message",
        **(_written(output) if output is not None else {}),
    }


def _written(output: dict[str, Any]) -> dict[str, Any]:
    kept, text = cut_to_size(clean(output), MOST_OUTPUT_BYTES)
    numbers = {key: value for key, value in kept.items() if _is_number(value)}
    return {"output": text, "summary": numbers}
