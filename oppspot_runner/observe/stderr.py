"""stderr as the place of log lines: nobody who reads it slowly, or no more, holds up a runner."""

from __future__ import annotations

import json
import select
import sys
from contextlib import suppress

PATIENCE_S = 1.0  # for a reader that takes nothing; after that lines are dropped until it does
PIECE = 1_000  # characters: a pipe with any room at all has room for as many


class PresentStderr:
    """stderr as it is when a line is written: whoever replaced it meanwhile gets the line.

    Lines that nobody takes are dropped. Their number is the first that is written afterwards.
    """

    def __init__(self) -> None:
        self._dropped = 0
        self._within_line = False

    def write(self, text: str) -> int:
        """Writes `text` as far as it is taken; never raises, and waits for `PATIENCE_S` at most."""
        if self._dropped and self._has_room(0):
            self._put(self._loss())
            self._dropped = 0
        for start in range(0, len(text), PIECE):
            if not self._has_room(0 if self._dropped else PATIENCE_S):
                self._dropped += 1
                break
            self._put(text[start : start + PIECE])
        return len(text)

    def flush(self) -> None:
        """Nothing is left to do: `write` has done it."""

    def _put(self, text: str) -> None:
        with suppress(OSError, ValueError):  # its reader is gone, or it is closed
            if sys.stderr is not None:
                sys.stderr.write(text)
                sys.stderr.flush()
        self._within_line = not text.endswith("\n")

    def _has_room(self, wait_s: float) -> bool:
        try:
            return bool(select.select([], [sys.stderr], [], wait_s)[1])
        except (OSError, ValueError, TypeError):  # a file in memory, or none: nobody to wait for
            return True

    def _loss(self) -> str:
        event = "log lines were dropped: nobody took them"
        line = {"lines": self._dropped, "event": event, "level": "warning"}
        return "\n" * self._within_line + json.dumps(line) + "\n"
