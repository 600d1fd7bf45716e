"""Events of runs as lines of text, for people and for pipes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from oppspot_runner.cli import output
from oppspot_runner.workflow.run_events import RunEvent

MOST_SHOWN = 200  # characters of a result


def line(event: RunEvent) -> str:
    """When, who, and what happened, in one line."""
    who = "the run" if event.agent_id is None else event.agent_name or event.agent_id
    return output.safe(f"{event.created_at:%H:%M:%S} {event.seq:>4} {who}: {said(event)}")


def said(event: RunEvent) -> str:
    """What happened, in words."""
    data = event.data
    match event.type:
        case "status":
            return _status(data)
        case "log":
            return " ".join(str(data.get(key, "")) for key in ("level", "message")).strip()
        case "progress":
            return output.progress(data) or "goes on"
        case "output_chunk":
            return f"> {data.get('chunk', '')}"
        case "output":
            return f"output {_short(data.get('output'))}"
        case "completed":
            return f"completed, with the results of {len(data['results'])} agent(s)"
        case "error":
            return f"failed: {data.get('error')}"
        case "cancelled":
            return "cancelled"


def _status(data: dict[str, Any]) -> str:
    return ": ".join(part for part in (str(data.get("status")), why(data)) if part)


def why(status: dict[str, Any]) -> str:
    """The error or reason of a status, and when an agent that is put off goes on."""
    said, due = status.get("error") or status.get("reason") or "", status.get("due_at")
    if due is None:
        return str(said)
    word = "until" if status.get("status") == "waiting" else "again at"
    return f"{said}, {word} {output.moment(datetime.fromisoformat(due).astimezone(UTC))}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
