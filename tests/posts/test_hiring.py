"""Offers in threads of who is hiring: read as people write them, and given to the right company."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from oppspot_runner.posts.hiring import Offer, Offers, read_offer

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
LINK = "https://news.ycombinator.com/item?id=1"


def offer(html: str) -> Offer | None:
    return read_offer("1", html, LINK, AT)


def linked(address: str) -> str:
    return f'<a href="{address.replace("/", "&#x2F;")}" rel="nofollow">{address[:20]}...</a>'


WRITTEN = [
    (
        f"Harbour Ledger ({linked('https://harbourledger.co.uk/jobs')}) | Backend Engineer | London"
        " | REMOTE (UK)<p>We write Python.",
        ("Harbour Ledger", "Backend Engineer", "London", {"harbourledger.co.uk"}),
    ),
    (
        "Quay Books (quaybooks.ie) | Dublin, Ireland | Full-time | Senior SRE, Data Engineer",
        ("Quay Books", "Senior SRE, Data Engineer", "Dublin, Ireland", {"quaybooks.ie"}),
    ),
    (
        "Acme &amp; Sons (YC S22) | REMOTE | Multiple roles | $120k-150k"
        f"<p>Apply: {linked('https://jobs.lever.co/acme')} or {linked('https://acme.com/x')}",
        ("Acme & Sons", "Multiple roles", None, {"acme.com"}),
    ),
    (
        f"Acme | Onsite | Leeds<p>We use {linked('https://stripe.com')}, {linked('https://b.com')}",
        ("Acme", None, "Leeds", set()),
    ),
]


@pytest.mark.parametrize(("html", "read"), WRITTEN, ids=[one[1][0] for one in WRITTEN])
def test_the_first_line_says_who_offers_what_and_where(html: str, read: tuple[object, ...]) -> None:
    found = offer(html)
    assert found is not None
    assert (found.company, found.role, found.place, set(found.domains)) == read
    assert (found.comment_id, found.link, found.posted_at) == ("1", LINK, AT)


@pytest.mark.parametrize(
    "html", ["", "Is this still open?", " | Engineer", "(x) | Engineer | Leeds"]
)
def test_what_is_written_in_another_way_is_no_offer(html: str) -> None:
    assert offer(html) is None


def offers(*htmls: str) -> Offers:
    return Offers(found for html in htmls if (found := offer(html)))


@pytest.mark.parametrize("host", ["acme.bamboohr.com", "acme.wd5.myworkdayjobs.com", "join.com"])
def test_an_offer_is_not_of_whose_service_it_is_made_through(host: str) -> None:
    made = offer(f"Acme | Engineer<p>https://{host}/jobs/1")
    assert made is not None
    assert made.domains == frozenset()


def test_an_offer_is_of_who_has_its_domain_else_of_who_has_its_distinctive_name() -> None:
    found = offers(
        "Ledger (https://harbourledger.co.uk) | Engineer",
        "Harbour Ledger | Designer",
        "Harbour Ledger (https://harbour-ledger.com) | Manager",
        "Apex | Engineer",
    )
    roles = [one.role for one in found.of("Harbour Ledger Ltd", "harbourledger.co.uk")]
    assert roles == ["Engineer"]
    assert [one.role for one in found.of("Harbour Ledger Ltd", "harbour.io")] == ["Designer"]
    assert [one.role for one in found.of("HARBOUR LEDGER", None)] == ["Designer", "Manager"]
    assert not found.of("Apex Ltd", "apex.com")
    assert not found.of("Quay Books", None)
