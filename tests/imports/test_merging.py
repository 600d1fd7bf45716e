"""What an import does to rows that are there: updates, trust, organisations, two at once."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from oppspot_runner.base.errors import DatabaseError, NotFoundError
from oppspot_runner.db.pool import Database
from oppspot_runner.imports import CsvFile, ImportProgress, ImportReport, run_import
from tests.imports.conftest import Import, WriteCsv

HEADER = ["id", "name", "employees", "website", "company_number"]
ROWS = (
    HEADER,
    ["1", "Acme Ltd", "10", "acme.com", ""],
    ["2", "Bolt Ltd", "20", "", "123"],
    ["3", "Cobb Ltd", "", "", ""],
)
SNAPSHOT = "SELECT * FROM companies ORDER BY name, id"


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.inserted, report.updated, report.unchanged


async def test_a_second_run_of_the_same_file_changes_nothing(
    db: Database, import_rows: Import
) -> None:
    first = await import_rows(*ROWS)
    before = await db.fetch_all(SNAPSHOT)
    second = await import_rows(*ROWS)
    assert counts(first) == (3, 0, 0)
    assert counts(second) == (0, 0, 3)
    assert first.facts > 0
    assert second.facts == 0
    assert await db.fetch_all(SNAPSHOT) == before  # updated_at among them


async def test_a_changed_row_is_updated_and_an_empty_cell_erases_nothing(
    db: Database, import_rows: Import
) -> None:
    await import_rows(*ROWS)
    report = await import_rows(
        HEADER,
        ["1", "Acme Holdings Ltd", "12", "", ""],
        ["2", "Bolt Ltd", "20", "", "123"],
        ["4", "Dent Ltd", "", "", ""],
    )
    rows = await db.fetch_all(SNAPSHOT)
    assert counts(report) == (1, 1, 1)
    acme = rows[0]
    assert (acme["name"], acme["name_norm"]) == ("Acme Holdings Ltd", "acme holdings")
    assert (acme["employees"], acme["website"]) == (12, "acme.com")
    assert acme["updated_at"] > acme["created_at"]
    assert [row["source_id"] for row in rows] == ["1", "2", "3", "4"]
    history = await db.fetch_all(
        "SELECT value FROM stated_facts"
        " WHERE field = 'employees' AND company_id = %(id)s ORDER BY id",
        acme,
    )
    assert [fact["value"] for fact in history] == [10, 12]


async def test_a_value_of_a_source_that_is_trusted_more_stays(
    db: Database, import_rows: Import
) -> None:
    await import_rows(*ROWS)
    await db.execute(
        "INSERT INTO facts (company_id, field, value, source, confidence)"
        " SELECT id, 'employees', '77', 'accounts', 0.9 FROM companies WHERE source_id = '1'"
    )
    await db.execute(
        "INSERT INTO facts (company_id, field, value, source, confidence)"
        " SELECT id, 'employees', '88', 'guess', 0.2 FROM companies WHERE source_id = '2'"
    )
    await db.execute("UPDATE companies SET employees = 77 WHERE source_id = '1'")
    await db.execute("UPDATE companies SET employees = 88 WHERE source_id = '2'")
    report = await import_rows(*ROWS)
    rows = await db.fetch_all(SNAPSHOT)
    assert [row["employees"] for row in rows] == [77, 20, None]
    assert counts(report) == (0, 1, 2)


async def test_a_register_number_finds_the_company_of_another_source(
    db: Database, import_rows: Import
) -> None:
    await import_rows(["id", "name", "company_number"], ["9", "Bolt Limited", "123"], label="other")
    report = await import_rows(*ROWS)
    rows = await db.fetch_all(SNAPSHOT)
    assert counts(report) == (2, 1, 0)
    bolt = next(row for row in rows if row["company_number"] == "123")
    assert (bolt["source"], bolt["source_id"], bolt["employees"]) == ("import:other", "9", 20)
    again = await import_rows(*ROWS)
    assert counts(again) == (0, 0, 3)


async def test_an_id_that_belongs_to_another_company_is_left_out(
    db: Database, import_rows: Import
) -> None:
    await import_rows(*ROWS)
    report = await import_rows(HEADER, ["1", "Zebra plc", "99", "zebra.com", ""])
    rows = await db.fetch_all(SNAPSHOT)
    assert counts(report) == (0, 0, 0)
    assert report.skipped == {"its id belongs to another company": 1}
    assert [row["name"] for row in rows] == ["Acme Ltd", "Bolt Ltd", "Cobb Ltd"]
    named = await import_rows(HEADER, ["1", "Zebra plc", "99", "zebra.com", ""], label="zoo")
    assert counts(named) == (1, 0, 0)


async def test_a_company_that_comes_twice_in_a_file_counts_once(
    db: Database, import_rows: Import
) -> None:
    rows = (
        *ROWS,
        ["1", "Acme Ltd", "11", "", ""],
        ["5", "Bolt again", "", "", "123"],
        ["", "Bolt without an id", "", "", "123"],
    )
    for size in (100, 1):
        report = await import_rows(*rows, batch_rows=size)
        assert report.skipped == {"the same company again": 3}
    assert counts(report) == (0, 0, 3)
    found = await db.fetch_all(SNAPSHOT)
    assert [row["employees"] for row in found] == [10, 20, None]


async def test_rows_without_an_id_are_known_by_name_and_domain_or_country(
    db: Database, import_rows: Import
) -> None:
    rows = (
        ["name", "country", "website"],
        ["Phoenix Ltd", "GB", "phoenix.co.uk"],
        ["Phoenix plc", "GB", "phoenix-group.com"],
        ["Phoenix GmbH", "DE", ""],
        ["!!!", "FR", ""],
    )
    assert counts(await import_rows(*rows)) == (4, 0, 0)
    assert counts(await import_rows(*rows)) == (0, 0, 4)


async def test_an_organisation_has_rows_of_its_own(
    db: Database, import_rows: Import, organisation: UUID
) -> None:
    assert counts(await import_rows(*ROWS)) == (3, 0, 0)
    assert counts(await import_rows(*ROWS, org_id=organisation)) == (3, 0, 0)
    assert counts(await import_rows(*ROWS, org_id=organisation)) == (0, 0, 3)
    found = await db.fetch_all(
        "SELECT c.org_id, count(DISTINCT c.id) AS companies, count(f.id) AS facts,"
        " bool_and(f.org_id IS NOT DISTINCT FROM c.org_id) AS same"
        " FROM companies c JOIN facts f ON f.company_id = c.id GROUP BY 1 ORDER BY 1 NULLS FIRST"
    )
    assert [(row["org_id"], row["companies"], row["same"]) for row in found] == [
        (None, 3, True),
        (organisation, 3, True),
    ]
    assert found[0]["facts"] == found[1]["facts"]


async def test_an_unknown_organisation_is_refused(import_rows: Import) -> None:
    with pytest.raises(NotFoundError, match="there is no organisation"):
        await import_rows(*ROWS, org_id=uuid4())


async def test_without_facts_none_are_recorded_and_a_later_run_adds_them(
    db: Database, import_rows: Import
) -> None:
    silent = await import_rows(*ROWS, with_facts=False)
    stated = await import_rows(*ROWS)
    assert (counts(silent), silent.facts) == ((3, 0, 0), 0)
    assert (counts(stated), stated.facts) == ((0, 0, 3), 8)


@pytest.mark.slow
async def test_two_imports_at_once_neither_block_nor_repeat_each_other(
    db: Database, write_csv: WriteCsv
) -> None:
    rows = [[str(n), f"Company {n}", str(n + 1), f"c{n}.com", f"X{n}"] for n in range(600)]
    one = write_csv(HEADER, *rows, name="one.csv")
    two = write_csv(HEADER, *reversed(rows), name="two.csv")
    changed = write_csv(HEADER, *([*row[:2], "7", *row[3:]] for row in rows), name="three.csv")
    reports = await asyncio.gather(
        *(run_import(db, CsvFile(str(path)), batch_rows=50) for path in (one, two, one, two))
    )
    assert sum(report.inserted for report in reports) == 600
    assert sum(report.updated for report in reports) == 0
    assert {sum(counts(report)) for report in reports} == {600}
    await asyncio.gather(
        *(run_import(db, CsvFile(str(path)), batch_rows=50) for path in (changed, changed, two))
    )
    found = await db.fetch_one(
        "SELECT count(*) AS n, count(DISTINCT source_id) AS d FROM companies"
    )
    assert found == {"n": 600, "d": 600}


async def test_an_import_that_ends_half_way_is_completed_by_the_next(
    db: Database, write_csv: WriteCsv
) -> None:
    class Pulled(Exception):
        pass

    def pull(progress: ImportProgress) -> None:
        if progress.rows >= 40:
            raise Pulled

    path = write_csv(["id", "name"], *([str(n), f"Company {n}"] for n in range(100)))
    with pytest.raises(Pulled):
        await run_import(db, CsvFile(str(path)), batch_rows=20, on_progress=pull)
    report = await run_import(db, CsvFile(str(path)), batch_rows=20)
    assert 0 < report.unchanged < 100
    assert report.inserted + report.unchanged == 100


async def test_progress_reaches_the_end_of_the_file(db: Database, write_csv: WriteCsv) -> None:
    seen: list[ImportProgress] = []
    path = write_csv(["id", "name"], *([str(n), f"Company {n}"] for n in range(95)))
    await run_import(db, CsvFile(str(path)), batch_rows=10, on_progress=seen.append)
    assert len(seen) == 10
    assert {progress.unit for progress in seen} == {"bytes"}
    assert seen[-1].done == seen[-1].total == path.stat().st_size
    assert seen[-1].rows == 95


async def test_a_table_that_refuses_a_row_says_which_rows_could_not_be_imported(
    db: Database, import_rows: Import
) -> None:
    await db.execute("ALTER TABLE companies ADD CHECK (name <> 'Cobb Ltd')")
    with pytest.raises(DatabaseError, match="rows 4 to 4 could not be imported"):
        await import_rows(*ROWS, batch_rows=1)
    found = await db.fetch_one("SELECT count(*) AS n FROM companies")
    assert found == {"n": 2}


async def test_every_text_arrives_as_it_was(db: Database, import_rows: Import) -> None:
    texts = [
        "tab\there",
        "back\\slash \\N \\.",
        'quote " comma ,',
        "line\nend\r\nhere",
        "é 中 🎉",
        "{}",
    ]
    await import_rows(
        ["id", "name", "description", "tech"],
        *([str(n), f"N{n}", text, f'["{n}\\\\ \\"x\\"", "y,z"]'] for n, text in enumerate(texts)),
    )
    rows = await db.fetch_all("SELECT description, tech FROM companies ORDER BY source_id")
    assert [row["description"] for row in rows] == texts
    assert rows[0]["tech"] == ['0\\ "x"', "y,z"]


async def test_the_strangest_values_that_can_be_read_fit_the_table(
    db: Database, import_rows: Import
) -> None:
    wide = "\U00020000"  # four bytes
    report = await import_rows(
        ["name", "status", "tags", "website", "town", "id"],
        [wide * 500, "\uab70\u13a0", wide * 300, f"https://{'a' * 60}.com", wide * 300, ""],
        ["\ufdfa" * 500, "\u0130", "\ufdfa" * 99, f"{'b-' * 30}c.com", "x" * 301, wide * 300],
        ["\u00df" * 500, "A" * 500, "", "", "", wide * 301],
        ["\u3000", "", "", "", "", ""],
    )
    assert report.inserted == 3
    assert report.skipped == {"no name": 1}
    again = await db.fetch_all("SELECT length(source_id) AS n FROM companies")
    assert max(row["n"] for row in again) <= 300


async def test_what_another_source_knows_by_name_and_country_is_merged_once_and_stays_so(
    db: Database, import_rows: Import
) -> None:
    register = (["id", "name", "country", "company_number"], ["r1", "ACME LIMITED", "GB", "1"])
    listed = (["id", "name", "country", "employees"], ["l1", "Acme Ltd", "GB", "40"])
    await import_rows(*register, label="register")
    first = await import_rows(*listed, label="list")
    again = await import_rows(*listed, label="list")
    changed = await import_rows(listed[0], ["l1", "Acme Ltd", "GB", "50"], label="list")
    rows = await db.fetch_all("SELECT id, employees, merged_into FROM companies ORDER BY id")
    kept = next(row for row in rows if row["merged_into"] is None)
    said = await db.fetch_all(
        "SELECT value FROM stated_facts WHERE field = 'employees' AND company_id = %(id)s"
        " ORDER BY id",
        kept,
    )
    assert (first.inserted, first.merged) == (1, 1)
    assert (counts(again), again.merged, again.facts) == ((0, 0, 1), 0, 0)
    assert (counts(changed), changed.facts > 0) == ((0, 0, 1), True)
    assert [row["merged_into"] for row in rows if row is not kept] == [kept["id"]]
    assert (kept["employees"], [fact["value"] for fact in said]) == (40, [40, 50])


async def test_a_dry_run_merges_nothing(db: Database, import_rows: Import) -> None:
    await import_rows(["name", "country"], ["Acme", "GB"], label="one")
    report = await import_rows(["name", "country"], ["Acme", "GB"], label="two", dry_run=True)
    assert (report.inserted, report.merged) == (1, 0)
    found = await db.fetch_one("SELECT count(*) AS n FROM companies")
    assert found == {"n": 1}
