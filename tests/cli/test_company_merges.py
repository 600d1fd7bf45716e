"""`companies show|merge|unmerge|merge-same|duplicates|distinct` as people type them."""

from __future__ import annotations

import json

import psycopg
import pytest
from click.testing import CliRunner, Result

from oppspot_runner.cli.main import main

COMPANIES = """
    INSERT INTO companies (name, name_norm, country, town, source, domain, employees, created_at)
    VALUES ('Acme Ltd', 'acme', 'GB', 'Leeds', 'one', 'acme.com', 12, now() - interval '1 day'),
        ('Acme', 'acme', 'GB', 'Leeds', 'two', NULL, NULL, now()),
        ('Harbour Ledger', 'harbour ledger', 'GB', 'Leeds', 'one', NULL, NULL, now()),
        ('Harbor Ledger', 'harbor ledger', 'GB', 'Leeds', 'one', NULL, NULL, now())
"""


def run(dsn: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["companies", *words], env={"DATABASE_URL": dsn})


@pytest.fixture
def filled(dsn: str) -> str:
    with psycopg.connect(dsn) as connection:
        connection.execute(COMPANIES)
    return dsn


def test_what_is_the_same_is_merged_shown_and_taken_back(filled: str) -> None:
    seen = json.loads(run(filled, "merge-same", "--dry-run", "--json").stdout)
    assert (seen["found"], seen["merged"]) == (1, 0)
    assert "1 found, 1 merged" in run(filled, "merge-same").stdout
    shown = json.loads(run(filled, "show", "acme.com", "--json").stdout)
    (merged,) = shown["merged"]
    assert (shown["employees"], merged["name"], merged["reason"]) == (
        12,
        "Acme",
        "name and country",
    )
    assert "merged here" in run(filled, "show", "acme.com").stdout
    assert "Merged into Acme Ltd" in run(filled, "show", merged["id"]).stdout
    assert "of its own again" in run(filled, "unmerge", merged["id"]).stdout
    assert run(filled, "unmerge", merged["id"]).exit_code == 1
    again = json.loads(
        run(filled, "merge", merged["id"], "acme.com", "--reason", "I know them", "--json").stdout
    )
    assert again["merged_into"] == shown["id"]


def test_names_that_are_alike_are_shown_until_they_are_kept_apart(filled: str) -> None:
    found = json.loads(run(filled, "duplicates", "--country", "gb", "--json").stdout)
    pair = next(one for one in found if "Ledger" in one["name"])
    assert 90 <= pair["likeness"] < 100
    assert "Ledger" in run(filled, "duplicates", "--known").stdout
    assert run(filled, "distinct", pair["company_id"], pair["other_id"]).exit_code == 0
    assert "Ledger" not in run(filled, "duplicates").stdout


def test_a_company_that_is_not_there_is_one_line(filled: str) -> None:
    for words in (["show", "nobody"], ["merge", "nobody", "acme.com"], ["distinct", "x", "y"]):
        result = run(filled, *words)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.stderr
        assert "there is no company" in result.stderr
