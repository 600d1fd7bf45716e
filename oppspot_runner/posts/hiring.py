"""What somebody writes into a thread of who is hiring: the company, the role, the place.

By custom a comment begins with a line as `Company (address) | Role | Place | REMOTE`. The order of
what follows the company is free, and much of it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from oppspot_runner.companies.domains import registered_domain
from oppspot_runner.companies.names import clean_name, normalise_name
from oppspot_runner.posts.mentions import is_distinctive
from oppspot_runner.posts.text import addresses_in, plain_text

MOST_NAME, MOST_ROLE = 100, 200  # characters
BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
BARE_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
ROLE = re.compile(
    r"\b(?:engineers?|engineering|developers?|devs?|designers?|managers?|scientists?|analysts?"
    r"|architects?|leads?|head of|directors?|vp|cto|sre|devops|full[- ]?stack|back[- ]?end"
    r"|front[- ]?end|founding|programmers?|consultants?|account executives?|sales|marketing"
    r"|multiple (?:roles|positions)|several (?:roles|positions)|various)\b",
    re.IGNORECASE,
)
# What is neither a role nor a place.
TERMS = re.compile(
    r"\b(?:remote|on-?site|hybrid|visa|full[- ]?time|part[- ]?time|contract|intern(?:ship)?s?"
    r"|equity|salary|https?:|www\.)|[$€£]\s?\d|\d{2,3}\s?k\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """One comment of such a thread. `domains` are those that may be the company's own."""

    comment_id: str
    company: str
    link: str
    posted_at: datetime
    role: str | None = None
    place: str | None = None
    domains: frozenset[str] = frozenset()
    text: str = ""


def read_offer(comment_id: str, html: str, link: str, posted_at: datetime) -> Offer | None:
    """The offer that a comment makes; None for one that is written in another way."""
    text = plain_text(html)
    first, _, rest = text.partition("\n")
    written, *others = (part.strip() for part in first.split("|"))
    company = _name(written, MOST_NAME)
    if not others or not normalise_name(company):
        return None
    role = next((part for part in others if ROLE.search(part)), None)
    places = (part for part in others if part and part is not role and not TERMS.search(part))
    return Offer(
        comment_id,
        company,
        link,
        posted_at,
        role=_name(role, MOST_ROLE) if role else None,
        place=next(places, None),
        domains=_domains(first, written, rest),
        text=text,
    )


def _name(part: str, most: int) -> str:
    """A part without what is in brackets and without addresses."""
    return clean_name(BARE_ADDRESS.sub(" ", BRACKETS.sub(" ", part)))[:most].rstrip()


def _domains(first: str, written: str, rest: str) -> frozenset[str]:
    """The domains of the first line; without any, the only one of the rest."""
    in_brackets = [one for pair in BRACKETS.findall(written) for one in pair]
    if named := _registered([*addresses_in(first), *in_brackets]):
        return named
    others = _registered(addresses_in(rest))
    return others if len(others) == 1 else frozenset()


def _registered(addresses: Iterable[str]) -> frozenset[str]:
    return frozenset(domain for one in addresses if (domain := registered_domain(one)))


class Offers:
    """The offers of some threads, to be looked through for one company after the other."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        self._by_domain: dict[str, list[Offer]] = {}
        self._by_name: dict[str, list[Offer]] = {}
        for one in offers:
            for domain in one.domains:
                self._by_domain.setdefault(domain, []).append(one)
            self._by_name.setdefault(normalise_name(one.company), []).append(one)

    def of(self, name: str, domain: str | None) -> Sequence[Offer]:
        """Those of the company: by its domain, else by its name where that is distinctive.

        An offer of that name with an address of somebody else's is not its own.
        """
        if domain and (own := self._by_domain.get(domain)):
            return own
        if not is_distinctive(name):
            return ()
        named = self._by_name.get(normalise_name(name), ())
        return [one for one in named if not (domain and one.domains)]
