"""What cannot be adopted is refused at once and as a whole, with everything that is in the way."""

from __future__ import annotations

from typing import Any

import pytest

from oppspot_runner.base.errors import SchemaError
from oppspot_runner.db import migrate as migrating
from oppspot_runner.db.files import migrations
from tests.db.conftest import Place
from tests.db.old_tables import TABLES, create_old_tables, insert, old_task, tasks

SEED_TABLES = [
    "organizations",
    "ai_agents",
    "streams",
    "agent_tasks",
    "agent_executions",
    "stream_agent_assignments",
]
# How to make a table unfit, what is said of it, and how to mend it.
UNFIT = {
    "type": (
        "ALTER TABLE agent_tasks ALTER payload TYPE json",
        "agent_tasks.payload is json, wanted jsonb",
        "ALTER TABLE agent_tasks ALTER payload TYPE jsonb",
    ),
    "enum": (
        "CREATE TYPE state AS ENUM ('pending', 'failed');"
        "ALTER TABLE agent_tasks ALTER status TYPE state USING status::state",
        "agent_tasks.status is state, wanted text or character varying",
        "ALTER TABLE agent_tasks ALTER status TYPE text",
    ),
    "no time zone": (
        "ALTER TABLE agent_tasks ALTER scheduled_for TYPE timestamp",
        "agent_tasks.scheduled_for is timestamp without time zone, wanted timestamp with time zone",
        "ALTER TABLE agent_tasks ALTER scheduled_for TYPE timestamptz",
    ),
    "no key": (
        "ALTER TABLE agent_tasks DROP CONSTRAINT agent_tasks_pkey",
        "agent_tasks.id is not a primary key",
        "ALTER TABLE agent_tasks ADD PRIMARY KEY (id)",
    ),
    "two-column key": (
        "ALTER TABLE streams DROP CONSTRAINT streams_pkey CASCADE, ADD region text,"
        " ADD PRIMARY KEY (id, region)",
        "streams.id is not a primary key",
        "ALTER TABLE streams DROP CONSTRAINT streams_pkey, ADD PRIMARY KEY (id),"
        " ALTER region DROP NOT NULL",
    ),
    "check on tasks": (
        "ALTER TABLE agent_tasks ADD CONSTRAINT states"
        " CHECK (status IN ('pending', 'processing', 'completed', 'failed'))",
        "the constraint states on agent_tasks.status forbids 'cancelled'",
        "ALTER TABLE agent_tasks DROP CONSTRAINT states",
    ),
    "check by pattern": (
        "ALTER TABLE agent_tasks ADD CONSTRAINT states CHECK (status ~ '^[cf]' AND status > '')",
        "the constraint states on agent_tasks.status forbids 'pending', 'processing'",
        "ALTER TABLE agent_tasks DROP CONSTRAINT states",
    ),
    "check on attempts": (
        "ALTER TABLE agent_executions ADD CONSTRAINT states"
        " CHECK (status IN ('queued', 'running', 'completed', 'failed'))",
        "the constraint states on agent_executions.status forbids 'cancelled'",
        "ALTER TABLE agent_executions DROP CONSTRAINT states",
    ),
    "not null in attempts": (
        "ALTER TABLE agent_executions ALTER stream_id SET NOT NULL",
        "agent_executions.stream_id is NOT NULL, and rows of ours may have nothing to put there",
        "ALTER TABLE agent_executions ALTER stream_id DROP NOT NULL",
    ),
    "unknown not null": (
        "ALTER TABLE agent_tasks ADD tenant integer NOT NULL",
        "agent_tasks.tenant is NOT NULL, and rows of ours may have nothing to put there",
        "ALTER TABLE agent_tasks ALTER tenant SET DEFAULT 1",
    ),
    "our column": (
        "ALTER TABLE agent_tasks ADD attempt smallint",
        "agent_tasks.attempt is a name that the runner needs for a column of its own",
        "ALTER TABLE agent_tasks RENAME attempt TO tries",
    ),
    "our tables": (
        "CREATE TABLE companies (id integer); CREATE TABLE facts (id integer)",
        "companies is a name that the runner needs for a table of its own; facts is a name",
        "ALTER TABLE companies RENAME TO firms; ALTER TABLE facts RENAME TO lore",
    ),
    "half of the keys": (
        "ALTER TABLE agent_tasks DROP CONSTRAINT agent_tasks_org_id_fkey",
        "agent_executions.org_id has a foreign key, agent_tasks.org_id has none",
        "ALTER TABLE agent_tasks ADD FOREIGN KEY (org_id) REFERENCES organizations (id)",
    ),
    "a child": (
        "CREATE TABLE agent_tasks_2025 () INHERITS (agent_tasks)",
        "agent_tasks is not an ordinary table",
        "DROP TABLE agent_tasks_2025",
    ),
}


def everything(place: Place) -> set[Any]:
    """Tables, their columns and constraints."""
    return set(
        place.session.execute(
            "SELECT c.relname, a.attname, a.atttypid, a.atthasdef, k.conname FROM pg_class c"
            " LEFT JOIN pg_attribute a ON a.attrelid = c.oid"
            " LEFT JOIN pg_constraint k ON k.conrelid = c.oid"
            " WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)",
            (place.schema,),
        )
    )


