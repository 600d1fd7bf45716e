"""Bodies in threads of the runner's process, one for each: the place for `def`."""

from __future__ import annotations

import asyncio

from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.backends.body import run_in_thread
from oppspot_runner.backends.local import LocalBackend
from oppspot_runner.tools.threads import in_thread


class Threads(LocalBackend):
    """Runs bodies in threads. A thread cannot be ended: cancelled, it is left behind."""

    async def run(self, briefing: Briefing) -> Result:
        home = asyncio.get_running_loop()
        try:
            return await in_thread(lambda: run_in_thread(briefing, home))
        finally:
            briefing.ctx.work_time.end()
