"""A child process that ends with its parent, whatever it does just then."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable

MOST_ENDING_S = 10.0


class ParentWatch:
    """Ends this process when nobody holds the other end of `fd` any more: at once while it only
    loads, else if it has not ended in good order by itself. Without `fd` there is no parent.
    """

    def __init__(self, fd: int | None, leave: Callable[[int], object] = os._exit) -> None:
        self._leave = leave
        self._ends_itself = False
        if fd is not None:
            watching = os.dup(fd)
            threading.Thread(
                target=self._watch, args=(watching,), name="parent-watch", daemon=True
            ).start()

    def ends_itself(self) -> None:
        """From now on the event loop hears of the parent's end, too."""
        self._ends_itself = True

    def _watch(self, fd: int) -> None:
        poll = select.poll()
        poll.register(fd, 0)  # the end alone: what is sent is for somebody else
        while not poll.poll():
            pass
        if self._ends_itself:
            wait_until_it_ended()
        self._leave(1)


def wait_until_it_ended() -> None:
    """Whoever ends in good order does it in this time."""
    threading.Event().wait(MOST_ENDING_S)
