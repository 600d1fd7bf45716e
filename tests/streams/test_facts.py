"""Facts as they are recorded."""

from __future__ import annotations

from datetime import UTC, date, datetime

from oppspot_runner.companies.company import Fact
from oppspot_runner.companies.items import Enriched
from oppspot_runner.streams.enrichment import save_enrichment
from tests.streams.world import World

SEEN = datetime(2026, 3, 1, tzinfo=UTC)


def head_count(people: int, year: int) -> Fact:
    return Fact("employees", people, "accounts", 0.9, SEEN, None, date(year, 3, 31))


async def test_of_a_value_that_is_stated_for_two_days_the_latest_is_kept(world: World) -> None:
    stream_id = await world.stream({"industry": ["FinTech"]})
    company_id = await world.company("Acme")
    await world.item(stream_id, company_id)
    stated = [head_count(47, 2024), head_count(47, 2025), head_count(43, 2023)]
    page = [Enriched(company_id, facts=stated)]
    for _ in range(2):
        await save_enrichment(world.db, None, stream_id, page)
        rows = await world.all("SELECT value, valid_from FROM facts ORDER BY valid_from DESC")
        assert [(row["value"], row["valid_from"].year) for row in rows] == [(47, 2025), (43, 2023)]
