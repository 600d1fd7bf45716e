"""When to look again at something whose end is waited for."""

from __future__ import annotations

import time

FIRST_LOOK_S = 0.02
MOST_PAUSE_S = 0.5


class Looks:
    """How long to pause between two looks at a task: short at first, then twice a second."""

    def __init__(self, timeout_s: float | None) -> None:
        self._until = None if timeout_s is None else time.monotonic() + timeout_s
        self._pause_s = FIRST_LOOK_S / 1.5

    def pause_s(self) -> float | None:
        """Seconds to the next look; None when the time is over."""
        self._pause_s = min(self._pause_s * 1.5, MOST_PAUSE_S)
        if self._until is None:
            return self._pause_s
        left_s = self._until - time.monotonic()
        return min(self._pause_s, left_s) if left_s > 0 else None
