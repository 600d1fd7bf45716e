"""A runner as a process: signals, the service manager, and an end that always comes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable

from oppspot_runner.base import events
from oppspot_runner.observe import systemd
from oppspot_runner.runner.loop import Runner


def stop_signals() -> list[signal.Signals]:
    """The signals that stop a runner.

    A script that starts one in the background ignores SIGINT for it: then a Ctrl-C is meant for
    the script alone. A terminal that closes sends SIGHUP, which nohup ignores.
    """
    by_hand = (signal.SIGINT, signal.SIGHUP)
    heard = [number for number in by_hand if signal.getsignal(number) != signal.SIG_IGN]
    return [signal.SIGTERM, *heard]


def trouble_of(runner: Runner) -> str | None:
    """Why the runner is of no use although it lives: its main loop stands, or its lease does."""
    config = runner.config
    stuck_s = time.monotonic() - runner.progressed_at
    if not runner.is_stopping() and stuck_s >= config.poll_s * 2 + config.lease_s:
        return f"the main loop has not moved for {stuck_s:.0f} s"
    beat_age_s = runner.term.heartbeat.age_s if runner.term else 0.0
    if beat_age_s >= config.lease_s:
        return f"no heartbeat got through for {beat_age_s:.0f} s"
    return None


class Daemon:
    """Runs `runner` until it is stopped by a signal or through the database.

    `on_ready` is called once, when the runner takes tasks.
    """

    def __init__(self, runner: Runner, on_ready: Callable[[], None] | None = None) -> None:
        self.runner = runner
        self.on_ready = on_ready
        runner.events.subscribe(events.RunnerStarted, self._started)
        runner.events.subscribe(events.RunnerState, self._state)

    async def run(self) -> None:
        """Raises what a fault in one of the runner's services raised."""
        before = {number: signal.signal(number, self._asked) for number in stop_signals()}
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as group:
                watchdog = group.create_task(self._feed_watchdog())
                try:
                    await self.runner.run()
                finally:
                    watchdog.cancel()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked(self, *_: object) -> None:
        # Not add_signal_handler: this comes through also when an agent blocks the loop.
        self.runner.end_wanted = True
        self._loop.call_soon_threadsafe(self.runner.stop)

    async def _feed_watchdog(self) -> None:
        wanted_s = systemd.watchdog_s()
        while wanted_s is not None:
            if trouble_of(self.runner) is None:
                systemd.notify("WATCHDOG=1")
            await asyncio.sleep(wanted_s / 3)

    def _started(self, event: events.RunnerStarted) -> None:
        systemd.notify(f"READY=1\nSTATUS=runner {event.runner_id}, {event.slots} slots")
        if self.on_ready is not None:
            self.on_ready()
            self.on_ready = None

    def _state(self, event: events.RunnerState) -> None:
        systemd.notify(f"STATUS=runner {event.runner_id} is {event.state}")
        if event.state == "stopping":
            systemd.notify("STOPPING=1")
