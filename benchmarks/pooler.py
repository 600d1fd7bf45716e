"""pgbouncer in transaction mode, between a runner and the server."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.environments import debian_program
from benchmarks.server import Server, free_port

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
"""
READY_S = 10.0


@contextmanager
def pooled(server: Server, dsn: str, wanted: bool) -> Iterator[str]:
    """The way to a database: through a pooler of its own when it is `wanted`, else `dsn` itself."""
    if not wanted:
        yield dsn
        return
    program, port = debian_program("pgbouncer", "pgbouncer"), free_port()
    with tempfile.TemporaryDirectory(prefix="oppspot-benchmark-") as folder:
        Path(folder).chmod(0o755)
        configuration = Path(folder, "pgbouncer.ini")
        configuration.write_text(CONFIGURATION.format(server=server.port, own=port))
        process = subprocess.Popen(
            [program, "-q", configuration],
            user="nobody" if os.geteuid() == 0 else None,
            stderr=subprocess.DEVNULL,
        )
        try:
            way = dsn.replace(f":{server.port}/", f":{port}/")
            _wait_for(way)
            yield way
        finally:
            process.terminate()
            process.wait(READY_S)


def _wait_for(dsn: str) -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
