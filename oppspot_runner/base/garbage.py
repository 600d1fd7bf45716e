"""How often Python looks for garbage."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """Looks for garbage after 50,000 new objects instead of 700, for a process that is all ours.

    A busy runner makes a hundred objects a task and frees them by itself; looking for cycles among
    them every 700 allocations took a quarter of its time.
    """
    gc.set_threshold(50_000, 20, 100)
