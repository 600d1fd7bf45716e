"""Whether a page is the company's own at all: parked, moved and blocked ones say nothing of it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from oppspot_runner.companies.domains import host_of
from oppspot_runner.websites.page import Page, site_of

State = Literal["ok", "parked", "moved", "blocked"]

MOST_PARKED_TEXT = 3_000  # characters; a page that says more is about something
MOST_BLOCKED_TEXT = 2_000
# Hosts of registrars and traders of domains, from which parked pages take all they show.
TRADERS = re.compile(
    r"(?:[\w-]+\.)*(?:sedoparking|sedo|parkingcrew|bodis|dan|afternic|hugedomains|undeveloped"
    r"|above|parklogic|domainmarket|uniregistry|skenzo|domainsponsor|brandbucket|squadhelp|atom)"
    r"\.(?:com|net)"
)
TRADER_SCRIPTS = re.compile(
    r"https?://(?:(?:[\w-]+\.)*(?:sedoparking|parkingcrew|bodis|parklogic|above)\.(?:com|net)"
    r"|img1\.wsimg\.com/parking-lander)/"
)
FOR_SALE = re.compile(
    r"(?:this|the) (?:web ?site |premium )?domain(?: name)?(?: [\w.-]{3,60})?"
    r" (?:is|may be|could be) (?:for sale|parked|registered (?:at|with)"
    r"|available for (?:sale|purchase))"
    r"|[\w-]{1,60}(?:\.[a-z]{2,10}){1,2} (?:is|may be) (?:for sale\b|parked (?:free|for))"
    r"|(?:buy|purchase|get|acquire) this domain\b|make an offer (?:on|for) this domain"
    r"|domain (?:is )?parked (?:by|at|with)|inquire about this domain"
    r"|future home of something quite cool",
    re.IGNORECASE,
)
# What servers show where nobody has put a page yet.
NO_SITE = re.compile(
    r"welcome to nginx|apache2 (?:ubuntu|debian) default page|^iis windows server|^it works!?$"
    r"|default web site page|^index of /$|^test page for the|hosting account (?:is )?suspended"
    r"|account (?:has been )?suspended|^domain default page",
    re.IGNORECASE,
)
CHALLENGES = re.compile(
    r"^just a moment\.\.\.|^attention required! \| cloudflare|^access denied|^403 forbidden"
    r"|^pardon our interruption|are you (?:a )?(?:human|robot)|^security check|verify you are human"
    r"|^request unsuccessful|^please wait\b.*verif|^ddos-guard|^captcha",
    re.IGNORECASE,
)
CHALLENGE_SCRIPTS = re.compile(
    r"https?://[^/]+/cdn-cgi/challenge-platform/|https?://(?:ct|geo)\.captcha-delivery\.com/"
    r"|https?://[^/]+/_Incapsula_Resource|https?://[^/]*px-cdn\.net/"
)


class Standing(NamedTuple):
    """What a page is, and why we say so."""

    state: State
    reason: str = ""


def standing_of(page: Page, asked: str) -> Standing:
    """What the page is that answered for the address `asked`."""
    text = page.text
    host = host_of(page.url) or ""
    sources = [link.address for link in page.links if link.element.name == "script"]
    if len(text) <= MOST_BLOCKED_TEXT and (
        CHALLENGES.search(page.title.strip())
        or (len(text) <= MOST_BLOCKED_TEXT // 4 and any(map(CHALLENGE_SCRIPTS.match, sources)))
    ):
        return Standing("blocked", f"a check for robots: {page.title[:80] or host}")
    if TRADERS.fullmatch(host):
        return Standing("parked", f"{host} trades domains")
    if site_of(asked) != page.site:
        return Standing("moved", f"it leads to {page.site}")
    if trader := next(filter(TRADER_SCRIPTS.match, sources), None):
        return Standing("parked", f"it shows advertisements of {host_of(trader)}")
    if len(text) <= MOST_PARKED_TEXT:
        for found in (FOR_SALE.search(text), NO_SITE.search(page.title.strip())):
            if found:
                return Standing("parked", f"it says {found[0][:80]!r}")
    return Standing("ok")
