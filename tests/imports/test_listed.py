"""Listed companies from the package."""

from __future__ import annotations

import sys

import pytest

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.companies.countries import is_country_code
from oppspot_runner.db.pool import Database
from oppspot_runner.imports import Listed, run_import
from oppspot_runner.imports.listed import _place as place
from oppspot_runner.imports.tally import Tally
from tests.imports.conftest import read

pytest.importorskip("pytickersymbols")


@pytest.mark.slow
async def test_the_listed_companies_come_in_once_with_facts(db: Database) -> None:
    first, second = await run_import(db, Listed()), await run_import(db, Listed())
    assert first.inserted == first.read > 1_800
    assert not first.skipped
    assert (second.unchanged, second.updated, second.facts) == (first.read, 0, 0)
    assert first.facts > 9 * first.read
    rows = await db.fetch_all("SELECT * FROM companies")
    known = [row for row in rows if row["country"]]
    assert len(known) > 1_700
    assert all(is_country_code(row["country"]) for row in known)
    assert sum(row["employees"] is not None for row in rows) > 1_400
    assert {row["status"] for row in rows} == {"public"}
    sap = next(row for row in rows if row["name"] == "SAP")
    assert (sap["country"], sap["domain"]) == ("DE", "sap.com")
    assert sap["employees"] > 50_000
    assert "enterprise-software" in sap["industries"]
    assert sap["links"]["wikipedia"].startswith("https://")


@pytest.mark.slow
def test_progress_counts_rows() -> None:
    tally = Tally()
    with Listed().open(tally) as reading:
        read_rows = sum(1 for _ in reading.rows)
        assert (reading.unit, reading.total, reading.done()) == ("rows", read_rows, read_rows)


@pytest.mark.parametrize(
    ("stated", "headquarters", "expected"),
    [
        ("Germany", "Stuttgart , Germany", ("Stuttgart", None, "DE")),
        ("Houston, Texas", "", ("Houston", "Texas", "US")),
        ("Duluth, Georgia", "", ("Duluth", "Georgia", "US")),
        ("", "London , England", ("London", "England", "GB")),
        ("none", "", (None, None, None)),
        ("United Kingdom", "Shinjuku , Tokyo , Japan", ("Tokyo", None, "JP")),
        ("United Kingdom", "London , England, UK Hong Kong , China", (None, None, "GB")),
        ("Germany", "Duisburg and Essen , Germany", (None, None, "DE")),
        ("France", "Tour Sequana , Issy-les-Moulineaux , France", (None, None, "FR")),
    ],
)
def test_the_headquarters_correct_a_country_that_is_only_a_listing(
    stated: str, headquarters: str, expected: tuple[str | None, str | None, str | None]
) -> None:
    found = place(stated, headquarters, Tally())
    assert (found.town, found.region, found.country) == expected


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pytickersymbols", None)
    with pytest.raises(ConfigurationError) as caught:
        read(Listed())
    assert caught.value.hint == "pip install 'oppspot-runner[demo]'"
