"""`migrate` and `migrate --check`."""

from __future__ import annotations

import psycopg
import pytest

from oppspot_runner.cli.schema import NOT_RUNNING
from oppspot_runner.db.files import migrations
from tests.cli.conftest import CommandLine, Rows


@pytest.mark.slow
def test_an_empty_database_is_checked_and_then_brought_up_to_date(
    bare_cli: CommandLine, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    before = bare_cli("migrate", "--check")
    assert before.code == 1
    assert before.out.startswith("Pending: 0001_seed_tables, 0002_queue")
    applied = bare_cli.json("migrate")
    assert applied["applied"] == [f"{one.number:04}_{one.name}" for one in migrations()]
    assert (
        bare_cli("migrate").out == f"The schema is up to date ({len(migrations())} migrations).\n"
    )
    assert bare_cli("migrate", "--check").code == 0


def test_a_check_changes_nothing(
    bare_cli: CommandLine, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    bare_cli("migrate", "--check")
    with psycopg.connect(empty_dsn) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert row.fetchone() == (0,)


def test_a_schema_of_a_newer_version_is_refused(cli: CommandLine, rows: Rows) -> None:
    rows("INSERT INTO oppspot_migrations VALUES (9000, 'later', true, oppspot_now())")
    check = cli("migrate", "--check", "--json")
    assert (check.code, check.json["up_to_date"], check.json["newer"]) == (1, False, [9000])
    ended = cli("migrate")
    assert ended.code == 1
    assert "changed by a newer oppspot-runner" in ended.err


def test_without_the_private_postgres_nothing_is_up_to_date(bare_cli: CommandLine) -> None:
    ended = bare_cli("migrate", "--check")
    assert (ended.code, ended.out) == (1, f"{NOT_RUNNING}\n")
