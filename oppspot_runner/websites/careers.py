"""Where a company says which jobs it has: its page of careers, and its board at a service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from oppspot_runner.websites.page import Page, site_of

SEGMENTS = frozenset(
    "careers career jobs vacancies join-us joinus work-with-us work-for-us join-our-team"  # noqa: SIM905
    " open-positions open-roles we-are-hiring hiring karriere".split()
)
WORDS = re.compile(
    r"(?:our )?(?:careers?|jobs|vacancies|open (?:roles|positions)|join (?:us|our team)"
    r"|work (?:with|for) us|we[’']?re hiring!?)(?: at .{1,40})?(?: \(?\d{1,3}\)?)?",
    re.IGNORECASE,
)
BOARD = re.compile(r"/(?P<token>[\w.%-]{1,100})")
FEEDS = ("application/rss+xml", "application/atom+xml")


@dataclass(frozen=True, slots=True)
class JobBoard:
    """A board at a service that can be read: `token` names it there."""

    service: str
    token: str
    url: str


@dataclass(frozen=True, slots=True)
class Service:
    """How the addresses of a service look."""

    host: re.Pattern[str]
    path: re.Pattern[str]
    other: frozenset[str] = frozenset()

    def token(self, host: str, path: str, query: str) -> str | None:
        """The token that an address names, None when it names none."""
        if not self.host.fullmatch(host):
            return None
        asked = parse_qs(query).get("for")
        match = self.path.match(path)
        token = asked[0] if asked else match["token"] if match else ""
        return token if token and token.lower() not in self.other else None


SERVICES = {
    "greenhouse": Service(
        re.compile(r"(?:job-)?boards(?:\.eu)?\.greenhouse\.io"),
        BOARD,
        frozenset({"embed"}),
    ),
    "lever": Service(
        re.compile(r"jobs(?:\.eu)?\.lever\.co"),
        BOARD,
    ),
    "ashby": Service(
        re.compile(r"jobs\.ashbyhq\.com"),
        BOARD,
    ),
}


def job_board_of(page: Page) -> JobBoard | None:
    """The board that the page links or shows; None when there is none, or several."""
    found = {board for link in page.links if (board := board_at(link.address))}
    return found.pop() if len(found) == 1 else None


def board_at(address: str) -> JobBoard | None:
    """The board that an address is of."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        for name, service in SERVICES.items():
            if token := service.token(host, parts.path, parts.query):
                # Greenhouse has each board at two hosts.
                return JobBoard(name, token, f"https://{host.removeprefix('job-')}/{token}")
    except ValueError:
        pass
    return None


def careers_page_of(page: Page) -> str | None:
    """The address of the careers page of the same site, by its path, else by the link's words."""
    worded = None
    for element, link in page.links:
        address = link.partition("#")[0]
        if element.name != "a" or site_of(address) != page.site:
            continue
        segments = [one for one in urlsplit(address).path.lower().split("/") if one]
        if segments and segments[-1].partition(".")[0] in SEGMENTS and len(segments) <= 3:
            return address
        if worded is None and WORDS.fullmatch(page.document.text_of(element)):
            worded = address
    return worded


def feed_of(page: Page) -> str | None:
    """The first feed that the page names."""
    for element, address in page.links:
        if "alternate" in element.get("rel").lower().split() and element.get("type") in FEEDS:
            return address
    return None
