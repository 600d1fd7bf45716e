"""Behind pgbouncer in transaction mode: no notifications, no prepared statements, still right."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from oppspot_runner.base.events import WakeChanged
from oppspot_runner.db.pool import Database
from tests.runner.conftest import FAST, Bench

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")

CONFIG = """
[databases]
{database} = {target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 5
max_client_conn = 100
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def pooled_dsn(dsn: str) -> Iterator[str]:
    """The test's database through pgbouncer in transaction mode."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    given = conninfo_to_dict(dsn)
    if os.getuid() == 0 and str(given.get("host", "")).startswith("/"):
        pytest.skip("pgbouncer runs as nobody, whom the embedded server of root does not admit")
    name = str(given.pop("dbname"))
    port = free_port()
    target = " ".join(f"{key}={value}" for key, value in {**given, "dbname": name}.items())
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "pgbouncer.ini"
        config.write_text(CONFIG.format(database=name, target=target, port=port))
        Path(folder).chmod(0o755)
        asking = {"user": "nobody"} if os.getuid() == 0 else {}
        process = subprocess.Popen(
            [PGBOUNCER, str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **asking
        )
        user = given.get("user") or "postgres"
        pooled = make_conninfo(host="127.0.0.1", port=port, dbname=name, user=user)
        try:
            wait_for(pooled, process)
            yield pooled
        finally:
            process.terminate()
            process.communicate(timeout=10)


def wait_for(dsn: str, process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if b"listening" in line or b"process up" in line:
            break
    with psycopg.connect(dsn, connect_timeout=10):
        return


async def noop(ctx: Any) -> dict[str, Any]:
    return {}


async def test_behind_a_pooler_the_runner_polls_says_so_and_completes_within_one_poll(
    bench: Bench, pooled_dsn: str
) -> None:
    direct = bench.db
    agent = await bench.agent(noop)
    async with Database(pooled_dsn, max_size=4) as pooled:
        assert pooled.pooled
        bench.db = pooled
        async with bench.running(replace(FAST, poll_s=1.0)):
            await bench.until(registered(direct))
            for _ in range(5):
                task = await bench.task(agent)
                await bench.ended(task, within_s=4)
            row = await direct.fetch_one("SELECT wake, waiting, lock_key FROM task_runners")
    assert row == {"wake": "poll", "waiting": False, "lock_key": None}
    assert "notify" not in [event.wake for event in bench.happened(WakeChanged)]
    waits = await direct.fetch_all("SELECT metrics->>'wait_ms' AS ms FROM agent_executions")
    assert max(int(wait["ms"]) for wait in waits) < 1.1 * 1000 + 300


async def test_a_runner_that_listens_past_the_pooler_is_woken(
    bench: Bench, pooled_dsn: str
) -> None:
    """Also its lock is held, so that its death is noticed at once; all else goes by the pooler."""
    direct = bench.db
    agent = await bench.agent(noop)

    async def hears() -> bool:
        row = await direct.fetch_one("SELECT wake, lock_key FROM task_runners WHERE waiting")
        return row is not None and row["wake"] == "notify" and row["lock_key"] is not None

    async with Database(pooled_dsn, max_size=4) as pooled:
        bench.db, bench.direct_dsn = pooled, direct.dsn
        async with bench.running(replace(FAST, poll_s=60, lease_s=600)):
            await bench.until(hears)
            await bench.ended(await bench.task(agent), within_s=10)


def registered(db: Database) -> Any:
    async def check() -> bool:
        return await db.fetch_one("SELECT id FROM task_runners") is not None

    return check
