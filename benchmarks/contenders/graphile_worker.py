"""graphile-worker from npm, in the set-up of its page on performance."""

from __future__ import annotations

import shutil

from benchmarks.contenders.scripted import SCRIPTS, Scripted
from benchmarks.environments import node_environment, node_of

PACKAGES = {"graphile-worker": "0.18.0"}


class GraphileWorker(Scripted):
    """Deletes jobs when they are done; keeps no history."""

    name = "graphile-worker"
    remark = "0.18.0, 24 jobs at a time, local queue 500, ends in batches; keeps no history"

    def command(self) -> list[str]:
        folder = node_environment(self.name, PACKAGES)
        # Node looks for packages beside the script.
        script = shutil.copy(SCRIPTS / "graphile_worker.mjs", folder)
        return [str(node_of(folder)), str(script)]
