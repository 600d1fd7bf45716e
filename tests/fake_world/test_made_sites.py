"""The made web sites say what is planted in them, by the rules that come with the product."""

from __future__ import annotations

import pytest

from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.making_sites import BLOCKED, PARKED, TRAPS
from oppspot_runner.websites.fingerprint_files import load_fingerprints
from oppspot_runner.websites.page import read_page
from oppspot_runner.websites.reading import SiteReport, read_site
from tests.fake_world.asking import ask


def report_of(world: World, name: str) -> SiteReport:
    got = ask(world, "/", host=f"{name}.localhost")
    url = world.site_url(name)
    return read_site(read_page(url, got.headers, got.text), url, load_fingerprints(None))


def test_the_technologies_of_each_site_are_found_and_no_others(world: World) -> None:
    for name, site in world.content.sites.items():
        if name in TRAPS:
            continue
        detected = report_of(world, name).detection.technologies
        named = {one.name for one in detected if not one.implied_by}
        assert named == set(site.technologies), name


def test_a_site_says_where_else_its_company_is_and_how_to_reach_it(world: World) -> None:
    report = report_of(world, "harbourledger")
    assert report.standing.state == "ok"
    assert report.social.links["linkedin"] == "https://www.linkedin.com/company/harbourledger"
    assert report.email == "hello@harbourledger.localhost"
    assert report.telephone is not None
    assert report.careers == f"{world.site_url('harbourledger')}careers"
    assert report.feed is not None
    assert report.organisation.employees is not None


@pytest.mark.parametrize(("name", "state"), [(PARKED, "parked"), (BLOCKED, "blocked")])
def test_traps_that_are_pages_are_seen_through(name: str, state: str, world: World) -> None:
    assert report_of(world, name).standing.state == state
