"""Each version brings up to date what the one before it left, with rows in it."""

from __future__ import annotations

import pytest

from oppspot_runner.db import migrate as migrating
from oppspot_runner.db.files import migrations
from tests.db.conftest import Place


@pytest.mark.slow
def test_a_schedule_that_was_written_before_counts_from_the_migration_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tuple(one for one in migrations() if one.number < 15)
    with monkeypatch.context() as older:
        older.setattr(migrating, "migrations", lambda: before)
        place.migrate()
    place.session.execute(
        "INSERT INTO ai_agents (agent_type, schedule_cron, created_at)"
        " VALUES ('a', '@daily', '2020-01-01'), ('b', NULL, '2020-01-01')"
    )
    place.migrate()
    rows = place.session.execute(
        "SELECT expression, timezone, is_active, oppspot_now() - since < '1 minute' FROM schedules"
    ).fetchall()
    assert rows == [("@daily", "UTC", True, True)]


@pytest.mark.slow
def test_what_each_version_wrote_is_brought_up_to_date(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of each version go through all files after it; each file is a transaction of its own."""
    versions = [one.number for one in migrations() if one.number >= 6]
    for version in versions[:-1]:
        known = tuple(one for one in migrations() if one.number <= version)
        with monkeypatch.context() as older:
            older.setattr(migrating, "migrations", lambda known=known: known)
            assert place.migrate()
        write_rows(place, f"agent of {version}")
    assert len(place.migrate()) == 1
    rows = place.session.execute("SELECT DISTINCT error_pattern FROM dead_letter_tasks").fetchall()
    assert rows == [("line ?",)]
    row = place.session.execute("SELECT completed, failed, total FROM task_runner_stats").fetchall()
    each = len(versions) - 1
    assert row == [(each, each, 4 * each)]


def write_rows(place: Place, agent: str) -> None:
    place.session.execute("INSERT INTO ai_agents (name, agent_type) VALUES (%s, 'a')", (agent,))
    place.session.execute(
        "INSERT INTO agent_tasks (agent_id, status, error_message)"
        " SELECT id, status, 'line 7' FROM ai_agents,"
        " unnest('{pending,completed,failed,cancelled}'::text[]) status WHERE name = %s",
        (agent,),
    )
    place.session.execute(
        "INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, lease_until)"
        " VALUES ('here', 1, '0', 1, 5, 30, 5, oppspot_now())"
    )


@pytest.mark.slow
def test_a_run_that_was_on_goes_on_by_the_rules_of_graphs(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        before = tuple(one for one in migrations() if one.number < 16)
        older.setattr(migrating, "migrations", lambda: before)
        place.migrate()
    session = place.session
    session.execute("INSERT INTO streams (name) VALUES ('s')")
    agents = "SELECT chr(n), 'a' FROM generate_series(65, 68) n"
    session.execute(f"INSERT INTO ai_agents (name, agent_type) {agents}".encode())
    session.execute(
        "INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)"
        " SELECT s.id, a.id, ARRAY(SELECT b.id FROM ai_agents b WHERE b.name = ANY ("
        "   CASE a.name WHEN 'C' THEN '{A,B}' WHEN 'D' THEN '{C}' ELSE '{}' END::text[]))"
        " FROM streams s, ai_agents a"
    )
    session.execute("SELECT run_stream(id) FROM streams")
    end = (
        "UPDATE agent_tasks t SET status = %s FROM ai_agents a"
        " WHERE a.id = t.agent_id AND a.name = %s"
    )
    session.execute(end, ("failed", "A"))  # C and D are skipped
    place.migrate()
    session.execute("SELECT retry_task(id) FROM agent_tasks WHERE status = 'failed'")
    for name in "BACD":
        session.execute(end, ("completed", name))
    row = session.execute("SELECT status, open_nodes FROM stream_runs").fetchall()
    assert row == [("completed", 0)]
    assert session.execute("SELECT count(*) FROM agent_tasks").fetchall() == [(4,)]
