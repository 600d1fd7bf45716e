"""Roles are the whole server's: who makes them, who may not, and whom they bind."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest

from oppspot_runner.base.actor import Actor
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.db.acting import acting, require_organisations
from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Connection, Database
from tests.db.conftest import Place, place, shared_dsn
from tests.db.test_roles import MakeRole, role

__all__ = ["place", "role", "shared_dsn"]
OTHER = Actor("x", "admin", uuid4(), uuid4(), "0" * 64)


@pytest.mark.slow
async def test_an_owner_who_may_make_no_roles_is_told_what_to_run(
    place: Place, role: MakeRole
) -> None:
    role("plain", "USAGE, CREATE ON SCHEMA {schema}")
    name = f"plain_{place.schema}"

    class LoggedIn(Database):
        """What a session may become is asked of who logged in."""

        async def prepare_session(self, connection: Connection) -> None:
            await super().prepare_session(connection)
            await connection.execute(f"SET SESSION AUTHORIZATION {name}".encode())

    async with LoggedIn(place.dsn, schema=place.schema, max_size=2) as database:
        assert await migrate(database)
        with pytest.raises(ConfigurationError, match="is no member of oppspot_server") as refused:
            await require_organisations(database)
        grant = f"GRANT oppspot_server TO {name};"
        assert grant in (refused.value.hint or "")
        with pytest.raises(ConfigurationError, match="organisations cannot use HTTP yet"):
            async with acting(database, OTHER, read_only=True):
                pass
        _, _, wanted = (refused.value.hint or "").partition(" run: ")
        place.session.execute(wanted.encode())
        await require_organisations(database)
        async with acting(database, OTHER, read_only=True) as bound:
            assert not await bound.fetch_all("SELECT FROM agent_tasks")


@pytest.mark.slow
def test_who_may_take_the_role_is_not_bound_before(place: Place, role: MakeRole) -> None:
    """Also with rights that it inherits: membership leads to the role, not into it."""
    place.migrate()
    dsn = role("serving", "USAGE ON SCHEMA {schema}", "SELECT ON ALL TABLES IN SCHEMA {schema}")
    place.session.execute(f"GRANT oppspot_server TO serving_{place.schema}".encode())
    place.session.execute("INSERT INTO agent_tasks DEFAULT VALUES")
    with psycopg.connect(dsn) as session:
        session.execute("SELECT set_config('search_path', %s, false)", (place.schema,))
        for taken, seen in (("none", 1), ("oppspot_api", 0), ("none", 1)):
            if taken == "none":
                session.rollback()
                session.execute("SELECT set_config('search_path', %s, false)", (place.schema,))
            else:
                session.execute("SET LOCAL ROLE oppspot_api")
            row = session.execute("SELECT count(*) FROM agent_tasks").fetchone()
            assert row == (seen,), taken


@pytest.mark.slow
def test_schemas_are_migrated_at_once(place: Place) -> None:
    """Each makes sure of the same roles."""

    async def work() -> None:
        async def one(schema: str) -> None:
            async with Database(place.dsn, schema=schema, max_size=2) as database:
                assert await migrate(database)
                await require_organisations(database)

        await asyncio.gather(*(one(f"{place.schema}_{number}") for number in range(3)))

    asyncio.run(work())


@pytest.mark.slow
def test_policies_that_were_there_stay_and_open_nothing(place: Place, role: MakeRole) -> None:
    place.migrate()
    session = place.session
    session.execute("DROP POLICY oppspot_everybody ON drafts")
    session.execute("CREATE POLICY theirs ON drafts USING (false)")
    session.execute("SELECT arrange_access()")
    named = session.execute(
        "SELECT policyname FROM pg_policies WHERE tablename = 'drafts' AND schemaname = %s"
        " AND permissive = 'PERMISSIVE' ORDER BY 1",
        (place.schema,),
    ).fetchall()
    assert named == [("oppspot_api",), ("theirs",)]


TOKEN = """
    INSERT INTO api_tokens (name, scope, hash, beginning)
    VALUES ('mine', 'admin', encode(sha256('x'), 'hex'), 'opr_')
"""


@pytest.mark.slow
def test_who_was_granted_every_table_makes_no_token(place: Place, role: MakeRole) -> None:
    """As on hosts that grant new tables to roles for everybody; who serves HTTP is a member."""
    place.migrate()
    place.session.execute(TOKEN)
    dsn = role("anon", "USAGE ON SCHEMA {schema}", "ALL ON ALL TABLES IN SCHEMA {schema}")
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute("SELECT set_config('search_path', %s, false)", (place.schema,))
        assert session.execute("SELECT FROM api_tokens").fetchall() == []
        assert session.execute("UPDATE api_tokens SET scope = 'admin'").rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(TOKEN.replace("'x'", "'y'"))
        assert session.execute("UPDATE access_rules SET reads = 'true'").rowcount == 0
        place.session.execute(f"GRANT oppspot_server TO anon_{place.schema}".encode())
        assert len(session.execute("SELECT FROM api_tokens").fetchall()) == 1
