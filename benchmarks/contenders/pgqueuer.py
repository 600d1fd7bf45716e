"""pgqueuer with asyncpg and uvloop, in its best batch."""

from __future__ import annotations

from benchmarks.contenders.scripted import SCRIPTS, Scripted
from benchmarks.environments import python_environment

REQUIREMENTS = ("pgqueuer[asyncpg]==1.6.0", "uvloop==0.23.0")


class PgQueuer(Scripted):
    """Deletes jobs when they are done; keeps a row for each change in its log."""

    name = "pgqueuer"
    remark = "1.6.0, asyncpg, uvloop, batch 1000; keeps a log row for each change"

    def command(self) -> list[str]:
        python = python_environment(self.name, REQUIREMENTS)
        return [str(python), str(SCRIPTS / "pgqueuer_worker.py")]
