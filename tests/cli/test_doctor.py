"""`doctor`: what is broken on purpose is found, and the fix that is printed mends it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from oppspot_runner.app.doctor.bloat import _holder
from oppspot_runner.app.doctor.connection import GIB, _room
from oppspot_runner.app.doctor.schema import indexes, tables
from oppspot_runner.db.files import migrations
from tests.cli.conftest import CommandLine, Rows
from tests.runner.test_pooler import pooled_dsn

__all__ = ["pooled_dsn"]

Findings = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def found(cli: CommandLine) -> Findings:
    """What `doctor` says of one check, once its exit code agrees with the worst of all."""

    def look(check: str) -> list[dict[str, Any]]:
        ended = cli("doctor", "--json")
        told = ended.json
        severities = [one["severity"] for one in told["findings"]]
        assert told["worst"] == max(severities, key=["ok", "warn", "fail"].index)
        assert ended.code == (told["worst"] == "fail")
        return [one for one in told["findings"] if one["check"] == check]

    return look


def all_well(found: list[dict[str, Any]]) -> bool:
    return [one["severity"] for one in found] == ["ok"]


@pytest.fixture
def mend(rows: Rows) -> Callable[[dict[str, Any]], None]:
    """Does what a finding says, as a person with psql."""

    def do(finding: dict[str, Any]) -> None:
        for statement in finding["fix"].partition("  -- ")[0].split("; "):
            rows.connection.execute(statement.encode())

    return do


def test_a_healthy_database_has_nothing_but_one_warning(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    ended = cli("doctor")
    assert ended.code == 0, ended.out
    assert "fail" not in ended.out
    for check in ("settings", "database", "schema", "listen", "claim", "disk", "tasks"):
        assert check in ended.out


def test_a_dropped_claim_index_is_found_and_made_again(
    found: Findings, rows: Rows, mend: Callable[[dict[str, Any]], None]
) -> None:
    rows("DROP INDEX agent_tasks_ready")
    (missing,) = found("indexes")
    assert missing["severity"] == "fail"
    assert missing["text"] == "the index agent_tasks_ready is missing"
    mend(missing)
    assert all_well(found("indexes"))


def test_an_index_whose_making_was_interrupted_is_found(
    found: Findings, rows: Rows, mend: Callable[[dict[str, Any]], None]
) -> None:
    rows(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'companies_domain_idx'::regclass"
    )
    (broken,) = found("indexes")
    assert (broken["severity"], "is not valid" in broken["text"]) == ("warn", True)
    mend(broken)
    assert all_well(found("indexes"))


def test_the_indexes_of_the_migrations_are_those_of_the_database(rows: Rows) -> None:
    there = rows(
        "SELECT indexrelid::regclass::text AS name FROM pg_index i"
        " WHERE NOT indisprimary AND indrelid = ANY (%s::regclass[])"
        " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        tables(),
    )
    made = {one.name for one in indexes([one.number for one in migrations()])}
    assert {row["name"] for row in there} == made
    rows_of = rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname = ANY (%s)", tables()
    )
    assert len(rows_of) == len(tables())


@pytest.mark.slow
def test_a_claim_without_its_index_is_seen_in_its_plan(found: Findings, rows: Rows) -> None:
    rows(
        "INSERT INTO agent_tasks (agent_id) SELECT %s FROM generate_series(1, 20000)", rows.agent()
    )
    rows("ANALYZE agent_tasks")
    assert all_well(found("claim"))
    rows("INSERT INTO task_pauses (scope, key) VALUES ('type', 'other')")  # claims go by lanes now
    assert all_well(found("claim"))
    rows("DROP INDEX agent_tasks_ready, agent_tasks_lanes")
    (slow,) = found("claim")
    assert slow["severity"] == "fail"
    assert "it reads the whole table" in slow["text"]
    assert slow["fix"] == "ANALYZE public.agent_tasks;"
    assert rows.value("SELECT count(*) FROM agent_tasks WHERE status <> 'pending'") == 0


@pytest.mark.slow
def test_a_schema_that_is_not_there_is_found_without_noise(
    bare_cli: CommandLine, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    told = {one["check"]: one for one in bare_cli("doctor", "--json").json["findings"]}
    schema = told["schema"]
    assert schema["severity"] == "fail"
    assert "is behind: migration 0001" in schema["text"]
    assert [one["check"] for one in told.values() if one["severity"] == "fail"] == ["schema"]
    assert bare_cli(*shlex.split(schema["fix"])[1:]).code == 0
    again = bare_cli("doctor", "--json").json["findings"]
    assert [one["severity"] for one in again if one["check"] == "schema"] == ["ok"]


def test_a_schema_that_is_behind_or_newer_is_found(found: Findings, rows: Rows) -> None:
    last = rows.value("SELECT max(number) FROM oppspot_migrations")
    rows("UPDATE oppspot_migrations SET number = 99 WHERE number = %s", last)
    (behind,) = found("schema")
    assert f"migration {last:04} is missing" in behind["text"]
    assert behind["fix"] == "oppspot-runner migrate"
    rows(
        "INSERT INTO oppspot_migrations SELECT %s, name, breaking, applied_at"
        " FROM oppspot_migrations WHERE number = 99",
        last,
    )
    (newer,) = found("schema")
    assert newer["severity"] == "warn"
    rows("UPDATE oppspot_migrations SET breaking = true WHERE number = 99")
    (breaking,) = found("schema")
    assert (breaking["severity"], "incompatible" in breaking["text"]) == ("fail", True)


@pytest.fixture
def later(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the command it is 11 minutes later than for others."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT oppspot_now() + interval '11 minutes'").fetchone()
    assert row is not None
    options = f"-coppspot.now={row[0].isoformat()}"
    monkeypatch.setenv("DATABASE_URL", make_conninfo(dsn, options=options))


@pytest.fixture
def other(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else's session."""
    with psycopg.connect(dsn, application_name="a report", autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("doing", "effect"),
    [
        ("SELECT txid_current()", "keeps dead rows from being removed"),
        ("SELECT 1", "holds locks and does nothing"),
    ],
)
def test_a_transaction_that_is_open_for_ten_minutes_is_found_and_ended(
    found: Findings,
    other: psycopg.Connection[Any],
    later: None,
    mend: Callable[[dict[str, Any]], None],
    doing: str,
    effect: str,
) -> None:
    other.execute("BEGIN")
    other.execute(doing.encode())
    (holder,) = found("snapshots")
    assert holder["severity"] == "fail"
    assert holder["text"].startswith(f"session {other.info.backend_pid} of a report")
    assert "(idle in transaction), open for 11 min" in holder["text"]
    assert effect in holder["text"]
    mend(holder)
    with pytest.raises(psycopg.OperationalError):
        other.execute("SELECT 1")
    assert all_well(found("snapshots"))


