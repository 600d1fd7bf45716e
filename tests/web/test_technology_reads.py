"""What two reads of a site leave in the table of facts, and what the watcher makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oppspot_runner.agents.enrichment import EnrichmentAgent
from oppspot_runner.agents.watchers_technology import Technology
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.db.pool import Database
from oppspot_runner.signals.sighting import Look, Memory
from oppspot_runner.streams.companies import CompanyStore
from tests.connectors.http.internet import Site, answer
from tests.web.test_website import CAREERS, HOME, Acme, html

PLAIN = HOME.replace(b'<script src="https://js.stripe.com/v3/"></script>', b"")


@pytest.fixture
def acme(db: Database, site: Site, client: SourceClient) -> Acme:
    site.answers |= {"/": html(PLAIN), "/careers": html(CAREERS)}
    return Acme(db, site, client)


async def look(acme: Acme, memory: Memory) -> tuple[list[str], Memory]:
    """What the watcher tells, and what it remembers."""
    assert acme.id is not None
    store = CompanyStore(acme.world.db, None)
    (company,) = await store.load([acme.id])
    recorded = (await store.facts([acme.id]))[acme.id]
    ctx = await acme.world.context(EnrichmentAgent, acme.stream_id)
    seen = await Technology().look(replace(company, recorded=recorded), memory, ctx)
    assert isinstance(seen, Look)
    return [one.title for one in seen.sightings], Memory(seen.state or {}, looked_at=None)


async def test_a_change_is_told_once_and_reads_that_fail_tell_nothing(acme: Acme) -> None:
    told, memory = [], Memory()
    for home, careers in (
        (html(PLAIN), html(CAREERS)),
        (html(PLAIN), html(CAREERS)),  # the same row, with a later time
        (html(HOME), html(CAREERS)),
        (html(HOME), answer(500, b"")),  # technologies of the page of careers are not found
        (answer(404, b""), html(CAREERS)),
        (answer(403, b""), html(CAREERS)),
        (html(PLAIN), html(CAREERS)),
        (html(HOME), html(CAREERS)),
        (html(PLAIN), html(CAREERS)),
    ):
        acme.site.answers |= {"/": home, "/careers": careers}
        await acme.enrich(force=True)
        titles, memory = await look(acme, memory)
        told.append(titles)
    assert told == [[], [], ["Acme began to use Stripe"], [], [], [], [], [], []]
    rows = await acme.world.all(
        "SELECT observed_at FROM facts WHERE field = 'technologies' AND source = 'website'"
    )
    assert len(rows) == 3  # what was found, each once: with Stripe, without, without careers
