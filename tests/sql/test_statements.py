"""Every statement of ours is understood by the server, whatever its version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg

from oppspot_runner.db.files import sql_root, statement

QUERIES = Path(str(sql_root())) / "queries"
FILLED = {
    "{limit}": "3",
    "{schema}": "public",
    "{claim}": "SELECT 1",
    "{search}": "SELECT 1",
    "{table}": "agent_tasks",
    "{column}": "id",
    **dict.fromkeys(("{task}", "{attempts}", "{steps}", "{replays}"), "SELECT 1"),
    "{children}": "SELECT 1 AS status, 1 AS tasks",
}
TESTING = ("create_database", "drop_database", "rename_database", "install_clock", "set_clock")
# Several commands, what reads their table, one that is told the types of its values, and commands
# without values: tests/imports, tests/runner and tests/testing run them.
RUN_ELSEWHERE = {
    *("imports/stage", "imports/merge", "runners/register"),
    *(f"testing/{name}" for name in TESTING),
}


def test_every_statement_is_understood(dsn: str) -> None:
    files = [path.relative_to(QUERIES) for path in QUERIES.rglob("*.sql")]
    names = {path.with_suffix("").as_posix() for path in files}
    assert len(names) > 300
    with psycopg.connect(dsn) as session:
        told = {name: _prepared(session, name) for name in sorted(names - RUN_ELSEWHERE)}
    assert {name: error for name, error in told.items() if error} == {}


def _prepared(session: psycopg.Connection[Any], name: str) -> str:
    """What the server says against a statement, or nothing."""
    text = statement(name)  # type: ignore[arg-type]
    for mark, filling in FILLED.items():
        text = text.replace(mark, filling)
    values = list(dict.fromkeys(re.findall(r"%\((\w+)\)[sb]", text)))
    text = re.sub(r"%\((\w+)\)[sb]", lambda found: f"${values.index(found[1]) + 1}", text)
    with session.transaction(force_rollback=True):
        answer = session.pgconn.prepare(b"", text.replace("%%", "%").encode())
    return answer.error_message.decode()
