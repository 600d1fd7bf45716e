"""Nobody may ask too often: a bucket for each token, and for each address that sends none."""

from __future__ import annotations

import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from oppspot_runner.api.access import token_of
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.app.tokens import hash_of

# Who asks for health asks for ever, often for many processes from one address.
UNCOUNTED = re.compile(r"/static/|/healthz$|/readyz$|/api/v1/changes$|/api/v1/runs/[^/]+/events$")
MOST_KNOWN = 10_000
AT_ONCE_S = 2.0  # a bucket holds what it is filled with in so long


class Buckets:
    """Token buckets by key. The longest unused are forgotten: they are full again by then."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.size = max(1.0, rate * AT_ONCE_S)
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Takes one. Returns 0, or the seconds until there is one."""
        now = self._clock()
        level, at = self._levels.pop(key, (self.size, now))
        level = min(self.size, level + (now - at) * self.rate)
        wait_s = 0.0 if level >= 1 else (1 - level) / self.rate
        self._levels[key] = (level if wait_s else level - 1, now)
        if len(self._levels) > MOST_KNOWN:
            self._levels.popitem(last=False)
        return wait_s


class RateLimit:
    """Refuses what comes too often.

    A token counts for itself once it was found to be good; until then it counts as none, so that
    made-up tokens are no way round the limit of an address.
    """

    def __init__(self, app: ASGIApp, rate: float) -> None:
        self.app = app
        self.buckets = Buckets(rate)
        self._good: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if UNCOUNTED.match(scope["path"]):
            await self.app(scope, receive, send)
            return
        token = token_of(Request(scope))
        proof = hash_of(token) if token else ""
        address = scope["client"][0] if scope.get("client") else "here"
        wait_s = self.buckets.take(proof if proof in self._good else address)
        if wait_s:
            raise ApiError(
                ApiCode.RATE_LIMIT_EXCEEDED,
                f"more than {self.buckets.rate:g} requests a second, the limit of "
                "OPPSPOT_HTTP_RATE",
                headers={"Retry-After": str(math.ceil(wait_s))},
            )

        try:
            await self.app(scope, receive, send)
        finally:  # errors pass through here, also those of good tokens
            actor = scope["state"].get("actor")
            if actor is not None and actor.proof is not None:
                self._remember(actor.proof)

    def _remember(self, proof: str) -> None:
        self._good[proof] = None
        self._good.move_to_end(proof)
        if len(self._good) > MOST_KNOWN:
            self._good.popitem(last=False)
