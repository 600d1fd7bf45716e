"""The tables companies and facts refuse what cannot be, and keep what is stated once."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from oppspot_runner.db.files import migrations

COMPANY = "INSERT INTO companies (name, source, source_id) VALUES ('A', 's', '1') RETURNING id"


REFUSED_COMPANIES = [
    ("name", "'  '", "companies_name_check"),
    ("name", "repeat('x', 501)", "companies_name_check"),
    ("country", "'UK1'", "companies_country_check"),
    ("country", "'gb'", "companies_country_check"),
    ("employees", "0", "companies_employees_check"),
    ("employees", "-1", "companies_employees_check"),
    ("employees_band", "'many'", "companies_band_check"),
    ("founded_year", "12", "companies_founded_check"),
    ("domain", "'Acme.com'", "companies_domain_check"),
    ("domain", "'https://acme.com'", "companies_domain_check"),
    ("status", "'Active'", "companies_status_check"),
    ("status", "''", "companies_status_check"),
    ("company_number", "'sc 1'", "companies_number_check"),
    ("sic_codes", "ARRAY[NULL]::text[]", "companies_arrays_check"),
    ("links", "'[]'", "companies_links_check"),
    ("source", "''", "companies_source_check"),
    ("source_id", "'1'", "companies_source_id_check"),
]


def test_companies_that_cannot_be_are_refused(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for column, value, constraint in REFUSED_COMPANIES:
            values = {"name": "'A'", column: value}
            columns, texts = ", ".join(values), ", ".join(values.values())
            with pytest.raises(errors.CheckViolation) as caught:
                connection.execute(f"INSERT INTO companies ({columns}) VALUES ({texts})")
            assert caught.value.diag.constraint_name == constraint, column


def test_a_company_cannot_be_merged_into_itself(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(COMPANY)
        with pytest.raises(errors.CheckViolation):
            connection.execute("UPDATE companies SET merged_into = id")


def test_a_source_id_and_a_number_exist_once_for_each_organisation(dsn: str) -> None:
    insert = "INSERT INTO companies (org_id, name, source, source_id, company_number) VALUES "
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("INSERT INTO organizations DEFAULT VALUES RETURNING id").fetchone()
        assert row is not None
        connection.execute(insert + "(NULL, 'A', 's', '1', '01')")
        connection.execute(insert + "(%s, 'A', 's', '1', '01')", row)
        for org_id in (None, row[0]):
            for values in ("'s', '1', '02'", "'s', '2', '01'"):
                with pytest.raises(errors.UniqueViolation):
                    connection.execute(insert + f"(%s, 'B', {values})", [org_id])


REFUSED_FACTS = [
    ("", '"x"', "s", 0.5),
    ("name", "null", "s", 0.5),
    ("name", '"x"', "", 0.5),
    ("name", '"x"', "s", 1.5),
    ("name", '"x"', "s", -0.5),
]


def test_facts_that_cannot_be_are_refused(dsn: str) -> None:
    insert = (
        "INSERT INTO facts (company_id, field, value, source, confidence)"
        " VALUES (%s, %s, %s, %s, %s)"
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(COMPANY).fetchone()
        assert row is not None
        for fact in REFUSED_FACTS:
            with pytest.raises(errors.CheckViolation):
                connection.execute(insert, [row[0], *fact])


def test_the_same_fact_of_the_same_source_is_kept_once(dsn: str) -> None:
    insert = (
        "INSERT INTO facts (company_id, field, value, source, confidence)"
        " VALUES (%s, 'employees', %s, %s, 0.5) ON CONFLICT DO NOTHING"
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(COMPANY).fetchone()
        assert row is not None
        for value, source in [("10", "a"), ("10", "a"), ("11", "a"), ("10", "b")]:
            connection.execute(insert, [row[0], value, source])
        found = connection.execute("SELECT count(*) FROM facts").fetchone()
        connection.execute("DELETE FROM companies")
        left = connection.execute("SELECT count(*) FROM facts").fetchone()
    assert found == (3,)
    assert left == (0,)


def test_tables_of_another_making_are_refused_with_advice(empty_dsn: str) -> None:
    seed, companies = (m.text for m in migrations() if m.number in (1, 4))
    with psycopg.connect(empty_dsn) as connection:
        connection.execute(seed)
        connection.execute("CREATE TABLE facts (id int)")
        with pytest.raises(errors.RaiseException, match="already holds facts") as caught:
            connection.execute(companies)
    assert "OPPSPOT_SCHEMA" in str(caught.value.diag.message_hint)
