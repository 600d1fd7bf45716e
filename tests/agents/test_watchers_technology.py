"""Technologies that came and went, by the reads that are on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from oppspot_runner.agents.watchers_technology import Technology
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.world import NOW
from tests.agents.looking import Looker, company, looking

DAY = timedelta(days=1)
PAGE = "https://www.harbourledger.co.uk/"
CATEGORIES = {"HubSpot": ["crm"], "Stripe": ["payments"], "React": ["javascript framework"]}


def read(days: int, *names: str, page: str = PAGE, **more: Any) -> list[Fact]:
    """The facts of one read of the site; where nothing is found, only its state."""
    at = NOW + days * DAY
    found = [{"name": name, "categories": CATEGORIES.get(name, []), **more} for name in names]
    facts = [Fact("website_state", {"state": "ok"}, "website", 0.8, at, page)]
    return [*facts, *([Fact("technologies", found, "website", 0.9, at, page)] if found else [])]


def recorded(*reads: list[Fact]) -> tuple[Fact, ...]:
    """What the table keeps: each statement once, with the time when it was made last."""
    kept = {(one.field, repr(one.value)): one for facts in reads for one in facts}
    return tuple(kept.values())


@pytest.fixture
def about() -> Company:
    return company("Harbour Ledger Ltd")


async def told(looker: Looker, about: Company, *reads: list[Fact]) -> list[tuple[str, str]]:
    look = await looker.look(Technology(), replace(about, recorded=recorded(*reads)))
    assert look is not None
    return [(one.title.removeprefix("Harbour Ledger Ltd "), one.strength) for one in look.sightings]


@pytest.fixture
async def looker(monkeypatch: pytest.MonkeyPatch) -> Any:
    with World() as world:
        async with looking(world, monkeypatch) as looker:
            yield looker


async def test_what_is_new_between_two_reads_is_told_once(looker: Looker, about: Company) -> None:
    reads = [read(-20, "HubSpot", "React"), read(-5, "React", "Stripe", "Vue")]
    assert await told(looker, about, *reads) == [
        ("began to use Stripe", "moderate"),
        ("began to use Vue", "weak"),
    ]
    assert await told(looker, about, *reads) == []
    reads.append(read(1, "React", "Stripe", "Vue"))
    assert await told(looker, about, *reads) == [("no longer uses HubSpot", "weak")]
    assert await told(looker, about, *reads) == []


async def test_a_sighting_says_how_sure_it_is(looker: Looker, about: Company) -> None:
    reads = recorded(read(-20, "React"), read(-5, "React", "Stripe"))
    look = await looker.look(Technology(), replace(about, recorded=reads))
    assert look is not None
    (one,) = look.sightings
    assert (one.signal_type, one.source, one.confidence) == ("technology_adoption", "website", 80)
    assert (one.key, one.event) == ("added Stripe 2026-W44", "added stripe")
    assert (one.occurred_at, one.source_url) == (NOW - 5 * DAY, PAGE)
    assert one.data == {"technology": "Stripe", "change": "added"}


async def test_a_first_read_is_nothing_new_and_none_is_no_look(
    looker: Looker, about: Company
) -> None:
    assert await looker.look(Technology(), about) is None
    assert await told(looker, about, read(-5, "React", "Stripe")) == []


async def test_an_old_read_is_no_news(looker: Looker, about: Company) -> None:
    assert await told(looker, about, read(-300, "HubSpot"), read(-5, "Stripe")) == []


def blocked(days: int) -> list[Fact]:
    state = {"state": "blocked", "reason": "robots.txt"}
    return [Fact("website_state", state, "website", 0.8, NOW + days * DAY, PAGE)]


def parked(days: int) -> list[Fact]:
    return [Fact("website_state", {"state": "parked"}, "website", 0.8, NOW + days * DAY, PAGE)]


def incomplete(days: int) -> list[Fact]:
    state, found = read(days, "React")
    return [replace(state, value={"state": "ok", "incomplete": True}), found]


@pytest.mark.parametrize("failed", [blocked, parked, incomplete, read])
async def test_a_read_that_failed_drops_nothing(
    failed: Any, looker: Looker, about: Company
) -> None:
    reads = [read(-40, "React", "HubSpot", "Stripe"), failed(-20), failed(-10)]
    assert await told(looker, about, *reads[:1]) == []
    assert await told(looker, about, *reads[:2]) == []
    assert await told(looker, about, *reads) == []
    assert await told(looker, about, *reads, read(-1, "React", "HubSpot", "Stripe")) == []


async def test_a_careers_page_that_is_not_read_drops_nothing_and_adds_nothing(
    looker: Looker, about: Company
) -> None:
    home = read(-20, "React")
    both = read(-10, "React")
    both[1].value.append({"name": "Greenhouse", "page": "careers"})
    reads = [home, both, read(-5, "React"), read(-1, "React")]
    for place in range(len(reads)):
        assert await told(looker, about, *reads[: place + 1]) == []


async def test_a_site_that_moved_is_looked_at_anew(looker: Looker, about: Company) -> None:
    moved = read(-5, "Vue", page="https://harbour.example/")
    assert await told(looker, about, read(-20, "React", "Stripe"), moved) == []
    again = read(-1, "Vue", "HubSpot", page="https://harbour.example/")
    assert await told(looker, about, read(-20, "React", "Stripe"), moved, again) == [
        ("began to use HubSpot", "moderate")
    ]


async def test_what_comes_back_after_a_read_that_missed_it_is_not_new(
    looker: Looker, about: Company
) -> None:
    """The table has one row for both reads that found the same, with the time of the later one."""
    reads = [read(-20, "React", "Stripe"), read(-10, "React")]
    assert await told(looker, about, *reads) == []
    assert await told(looker, about, *reads, read(-1, "React", "Stripe")) == []
