"""What a page says of its company: links, contact, careers, structured data."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from oppspot_runner.companies.headcount import HeadCount
from oppspot_runner.websites.careers import (
    JobBoard,
    board_at,
    careers_page_of,
    feed_of,
    job_board_of,
)
from oppspot_runner.websites.contact import email_of, telephone_of
from oppspot_runner.websites.organisations import Organisation, organisation_of
from oppspot_runner.websites.social import profile_of, social_links
from tests.websites.making import page


@pytest.mark.parametrize(
    ("address", "profile"),
    [
        (
            "https://www.linkedin.com/company/Acme-Ltd/",
            ("linkedin", "https://www.linkedin.com/company/acme-ltd"),
        ),
        (
            "https://uk.linkedin.com/company/acme/about/?trk=x",
            ("linkedin", "https://www.linkedin.com/company/acme"),
        ),
        ("https://twitter.com/Acme", ("twitter", "https://x.com/acme")),
        ("https://x.com/@acme?s=20", ("twitter", "https://x.com/acme")),
        ("http://m.facebook.com/acme.uk", ("facebook", "https://www.facebook.com/acme.uk")),
        (
            "https://facebook.com/pages/Acme/123",
            ("facebook", "https://www.facebook.com/pages/acme/123"),
        ),
        ("https://instagram.com/acme_uk/#", ("instagram", "https://www.instagram.com/acme_uk")),
        ("https://www.youtube.com/@Acme/videos", ("youtube", "https://www.youtube.com/@Acme")),
        (
            "https://youtube.com/channel/UCaBcD",
            ("youtube", "https://www.youtube.com/channel/UCaBcD"),
        ),
        ("https://github.com/orgs/acme", ("github", "https://github.com/acme")),
        ("https://www.tiktok.com/@acme", ("tiktok", "https://www.tiktok.com/@acme")),
    ],
)
def test_pages_of_companies_in_one_form(address: str, profile: tuple[str, str]) -> None:
    assert profile_of(address) == profile


@pytest.mark.parametrize(
    "address",
    [
        "https://www.linkedin.com/in/jane-doe",
        "https://www.linkedin.com/shareArticle?url=x",
        "https://www.linkedin.com/login",
        "https://twitter.com/intent/tweet?text=x",
        "https://twitter.com/share",
        "https://x.com/acme/status/1",
        "https://www.facebook.com/sharer/sharer.php?u=x",
        "https://www.facebook.com/sharer.php",
        "https://www.instagram.com/p/abc/",
        "https://www.youtube.com/watch?v=x",
        "https://github.com/acme/library",
        "https://github.com/features",
        "https://linkedin.com.evil.example/company/acme",
        "https://notx.com/acme",
        "https://x.com/",
        "mailto:x@x.com",
        "https://[x",
    ],
)
def test_persons_posts_and_buttons_are_no_pages_of_companies(address: str) -> None:
    assert profile_of(address) is None


def test_header_and_footer_win_over_what_stands_in_the_text() -> None:
    html = """<a href="https://x.com/customer">a customer</a><footer><a href="https://x.com/acme">
    us</a></footer><p><a href="https://github.com/one">1</a><a href="https://github.com/two">2</a>"""
    assert social_links(page(html)).links == {"twitter": "https://x.com/acme"}


def test_what_the_page_calls_itself_wins() -> None:
    html = (
        '<a rel="me" href="https://x.com/acme">x</a><footer><a href="https://x.com/theme"></footer>'
    )
    linked = social_links(page(html), ["https://www.linkedin.com/company/acme"])
    assert linked.links == {
        "linkedin": "https://www.linkedin.com/company/acme",
        "twitter": "https://x.com/acme",
    }


def test_presence_is_the_sum_of_weights_and_half_of_what_is_guessed() -> None:
    html = """<meta name="twitter:site" content="@acme"><a href="https://linkedin.com/company/a">
    <a href="https://tiktok.com/@a"><a href="https://github.com/a">"""
    linked = social_links(page(html))
    assert linked.guessed == {"twitter"}
    assert linked.presence == 30 + 10 + 10
    assert social_links(page("")).presence == 0


def test_presence_is_at_most_100() -> None:
    names = ("linkedin.com/company/a", "x.com/a", "facebook.com/a", "instagram.com/a")
    more = ("youtube.com/@a", "github.com/a", "tiktok.com/@a")
    html = "".join(f'<a href="https://{one}">' for one in (*names, *more))
    assert social_links(page(html)).presence == 100


@pytest.mark.parametrize(
    ("html", "telephone"),
    [
        ('<a href="tel:+44%2020%207946%200000">', "+44 20 7946 0000"),
        ('<a href="TEL:01453-000111;ext=5">', "01453-000111"),
        ('<a href="tel:call me"><a href="tel:(01453) 000 111">', "(01453) 000 111"),
        ('<a href="tel:999">', None),
        ('<a href="tel:1234567890123456">', None),
        ("Call 01453 000111", None),
    ],
)
def test_telephones(html: str, telephone: str | None) -> None:
    assert telephone_of(page(html), Organisation()) == telephone


def test_structured_data_is_asked_first_for_a_telephone() -> None:
    html = '<a href="tel:01453000111">'
    assert telephone_of(page(html), Organisation(telephone="+44 1453 000222")) == "+44 1453 000222"
    assert telephone_of(page(html), Organisation(telephone="on request")) == "01453000111"


@pytest.mark.parametrize(
    ("html", "email"),
    [
        ('<a href="mailto:Jane@Acme.co.uk?subject=x">', "jane@acme.co.uk"),
        (
            '<a href="mailto:jane@acme.co.uk"><a href="mailto:hello@mail.acme.co.uk">',
            "hello@mail.acme.co.uk",
        ),
        ('<a href="mailto:acme@gmail.com">', None),
        ('<a href="mailto:info@acme.com">', None),
        ('<a href="mailto:?subject=look">', None),
        ('<a href="mailto:a b@acme.co.uk">', None),
        ("info@acme.co.uk", None),
    ],
)
def test_mail_addresses_of_the_own_domain_only(html: str, email: str | None) -> None:
    assert email_of(page(html), Organisation(email="info@agency.example")) == email


@pytest.mark.parametrize(
    ("html", "url"),
    [
        ('<a href="/careers/">x</a>', "https://www.acme.co.uk/careers/"),
        ('<a href="/about/jobs.html#open">x</a>', "https://www.acme.co.uk/about/jobs.html"),
        ('<a href="https://careers.acme.co.uk/">Careers (3)</a>', "https://careers.acme.co.uk/"),
        (
            '<a href="/team">We’re hiring!</a><a href="/join-us">x</a>',
            "https://www.acme.co.uk/join-us",
        ),
        ('<a href="/team">Work with us</a>', "https://www.acme.co.uk/team"),
        ('<a href="https://boards.greenhouse.io/acme">Careers</a>', None),
        ('<a href="https://other.example/careers">Careers</a>', None),
        ('<a href="/blog/careers/in/welding/guide">x</a>', None),
        ('<a href="/blog/jobs-of-the-future">Jobs of the future</a>', None),
        ('<a href="javascript:void(0)">Careers</a>', None),
    ],
)
def test_careers_pages(html: str, url: str | None) -> None:
    assert careers_page_of(page(html)) == url


@pytest.mark.parametrize(
    ("address", "board"),
    [
        (
            "https://boards.greenhouse.io/acme",
            ("greenhouse", "acme", "https://boards.greenhouse.io/acme"),
        ),
        (
            "https://job-boards.greenhouse.io/acme/jobs/1",
            ("greenhouse", "acme", "https://boards.greenhouse.io/acme"),
        ),
        (
            "https://boards.eu.greenhouse.io/acme",
            ("greenhouse", "acme", "https://boards.eu.greenhouse.io/acme"),
        ),
        (
            "https://boards.greenhouse.io/embed/job_board/js?for=acme",
            ("greenhouse", "acme", "https://boards.greenhouse.io/acme"),
        ),
        ("https://jobs.lever.co/Acme/1-2?x=y", ("lever", "Acme", "https://jobs.lever.co/Acme")),
        ("https://jobs.eu.lever.co/acme", ("lever", "acme", "https://jobs.eu.lever.co/acme")),
        (
            "https://jobs.ashbyhq.com/acme%20co/embed",
            ("ashby", "acme%20co", "https://jobs.ashbyhq.com/acme%20co"),
        ),
        ("https://boards.greenhouse.io/embed/job_board", None),
        ("https://www.greenhouse.com/acme", None),
        ("https://jobs.lever.co/", None),
        ("https://[x", None),
    ],
)
def test_job_boards(address: str, board: tuple[str, str, str] | None) -> None:
    assert board_at(address) == (JobBoard(*board) if board else None)


def test_a_board_is_the_companys_when_there_is_one_only() -> None:
    one = (
        '<a href="https://jobs.lever.co/acme/1"><iframe src="https://jobs.lever.co/acme"></iframe>'
    )
    assert job_board_of(page(one)) == JobBoard("lever", "acme", "https://jobs.lever.co/acme")
    assert job_board_of(page(one + '<a href="https://jobs.lever.co/customer">')) is None


def test_the_feed_that_the_page_names() -> None:
    html = """<link rel="alternate" hreflang="de" href="/de"><link rel="Alternate"
    type="application/atom+xml" href="/feed"><link rel="alternate" type="application/rss+xml"
    href="/comments/feed">"""
    assert feed_of(page(html)) == "https://www.acme.co.uk/feed"
    assert feed_of(page('<link rel="alternate" type="application/rss+xml">')) is None


def structured(*values: Any) -> str:
    scripts = (json.dumps(value) for value in values)
    return "".join(f'<script type="application/ld+json">{one}</script>' for one in scripts)


@pytest.mark.parametrize(
    ("value", "employees"),
    [
        (120, HeadCount(120)),
        ("120", HeadCount(120)),
        ({"@type": "QuantitativeValue", "value": 120}, HeadCount(120)),
        (
            {"@type": "QuantitativeValue", "value": "about 120 (2024)"},
            HeadCount(120, None, date(2024, 1, 1), True),
        ),
        ({"minValue": 11, "maxValue": 50}, HeadCount(band="11-50")),
        ("11-50", HeadCount(band="11-50")),
        ({"minValue": 11}, None),
        ("many", None),
        (-5, None),
        ([120], None),
        (None, None),
    ],
)
def test_head_counts_of_structured_data(value: Any, employees: HeadCount | None) -> None:
    html = structured({"@type": "Organization", "numberOfEmployees": value})
    assert organisation_of(page(html)).employees == employees


def test_the_company_is_found_in_graphs_and_lists() -> None:
    company = {
        "@type": ["Thing", "LocalBusiness"],
        "url": "https://acme.co.uk",
        "name": " Acme\nLtd ",
        "sameAs": "https://x.com/acme",
        "contactPoint": [{"telephone": "+44 1453 000111", "email": "hi@acme.co.uk"}],
        "address": {"addressLocality": "Stroud", "addressCountry": {"name": "GB"}},
    }
    html = structured([{"@graph": [{"@type": "WebSite"}, company]}])
    assert organisation_of(page(html)) == Organisation(
        name="Acme Ltd",
        telephone="+44 1453 000111",
        email="hi@acme.co.uk",
        same_as=("https://x.com/acme",),
        town="Stroud",
        country="GB",
    )


@pytest.mark.parametrize(
    "value",
    [
        {"@type": "Organization", "url": "https://other.example", "telephone": "1234567"},
        {"@type": "Product", "brand": {"@type": "Organization", "telephone": "1234567"}},
        {"@type": "Article", "publisher": {"@type": "Organization", "telephone": "1234567"}},
        {"@type": 5, "telephone": "1234567"},
        {"telephone": "1234567"},
        "Organization",
        5,
        [[[[[[{"@type": "Organization", "telephone": "1234567"}]]]]]],
    ],
)
def test_others_are_not_taken_for_the_company(value: Any) -> None:
    assert organisation_of(page(structured(value))) == Organisation()


def test_data_that_cannot_be_read_hides_nothing_else() -> None:
    html = '<script type="application/ld+json">{broken</script>' + structured(
        {"@type": "Corporation", "name": "Acme", "telephone": ["x"], "address": "Stroud"}
    )
    assert organisation_of(page(html)) == Organisation(name="Acme")
