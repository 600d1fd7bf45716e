"""Companies from CSV files: which column is what, and what becomes of its cells."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.db.pool import Database
from oppspot_runner.imports import CsvFile, parse_assignments
from oppspot_runner.imports.cells import industries
from tests.imports.conftest import Import, WriteCsv, read

ONE = "SELECT * FROM companies"


async def test_usual_names_of_columns_need_no_mapping(db: Database, import_rows: Import) -> None:
    report = await import_rows(
        [
            "company_id",
            "Company Name",
            "tags",
            "location",
            "Country",
            "year_founded",
            "team_size",
            "Website",
            "cb_url",
            "linkedin_url",
            "status",
            "short_description",
            "long_description",
        ],
        [
            "7",
            "The  Acmé Ltd",
            "['saas', 'health-&-wellness']",
            "Leeds, England, UK",
            "United Kingdom",
            "2019.0",
            "12.0",
            "https://www.acme.co.uk/x",
            "https://www.crunchbase.com/acme",
            "https://www.linkedin.com/company/acme",
            "Active",
            "short",
            "long\nwith a second line",
        ],
    )
    row = await db.fetch_one(ONE)
    assert row is not None
    assert (report.inserted, report.skipped, report.repaired) == (1, {}, {})
    wanted = {
        "source": "import:csv",
        "source_id": "7",
        "name": "The Acmé Ltd",
        "name_norm": "acme",
        "industries": ["saas", "health-and-wellness"],
        "town": "Leeds",
        "region": "England",
        "country": "GB",
        "founded_year": 2019,
        "employees": 12,
        "employees_band": None,
        "website": "https://www.acme.co.uk/x",
        "domain": "acme.co.uk",
        "linkedin_url": "https://www.linkedin.com/company/acme",
        "links": {"crunchbase": "https://www.crunchbase.com/acme"},
        "status": "active",
        "description": "long\nwith a second line",
        "org_id": None,
    }
    assert {key: row[key] for key in wanted} == wanted


async def test_each_known_value_is_a_fact_with_source_and_confidence(
    db: Database, import_rows: Import
) -> None:
    await import_rows(
        ["name", "employees", "industries", "country", "town"],
        ["Acme", "c. 43,000 (March 2024)", "SaaS; FinTech", "", "Leeds"],
    )
    facts = await db.fetch_all("SELECT * FROM stated_facts ORDER BY field")
    assert [(fact["field"], fact["value"]) for fact in facts] == [
        ("employees", 43_000),
        ("industries", ["saas", "fintech"]),
        ("name", "Acme"),
        ("town", "Leeds"),
    ]
    assert {fact["source"] for fact in facts} == {"import:csv"}
    assert {round(fact["confidence"], 3) for fact in facts} == {0.6}
    assert facts[0]["valid_from"] == date(2024, 3, 1)
    assert facts[1]["valid_from"] is None


async def test_a_head_count_that_cannot_be_understood_is_unknown_and_its_text_is_kept(
    db: Database, import_rows: Import
) -> None:
    text = "1,229 employees in Belgium and 955 in Germany"
    report = await import_rows(["name", "employees"], ["Acme", text], ["Bolt", "c. 40 (2024)"])
    stated = await db.fetch_all("SELECT value FROM stated_facts WHERE field = 'employees_text'")
    counts = await db.fetch_all("SELECT employees FROM companies ORDER BY name")
    assert [row["value"] for row in stated] == [text]
    assert [row["employees"] for row in counts] == [None, 40]
    assert report.repaired == {"employees not understood": 1}


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("['a b', 'c']", ["a-b", "c"]),
        ('["a", "c"]', ["a", "c"]),
        ('["it\'s", "c"]', ["its", "c"]),
        ("a; c", ["a", "c"]),
        ("a|c|a", ["a", "c"]),
        ("a, c", ["a", "c"]),
        ("Food, Beverage & Tobacco", ["food-beverage-and-tobacco"]),
        ("[]", []),
        ("[not a list", ["not-a-list"]),
        ("['deep' * 9]", ["deep-9"]),
        ("", []),
    ],
)
def test_lists_are_read_however_they_are_written(cell: str, labels: list[str]) -> None:
    assert industries(cell) == labels


def test_several_columns_of_labels_are_joined(write_csv: WriteCsv) -> None:
    path = write_csv(["name", "sector", "industry"], ["Acme", "Technology", "Software"])
    rows, _ = read(CsvFile(str(path)))
    assert rows[0]["industries"] == '{"software","technology"}'


def test_a_column_may_be_named_or_left_out(write_csv: WriteCsv) -> None:
    path = write_csv(["Firm", "Country", "Size"], ["Acme", "GB", "12"])
    columns = parse_assignments(["name=Firm", "employees=size", "country="])
    rows, _ = read(CsvFile(str(path), columns))
    assert (rows[0]["name"], rows[0]["employees"]) == ("Acme", "12")
    assert "country" not in rows[0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([], r"no column for the company name; it has: Firm, Country\."),
        (["name=Company"], r"no column 'Company'; it has: Firm, Country"),
    ],
)
def test_a_missing_column_lists_what_is_there(
    write_csv: WriteCsv, columns: Sequence[str], message: str
) -> None:
    path = write_csv(["Firm", "Country"], ["Acme", "GB"])
    with pytest.raises(InvalidInputError) as caught:
        read(CsvFile(str(path), parse_assignments(columns)))
    assert re.search(message, caught.value.one_line())


@pytest.mark.parametrize("assignment", ["nam=x", "name", "=x"])
def test_an_unknown_field_is_refused_with_those_that_exist(assignment: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_assignments([assignment])
    assert "company_number" in caught.value.one_line()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not a CSV file"),
        (b"%PDF-1.7\n", "is not a CSV file"),
        (b"\x00\x01\x02" * 100, "is not a CSV file"),
        (b"PK\x03\x04broken", "cannot read"),
        (b'<?xml version="1.0"?>\n<a/>\n', "no column for the company name"),
        (b'{"name": "Acme"}\n', "no column for the company name"),
    ],
)
def test_what_is_no_csv_file_is_one_clear_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=message):
        read(CsvFile(str(path)))


def test_a_file_that_is_not_there_or_a_folder_says_so(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InvalidInputError, match="cannot read"):
            read(CsvFile(str(path)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_other_delimiters_and_unicode_marks_are_understood(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(f"name{delimiter}country\r\nNestlé{delimiter}CH\r\n".encode(encoding))
    rows, _ = read(CsvFile(str(path)))
    assert [(row["name"], row["country"]) for row in rows] == [("Nestlé", "CH")]


def test_another_encoding_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("name\nNestlé\n".encode("cp1252"))
    rows, _ = read(CsvFile(str(path), encoding="cp1252"))
    assert rows[0]["name"] == "Nestlé"
    with pytest.raises(InvalidInputError, match="unknown encoding 'klingon'"):
        read(CsvFile(str(path), encoding="klingon"))


def test_the_csv_file_in_a_zip_is_read_and_two_are_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    for path, names in ((one, ["a.csv", "readme.txt"]), (two, ["a.csv", "b.csv"])):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(name, "name\nAcme\n")
    rows, _ = read(CsvFile(str(one)))
    assert [row["name"] for row in rows] == ["Acme"]
    with pytest.raises(InvalidInputError, match="holds 2 CSV files"):
        read(CsvFile(str(two)))


async def test_values_that_are_not_understood_are_left_out_and_counted(
    db: Database, import_rows: Import
) -> None:
    report = await import_rows(
        ["name", "employees", "founded", "website", "linkedin", "country", "email", "phone"],
        ["Acme", "many", "long ago", "none yet", "https://acme.com", "Utopia", "write us", "no"],
        ["Bolt", "0", "0", "https://", "", "", "", ""],
        [
            "Cobb",
            "10-50",
            "1988 ; 38 years ago ( 1988 )",
            "cobb.io",
            "",
            "UK",
            "A@COBB.IO",
            "01234 5",
        ],
    )
    rows = await db.fetch_all("SELECT * FROM companies ORDER BY name")
    for row in rows[:2]:
        assert [row[key] for key in ("employees", "founded_year", "website", "linkedin_url")] == (
            [None] * 4
        )
        assert (row["country"], row["email"], row["phone"]) == (None, None, None)
    assert rows[2]["employees_band"] == "10-50"
    assert (rows[2]["founded_year"], rows[2]["email"]) == (1988, "a@cobb.io")
    assert report.repaired == {
        f"{field} not understood": 1
        for field in (
            "country",
            "website",
            "employees",
            "founded_year",
            "linkedin_url",
            "phone",
            "email",
        )
    }
    json.dumps(report.to_json())
