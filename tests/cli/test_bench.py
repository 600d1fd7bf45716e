"""`bench`: it measures, and leaves nothing behind, however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.app import bench
from oppspot_runner.base.errors import ConfigurationError, Fail, OppspotError
from oppspot_runner.db.pool import Database
from tests.cli.conftest import CommandLine, Rows


def schemas(rows: Rows) -> int:
    number = rows.value(
        "SELECT count(*) FROM pg_namespace WHERE starts_with(nspname, 'oppspot_bench_')"
    )
    assert isinstance(number, int)
    return number


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "ONE_BY_ONE", 5)
    monkeypatch.setattr(bench, "TRIES", 3)


@pytest.mark.slow
def test_everything_is_measured_and_nothing_is_left(cli: CommandLine, rows: Rows) -> None:
    task = rows.task(rows.agent())
    result = cli.json("bench", "--tasks", "50", "--concurrency", "7")
    assert (result["tasks"], result["concurrency"]) == (50, 7)
    assert result["tasks_per_s"] > 0
    assert 0 < result["start_p50_ms"] <= result["start_p99_ms"]
    assert min(result["claim_ms"], result["commit_ms"], result["round_trip_ms"]) > 0
    assert schemas(rows) == 0
    assert [str(row["id"]) for row in rows("SELECT id FROM agent_tasks")] == [task]
    assert rows.value("SELECT count(*) FROM task_runners") == 0


@pytest.mark.slow
def test_people_read_a_table(cli: CommandLine) -> None:
    ended = cli("bench", "--tasks", "10", "--concurrency", "2")
    assert ended.code == 0, ended.err
    for measure in ("throughput", "insert to start", "claim", "commit", "PostgreSQL"):
        assert measure in ended.out


@pytest.mark.slow
def test_tasks_that_fail_are_no_measurement(
    cli: CommandLine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_ctx: Any) -> None:
        raise Fail("no")

    monkeypatch.setattr(bench, "noop", broken)
    ended = cli("bench", "--tasks", "5")
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == (
        "error: 5 of 5 tasks did not complete. Run `oppspot-runner doctor`."
    )
    assert schemas(rows) == 0


async def test_a_runner_that_does_nothing_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "PATIENCE_S", 0.01)
    with pytest.raises(OppspotError, match=r"nothing happened within 0\.01 s"):
        await bench._heard(asyncio.Event())


async def test_behind_a_pooler_it_is_refused_before_anything_is_made(db: Database) -> None:
    db.pooled = True
    with pytest.raises(ConfigurationError, match="behind a pooler"):
        async with bench.own_schema(db):
            pytest.fail("it must not begin")


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_behind(dsn: str, rows: Rows, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "oppspot_runner", "bench", "--tasks", "1000000"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPPSPOT_")}
    process = subprocess.Popen(
        words,
        cwd=tmp_path,
        env={**kept, "DATABASE_URL": dsn},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    until = time.monotonic() + 30
    while schemas(rows) == 0:
        assert time.monotonic() < until
        threading.Event().wait(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, out
    assert schemas(rows) == 0
