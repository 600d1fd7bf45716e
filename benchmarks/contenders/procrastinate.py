"""procrastinate with psycopg's compiled part."""

from __future__ import annotations

from benchmarks.contenders.scripted import SCRIPTS, Scripted
from benchmarks.environments import python_environment

REQUIREMENTS = ("procrastinate==3.10.0", "psycopg[binary]==3.3.9")


class Procrastinate(Scripted):
    """Keeps jobs, and a row for each event."""

    name = "procrastinate"
    remark = "3.10.0, 10 jobs at a time (more are slower); keeps jobs and events"
    share = 0.05

    def command(self) -> list[str]:
        python = python_environment(self.name, REQUIREMENTS)
        return [str(python), str(SCRIPTS / "procrastinate_worker.py")]
