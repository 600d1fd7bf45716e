"""All runners at once: they claim, or they end what they do and wait."""

from __future__ import annotations

from typing import Literal

from oppspot_runner.api.changing import Change
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.queue import members

Action = Literal["start", "stop"]
ASKED = {"start": "run", "stop": "idle"}


async def control(change: Change, action: Action) -> None:
    """Asks all live runners. Only operators may: raises ApiError for others."""
    if not change.actor.is_operator:
        raise ApiError(
            ApiCode.FORBIDDEN, "runners work for all organisations: this wants an operator's token"
        )
    asked = await members.ask(change.database, ASKED[action])
    runners = [row["id"] for row in asked]
    await change.record(f"runner.{action}", "runner", None, after={"runners": runners})
