"""Celery with Redis as its broker: not durable, no history; here for comparison."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.contenders.scripted import SCRIPTS, Scripted
from benchmarks.environments import debian_program, python_environment
from benchmarks.server import Server, free_port

REQUIREMENTS = ("celery[redis]==5.7.0",)


class Celery(Scripted):
    """Keeps no history, and what Redis holds is lost when its machine stops."""

    name = "celery"
    remark = (
        "5.7.0 with Redis, results ignored, one thread (its fastest here); keeps no history,"
        " nothing is durable"
    )
    durable = False
    share = 0.25

    def command(self) -> list[str]:
        python = python_environment(self.name, REQUIREMENTS)
        return [str(python), str(SCRIPTS / "celery_worker.py")]

    def install(self) -> None:
        debian_program("redis-server", "redis-server")
        super().install()

    @contextmanager
    def place(self, server: Server) -> Iterator[str]:
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="oppspot-benchmark-") as folder:
            program = str(debian_program("redis-server", "redis-server"))
            flags = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
            redis = subprocess.Popen([program, *flags], stdout=subprocess.DEVNULL)
            try:
                yield f"redis://127.0.0.1:{port}/0"
            finally:
                redis.terminate()
                redis.wait(30)
