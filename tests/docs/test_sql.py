"""SQL on the pages runs, in the order of the page, on a migrated database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.docs.pages import PAGES, blocks_of

ELSEWHERE = {"README.md": "tests/packaging/test_readme.py"}
NAME_OF_ROLE = re.compile("docs_(producer|runner)")
WITH_SQL = [page for page in PAGES if blocks_of(page, "sql") and page not in ELSEWHERE]
# What a reader of the page has done before.
BEFORE = {
    "docs/guides/limits.md": "INSERT INTO ai_agents (name, agent_type)"
    " VALUES ('Finder', 'finder'), ('Scout', 'scout')",
    "docs/guides/supabase-and-pgbouncer.md": "INSERT INTO ai_agents (name) VALUES ('Digest')",
    # What pg_cron has, as far as the page asks for it.
    "docs/guides/from-pg-cron.md": """
        CREATE SCHEMA cron;
        CREATE TABLE cron.job (jobid bigint, schedule text, command text, jobname text,
            active boolean DEFAULT true, database text DEFAULT current_database());
        INSERT INTO cron.job VALUES (1, '0 3 $ * *', 'SELECT 1', 'nightly'),
            (2, '30 seconds', 'SELECT 1', 'often'), (3, '0 4 * * *', 'SELECT 1', NULL),
            (4, '0 5 * * *', 'Vacuum (analyze)', 'tidy'), (5, '@reboot', 'SELECT 1', 'begin'),
            (6, '0 6 * * *', 'SELECT 1', 'resting'), (7, '0 7 * * *', 'SELECT 1', 'nightly');
        UPDATE cron.job SET active = false WHERE jobid = 6;
        UPDATE cron.job SET database = 'another' WHERE jobid = 7;
        CREATE FUNCTION cron.unschedule(wanted bigint) RETURNS boolean LANGUAGE sql AS
            'DELETE FROM cron.job WHERE jobid = wanted RETURNING true';
    """,
    "docs/guides/sql.md": """
        INSERT INTO ai_agents (id, name, agent_type) VALUES
            ('00000000-0000-7000-8000-000000000001', 'Other', 'other');
        INSERT INTO streams (name) VALUES ('Leads');
        INSERT INTO stream_agent_assignments (stream_id, agent_id)
        SELECT s.id, a.id FROM streams s, ai_agents a;
    """,
}


def statements(body: str) -> list[str]:
    """The statements of a block; what follows `-- ` at the end of a line is what it answers."""
    return [one.strip() for one in re.split(r";[ \t]*(?:--.*)?$", body, flags=re.M) if one.strip()]


def answers(body: str) -> list[str | None]:
    return [one or None for one in re.findall(r";[ \t]*(?:-- (\w+)$|--.*)?$", body, flags=re.M)]


@pytest.fixture
def role() -> str:
    """A name for the role of a page: roles belong to the whole server, and tests run beside us."""
    return f"docs_producer_{uuid4().hex[:8]}"


@pytest.fixture
def connection(dsn: str, role: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as opened:
        yield opened
        opened.execute("RESET ROLE")
        if opened.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchall():
            opened.execute(f"DROP OWNED BY {role}".encode())
            opened.execute(f"DROP ROLE {role}".encode())


@pytest.mark.parametrize("page", WITH_SQL)
def test_sql_of_a_page_runs_in_order(
    page: str, role: str, connection: psycopg.Connection[Any]
) -> None:
    if page in BEFORE:
        connection.execute(BEFORE[page].encode())
    for block in blocks_of(page, "sql"):
        wanted = answers(block.body)
        for place, text in enumerate(statements(block.body)):
            try:
                cursor = connection.execute(NAME_OF_ROLE.sub(role, text).encode())
            except psycopg.Error as error:
                pytest.fail(f"{page}:{block.line}: {text}\n{error}")
            if place < len(wanted) and wanted[place] and cursor.description:
                assert [row[0] for row in cursor.fetchall()] == [wanted[place]], text


def test_a_statement_ends_at_a_semicolon_at_the_end_of_a_line() -> None:
    body = "SELECT 'a;b';   -- once\nSELECT 1,\n  2;\nSELECT 3;  -- how many there are"
    assert statements(body) == ["SELECT 'a;b'", "SELECT 1,\n  2", "SELECT 3"]
    assert answers(body) == ["once", None, None]
