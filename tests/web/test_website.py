"""The provider of web sites, against pages served on this machine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner.agents.enrichment import EnrichmentAgent
from oppspot_runner.agents.providers_website import address_of
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.base.errors import Fail
from oppspot_runner.companies.company import Company
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.db.pool import Database
from tests.connectors.answering import SEEN_AT
from tests.connectors.http.internet import Site, answer
from tests.streams.world import World

HOME = b"""<!doctype html><html><head><title>Acme</title>
<meta name="description" content="We make anvils."><meta name="generator" content="WordPress 6.6">
<link rel="alternate" type="application/rss+xml" href="/feed/">
<script type="application/ld+json">{"@type": "Organization", "numberOfEmployees": 42,
"address": {"addressLocality": "Sheffield", "addressCountry": "United Kingdom"}}</script>
<script src="https://js.stripe.com/v3/"></script></head><body>
<nav><a href="/careers">Careers</a></nav><footer>
<a href="https://uk.linkedin.com/company/Acme/">LinkedIn</a><a href="https://x.com/acme">X</a>
<a href="tel:+44 114 496 0000">Call</a><a href="mailto:hello@acme.localhost">Mail</a></footer>"""
CAREERS = b'<h1>Careers</h1><a href="https://jobs.lever.co/acme/1">Smith</a>'
TRAP = b'<script src="https://js.stripe.com/v3/"></script>'


def html(body: bytes, status: int = 200, **headers: str) -> bytes:
    return answer(status, body, content_type="text/html; charset=utf-8", **headers)


class Acme:
    """One company with a site, in a stream."""

    def __init__(self, db: Database, site: Site, client: SourceClient) -> None:
        self.world = World(db)
        self.site = site
        self.client = client
        self.address = f"http://acme.localhost:{site.port}/"
        self.id: UUID | None = None

    async def enrich(self, force: bool = False, **values: Any) -> dict[str, Any]:
        if self.id is None:
            self.id = await self.world.company("Acme", **{"website": self.address, **values})
            self.stream_id = await self.world.stream()
            await self.world.item(self.stream_id, self.id)
        web = WebAccess(self.client, frozenset({"web"}))
        config = {"providers": ["website"]}
        return await self.world.run(
            EnrichmentAgent, self.stream_id, web=web, force=force, config=config
        )

    async def facts(self) -> dict[str, Any]:
        rows = await self.world.all(
            "SELECT field, value FROM facts WHERE company_id = %s AND source = 'website'", self.id
        )
        return {row["field"]: row["value"] for row in rows}

    @property
    def pages(self) -> list[str]:
        """What was asked, without robots.txt."""
        return [one.path for one in self.site.received if one.path != "/robots.txt"]


@pytest.fixture
def acme(db: Database, site: Site, client: SourceClient) -> Acme:
    site.answers |= {
        "/": html(HOME, server="nginx", set_cookie="visit=secret"),
        "/careers": html(CAREERS),
    }
    return Acme(db, site, client)


async def test_everything_that_a_site_says_is_a_fact_with_its_page(acme: Acme) -> None:
    results = await acme.enrich()
    assert results["by_provider"] == {"website": {"ok": 1}}
    facts = await acme.facts()
    technologies = {one["name"]: one for one in facts.pop("technologies")}
    tech = ["Lever", "Nginx", "PHP", "Stripe", "WordPress"]
    assert sorted(facts.pop("tech")) == tech == sorted(technologies)
    assert facts == {
        "website_state": {"state": "ok"},
        "description": "We make anvils.",
        "employees": 42,
        "town": "Sheffield",
        "country": "GB",
        "phone": "+44 114 496 0000",
        "email": "hello@acme.localhost",
        "linkedin_url": "https://www.linkedin.com/company/acme",
        "links": {
            "linkedin": "https://www.linkedin.com/company/acme",
            "twitter": "https://x.com/acme",
            "careers": f"{acme.address}careers",
            "job_board": "https://jobs.lever.co/acme",
            "feed": f"{acme.address}feed/",
        },
        "social_presence": 50,
        "job_board": {"service": "lever", "token": "acme", "url": "https://jobs.lever.co/acme"},
    }
    assert technologies["WordPress"] == {
        "name": "WordPress",
        "categories": ["cms"],
        "version": "6.6",
        "confidence": 100,
        "evidence": ["meta generator: WordPress 6.6"],
    }
    assert technologies["PHP"]["implied_by"] == "WordPress"
    row = await acme.world.one("SELECT * FROM companies WHERE id = %s", acme.id)
    assert sorted(row["tech"]) == tech
    assert (row["employees"], row["email"]) == (42, "hello@acme.localhost")
    (stated,) = await acme.world.all(
        "SELECT source_url, confidence FROM facts WHERE field = 'employees'"
    )
    assert stated == {"source_url": acme.address, "confidence": pytest.approx(0.7)}
    assert acme.pages == ["/", "/careers"]


async def test_a_second_run_before_the_answer_is_stale_asks_nobody(acme: Acme) -> None:
    await acme.enrich()
    before = len(acme.site.received)
    results = await acme.enrich()
    assert len(acme.site.received) == before
    assert results["api_calls"] == 0


async def test_a_board_on_the_home_page_spares_the_careers_page(acme: Acme) -> None:
    acme.site.answers["/"] = html(
        b'<a href="/careers">Jobs</a><a href="https://jobs.lever.co/acme">'
    )
    await acme.enrich()
    assert acme.pages == ["/"]
    assert (await acme.facts())["job_board"]["token"] == "acme"


@pytest.mark.parametrize(
    "answered", [answer(500), answer(404), answer(403), b"HTTP/1.1 what\r\n\r\n"]
)
async def test_a_careers_page_that_cannot_be_read_costs_nothing_else(
    acme: Acme, answered: bytes
) -> None:
    acme.site.answers["/careers"] = answered
    assert (await acme.enrich())["by_provider"] == {"website": {"ok": 1}}
    facts = await acme.facts()
    assert facts["links"]["careers"] == f"{acme.address}careers"
    assert "job_board" not in facts


@pytest.mark.parametrize(
    ("page", "state"),
    [
        (b"<title>acme is for sale</title>This domain is for sale" + TRAP, "parked"),
        (b"<title>Just a moment...</title>" + TRAP, "blocked"),
    ],
)
async def test_a_site_that_is_not_its_own_says_only_that(
    acme: Acme, page: bytes, state: str
) -> None:
    acme.site.answers["/"] = html(page, server="nginx")
    await acme.enrich()
    facts = await acme.facts()
    assert facts.keys() == {"website_state"}
    assert facts["website_state"]["state"] == state
    assert facts["website_state"]["reason"]


async def test_a_site_that_leads_to_another_one_says_only_that(acme: Acme) -> None:
    other = f"http://group.localhost:{acme.site.port}/brand"
    acme.site.answers |= {"/": answer(301, location=other), "/brand": html(HOME)}
    await acme.enrich()
    assert await acme.facts() == {
        "website_state": {"state": "moved", "reason": "it leads to group.localhost"}
    }


async def test_a_site_that_keeps_us_out_is_left_alone_for_30_days(acme: Acme) -> None:
    acme.site.answers["/"] = answer(403)
    assert (await acme.enrich())["by_provider"] == {"website": {"ok": 1}}
    assert (await acme.facts())["website_state"]["state"] == "blocked"
    for age, asked in ((timedelta(days=29), 0), (timedelta(days=31), 1)):
        other = Acme(acme.world.db, acme.site, acme.client)
        other.address = f"http://{'a' * (asked + 1)}.localhost:{acme.site.port}/"
        other.id = await other.world.company("Other", website=other.address)
        other.stream_id = await other.world.stream()
        await other.world.item(other.stream_id, other.id)
        await other.world.fact(
            other.id, "website_state", {"state": "blocked"}, "website", 0.8, age=age
        )
        acme.site.received.clear()
        await other.enrich()
        assert len(other.pages) == asked


async def test_robots_are_obeyed(acme: Acme) -> None:
    acme.site.answers["/robots.txt"] = answer(200, b"User-agent: *\nDisallow: /")
    await acme.enrich()
    assert acme.pages == []
    state = (await acme.facts())["website_state"]
    assert state["state"] == "blocked"
    assert "robots.txt" in state["reason"]


@pytest.mark.parametrize(
    "answered",
    [answer(404), answer(200, b"%PDF-1.7", content_type="application/pdf")],
    ids=["none", "no page"],
)
async def test_where_there_is_no_page_nothing_is_said(acme: Acme, answered: bytes) -> None:
    acme.site.answers["/"] = answered
    assert (await acme.enrich())["by_provider"] == {"website": {"not_found": 1}}
    assert await acme.facts() == {}


@pytest.mark.parametrize(
    "website",
    ["", "ftp://acme.example", "https://www.linkedin.com/company/acme", "facebook.com/acme", "n/a"],
)
async def test_a_company_without_a_site_of_its_own_is_not_asked(acme: Acme, website: str) -> None:
    results = await acme.enrich(website=website)
    assert results["by_provider"] == {"website": {"not_found": 1}}
    assert acme.site.received == []


@pytest.mark.parametrize(
    ("website", "domain", "address"),
    [
        ("https://acme.co.uk/uk", "acme.com", "https://acme.co.uk/uk"),
        ("www.acme.co.uk", None, "https://www.acme.co.uk"),
        ("<http://acme.co.uk>, http://acme.ie", None, "http://acme.co.uk"),
        (None, "acme.co.uk", "https://acme.co.uk"),
        ("https://acme.myshopify.com", None, "https://acme.myshopify.com"),
        ("https://www.facebook.com/acme", "acme.com", None),
    ],
)
def test_where_the_site_is(website: str | None, domain: str | None, address: str | None) -> None:
    company = Company(uuid4(), "Acme", SEEN_AT, website=website, domain=domain)
    assert address_of(company) == address


async def test_forced_it_asks_again(acme: Acme) -> None:
    await acme.enrich()
    await acme.enrich(force=True)
    assert acme.pages == ["/", "/careers"] * 2


async def test_fingerprints_of_the_operator_are_used(
    acme: Acme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[Anvils]\ncats = ['tools']\nhtml = 'anvils'\n[WordPress]\n", "utf-8")
    monkeypatch.setenv("OPPSPOT_FINGERPRINTS", str(path))
    await acme.enrich()
    assert sorted((await acme.facts())["tech"]) == ["Anvils", "Lever", "Nginx", "Stripe"]


async def test_fingerprints_that_cannot_be_read_end_the_task(
    acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_FINGERPRINTS", "/nowhere/at-all.json")
    with pytest.raises(Fail, match=r"cannot be read: No such file.*OPPSPOT_FINGERPRINTS"):
        await acme.enrich()


async def test_without_a_contact_no_site_is_read(acme: Acme) -> None:
    company = await acme.world.company("Acme", website=acme.address)
    stream_id = await acme.world.stream()
    await acme.world.item(stream_id, company)
    web = WebAccess(acme.client, frozenset())
    results = await acme.world.run(EnrichmentAgent, stream_id, web=web)
    assert "OPPSPOT_CONTACT is not set" in results["skipped_providers"]["website"]
    assert acme.site.received == []
