"""The file of the UK register."""

from __future__ import annotations

import csv
import zipfile
from datetime import date
from pathlib import Path

import pytest

from benchmarks import register as made
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.places import capitalised
from oppspot_runner.db.pool import Database
from oppspot_runner.imports import CompaniesHouse, ImportProgress, run_import
from tests.imports.conftest import read

COLUMNS = [
    "CompanyName",
    " CompanyNumber",
    "RegAddress.AddressLine1",
    " RegAddress.AddressLine2",
    "RegAddress.PostTown",
    "RegAddress.County",
    "RegAddress.Country",
    "CompanyCategory",
    "CompanyStatus",
    "CountryOfOrigin",
    "IncorporationDate",
    "SICCode.SicText_1",
    "SICCode.SicText_2",
    "URI",
    " ConfStmtLastMadeUpDate",
]
SOFTWARE = "62012 - Business and domestic software development"
ACME = {
    "CompanyName": "ACME LIMITED",
    " CompanyNumber": "01234567",
    "RegAddress.PostTown": "STOKE-ON-TRENT",
    "RegAddress.Country": "ENGLAND",
    "CompanyStatus": "Active",
    "CountryOfOrigin": "United Kingdom",
    "IncorporationDate": "04/03/2015",
    "SICCode.SicText_1": SOFTWARE,
    "SICCode.SicText_2": "63110 - Data processing, hosting and related activities",
    "URI": "http://example.org/company/01234567",
}


def register(folder: Path, *companies: dict[str, str]) -> str:
    path = folder / "BasicCompanyData.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS)
        writer.writerows([company.get(column, "") for column in COLUMNS] for company in companies)
    return str(path)


async def test_a_company_of_the_register_is_read_with_its_facts(
    db: Database, tmp_path: Path
) -> None:
    path = register(tmp_path, ACME)
    report = await run_import(db, CompaniesHouse(path))
    row = await db.fetch_one("SELECT * FROM companies")
    assert row is not None
    wanted = {
        "source": "companies_house_bulk",
        "source_id": "01234567",
        "company_number": "01234567",
        "name": "ACME LIMITED",
        "name_norm": "acme",
        "status": "active",
        "country": "GB",
        "region": "England",
        "town": "Stoke-on-Trent",
        "sic_codes": ["62012", "63110"],
        "incorporated": date(2015, 3, 4),
        "employees": None,
        "website": None,
    }
    assert {key: row[key] for key in wanted} == wanted
    facts = await db.fetch_all("SELECT DISTINCT source, source_url, confidence FROM facts")
    assert facts == [
        {
            "source": "companies_house_bulk",
            "source_url": "http://example.org/company/01234567",
            "confidence": pytest.approx(0.9),
        }
    ]
    assert report.facts == 8
    again = await run_import(db, CompaniesHouse(path))
    assert (again.unchanged, again.facts) == (1, 0)


def test_dirty_cells_of_the_register_are_understood_or_counted(tmp_path: Path) -> None:
    rows, tally = read(
        CompaniesHouse(
            register(
                tmp_path,
                {**ACME, " CompanyNumber": "1234567", "SICCode.SicText_1": "None Supplied"},
                {**ACME, " CompanyNumber": "sc 12345", "SICCode.SicText_2": "7499 - Non-trading"},
                {**ACME, " CompanyNumber": "NI000001", "IncorporationDate": "31/02/2015"},
                {**ACME, " CompanyNumber": "OC300001", "SICCode.SicText_1": "software"},
                {**ACME, " CompanyNumber": "FC000001", "RegAddress.Country": "FRANCE"},
                {**ACME, " CompanyNumber": ""},
                {**ACME, "CompanyName": ""},
            )
        )
    )
    assert [row["company_number"] for row in rows] == [
        "01234567",
        "SC12345",
        "NI000001",
        "OC300001",
        "FC000001",
    ]
    assert [row.get("sic_codes") for row in rows[:2]] == ['{"63110"}', '{"62012","7499"}']
    assert "incorporated" not in rows[2]
    assert rows[4]["country"] == "FR"
    assert tally.skipped == {"no company number": 1, "no name": 1}
    assert tally.repaired == {"incorporated not understood": 1, "SIC code not understood": 1}


def test_only_the_wanted_codes_and_statuses_are_read(tmp_path: Path) -> None:
    path = register(
        tmp_path,
        ACME,
        {**ACME, " CompanyNumber": "02", "CompanyStatus": "Liquidation"},
        {
            **ACME,
            " CompanyNumber": "03",
            "SICCode.SicText_1": "01110 - Growing",
            "SICCode.SicText_2": "",
        },
        {
            **ACME,
            " CompanyNumber": "04",
            "SICCode.SicText_1": "6220 - Air",
            "SICCode.SicText_2": "",
        },
    )
    rows, tally = read(CompaniesHouse(path, sic=["62", "63"], statuses=["active"]))
    assert [row["company_number"] for row in rows] == ["01234567"]
    assert tally.skipped == {
        "another status than asked for": 1,
        "another SIC code than asked for": 2,
    }
    assert not tally.examples


def test_the_zip_is_read_without_unpacking(tmp_path: Path) -> None:
    path = register(tmp_path, ACME)
    with zipfile.ZipFile(tmp_path / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "BasicCompanyDataAsOneFile-2026-11-01.csv")
    rows, _ = read(CompaniesHouse(str(tmp_path / "data.zip")))
    assert [row["name"] for row in rows] == ["ACME LIMITED"]


@pytest.mark.slow
async def test_a_file_of_all_55_columns_is_imported_and_the_rest_of_one_that_broke_off(
    db: Database, tmp_path: Path
) -> None:
    path = tmp_path / "register.zip"
    made.write(path, 3_000)

    def pull(_: ImportProgress) -> None:
        raise KeyError("pulled out")

    with pytest.raises(KeyError, match="pulled out"):
        await run_import(db, CompaniesHouse(str(path)), batch_rows=1_000, on_progress=pull)
    rest = await run_import(db, CompaniesHouse(str(path)))
    again = await run_import(db, CompaniesHouse(str(path)))
    assert (rest.inserted, rest.unchanged, rest.skipped) == (2_000, 1_000, {})
    assert (again.inserted, again.updated, again.facts) == (0, 0, 0)
    found = await db.fetch_one(
        "SELECT count(*) AS companies, count(DISTINCT company_number) AS numbers,"
        " count(*) FILTER (WHERE country = 'GB') AS british,"
        " count(*) FILTER (WHERE sic_codes = '{}') BETWEEN 50 AND 150 AS some_without_trade"
        " FROM companies"
    )
    assert found == {
        "companies": 3_000,
        "numbers": 3_000,
        "british": 3_000,
        "some_without_trade": True,
    }


def test_another_file_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("name,country\nAcme,GB\n")
    with pytest.raises(InvalidInputError, match="no column CompanyName; it has: name, country"):
        read(CompaniesHouse(str(path)))


def test_a_prefix_that_is_no_code_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="--sic '6x'"):
        CompaniesHouse("-", sic=["6x"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("KING'S LYNN", "King's Lynn"),
        ("NEWCASTLE UPON TYNE", "Newcastle upon Tyne"),
        ("THE VALE", "The Vale"),
        ("McAdam", "McAdam"),
        ("", ""),
    ],
)
def test_towns_in_capitals_are_written_as_people_write_them(text: str, shown: str) -> None:
    assert capitalised(text) == shown
