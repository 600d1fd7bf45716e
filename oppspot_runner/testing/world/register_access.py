"""Who may ask the register, and how often: one key for data and documents."""

from __future__ import annotations

from collections.abc import Mapping

from oppspot_runner.testing.world.exchange import Reply, Request, json_reply
from oppspot_runner.testing.world.limits import Limit, Turn
from oppspot_runner.testing.world.scene import Scene

KEY = "key-of-the-made-register"
LIMIT = "companies_house"
REAL_LIMIT = Limit(600, 300.0)


def refusal(scene: Scene, request: Request) -> tuple[Reply | None, Mapping[str, str]]:
    """Why the request is not answered, if it is not, and the headers of every answer."""
    if "authorization" not in request.headers:
        return _unauthorised("Empty Authorization header"), {}
    if request.credentials() != (KEY, ""):
        return _unauthorised("Invalid Authorization"), {}
    turn = scene.counter(LIMIT).take(KEY)
    return (None if turn.granted else Reply(429)), _told(turn, scene)


def _unauthorised(why: str) -> Reply:
    return json_reply({"error": why, "type": "ch:service"}, 401)


def _told(turn: Turn, scene: Scene) -> Mapping[str, str]:
    return {
        "X-Ratelimit-Limit": str(turn.limit.calls),
        "X-Ratelimit-Remain": str(turn.left),
        "X-Ratelimit-Reset": str(scene.clock.seconds + turn.whole_seconds),
        "X-Ratelimit-Window": f"{turn.limit.window_s:g}s",
    }
