"""The command `import`: its report, its errors and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result

from oppspot_runner.cli.main import main
from tests.imports.conftest import WriteCsv


def run(dsn: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", *arguments], env={"DATABASE_URL": dsn})


def test_a_csv_file_is_imported_and_reported(dsn: str, write_csv: WriteCsv) -> None:
    path = str(write_csv(["Firm", "country"], ["Acme", "UK"], ["", "IE"], ["\x1b[31mBolt", ""]))
    first = run(dsn, "csv", path, "--map", "name=Firm", "--json")
    report = json.loads(first.stdout)
    assert first.exit_code == 0
    assert (report["read"], report["inserted"], report["skipped"]) == (3, 2, {"no name": 1})
    assert report["examples"] == [{"line": 3, "reason": "no name", "text": "IE"}]
    second = run(dsn, "csv", path, "--map", "name=Firm", "--no-facts")
    assert second.exit_code == 0
    assert "unchanged" in second.stdout
    assert "line 3: no name: IE" in second.stdout


def test_a_dry_run_says_what_would_be_and_writes_nothing(dsn: str, write_csv: WriteCsv) -> None:
    path = str(write_csv(["name"], ["Acme"], ["Bolt"]))
    shown = run(dsn, "csv", path, "--dry-run")
    report = json.loads(run(dsn, "csv", path, "--dry-run", "--json").stdout)
    assert "nothing was written" in shown.stdout
    assert (report["dry_run"], report["inserted"], report["facts"]) == (True, 2, 2)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT FROM companies").fetchall() == []


def test_rows_go_to_an_organisation(dsn: str, write_csv: WriteCsv) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("INSERT INTO organizations DEFAULT VALUES RETURNING id").fetchone()
        assert row is not None
        path = str(write_csv(["name"], ["Acme"]))
        result = run(dsn, "csv", path, "--org", str(row[0]), "--source", "mine")
        found = connection.execute("SELECT org_id, source FROM companies").fetchall()
    assert result.exit_code == 0
    assert found == [(row[0], "import:mine")]


ERRORS: list[tuple[list[str], int, str]] = [
    (["csv", "nowhere.csv"], 1, "cannot read nowhere.csv"),
    (["csv", "nowhere.csv", "--map", "x=y"], 1, "is not FIELD=COLUMN"),
    (["companies-house", "nowhere.zip"], 1, "cannot read nowhere.zip"),
    (["companies-house", "nowhere.zip", "--sic", "soft"], 1, "--sic 'soft'"),
    (["csv"], 2, "Missing argument"),
    (["csv", "nowhere.csv", "--org", "mine"], 2, "not a valid UUID"),
    (["xml", "nowhere.xml"], 2, "No such command 'xml'"),
]


def test_an_error_is_one_line(dsn: str) -> None:
    for arguments, code, message in ERRORS:
        result = run(dsn, *arguments)
        assert (result.exit_code, result.stdout) == (code, ""), arguments
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_an_unknown_organisation_is_an_error(dsn: str, write_csv: WriteCsv) -> None:
    result = run(dsn, "csv", str(write_csv(["name"], ["Acme"])), "--org", str(uuid4()))
    assert result.exit_code == 1
    assert "there is no organisation" in result.stderr


@pytest.mark.slow
def test_standard_input_is_read(dsn: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "oppspot_runner", "import", "csv", "-", "--json"],
        input=b"name;country\nAcme;Ireland\n",
        env={**os.environ, "DATABASE_URL": dsn},
        capture_output=True,
        check=True,
        timeout=50,
    )
    assert json.loads(done.stdout)["inserted"] == 1


@pytest.mark.parametrize("command", [[], ["listed"], ["companies-house"], ["csv"]])
def test_help_has_an_example(command: list[str]) -> None:
    result = CliRunner().invoke(main, ["import", *command, "--help"])
    assert result.exit_code == 0
    assert "Example: oppspot-runner import" in result.stdout
