"""robots.txt: which pages of a site its owner lets us read, and how fast (RFC 9309)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from protego import Protego

ROBOT = "oppspot-runner"
MOST_TEXT = 512 * 1024  # characters that are read; more must not be
MOST_DELAY_S = 60.0


@dataclass(frozen=True)
class Leave:
    """Whether a page may be read, and how many seconds are to be between two pages of its site."""

    given: bool = True
    delay_s: float = 0.0


async def leave_to_read(url: str, robots: str) -> Leave:
    """What a robots.txt says of a page to us. One that says nothing of us lets us read all."""
    return await asyncio.to_thread(_leave, url, robots[:MOST_TEXT])  # it may be made to take long


def _leave(url: str, robots: str) -> Leave:
    rules = Protego.parse(robots)
    delay_s = rules.crawl_delay(ROBOT) or 0.0
    return Leave(rules.can_fetch(url, ROBOT), min(max(delay_s, 0.0), MOST_DELAY_S))