@pytest.mark.parametrize("kind", UNFIT)
def test_an_unfit_table_is_refused_as_it_is_and_taken_when_mended(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = migrations()[:6]  # what comes later looks at tables that are ours
    monkeypatch.setattr(migrating, "migrations", lambda: taking)
    unfit, reason, mend = UNFIT[kind]
    create_old_tables(place.session)
    place.session.execute(unfit)  # type: ignore[arg-type]
    before = everything(place)
    with pytest.raises(SchemaError) as refused:
        place.migrate()
    assert f"0001_seed_tables was refused: the existing tables cannot be adopted: {reason}" in str(
        refused.value
    )
    assert "OPPSPOT_SCHEMA" in (refused.value.hint or "")
    assert "\n" not in refused.value.one_line()
    assert everything(place) == before
    place.session.execute(mend)  # type: ignore[arg-type]
    assert "0001_seed_tables" in place.migrate()
    row = place.session.execute("SELECT count(*) FROM oppspot_migrations").fetchone()
    assert row == (len(taking),)


def test_all_faults_are_named_at_once(place: Place) -> None:
    create_old_tables(place.session)
    for unfit, _, _ in UNFIT.values():
        if "streams" not in unfit and "check" not in unfit.lower():
            place.session.execute(unfit)  # type: ignore[arg-type]
    with pytest.raises(SchemaError) as refused:
        place.migrate()
    named = [reason for _, reason, _ in UNFIT.values() if reason in str(refused.value)]
    assert len(named) >= 9, refused.value


@pytest.mark.slow
def test_every_name_that_later_files_need_is_asked_for_at_once(place: Place) -> None:
    place.migrate()
    mine = everything_of("rv", place) - set(SEED_TABLES) - {"oppspot_migrations"}
    other = place._replace(schema=f"{place.schema}_2")
    place.session.execute(f"CREATE SCHEMA {other.schema}")  # type: ignore[arg-type]
    for name in mine:
        place.session.execute(f"CREATE TABLE {other.schema}.{name} (id integer)")  # type: ignore[arg-type]
    with pytest.raises(SchemaError) as refused:
        other.migrate()
    assert {name for name in mine if f"{name} is a name that" not in str(refused.value)} == set()


def everything_of(kinds: str, place: Place) -> set[str]:
    """Names of the relations of some kinds in the schema."""
    rows = place.session.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace"
        " AND relkind::text = ANY (%s)",
        (place.schema, list(kinds)),
    )
    return {row[0] for row in rows}


@pytest.mark.parametrize(
    "tables",
    [
        "CREATE TABLE work (id uuid PRIMARY KEY); CREATE VIEW agent_tasks AS SELECT * FROM work",
        "CREATE TABLE agent_tasks (id uuid PRIMARY KEY) PARTITION BY HASH (id)",
        "CREATE MATERIALIZED VIEW agent_tasks AS SELECT gen_random_uuid() AS id",
    ],
    ids=["view", "partitioned", "materialized"],
)
def test_what_is_no_ordinary_table_is_refused(place: Place, tables: str) -> None:
    place.session.execute(tables)  # type: ignore[arg-type]
    before = everything(place)
    with pytest.raises(SchemaError, match="agent_tasks is not an ordinary table"):
        place.migrate()
    assert everything(place) == before


@pytest.mark.slow
def test_statuses_that_mean_nothing_are_named(place: Place) -> None:
    create_old_tables(place.session)
    agent = insert(place.session, "ai_agents")
    for status in ("done", "in progress", "pending", "done", None):
        old_task(place.session, agent, status=status)
    with pytest.raises(SchemaError, match="holds what means nothing here: 'done', 'in progress'"):
        place.migrate()
    place.session.execute("UPDATE agent_tasks SET status = 'completed' WHERE status LIKE '%n%ss'")
    place.session.execute("UPDATE agent_tasks SET status = 'completed' WHERE status = 'done'")
    place.migrate()
    assert sorted(row.status for row in tasks(place.session).values()) == [
        *["completed"] * 3,
        *["pending"] * 2,
    ]


@pytest.mark.slow
def test_rows_hidden_by_a_policy_are_not_passed_over(place: Place) -> None:
    create_old_tables(place.session)
    old_task(place.session, insert(place.session, "ai_agents"), status="pending")
    role = f"owner_of_{place.schema}"
    place.session.execute(
        f"CREATE ROLE {role}; GRANT ALL ON SCHEMA {place.schema} TO {role};"  # type: ignore[arg-type]
        f"DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables"
        f" WHERE schemaname = '{place.schema}' LOOP"
        f" EXECUTE format('ALTER TABLE %I OWNER TO {role}', t); END LOOP; END $$;"
        "ALTER TABLE agent_tasks ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE agent_tasks FORCE ROW LEVEL SECURITY;"
    )
    mine = place._replace(dsn=f"{place.dsn} options='-crole={role}'")
    try:
        with pytest.raises(SchemaError, match='row-level security policy for table "agent_tasks"'):
            mine.migrate()
        place.session.execute("ALTER TABLE agent_tasks NO FORCE ROW LEVEL SECURITY")
        mine.migrate()
    finally:
        place.session.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_history_that_we_make_takes_what_a_queue_without_keys_holds(place: Place) -> None:
    only_tasks = TABLES.split("CREATE TABLE agent_executions")[0]
    create_old_tables(place.session, foreign_keys=False, tables=only_tasks)
    place.migrate()
    place.session.execute(
        "INSERT INTO agent_executions (agent_id, org_id)"
        " VALUES (gen_random_uuid(), gen_random_uuid())"
    )
    keys = place.session.execute(
        "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
        " AND conrelid = 'agent_executions'::regclass"
    ).fetchone()
    assert keys == (1,)  # stream_id, which agent_tasks got from us together with its key
