"""A database that comes out of a backup: what was given since then is never given again."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import psycopg

from oppspot_runner.db import embedded
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import store
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.members import BeatConnection, Condition, Membership, register
from oppspot_runner.runner.config import RunnerConfig
from tests.conftest import create_database, drop_database

FACTS = RunnerConfig().facts()
TASKS = "INSERT INTO agent_tasks (task_type) SELECT 'agent_execution' FROM generate_series(1, 4)"


def postgres(program: str, *words: str) -> str:
    """Runs a program of Postgres; what it complained about."""
    folders = [str(embedded.binaries())] if embedded.is_installed() else []
    path = os.pathsep.join([*folders, os.environ["PATH"]])
    found = shutil.which(program, path=path)
    assert found is not None, f"there is no {program}"
    return subprocess.run([found, *words], capture_output=True, text=True, check=False).stderr


def restore(dump: Path, dsn: str) -> None:
    """Puts a dump into an empty database. Older servers do not know a setting of newer programs."""
    said = postgres("pg_restore", "--no-owner", f"--dbname={dsn}", str(dump))
    errors = [line for line in said.splitlines() if "ERROR:" in line]
    assert all("transaction_timeout" in line for line in errors), said


async def claim(database: Database, member: Membership, most: int) -> list[int]:
    """Takes tasks; their run tokens."""
    async with database.transaction() as connection:
        return [task.run_token for task in (await Claimer(member.id).claim(connection, most)).tasks]


async def is_alive(database: Database, member: Membership) -> bool:
    """Whether a heartbeat of that runner gets through."""
    heart = BeatConnection(database.conninfo, database, member.id)
    try:
        return (
            heart.beat(Condition("running"), silent_beats=3, running=(), running_for_s=5)
            is not None
        )
    finally:
        heart.close()


async def test_numbers_that_were_given_after_the_backup_are_not_given_again(
    db: Database, server: str, tmp_path: Path
) -> None:
    await db.execute(TASKS)
    first = await register(db, FACTS)
    in_flight = await claim(db, first, 2)
    assert not postgres("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}", db.dsn)
    forgotten = await register(db, FACTS)
    given = await claim(db, forgotten, 1)
    assert forgotten.id == first.id + 1, "nothing jumps without a restore"
    name = f"oppspot_test_{uuid4().hex[:12]}"
    dsn = create_database(server, name)
    restore(tmp_path / "dump", dsn)
    async with Database(dsn) as restored:
        assert await is_alive(restored, first), "within its lease nobody has noticed"
        newcomer = await register(restored, FACTS)
        assert newcomer.id > forgotten.id
        assert not await is_alive(restored, first)
        assert not await is_alive(restored, forgotten)
        async with restored.transaction() as connection:
            saved, _ = await store.rescue(connection, newcomer.id)
        assert [one.status for one in saved] == ["pending"] * len(in_flight)
        again = await claim(restored, newcomer, 4)
        assert len(again) == 4
        assert min(again) > max(given)
        assert (await register(restored, FACTS)).id == newcomer.id + 1, "it is noticed once"
    drop_database(name)


async def test_a_second_restore_of_one_backup_repeats_nothing_of_the_first(db: Database) -> None:
    await register(db, FACTS)
    lives = []
    for day in (1, 2):
        with psycopg.connect(db.dsn) as life:  # rolled back, as far as Postgres rolls it back
            life.execute("SELECT set_config('oppspot.now', %s, true)", (f"2026-01-0{day}Z",))
            life.execute("SELECT setval('agent_tasks_run_token_seq', 7)")
            life.execute("UPDATE database_identity SET server = server - 1")
            assert life.execute("SELECT notice_restore()").fetchone() == (True,)
            lives.append(life.execute("SELECT nextval('agent_tasks_run_token_seq')").fetchall())
            life.rollback()
    assert lives[0] < lives[1]