def test_a_prepared_transaction_that_was_forgotten_is_found_and_ended(
    found: Findings,
    rows: Rows,
    other: psycopg.Connection[Any],
    later: None,
    mend: Callable[[dict[str, Any]], None],
) -> None:
    if rows.value("SHOW max_prepared_transactions") == "0":
        pytest.skip("this server prepares no transactions (max_prepared_transactions = 0)")
    other.execute("BEGIN")
    other.execute("SELECT txid_current()")
    other.execute("PREPARE TRANSACTION 'it''s forgotten'")
    (holder,) = found("snapshots")
    assert holder["text"].startswith("prepared transaction it's forgotten of ")
    assert holder["severity"] == "fail"
    mend(holder)
    assert all_well(found("snapshots"))


def test_a_young_transaction_is_nothing_to_speak_of(
    found: Findings, other: psycopg.Connection[Any]
) -> None:
    other.execute("BEGIN")
    other.execute("SELECT txid_current()")
    assert all_well(found("snapshots"))


def holder(**columns: Any) -> dict[str, Any]:
    row = {"kind": "session", "name": "1", "state": "active", "holds": True, "whose": None}
    return {**row, "age_s": None, "transactions": None, "fix": "x", **columns}


@pytest.mark.parametrize(
    ("columns", "severity"),
    [
        ({"age_s": 3600.0}, "warn"),
        ({"age_s": 3600.0, "state": "idle in transaction"}, "fail"),
        ({"age_s": 60.0, "state": "idle in transaction"}, None),
        ({"kind": "prepared transaction", "state": "prepared", "age_s": 900.0}, "fail"),
        ({"kind": "replication slot", "transactions": 200_000}, "warn"),
        ({"kind": "replication slot", "transactions": 2_000_000}, "fail"),
        ({"kind": "standby", "transactions": 10}, None),
    ],
)
def test_holders_are_judged_by_what_they_do_and_for_how_long(
    columns: dict[str, Any], severity: str | None
) -> None:
    judged = _holder(holder(**columns))
    assert (judged.severity if judged else None) == severity


