"""The provider of web sites over the sites of the made world, traps among them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from oppspot_runner.agents.enrichment import EnrichmentAgent
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.base.settings import Settings
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.connectors.http.exchange import Exchange
from oppspot_runner.connectors.http.keeping import AnswerKeeper
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.host_breakers import HostBreakers
from oppspot_runner.queue.answer_cache import SharedAnswerCache
from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.content import Site
from oppspot_runner.testing.world.making_sites import TRAPS
from oppspot_runner.websites.fingerprint_files import load_fingerprints
from oppspot_runner.websites.page import read_page
from oppspot_runner.websites.reading import read_site
from tests.streams.world import World as Rows
from tests.web.conftest import Turns


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with World() as world:
        for name, value in world.settings().items():
            monkeypatch.setenv(name, value)
        yield world


@pytest.fixture
async def client(world: World, db: Database) -> AsyncIterator[SourceClient]:
    """The layer as it is, but what takes too long does so soon, and it never sleeps."""

    async def sleep(_seconds: float) -> None:
        pass

    settings = Settings()
    policy = HttpPolicy.of(settings)
    policy = replace(policy, limits=replace(policy.limits, total_s=0.5))
    exchange = Exchange(policy, Turns(), HostBreakers(db), contact=settings.contact, sleep=sleep)
    client = SourceClient(settings, exchange, AnswerKeeper(SharedAnswerCache(db)))
    yield client
    await client.aclose()


def made_sites(world: World) -> dict[str, Site]:
    return {name: site for name, site in world.content.sites.items() if name not in TRAPS}


async def enriched(
    db: Database, client: SourceClient, world: World, names: list[str]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The output, and the facts of each site by field."""
    rows = Rows(db)
    stream_id = await rows.stream()
    for name in names:
        company = await rows.company(name, website=world.site_url(name))
        await rows.item(stream_id, company)
    results = await rows.run(
        EnrichmentAgent,
        stream_id,
        web=WebAccess(client, frozenset({"web"})),
        config={"providers": ["website"]},
    )
    facts: dict[str, dict[str, Any]] = {name: {} for name in names}
    for row in await rows.all(
        "SELECT c.name, f.field, f.value FROM facts f JOIN companies c ON c.id = f.company_id"
        " WHERE f.source = 'website'"
    ):
        facts[row["name"]][row["field"]] = row["value"]
    return results, facts


def test_what_the_sites_are_built_of_is_found_and_nothing_else(world: World) -> None:
    sites = made_sites(world)
    assert len(sites) >= 40
    for name, site in sites.items():
        home = site.pages["/"]
        assert isinstance(home.body, str)
        page = read_page(world.site_url(name), home.headers, home.body)
        detection = read_site(page, page.url, load_fingerprints()).detection
        seen = {one.name for one in detection.technologies if one.implied_by is None}
        assert seen == set(site.technologies), name


@pytest.mark.slow
async def test_sites_are_read_over_real_http(
    world: World, client: SourceClient, db: Database
) -> None:
    sites = dict(list(made_sites(world).items())[:8])
    results, facts = await enriched(db, client, world, list(sites))
    assert results["by_provider"] == {"website": {"ok": len(sites)}}
    for name, site in sites.items():
        assert set(site.technologies) <= set(facts[name]["tech"])
        assert facts[name]["linkedin_url"] == f"https://www.linkedin.com/company/{name}"
        assert facts[name]["email"] == f"hello@{name}.localhost"
    assert any("job_board" in one for one in facts.values())
    assert any("employees" in one for one in facts.values())


@pytest.mark.slow
async def test_traps_harm_nobody(world: World, client: SourceClient, db: Database) -> None:
    good = next(iter(made_sites(world)))
    results, facts = await enriched(db, client, world, [*TRAPS, good])
    states = {name: one.get("website_state", {}).get("state") for name, one in facts.items()}
    assert states == {
        **dict.fromkeys(TRAPS),
        "parkedname": "parked",
        "gatekeeper": "blocked",
        good: "ok",
    }
    assert all(facts[name].keys() <= {"website_state"} for name in TRAPS)
    assert results["by_provider"] == {"website": {"ok": 3, "error": 4}}
    assert results["errors"] == {
        "TOO_MANY_REDIRECTS": 1,
        "RESPONSE_TOO_LARGE": 1,
        "ADDRESS_NOT_PUBLIC": 1,
        "SOURCE_DOWN": 1,
    }
