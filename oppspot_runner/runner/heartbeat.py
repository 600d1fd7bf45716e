"""Keeps the lease alive from a thread with a connection of its own.

A handler that blocks the event loop therefore does not make its runner look dead. The lease is
trusted by the monotonic clock only: from the moment a beat was sent, not when it was answered.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from oppspot_runner.db.pool import DATABASE_ERROR
from oppspot_runner.queue.members import Beat, BeatConnection, Condition

RETRY_S = 0.5  # after a failed beat: the lease is at stake
HANGS_S = 2.0  # a beat that takes longer, when all is to end, is cut off


class Heartbeat:
    """Beats every `beat_s`; calls `on_beat(beat, sent_at)` and `on_lost(reason)` in the loop.
    Asks in its thread for the runner's `condition`, the tokens of its `running` attempts, and
    for how many `silent_beats` its listener heard nothing: the beat may test it.

    `margin_s` before the lease ends the runner stops trusting it, if no beat got through.
    """

    def __init__(
        self,
        connection: BeatConnection,
        *,
        beat_s: float,
        lease_s: float,
        condition: Callable[[], Condition],
        running: Callable[[], Sequence[int]],
        silent_beats: Callable[[], float],
        on_beat: Callable[[Beat, float], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self.connection = connection
        self.beat_s = beat_s
        self.lease_s = lease_s
        self.margin_s = lease_s / 6
        self.condition = condition
        self.running = running
        self.silent_beats = silent_beats
        self.on_beat = on_beat
        self.on_lost = on_lost
        self._last_beat_at = time.monotonic()
        self.desired = "run"  # what people asked last, known here before the loop hears of it
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._trusted_until = time.monotonic() + lease_s - self.margin_s
        self._thread = threading.Thread(target=self._run, name="oppspot-heartbeat", daemon=True)

    def start(self) -> None:
        """Begins to beat."""
        self._thread.start()

    @property
    def trusted_for_s(self) -> float:
        """How long the lease may still be trusted; also when a beat hangs on a dead connection."""
        return self._trusted_until - time.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since the last beat that got through."""
        return time.monotonic() - self._last_beat_at

    async def stop(self) -> None:
        """Ends the thread and its connection. May be called twice, or without a start."""
        self._stop.set()
        for _ in range(2):
            if self._thread.is_alive():
                await asyncio.to_thread(self._thread.join, HANGS_S)
                self.connection.abort()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                pause_s = self._beat_once()
                if pause_s is None:
                    return
                self._stop.wait(pause_s)
        finally:
            self.connection.close()

    def _beat_once(self) -> float | None:
        sent_at = time.monotonic()
        if sent_at > self._trusted_until:
            self._tell(self.on_lost, "no heartbeat got through in time")
            return None
        try:
            beat = self.connection.beat(
                self.condition(),
                silent_beats=self.silent_beats(),
                running=self.running(),
                running_for_s=self.beat_s,
            )
        except DATABASE_ERROR:
            # The loop's own services report the outage; here only the time counts.
            return min(RETRY_S, self.beat_s)
        if beat is None:
            self._tell(self.on_lost, "the lease ran out, or another runner took over")
            return None
        self._trusted_until = sent_at + self.lease_s - self.margin_s
        self._last_beat_at = sent_at
        self.desired = beat.desired
        self._tell(self.on_beat, beat, sent_at)
        return self.beat_s

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)