@pytest.mark.slow
def test_autovacuum_that_is_off_and_dead_rows_are_found(
    found: Findings, dsn: str, rows: Rows, mend: Callable[[dict[str, Any]], None]
) -> None:
    rows("ALTER TABLE agent_tasks SET (autovacuum_enabled = false)")
    with psycopg.connect(dsn, autocommit=True) as producer:
        producer.execute("SET session_replication_role = replica")
        producer.execute(
            "INSERT INTO agent_tasks (agent_id) SELECT NULL FROM generate_series(1, 100000)"
        )
        producer.execute("DELETE FROM agent_tasks")
    # Statistics are told when a session ends, at the latest.
    (off,), (dead,) = found("autovacuum"), found("dead rows")
    assert (off["severity"], off["text"]) == ("fail", "autovacuum is off for agent_tasks")
    assert dead["severity"] == "fail"
    assert "agent_tasks has 100,000 dead rows beside 0 live ones; vacuumed: never" in dead["text"]
    mend(off)
    mend(dead)
    assert all_well(found("autovacuum"))
    assert all_well(found("dead rows"))


def test_autovacuum_of_the_server_is_looked_at(
    found: Findings, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", make_conninfo(dsn, options="-ctrack_counts=off"))
    (off,) = found("autovacuum")
    assert off["severity"] == "fail"
    assert off["fix"] == "ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();"


@pytest.fixture
def role(rows: Rows, dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An ordinary role with all rights on our tables, which the command acts as."""
    name = f"runner_{uuid4().hex[:8]}"
    who = sql.Identifier(name)
    rows.connection.execute(sql.SQL("CREATE ROLE {}").format(who))
    for right in ("ALL ON ALL TABLES", "ALL ON ALL SEQUENCES"):
        rows.connection.execute(
            sql.SQL("GRANT {} IN SCHEMA public TO {}").format(sql.SQL(right), who)
        )
    monkeypatch.setenv("DATABASE_URL", make_conninfo(dsn, options=f"-crole={name}"))
    yield name
    rows.connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(who))
    rows.connection.execute(sql.SQL("DROP ROLE {}").format(who))


@pytest.mark.parametrize(
    "policy",
    [
        None,
        "CREATE POLICY theirs ON agent_tasks USING (org_id IS NOT NULL)",
        "CREATE POLICY readers ON agent_tasks FOR SELECT USING (true)",
    ],
)
def test_a_role_that_row_level_security_blinds_is_told_how_to_see(
    found: Findings,
    rows: Rows,
    role: str,
    mend: Callable[[dict[str, Any]], None],
    policy: str | None,
) -> None:
    assert all_well(found("row security"))
    rows("DROP POLICY oppspot_everybody ON agent_tasks")
    if policy:
        rows.connection.execute(policy.encode())
    (blind,) = found("row security")
    assert blind["severity"] == "fail"
    assert f"hides rows of agent_tasks from the role {role}" in blind["text"]
    mend(blind)
    assert all_well(found("row security"))


def test_a_role_without_rights_on_new_tables_is_told_which(
    found: Findings, rows: Rows, role: str, mend: Callable[[dict[str, Any]], None]
) -> None:
    assert all_well(found("rights"))
    rows.connection.execute(
        f"REVOKE SELECT ON api_tokens FROM {role}; REVOKE DELETE ON drafts FROM {role}".encode()
    )
    (poor,) = found("rights")
    assert poor["severity"] == "fail"
    assert poor["text"] == f"the role {role} may not read or not write api_tokens, drafts"
    mend(poor)
    assert all_well(found("rights"))


def test_a_restrictive_policy_needs_another_mend(
    found: Findings, rows: Rows, role: str, mend: Callable[[dict[str, Any]], None]
) -> None:
    rows("DROP POLICY oppspot_everybody ON agent_tasks")
    rows("CREATE POLICY everything ON agent_tasks USING (true) WITH CHECK (true)")
    assert all_well(found("row security"))
    rows("CREATE POLICY less ON agent_tasks AS RESTRICTIVE USING (org_id IS NOT NULL)")
    (blind,) = found("row security")
    assert blind["fix"] == f"ALTER ROLE {role} BYPASSRLS;"
    mend(blind)
    assert all_well(found("row security"))


def test_a_role_that_does_not_see_others_is_told_how(
    found: Findings, role: str, mend: Callable[[dict[str, Any]], None]
) -> None:
    (blind,) = found("snapshots")
    assert blind["severity"] == "warn"
    mend(blind)
    assert all_well(found("snapshots"))


def test_a_check_that_is_not_allowed_does_not_keep_the_others_from_theirs(
    found: Findings, rows: Rows, role: str
) -> None:
    rows.connection.execute(
        sql.SQL("REVOKE ALL ON agent_tasks FROM {}").format(sql.Identifier(role))
    )
    (denied,) = found("claim")
    assert denied["severity"] == "warn"
    assert denied["text"] == "could not be looked at: permission denied for table agent_tasks"
    assert all_well(found("schema"))


def test_notifications_that_a_pooler_swallows_are_noticed(
    found: Findings, pooled_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", pooled_dsn)
    (pooler,) = found("pooler")
    assert pooler["text"] == "there is a pooler in between"
    (deaf,) = found("listen")
    assert deaf["severity"] == "warn"
    assert (
        "notifications do not arrive: tasks start with the next poll, within 5.0 s" in deaf["text"]
    )
    assert deaf["fix"].startswith("OPPSPOT_DIRECT_URL=postgresql://")


def test_without_a_pooler_notifications_arrive(found: Findings) -> None:
    assert all_well(found("pooler"))
    (listen,) = found("listen")
    assert (listen["severity"], listen["fix"]) == ("ok", None)


def test_clocks_that_differ_are_noticed(found: Findings, later: None) -> None:
    (clock,) = found("clock")
    assert clock["severity"] == "warn"
    assert "this host's clock is 11 min behind the database's" in clock["text"]


@pytest.mark.whole_server
def test_too_few_connections_for_another_runner_are_noticed(
    found: Findings, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    assert all_well(found("connections"))
    monkeypatch.setenv("OPPSPOT_CONCURRENCY", "5000")
    with ExitStack() as others:
        first = others.enter_context(psycopg.connect(dsn))
        left = first.execute(
            "SELECT current_setting('max_connections')::integer - count(*) FROM pg_stat_activity"
        ).fetchone()
        assert left is not None
        for _ in range(left[0] - 20):
            others.enter_context(psycopg.connect(dsn))
        (few,) = found("connections")
    assert few["severity"] == "warn"
    assert few["text"].endswith("a runner with OPPSPOT_CONCURRENCY=5000 may need 27")
    assert few["fix"].startswith("ALTER SYSTEM SET max_connections = ")


@pytest.mark.parametrize(
    ("free", "share", "severity"),
    [
        (100 * GIB, 0.02, "ok"),
        (4 * GIB, 0.05, "warn"),
        (4 * GIB, 0.02, "fail"),
        (2**20, 0.5, "fail"),
    ],
)
def test_disk_space_is_judged_by_size_and_share(free: int, share: float, severity: str) -> None:
    assert _room(free, share) == severity


def test_settings_that_mean_nothing_or_fight_are_found(
    found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "OPPSPOT_LEASES": "3",
        "OPPSPOT_POLL_INTERVAL": "60",
        "OPPSPOT_HISTORY_RETENTION": "7",
        "OPPSPOT_EMBEDDED_FOLDER": "somewhere",
    }.items():
        monkeypatch.setenv(name, value)
    told = {one["text"].split(" ")[0]: one["fix"] for one in found("settings")}
    assert told == {
        "OPPSPOT_LEASES": "unset OPPSPOT_LEASES; export OPPSPOT_LEASE=...  # if that was meant",
        "OPPSPOT_POLL_INTERVAL": "export OPPSPOT_POLL_INTERVAL=5",
        "attempts": "export OPPSPOT_HISTORY_RETENTION=30",
        "OPPSPOT_EMBEDDED_FOLDER": "unset OPPSPOT_EMBEDDED_FOLDER",
    }


def test_a_setting_that_cannot_be_used_is_a_finding(
    found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_LEASE", "soon")
    (unusable,) = found("settings")
    assert (unusable["severity"], "OPPSPOT_LEASE" in unusable["text"]) == ("fail", True)


def test_a_database_that_does_not_answer_is_a_finding(
    found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hidden@127.0.0.1:1/nowhere")
    (away,) = found("database")
    assert away["severity"] == "fail"
    assert "cannot reach the database 127.0.0.1:1/nowhere" in away["text"]
    assert "hidden" not in str(away)


def test_a_private_postgres_that_sleeps_is_not_woken(bare_cli: CommandLine) -> None:
    ended = bare_cli("doctor", "--json")
    assert (ended.code, ended.json["findings"][-1]["severity"]) == (0, "warn")
    assert "is not running" in ended.json["findings"][-1]["text"]


def test_runners_that_are_not_well_are_found(found: Findings, rows: Rows) -> None:
    (none,) = found("runners")
    assert (none["severity"], none["fix"]) == ("warn", "oppspot-runner start")
    well, late = rows.runner(), rows.runner(beat_age_s=20)
    rows("UPDATE task_runners SET lag_ms = 5000 WHERE id = %s", well)
    silent, blocked = sorted(found("runners"), key=lambda one: one["severity"])
    assert (silent["severity"], blocked["severity"]) == ("fail", "warn")
    assert silent["fix"] == f"oppspot-runner stop --runner {late} --now"
    assert f"the loop of runner {well} answered 5000 ms late" in blocked["text"]


def test_work_that_is_left_lying_is_found(found: Findings, rows: Rows) -> None:
    rows.runner()
    rows.task(rows.agent(), created_at="2020-01-01Z", scheduled_for="2020-01-01Z")
    (lying,) = found("runners")
    assert lying["severity"] == "fail"
    assert "a task has been due for" in lying["text"]


def test_tasks_that_should_have_moved_by_themselves_are_found(found: Findings, rows: Rows) -> None:
    rows("UPDATE task_runners SET task_types = '{agent_execution}' WHERE id = %s", rows.runner())
    dead = rows.runner(lease_s=-60)
    agent = rows.agent()
    lost, overdue, slow = rows.task(agent), rows.task(agent), rows.task(agent)
    rows.begin(lost, dead)
    rows(
        "UPDATE agent_tasks SET parked = true, scheduled_for = '2020-01-01Z' WHERE id = %s", overdue
    )
    rows("UPDATE agent_tasks SET parked = true WHERE id = %s", overdue)
    rows("UPDATE agent_tasks SET task_type = 'slow' WHERE id = %s", slow)
    gone, late, unserved = found("tasks")
    assert gone["text"] == f"1 task(s), such as {lost}, are in the name of a runner that is gone"
    assert gone["fix"] == f"oppspot-runner tasks explain {lost}"
    assert late["text"] == f"1 task(s), such as {overdue}, are due and were not put in line"
    assert [one["severity"] for one in (gone, late, unserved)] == ["fail", "fail", "warn"]
    assert unserved["fix"] == "oppspot-runner start --task-type slow"


@pytest.fixture
def deep(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Findings:
    """What `doctor --deep` says of the runners that it asked."""
    monkeypatch.setattr("oppspot_runner.app.doctor.deep.LEAST_WAIT_S", 2.0)
    monkeypatch.setattr("oppspot_runner.app.doctor.deep.POLLS", 0)

    def look(check: str = "health check") -> list[dict[str, Any]]:
        told = cli("doctor", "--deep", "--json").json["findings"]
        return [one for one in told if one["check"] == check]

    return look


def test_schedules_that_do_not_fire_are_found(
    cli: CommandLine, found: Findings, rows: Rows
) -> None:
    rows.runner()
    assert all_well(found("schedules"))
    cli("agents", "create", "--type", "x", "--name", "Late", "--cron", "@daily")
    rows("UPDATE schedules SET look_at = oppspot_now() - interval '5 minutes'")
    (late,) = found("schedules")
    assert late["severity"] == "fail"
    assert "'@daily' of Late is due since 5 min" in late["text"]
    rows("UPDATE schedules SET error = 'means nothing'")
    (wrong,) = found("schedules")
    assert wrong["severity"] == "warn"
    assert "of Late fires no more: means nothing" in wrong["text"]
    assert cli(*shlex.split(wrong["fix"])[1:]).code == 0
    assert all_well(found("schedules"))


@pytest.mark.parametrize(
    ("of_agent", "of_stream", "timezone", "fix"),
    [
        ('{"misfire": "never", "limit": 3}', None, "UTC", "#- '{schedule,misfire}'"),
        ('{"limit": 3}', '{"overlap": 1, "jitter": 9}', "UTC", "schedule_options - 'overlap'"),
        ('{"limit": 3, "color": 1}', '{"jitter": 9}', "UTC", "#- '{schedule,color}'"),
        ('{"limit": 3}', "[1]", "UTC", "SET schedule_options = NULL"),
        ("7", None, "UTC", "#- '{schedule}'"),
        ("{}", None, "UTC+2", "agents update 'The Late' --timezone Europe/London"),
    ],
)
def test_what_is_wrong_of_a_schedule_is_named_and_mended_alone(
    cli: CommandLine,
    found: Findings,
    rows: Rows,
    mend: Callable[[dict[str, Any]], None],
    of_agent: str,
    of_stream: str | None,
    timezone: str,
    fix: str,
) -> None:
    agent = rows.agent("The Late")
    cli.json("streams", "create", "Leads")
    assert cli("streams", "assign", "Leads", agent, "--frequency", "daily").code == 0
    rows("UPDATE stream_agent_assignments SET schedule_options = %s", of_stream)
    rows(
        "UPDATE ai_agents SET schedule_timezone = %s,"
        " configuration = jsonb_build_object('keep', true, 'schedule', %s::jsonb)",
        timezone,
        of_agent,
    )
    rows("UPDATE schedules SET error = 'means nothing'")
    (wrong,) = found("schedules")
    assert fix in wrong["fix"]
    if wrong["fix"].startswith("oppspot-runner"):
        assert cli(*shlex.split(wrong["fix"])[1:]).code == 0
    else:
        mend(wrong)
    assert all_well(found("schedules"))
    assert rows.value("SELECT configuration -> 'keep' FROM ai_agents") is True
    if "schedule_options - " in fix:
        assert rows.value("SELECT schedule_options FROM stream_agent_assignments") == {"jitter": 9}


@pytest.mark.slow
def test_a_health_check_goes_through_every_runner(
    deep: Findings, rows: Rows, live_runner: int
) -> None:
    deaf, paused = rows.runner(), rows.runner(state="paused")
    answer, silence, rest = deep()
    assert answer["severity"] == "ok"
    assert answer["text"].startswith(f"runner {live_runner} on ")
    assert "took it and wrote its end within" in answer["text"]
    assert silence["severity"] == "fail"
    assert silence["text"] == (
        f"runner {deaf} on far (pid 7) did not complete it within 2.0 s: it is pending"
    )
    assert rest["text"] == f"runner {paused} is paused, and was not asked"
    sent = {row["task_type"]: row for row in rows("SELECT * FROM agent_tasks")}
    assert sent[f"health_check:{live_runner}"]["status"] == "completed"
    assert sent[f"health_check:{deaf}"]["status"] == "cancelled"


@pytest.mark.slow
def test_a_runner_whose_slots_are_busy_is_no_failure(deep: Findings, rows: Rows) -> None:
    runner, agent = rows.runner(), rows.agent()
    for _ in range(3):
        rows.begin(rows.task(agent), runner)
    (busy,) = deep()
    assert (busy["severity"], busy["text"].partition(": ")[2]) == ("warn", "its 3 slots are busy")


@pytest.mark.slow
def test_a_runner_that_a_task_has_for_itself_is_no_failure(deep: Findings, rows: Rows) -> None:
    rows.begin(rows.task(rows.agent(), crash_count=2), rows.runner())
    (busy,) = deep()
    assert (busy["severity"], busy["text"].partition(": ")[2]) == ("warn", "its 3 slots are busy")


def test_without_runners_nobody_is_asked(deep: Findings, rows: Rows) -> None:
    (nobody,) = deep()
    assert (nobody["severity"], nobody["fix"]) == ("warn", "oppspot-runner start")
    assert rows("SELECT FROM agent_tasks") == []


def test_a_health_check_that_was_left_behind_is_named_with_its_mend(
    found: Findings, cli: CommandLine, rows: Rows
) -> None:
    rows.runner()
    task = rows.value("INSERT INTO agent_tasks (task_type) VALUES ('health_check:99') RETURNING id")
    (left,) = found("tasks")
    assert left["fix"] == f"oppspot-runner tasks cancel {task}"
    (reason,) = cli.json("tasks", "explain", str(task))["reasons"]
    assert reason["code"] == "type_not_served"
    assert cli(*left["fix"].split()[1:]).code == 0
    assert all_well(found("tasks"))


@pytest.mark.parametrize("name", ["OPPSPOT_FINGERPRINTS", "OPPSPOT_INDUSTRIES"])
def test_a_file_that_agents_would_miss_is_seen(
    found: Findings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "none.toml"))
    (one,) = found("settings")
    assert one["severity"] == "fail"
    assert one["text"].startswith(f"{name}: ")
    assert "No such file" in one["text"]
    assert one["fix"].startswith(f"unset {name}")


def test_a_scout_that_can_ask_nobody_is_named_with_what_it_lacks(
    found: Findings, rows: Rows
) -> None:
    assert all_well(found("scouts"))
    rows(
        "INSERT INTO ai_agents (name, agent_type, is_active, configuration) VALUES"
        " ('away', 'scout_agent', false, '{\"threshold\": 7}'),"
        " ('bold', 'scout_agent', true, '{\"threshold\": 7}'),"
        " ('keyless', 'scout_agent', true, '{\"sources\": [\"officers\"]}'),"
        " ('well', 'scout_agent', NULL, NULL)"
    )
    bold, keyless = found("scouts")
    assert bold["text"].startswith("bold cannot scout: threshold: ")
    assert "OPPSPOT_COMPANIES_HOUSE_API_KEY is not set" in keyless["text"]
    assert keyless["fix"].startswith("oppspot-runner agents update ")


def test_bodies_that_no_worker_begins_are_found(found: Findings, rows: Rows) -> None:
    assert all_well(found("workers"))
    rows(
        "WITH t AS (INSERT INTO agent_tasks (status, runner_id, run_token, attempt, started_at)"
        " SELECT 'processing', 1, n, 1, now() FROM generate_series(1, 4) AS n RETURNING *)"
        " INSERT INTO task_handoffs (handle, task_id, run_token, attempt, backend, ticket,"
        " submitted_at) SELECT gen_random_uuid(), id, run_token, 1, 'celery', '{}',"
        " now() - run_token * interval '50 s' FROM t RETURNING 1"
    )
    # Nobody wants the oldest any more.
    rows("UPDATE agent_tasks SET run_token = 5 WHERE run_token = 4 RETURNING 1")
    (finding,) = found("workers")
    assert finding["severity"] == "warn"
    assert "2 bodies have waited for a worker of celery" in finding["text"]
    assert finding["fix"] == "celery -A oppspot_runner.app.celery_worker worker"
