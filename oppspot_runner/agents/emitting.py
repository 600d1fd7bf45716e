"""What an agent may tell those who follow a run, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oppspot_runner.base.errors import InvalidInputError

EMITTED = ("log", "progress", "output_chunk")


def check_event(kind: str, data: Mapping[str, Any]) -> None:
    """Raises InvalidInputError for an event that is not an agent's to emit."""
    if kind not in EMITTED:
        raise InvalidInputError(
            f"an agent cannot emit {kind!r}",
            hint=f"It can emit {', '.join(EMITTED)}; put what is your own into their data.",
        )
    chunk = data.get("chunk")
    if kind == "output_chunk" and not (isinstance(chunk, str) and len(data) == 1):
        raise InvalidInputError("an output_chunk is `chunk`, a text, and nothing else")
