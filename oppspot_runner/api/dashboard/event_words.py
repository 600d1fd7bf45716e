"""Events of a run as lines that people read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oppspot_runner.base.redact import redact
from oppspot_runner.base.wording import progress
from oppspot_runner.workflow.run_events import RunEvent

MOST_TEXT = 500


@dataclass(frozen=True)
class Line:
    """What happened, in a line; `kind` gives its colour."""

    seq: int
    at: datetime
    agent: str
    kind: str
    text: str


def line(event: RunEvent) -> Line:
    """The event in words, cut where it is long."""
    agent = event.agent_name or ("run" if event.agent_id is None else str(event.agent_id))
    kind = str(event.data.get("status")) if event.type == "status" else event.type
    text = _text(event)
    cut = f"{text[:MOST_TEXT]}…" if len(text) > MOST_TEXT else text
    return Line(event.seq, event.created_at, agent, kind, cut)


def _text(event: RunEvent) -> str:
    data = redact(event.data)
    match event.type:
        case "status":
            why = data.get("error") or data.get("reason")
            status = str(data.get("status")).replace("_", " ")
            return f"{status}: {why}" if why else status
        case "log":
            fields = " ".join(f"{name}={value}" for name, value in _fields(data).items())
            return f"{data.get('level', '')} {data.get('message', '')} {fields}".strip()
        case "progress":
            return progress(data)
        case "output_chunk":
            return str(data.get("chunk", ""))
        case "output":
            return f"returned {json.dumps(data.get('output'), ensure_ascii=False)}"
        case "error":
            return f"failed: {data.get('error') or 'an agent failed'}"
        case last:
            return last


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    fields = data.get("fields")
    return fields if isinstance(fields, dict) else {}
