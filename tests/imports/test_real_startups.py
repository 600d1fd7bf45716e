"""The criteria of the seed over real startups: exactly the companies that were counted by hand.

OPPSPOT_STARTUPS names the public list of 4,663 startups, which is not part of the project.
"""

from __future__ import annotations

import os

import pytest

from oppspot_runner.companies.industry_table import match
from oppspot_runner.companies.locations import match_location
from oppspot_runner.db.pool import Database
from oppspot_runner.imports import CsvFile, run_import

FILE = os.environ.get("OPPSPOT_STARTUPS", "")


@pytest.mark.skipif(not FILE, reason="OPPSPOT_STARTUPS is not set")
async def test_21_startups_meet_the_criteria_and_two_more_are_not_known_well_enough(
    db: Database,
) -> None:
    report = await run_import(db, CsvFile(FILE))
    assert (report.read, report.inserted, report.skipped) == (4_663, 4_663, {})
    rows = await db.fetch_all("SELECT * FROM companies WHERE status IS DISTINCT FROM 'inactive'")
    wanted = [match_location("UK"), match_location("Ireland")]
    known, unknown = [], []
    for row in rows:
        if not any(place.matches(row["country"], row["region"], row["town"]) for place in wanted):
            continue
        scores = [
            match(label, row["industries"], row["sic_codes"], row["description"])
            for label in ("SaaS", "FinTech")
        ]
        people = row["employees"]
        if scores == [0, 0] or (people and not 10 <= people <= 500):
            continue
        (known if people and max(score or 0 for score in scores) else unknown).append(row["name"])
    assert len(known) == 21
    assert sorted(unknown) == ["Minimum", "Songkick"]
    again = await run_import(db, CsvFile(FILE))
    assert (again.unchanged, again.facts) == (4_663, 0)
