"""Bodies in the runner's own event loop: the place for `async def`."""

from __future__ import annotations

from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.backends.body import run_in_loop
from oppspot_runner.backends.local import LocalBackend


class Inline(LocalBackend):
    """Runs bodies in the event loop; one that ignores its cancellation cannot be ended."""

    async def run(self, briefing: Briefing) -> Result:
        return await run_in_loop(briefing)
