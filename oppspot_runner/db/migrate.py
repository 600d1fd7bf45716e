"""Brings a schema up to this version: numbered files of `sql/`, one transaction each.

One migrator works at a time (advisory lock). Files that add are applied before the runners are
replaced. A breaking one is applied after: not while a runner of another version is at work. A
schema that a newer version changed in a breaking way is refused; one with newer additions only is
used as it is.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import psycopg
from psycopg import sql

from oppspot_runner.base.errors import DatabaseError, SchemaError
from oppspot_runner.base.version import package_version
from oppspot_runner.db.files import Migration, migrations, statement
from oppspot_runner.db.pool import Connection, Database, is_away

CREATE_SCHEMA = statement("schema/create")
LOCK = statement("schema/lock")
EXISTS = statement("schema/exists")
APPLIED = statement("schema/applied")
OTHERS = statement("schema/others")
RECORD = statement("schema/record")
PATIENCE = statement("schema/patience")
SERVER = statement("schema/server")
HURRY = statement("schema/hurry")

# A table that is in use is waited for in short pieces. Whoever comes behind us waits as well, and a
# runner whose heartbeat does so for as long as a lease would lose its tasks.
FILES_OWN_LIMIT = "lock_timeout = '30s'"  # for those who apply the files by psql
PIECE_MS = 1_000
PAUSE_S = 2.0
PATIENCE_S = 30.0

OLDEST_SERVER = 140000

# What to do about an error that Postgres itself has no advice for, by SQLSTATE.
NAME_TAKEN = "Rename what is there, or set OPPSPOT_SCHEMA to a schema of our own."
ADVICE = {
    "40P01": "Run it again.",
    "42501": "Run it as the owner of the tables; a new schema wants CREATE on the database.",
    **dict.fromkeys(("42701", "42710", "42723", "42P07"), NAME_TAKEN),
    "55P03": "Another session uses these tables: end it (see pg_stat_activity), run this again.",
}


@dataclass(frozen=True)
class SchemaState:
    """How a schema compares with this version: numbers of migrations.

    `waiting` are breaking ones of this version, which is at work without them until the last
    runner of another version is gone.
    """

    applied: tuple[int, ...]
    pending: tuple[int, ...]
    newer: tuple[int, ...]
    newer_breaking: tuple[int, ...]
    waiting: tuple[int, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether this version may work on the schema as it is."""
        return not self.pending and not self.newer_breaking


async def schema_state(database: Database) -> SchemaState:
    """Reads what was applied; changes nothing."""
    async with database.connection() as connection:
        return await _state(connection, database.schema)


async def migrate(database: Database) -> list[str]:
    """Applies what is missing; the names of the files that were applied.

    A breaking file waits for a later call while a runner of another version is at work. A table
    that others use is tried for half a minute, in pieces in between which they go on.

    Raises SchemaError when the server is too old, the schema too new, or existing tables cannot
    be adopted, DatabaseError when the connection breaks; what was applied before the failing file
    stays, of that file itself nothing does.
    """
    doing = f"the schema {database.schema!r}"
    applied: list[str] = []
    try:
        async with await database.connect() as connection:
            await _check_server(connection)
            await _ensure_schema(connection, database.schema)
            for migration in migrations():
                doing = f"migration {migration.number:04}_{migration.name}"
                if await _apply(connection, database.schema, migration):
                    applied.append(doing.removeprefix("migration "))
    except psycopg.Error as error:
        raise _refused(doing, error) from error
    return applied


async def require_schema(database: Database) -> None:
    """Raises SchemaError unless this version can work on the schema as it is."""
    state = await schema_state(database)
    _refuse_newer(state)
    if state.pending:
        raise SchemaError(
            f"the schema {database.schema!r} lacks {len(state.pending)} migration(s)",
            hint="Run `oppspot-runner migrate`.",
        )


async def _apply(connection: Connection, schema: str, migration: Migration) -> bool:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await _apply_now(connection, schema, migration)
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(PAUSE_S)


async def _apply_now(connection: Connection, schema: str, migration: Migration) -> bool:
    async with connection.transaction():
        await connection.execute(PATIENCE, {"schema": schema})
        await connection.execute(LOCK, {"schema": schema})
        state = await _state(connection, schema)
        _refuse_newer(state)
        if migration.number in state.applied:
            return False
        if migration.breaking and await _others_are_at_work(connection):
            return False
        await connection.execute(HURRY, {"wait_ms": PIECE_MS})
        limit = f"lock_timeout = {PIECE_MS}"
        await connection.execute(migration.text.replace(FILES_OWN_LIMIT, limit))
        await connection.execute(
            RECORD,
            {"number": migration.number, "name": migration.name, "breaking": migration.breaking},
        )
    return True


async def _others_are_at_work(connection: Connection) -> bool:
    row = await (await connection.execute(OTHERS, {"version": package_version()})).fetchone()
    return row is not None and row["at_work"]


def _refused(doing: str, error: psycopg.Error) -> DatabaseError:
    diagnostic = error.diag
    reason = diagnostic.message_primary or str(error)
    if is_away(error):
        return DatabaseError(
            f"the connection broke during {doing}: {reason}",
            hint="Run it again: a file that was not finished leaves nothing behind.",
        )
    hint = diagnostic.message_hint or ADVICE.get(error.sqlstate or "")
    return SchemaError(f"{doing} was refused: {reason}", hint=hint)


async def _ensure_schema(connection: Connection, schema: str) -> None:
    async with connection.transaction():
        await connection.execute(PATIENCE, {"schema": schema})
        await connection.execute(LOCK, {"schema": schema})
        row = await (await connection.execute(EXISTS, {"schema": schema})).fetchone()
        if row is None or not row["created"]:
            await connection.execute(sql.SQL(CREATE_SCHEMA).format(schema=sql.Identifier(schema)))
        elif not row["usable"]:
            raise SchemaError(
                f"this role may not use the schema {schema!r}",
                hint="Grant it USAGE and CREATE, or run this as the schema's owner.",
            )


async def _state(connection: Connection, schema: str) -> SchemaState:
    ours = {migration.number: migration.breaking for migration in migrations()}
    row = await (await connection.execute(EXISTS, {"schema": schema})).fetchone()
    if row is None or not row["prepared"]:
        return SchemaState((), tuple(ours), (), ())
    found = await (await connection.execute(APPLIED)).fetchall()
    applied = [entry["number"] for entry in found]
    newer = [entry for entry in found if entry["number"] > max(ours)]
    missing = [number for number in ours if number not in applied]
    return SchemaState(
        applied=tuple(applied),
        pending=tuple(number for number in missing if not ours[number]),
        newer=tuple(entry["number"] for entry in newer),
        newer_breaking=tuple(entry["number"] for entry in newer if entry["breaking"]),
        waiting=tuple(number for number in missing if ours[number]),
    )


def _refuse_newer(state: SchemaState) -> None:
    if state.newer_breaking:
        raise SchemaError(
            f"the schema was changed by a newer oppspot-runner (migration "
            f"{max(state.newer_breaking):04}) in a way that this version does not understand",
            hint="Install that version: `pip install --upgrade oppspot-runner`.",
        )


async def _check_server(connection: Connection) -> None:
    row = await (await connection.execute(SERVER)).fetchone()
    if row is not None and row["version"] < OLDEST_SERVER:
        raise SchemaError(
            f"PostgreSQL {row['text']} is too old", hint="Use PostgreSQL 14 or newer."
        )
