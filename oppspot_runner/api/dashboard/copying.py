"""A task as the command, the request or the row that would put it in again."""

from __future__ import annotations

import json
import shlex

from oppspot_runner.base.redact import redact
from oppspot_runner.queue.client import TaskState

DEFAULT_PRIORITY = 5


def as_command(task: TaskState) -> str:
    """For a terminal."""
    words = ["oppspot-runner", "enqueue", task.agent_name or str(task.agent_id)]
    if task.payload:
        words += ["--payload", _payload(task)]
    if task.priority != DEFAULT_PRIORITY:
        words += ["--priority", str(task.priority)]
    if task.stream_id:
        words += ["--stream", str(task.stream_id)]
    return shlex.join(words)


def as_request(task: TaskState, base: str) -> str:
    """For curl; `base` is the address of this server."""
    body = {
        "agent": str(task.agent_id),
        "payload": redact(task.payload),
        "priority": task.priority,
        **({"stream_id": str(task.stream_id)} if task.stream_id else {}),
    }
    text = shlex.quote(json.dumps(body, ensure_ascii=False))
    return (
        f"curl -X POST {shlex.quote(base + 'api/v1/tasks')} \\\n"
        '  -H "Authorization: Bearer $OPPSPOT_TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' \\\n  -d {text}"
    )


def as_row(task: TaskState) -> dict[str, str]:
    """For psql: columns and their values as literals."""
    texts = {"agent_id": str(task.agent_id), "task_type": task.task_type}
    if task.payload:
        texts["payload"] = _payload(task)
    if task.stream_id:
        texts["stream_id"] = str(task.stream_id)
    quoted = {name: "'" + text.replace("'", "''") + "'" for name, text in texts.items()}
    return {**quoted, "priority": str(task.priority)}


def _payload(task: TaskState) -> str:
    return json.dumps(redact(task.payload), ensure_ascii=False)
