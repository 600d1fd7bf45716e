"""Who may only put tasks in needs INSERT on agent_tasks, and no search_path that leads there."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.conftest import create_database, drop_database
from tests.db.conftest import Place, go_to
from tests.db.old_tables import Session, insert, tasks


@pytest.fixture(scope="module")
def copied(server: str) -> Iterator[tuple[str, str]]:
    """Name of a database that is copied for each test, and of its migrated schema."""
    name, schema = (f"{kind}_{uuid4().hex[:8]}" for kind in ("oppspot_producers", "t"))
    dsn = create_database(server, name)
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        Place(dsn, schema, session).migrate()
    yield name, schema
    drop_database(name)


@pytest.fixture
def ours(server: str, copied: tuple[str, str]) -> Iterator[Place]:
    name, (template, schema) = f"oppspot_test_{uuid4().hex[:12]}", copied
    dsn = create_database(server, name, template)
    with psycopg.connect(dsn, autocommit=True) as session:
        go_to(session, schema)
        yield Place(dsn, schema, session)
    drop_database(name)


@pytest.fixture
def producer(ours: Place) -> Iterator[Session]:
    """A session of a role that has INSERT on agent_tasks only, with nothing in its search_path."""
    role = sql.Identifier(f"producer_{ours.schema}")
    schema = sql.Identifier(ours.schema)
    for command in (
        "CREATE ROLE {role}",
        "GRANT USAGE ON SCHEMA {schema} TO {role}",
        "GRANT INSERT ON {schema}.agent_tasks TO {role}",
    ):
        ours.session.execute(sql.SQL(command).format(role=role, schema=schema))
    with psycopg.connect(ours.dsn, autocommit=True) as session:
        session.execute("SET search_path = ''")
        session.execute(sql.SQL("SET ROLE {}").format(role))
        yield session
    ours.session.execute(sql.SQL("DROP OWNED BY {}").format(role))
    ours.session.execute(sql.SQL("DROP ROLE {}").format(role))


def put(session: Session, place: Place, columns: str, values: str) -> None:
    session.execute(
        f"INSERT INTO {place.schema}.agent_tasks ({columns}) VALUES ({values})"  # type: ignore[arg-type]
    )


def test_insert_alone_is_enough_for_rows_of_every_kind(ours: Place, producer: Session) -> None:
    agent, stream = insert(ours.session, "ai_agents"), insert(ours.session, "streams")
    put(producer, ours, "agent_id, task_type", f"'{agent}', 'agent_execution'")
    put(producer, ours, "agent_id, priority, payload, status", f"'{agent}', NULL, NULL, NULL")
    put(producer, ours, "agent_id, scheduled_for", f"'{agent}', now() + interval '1 hour'")
    put(producer, ours, "agent_id, stream_id, unique_key", f"'{agent}', '{stream}', 'once'")
    rows = tasks(ours.session).values()
    assert [row.status for row in rows] == ["pending"] * 4
    assert sorted(row.parked for row in rows) == [False, False, False, True]
    assert len({row.ready_seq for row in rows}) == 4


@pytest.mark.parametrize(
    ("clock", "due", "parked"),
    [("2020-01-01Z", "2020-01-02Z", True), ("2099-01-02Z", "2099-01-01Z", False)],
    ids=["behind", "ahead"],
)
def test_a_session_with_a_clock_of_its_own_parks_by_that_clock(
    ours: Place, producer: Session, clock: str, due: str, parked: bool
) -> None:
    producer.execute("SELECT set_config('oppspot.now', %s, false)", (clock,))
    put(producer, ours, "task_type", "'due now'")
    put(producer, ours, "scheduled_for", f"'{due}'")
    assert sorted(row.parked for row in tasks(ours.session).values()) == [False, parked]


def test_the_functions_need_to_read_besides(ours: Place, producer: Session) -> None:
    ours.session.execute(
        f"GRANT SELECT ON agent_tasks, ai_agents, streams TO producer_{ours.schema}"  # type: ignore[arg-type]
    )
    agent = insert(ours.session, "ai_agents")
    for key in (None, "once", "once"):
        producer.execute(
            f"SELECT {ours.schema}.enqueue_task(%s::uuid, unique_key => %s)",  # type: ignore[arg-type]
            (agent, key),
        )
    assert [row.agent_id for row in tasks(ours.session).values()] == [agent] * 2


def test_it_may_not_read_and_what_points_nowhere_is_refused(ours: Place, producer: Session) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        put(producer, ours, "agent_id", "gen_random_uuid()")
    for table in ("agent_tasks", "task_runners", "ai_agents"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            producer.execute(f"SELECT FROM {ours.schema}.{table}")  # type: ignore[arg-type]


def test_its_insert_wakes_an_idle_runner_of_that_schema(ours: Place, producer: Session) -> None:
    ours.session.execute(
        "INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, waiting,"
        " lease_until) VALUES ('h', 1, '0', 1, 5, 30, 5, true, now() + interval '1 hour')"
    )
    ours.session.execute("LISTEN oppspot_wake")
    put(producer, ours, "task_type", "'agent_execution'")
    heard = next(ours.session.notifies(timeout=5))
    assert heard.payload == ours.schema


def test_tables_of_its_own_do_not_stand_in_for_ours(ours: Place, producer: Session) -> None:
    producer.execute(
        "CREATE TEMPORARY VIEW task_runners AS SELECT 1 / 0 AS waiting, 1 AS lease_until"
    )
    producer.execute("CREATE TEMPORARY TABLE agent_tasks (id integer)")
    put(producer, ours, "task_type", "'agent_execution'")
    assert len(tasks(ours.session)) == 1


def test_functions_with_rights_of_their_owner_look_nowhere_else(ours: Place) -> None:
    definers = ours.session.execute(
        "SELECT p.proname, p.proconfig FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace"
        " WHERE nspname = %s AND prosecdef",
        (ours.schema,),
    ).fetchall()
    assert {name for name, _ in definers} >= {"wake_task_runners", "agent_tasks_by_hand"}
    for name, settings in definers:
        assert settings == [f"search_path={ours.schema}, pg_temp"], name


def test_who_may_change_a_status_needs_no_rights_on_what_follows_from_it(
    ours: Place, producer: Session
) -> None:
    one, two = (insert(ours.session, "ai_agents") for _ in range(2))
    stream = insert(ours.session, "streams")
    for agent, needs in ((one, []), (two, [one])):
        assignment = {"agent_id": agent, "depends_on_agent_ids": needs}
        insert(ours.session, "stream_agent_assignments", stream_id=stream, **assignment)
    ours.session.execute("SELECT open_stream_run(%s, NULL, NULL, '{}', 5, NULL)", (stream,))
    ours.session.execute(
        f"GRANT SELECT (status, agent_id), UPDATE (status) ON agent_tasks TO producer_{ours.schema}"  # type: ignore[arg-type]
    )
    producer.execute(
        f"UPDATE {ours.schema}.agent_tasks SET status = 'completed' WHERE agent_id = %s",  # type: ignore[arg-type]
        (one,),
    )
    started = [row for row in tasks(ours.session).values() if row.agent_id == two]
    assert [row.status for row in started] == ["pending"]
    producer.execute(f"UPDATE {ours.schema}.agent_tasks SET status = 'failed'")  # type: ignore[arg-type]
    producer.execute(f"UPDATE {ours.schema}.agent_tasks SET status = 'pending'")  # type: ignore[arg-type]
    assert {row.status for row in tasks(ours.session).values()} == {"pending"}
