"""What is in the world by itself: the same everywhere, and as varied as a register is."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime

import pytest

from oppspot_runner.testing.world import World, made_content
from oppspot_runner.testing.world.making_sites import HUGE, INSIDE, LOOP, TRAPS
from tests.fake_world.asking import ask

DAY = date(2026, 11, 2)


def test_it_is_the_same_each_time_it_is_made() -> None:
    assert made_content(DAY) == made_content(DAY)


def test_numbers_names_and_sites_are_each_of_one_company_only() -> None:
    content = made_content(DAY)
    for what in ("number", "name", "site"):
        given = [getattr(one, what) for one in content.companies if getattr(one, what)]
        assert len(given) == len(set(given)) > 50
    assert set(TRAPS) < set(content.sites)
    statuses = Counter(one.status for one in content.companies)
    assert set(statuses) == {"active", "dissolved", "liquidation"}
    assert all(one.incorporated < DAY for one in content.companies)


@pytest.mark.parametrize(("name", "leads_to"), [(LOOP, "/round"), (INSIDE, "http://10.0.0.1/")])
def test_some_sites_lead_astray(name: str, leads_to: str, world: World) -> None:
    got = ask(world, "/", host=f"{name}.localhost")
    assert (got.status, got.headers["location"]) == (302, leads_to)


def test_one_page_has_no_end_that_anybody_wants(world: World) -> None:
    assert len(ask(world, "/", host=f"{HUGE}.localhost").body) > 29 * 1024 * 1024


def test_a_site_has_a_robots_file_and_no_other_pages_than_its_own(world: World) -> None:
    host = "harbourledger.localhost"
    assert "Allow: /" in ask(world, "/robots.txt", host=host).text
    assert ask(world, "/nothing", host=host).status == 404
    assert ask(world, "/", host="unknown.localhost").status == 404


def test_the_time_needs_its_zone(world: World) -> None:
    with pytest.raises(ValueError, match="time zone"):
        world.clock.set(datetime(2026, 1, 1))
