"""How a task looks: fields, attempts, steps and lineage; and what commands say of many tasks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from psycopg.rows import DictRow

from oppspot_runner.cli import output
from oppspot_runner.queue.client import TaskState
from oppspot_runner.queue.whole_task import Attempt, Step, WholeTask

if TYPE_CHECKING:
    from rich.console import RenderableType

DEFAULT_MAX_RETRIES = 3
PUT_OFF = ("waited", "snoozed", "given back")  # why attempts ended that others go on with


def as_dict(whole: WholeTask) -> dict[str, Any]:
    """The shape that is printed as JSON."""
    return asdict(whole)


def parts(whole: WholeTask) -> list[RenderableType]:
    """What is printed for people."""
    shown = [_fields(whole.task, _lineage(whole))]
    if whole.attempts:
        shown.append(_attempts(whole.attempts))
    if whole.steps:
        shown.append(_steps(whole.steps))
    return shown


def standing(row: DictRow) -> str | None:
    """What a task does, waits for, or ended with; `row` is one of tasks/list or runs/nodes."""
    if row["waits_for"]:
        return f"waits for {output.awaited(row)}"
    match row.get("task_status", row["status"]):
        case "processing" if row["cancel_requested"]:
            return "being cancelled"
        case "processing":
            return output.progress(row["progress"])
        case "pending" if (row["due_in_s"] or 0) > 0:
            again = f" (again after: {row['error_message']})" if row["error_message"] else ""
            return f"due in {output.span(row['due_in_s'])}{again}"
    error: str | None = row["error_message"]
    return error


def tell_each(results: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Prints what became of each task; exits 1 when one was not changed.

    A result has `changed` and `text`, a sentence for people that begins with "error: " where
    something is wrong.
    """
    if as_json:
        output.print_json([{k: v for k, v in one.items() if k != "text"} for one in results])
    for one in results:
        wrong = one["text"].startswith("error: ")
        if wrong or not as_json:
            click.echo(output.safe(one["text"]), err=wrong)
    if not all(one["changed"] for one in results):
        sys.exit(1)


def _fields(state: TaskState, lineage: list[tuple[str, Any]]) -> RenderableType:
    agent = f"{state.agent_name or ''} ({state.agent_type or 'no type'}) {state.agent_id or ''}"
    # The column's default says nothing: then the agent's own number counts.
    most = "" if state.max_retries == DEFAULT_MAX_RETRIES else f" of {state.max_retries}"
    asked = state.cancel_requested_at is not None and not state.ended
    return output.fields(
        [
            ("task", state.id),
            ("status", state.status),
            ("waits for", output.awaited(asdict(state)) if state.waits_for else None),
            ("agent", agent),
            ("priority", state.priority),
            ("task type", state.task_type),
            ("stream", state.stream_id),
            ("run", state.run_id),
            ("organisation", state.org_id),
            ("requested by", state.requested_by),
            ("unique key", state.unique_key),
            ("limit key", state.limit_key),
            *lineage,
            ("attempts", state.attempt),
            ("retries", f"{state.retry_count}{most}"),
            ("crashes", state.crash_count or None),
            ("runner", state.runner_id),
            ("progress", output.progress(state.progress)),
            ("cancel", f"asked for: {state.cancel_reason}" if asked else None),
            ("cancelled", _why_cancelled(state)),
            ("error", None if state.waits_for else state.error_message),
            ("made", state.created_at),
            ("due", state.scheduled_for),
            ("started", state.started_at),
            ("ended", state.finished_at),
            ("payload", state.payload),
            ("output", state.output),
        ]
    )


def _lineage(whole: WholeTask) -> list[tuple[str, Any]]:
    """Which tasks it was made of, and which were made of it."""
    counts = ", ".join(f"{number} {status}" for status, number in whole.children.items())
    return [
        ("replay of", whole.task.replay_of),
        *(("replayed by", f"{one.id} ({one.status})") for one in whole.replays),
        ("child of", whole.task.parent_task_id),
        ("children", counts or None),
    ]


def _why_cancelled(state: TaskState) -> str | None:
    """The reason, where the error is another one: that of a failure that was discarded."""
    other = state.status == "cancelled" and state.cancel_reason != state.error_message
    return state.cancel_reason if other else None


def _attempts(attempts: list[Attempt]) -> RenderableType:
    return output.table(
        ["attempt>", "status", "runner>", "host...", "started", "took>", "metrics", "error..."],
        [
            (
                one.attempt,
                _end(one),
                one.runner_id,
                one.host,
                one.started_at,
                "" if one.duration_ms is None else output.span(one.duration_ms / 1000),
                _numbers(one.metrics),
                one.error_message,
            )
            for one in attempts
        ],
    )


def _end(attempt: Attempt) -> str:
    """How an attempt ended: one that others go on with was not cancelled by anybody."""
    why = str(attempt.error_message).partition(": ")[0]
    return why if attempt.status == "cancelled" and why in PUT_OFF else attempt.status


def _numbers(metrics: Any) -> str:
    pairs = metrics.items() if isinstance(metrics, dict) else ()
    return " ".join(f"{name}={value}" for name, value in pairs if value)


def _steps(steps: list[Step]) -> RenderableType:
    return output.table(
        ["step", "no>", "attempt>", "finished", "bytes>"],
        [
            (one.name, one.seq, one.attempt or "replayed", one.created_at, one.result_bytes)
            for one in steps
        ],
    )
