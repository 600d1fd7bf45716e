"""Makes web sites of the made companies, and some that are traps for whoever reads them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from oppspot_runner.testing.world.content import Page, RegisteredCompany, Site
from oppspot_runner.testing.world.making_boards import linked_service
from oppspot_runner.testing.world.making_posts import made_news

PARKED, LOOP, HUGE, SLOW, INSIDE, BLOCKED = (
    "parkedname",
    "roundabout",
    "endlesspage",
    "dripfeed",
    "innerdoor",
    "gatekeeper",
)
TRAPS = (PARKED, LOOP, HUGE, SLOW, INSIDE, BLOCKED)
HUGE_PIECE = "<p>" + "more and more of it " * 50 + "</p>\n"
HUGE_BYTES = 30 * 1024 * 1024
BOARDS = {
    "greenhouse": "https://boards.greenhouse.io/{name}",
    "lever": "https://jobs.lever.co/{name}",
    "ashby": "https://jobs.ashbyhq.com/{name}",
}

HOME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title} | {does}</title>
<meta name="description" content="{title} makes {does}.">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="alternate" type="application/rss+xml" href="/feed.xml">
<script type="application/ld+json">{organisation}</script>
{head}
</head>
<body>
<header><a href="/">{title}</a>
<nav><a href="/about">About</a> <a href="/careers">Careers</a> <a href="/contact">Contact</a></nav>
</header>
<main>
<h1>{title}</h1>
<p>We make {does}, and have done so since {since}. Teams that came to us from Salesforce or a
spreadsheet tell us that they would not go back.</p>
<p>Call us: <a href="tel:{phone}">{phone}</a>, or write to
<a href="mailto:hello@{name}.localhost">hello@{name}.localhost</a>.</p>
</main>
<footer>
{social}
<p>{company}, registered number {number}.</p>
</footer>
{body}
</body>
</html>
"""
OTHER = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{what} | {title}</title></head>
<body><h1>{what}</h1>{text}<p><a href="/">{title}</a></p></body></html>
"""
FOR_SALE = """<!doctype html><html><head><title>This domain is for sale</title></head><body>
<h1>This domain is for sale</h1><p>Buy this domain. Make an offer for this domain today.</p>
<script src="https://www.sedoparking.com/frmpark/park.js"></script></body></html>
"""
CAPTCHA = """<!doctype html><html><head><title>Just a moment...</title></head><body>
<h1>Verify you are human</h1><script src="/cdn-cgi/challenge-platform/h/b/orchestrate.js"></script>
</body></html>
"""


def made_sites(
    companies: Sequence[RegisteredCompany], sectors: Sequence[Mapping[str, Any]], today: date
) -> dict[str, Site]:
    """The web sites of all companies that have one."""
    sites = {}
    for place, (company, sector) in enumerate(zip(companies, sectors, strict=True)):
        if company.site in TRAPS:
            sites[company.site] = _trap(company.site)
        elif company.site:
            sites[company.site] = _site(company, company.site, sector, place, today)
    return sites


@cache
def technologies() -> dict[str, Any]:
    """How each technology shows in a page, and which of them go together."""
    data = files("oppspot_runner.testing.world") / "data" / "technologies.toml"
    return tomllib.loads(data.read_text(encoding="utf-8"))


def _site(
    company: RegisteredCompany, name: str, sector: Mapping[str, Any], place: int, today: date
) -> Site:
    title = company.name.rpartition(" ")[0]
    planted = _planted(sector["name"], place)
    shown = [technologies()[one] for one in planted]
    headers = {key: value for one in shown for key, value in one.get("headers", {}).items()}
    text = HOME.format(
        name=name,
        title=escape(title),
        company=escape(company.name),
        number=company.number,
        does=escape(sector["does"]),
        since=company.incorporated.year,
        phone=f"+44 20 7946 0{place:03}",
        organisation=json.dumps(_organisation(company, title, name, place)),
        head="\n".join(one["head"] for one in shown if "head" in one),
        body="\n".join(one["body"] for one in shown if "body" in one),
        social="\n".join(f'<a href="{url}">Follow us</a>' for url in _social(name, place)),
    )
    pages = {
        "/": Page(text, headers=headers),
        "/about": _other(title, "About", f"<p>{escape(title)} makes {escape(sector['does'])}.</p>"),
        "/careers": _other(title, "Careers", _careers(name, place)),
        "/contact": _other(title, "Contact", "<p>Come and see us.</p>"),
    }
    return Site(pages, technologies=planted, news=tuple(made_news(title, place, today)))


def _planted(sector: str, place: int) -> tuple[str, ...]:
    stack: list[str] = technologies()["stacks"][sector]
    left_out = place // 6 % len(stack)
    return tuple(one for turn, one in enumerate(stack) if turn != left_out)


def _organisation(company: RegisteredCompany, title: str, name: str, place: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Organization",
        "name": title,
        "legalName": company.name,
        "sameAs": _social(name, place)[:2],
    }
    employees = company.accounts[0].employees if company.accounts else None
    if employees and place % 2 == 0:
        said["numberOfEmployees"] = {"@type": "QuantitativeValue", "value": employees + place % 5}
    return said


def _social(name: str, place: int) -> list[str]:
    pages = [
        f"https://www.linkedin.com/company/{name}",
        f"https://x.com/{name}",
        f"https://github.com/{name}",
        f"https://www.youtube.com/@{name}",
    ]
    return pages[: 1 + place // 3 % len(pages)]


def _careers(name: str, place: int) -> str:
    service = linked_service(place)
    if service is None:
        return "<p>We have no open positions at the moment.</p>"
    return f'<p><a href="{BOARDS[service].format(name=name)}">Open positions</a></p>'


def _other(title: str, what: str, text: str) -> Page:
    return Page(OTHER.format(title=escape(title), what=what, text=text))


def _trap(name: str) -> Site:
    everything = {
        PARKED: Page(FOR_SALE),
        LOOP: Page(status=302, headers={"Location": "/round"}),
        HUGE: Page(HUGE_PIECE, times=HUGE_BYTES // len(HUGE_PIECE)),
        SLOW: Page("<!doctype html><title>Slow</title>" + "<p>.</p>" * 1_000, drip=True),
        INSIDE: Page(status=302, headers={"Location": "http://10.0.0.1/"}),
        BLOCKED: Page(CAPTCHA, status=403, headers={"Server": "cloudflare"}),
    }
    return Site({"*": everything[name]})
