"""Changes of runners, and of what they may not take. Only operators may make them."""

from __future__ import annotations

from typing import Literal

from oppspot_runner.api.changing import Change
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.queue import control, members

Verb = Literal["pause", "resume", "stop"]
ASKED: dict[Verb, str] = {"pause": "pause", "resume": "run", "stop": "stop"}


async def ask(change: Change, runner_id: int, verb: Verb) -> None:
    """Asks a live runner to take nothing, to go on, or to end what it does and leave.

    Raises NotFoundError when it does not live, ApiError for an actor who is no operator.
    """
    _for_operators(change)
    asked = await members.ask(change.database, ASKED[verb], [runner_id])
    if not asked:
        raise NotFoundError(
            f"there is no live runner {runner_id}", hint="See `oppspot-runner status`."
        )
    await change.record(f"runner.{verb}", "runner", runner_id)


async def end_pause(change: Change, scope: control.Scope, key: str) -> bool:
    """Lets runners take again what `key` stands for; False when it was not paused."""
    _for_operators(change)
    ended = await control.resume(change.database, scope, key)
    if ended:
        await change.record("pause.end", scope, key)
    return ended


def _for_operators(change: Change) -> None:
    if not change.actor.is_operator:
        raise ApiError(
            ApiCode.FORBIDDEN, "runners work for all organisations: this wants an operator's token"
        )
