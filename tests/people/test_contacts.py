"""Contacts from a file: none is lost without a word, and who is forgotten stays so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from oppspot_runner.cli.main import main
from tests.imports.conftest import WriteCsv, write_csv

__all__ = ["write_csv"]
HEADER = ["First Name", "Last Name", "E-mail", "Account Name", "Job Title", "Last Activity"]


def run(dsn: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", "contacts", *arguments], env={"DATABASE_URL": dsn})


def rows(dsn: str, query: str) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_each_row_is_imported_or_told_with_its_line(dsn: str, write_csv: WriteCsv) -> None:
    path = str(
        write_csv(
            HEADER,
            ["Jo", "Example", "Jo@Acme.com", "Acme Ltd", "CTO", "2025-03-04"],
            ["Al", "", "al@gmail.com", "Bolt", "", "04/03/2025"],
            ["Cy", "Free", "not an address", "", "", "last week"],
            ["", "", "", "Nobody Ltd", "", ""],
            ["Jo", "Again", "jo@acme.com", "", "", ""],
            ["only", "three", "cells"],
        )
    )
    report = json.loads(run(dsn, path, "--json").stdout)
    assert (report["read"], report["inserted"]) == (6, 3)
    assert report["skipped"] == {
        "too few columns": 1,
        "neither name nor address": 1,
        "the same contact again": 1,
    }
    assert report["repaired"] == {
        "e-mail address not understood": 1,
        "last contact not understood": 1,
    }
    assert {one["line"] for one in report["examples"]} == {5, 6, 7}
    saved = rows(
        dsn,
        "SELECT name, email, domain, company_norm, last_contact_at::date FROM contacts ORDER BY 1",
    )
    assert [(one[0], one[2], one[3], str(one[4])) for one in saved] == [
        ("Al", None, "bolt", "2025-03-04"),
        ("Cy Free", None, None, "None"),
        ("Jo Example", "acme.com", "acme", "2025-03-04"),
    ]
    again = json.loads(run(dsn, path, "--json").stdout)
    assert (again["inserted"], again["updated"]) == (0, 3)
    assert "line 5: neither name nor address" in run(dsn, path).stdout


def test_a_dry_run_writes_nothing_and_bad_files_are_refused(dsn: str, write_csv: WriteCsv) -> None:
    path = str(write_csv(["Person", "x"], ["Jo Example", "1"]))
    assert "nothing was written" in run(dsn, path, "--dry-run").stdout
    assert rows(dsn, "SELECT FROM contacts") == []
    other = str(write_csv(["colour"], ["red"]))
    assert "no column for names or addresses" in run(dsn, other).stderr
    mapped = run(
        dsn, other, "--map", "name=colour", "--org", "00000000-0000-4000-8000-000000000001"
    )
    assert "there is no organisation" in mapped.stderr
    assert "is not FIELD=COLUMN" in run(dsn, other, "--map", "town=colour").stderr


PEOPLE = """
    WITH c AS (
        INSERT INTO companies (name, name_norm, domain, company_number, country)
        VALUES ('Acme Ltd', 'acme', 'acme.com', '00000001', 'GB') RETURNING id
    ), p AS (
        INSERT INTO people (name, name_norm, birth_year, birth_month, source)
        VALUES ('Jo Example', 'jo example', 1980, 2, 't'), ('Di Rector', 'di rector', 1970, 1, 't'),
            ('Di Rector', 'di rector', 1990, 1, 't') RETURNING id, birth_year
    )
    INSERT INTO appointments (person_id, company_number, company_name, company_id, role,
        appointed_on, source)
    SELECT p.id, '00000001', 'Acme Ltd', c.id, 'director', '2020-01-01', 't'
    FROM p, c WHERE birth_year < 1985
"""

OWNS = """
UPDATE appointments a SET role = 'individual-person-with-significant-control'
FROM people p WHERE p.id = a.person_id AND p.name = 'Di Rector'
"""


@pytest.mark.slow
def test_people_are_shown_suppressed_and_forgotten_by_the_command_line(
    dsn: str, write_csv: WriteCsv
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(PEOPLE)
    path = str(write_csv(["name", "email"], ["Jo Example", "jo@acme.com"]))
    assert json.loads(run(dsn, path, "--json").stdout)["linked"] == 1

    def do(*words: str, **more: Any) -> Result:
        return CliRunner().invoke(main, list(words), env={"DATABASE_URL": dsn}, **more)

    listed = json.loads(do("people", "list", "--company", "acme.com", "--json").stdout)
    assert [one["name"] for one in listed] == ["Di Rector", "Jo Example"]
    assert "Jo Example" in do("people", "list").stdout
    with psycopg.connect(dsn) as connection:
        connection.execute(OWNS)
    for look in (("people", "list"), ("people", "show", "Di Rector")):
        assert " person with significant control " in do(*look).stdout
    (shown,) = json.loads(do("people", "show", "jo@acme.com", "--json").stdout)
    assert [one["kind"] for one in shown] == ["person", "contact"]
    assert "Acme Ltd" in do("people", "show", "Jo Example").stdout
    (best, *_) = json.loads(do("people", "paths", "acme.com", "--json").stdout)
    assert (best["from"], best["to"]) == ("Jo Example", "Jo Example")
    assert "Di Rector" in do("people", "paths", "acme.com").stdout

    assert "left alone" in do("people", "suppress", "jo@acme.com").stdout
    assert "as before" in do("people", "suppress", "JO@acme.com").stdout
    assert "Nobody we know" in do("people", "paths", "acme.com").stdout
    assert do("people", "unsuppress", "jo@acme.com").exit_code == 0
    assert "is not suppressed" in do("people", "unsuppress", "jo@acme.com").stderr
    assert "no e-mail address, domain or id" in do("people", "suppress", "Jo").stderr

    several = do("forget", "Di Rector", "--yes")
    assert several.exit_code == 1
    assert "may be any of 2" in several.stderr
    assert "born 1970-01" in several.stderr
    assert do("forget", "Nobody", "--yes").exit_code == 1
    assert do("forget", "Jo Example", input="n\n").exit_code == 130
    assert len(rows(dsn, "SELECT FROM contacts")) == 1
    gone = json.loads(do("forget", "Jo Example", "--yes", "--json").stdout)["removed"]
    assert gone == {"people": 1, "contacts": 1, "appointments": 1}
    again = json.loads(run(dsn, path, "--json").stdout)
    assert again["skipped"] == {"the person was forgotten": 1}


def test_names_are_read_in_the_encoding_of_the_file(dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes("Name;Email\nJosé Núñez;jose@acme.com\n".encode("cp1252"))
    assert run(dsn, str(path), "--encoding", "cp1252").exit_code == 0
    assert rows(dsn, "SELECT name FROM contacts") == [("José Núñez",)]
    wrong = run(dsn, str(path), "--encoding", "latin-99")
    assert (wrong.exit_code, "unknown encoding" in wrong.stderr) == (1, True)


def test_a_contact_without_an_address_stays_forgotten(dsn: str, write_csv: WriteCsv) -> None:
    given = [["Name", "Company"], ["Al Moss", "Acme Ltd"], ["Al Moss", "Bolt Ltd"]]
    path = str(write_csv(*given))
    run(dsn, path)
    ((found,),) = rows(dsn, "SELECT id FROM contacts WHERE company_norm = 'acme'")
    gone = CliRunner().invoke(main, ["forget", str(found), "--yes"], env={"DATABASE_URL": dsn})
    assert gone.exit_code == 0, gone.stderr
    run(dsn, path)
    assert rows(dsn, "SELECT company_norm FROM contacts") == [("bolt",)]
