"""Whether a page is the company's own."""

from __future__ import annotations

import pytest

from oppspot_runner.websites.standing import standing_of
from tests.websites.making import HOME, page

LONG = "<p>" + "We sell, value and transfer names of firms. " * 100


@pytest.mark.parametrize(
    ("html", "state"),
    [
        ("<title>Acme</title>Plain words", "ok"),
        ("", "ok"),
        ("This domain is for sale!", "parked"),
        ("The domain name acme.co.uk may be for sale.", "parked"),
        ("<h1>acme.com is for sale</h1>", "parked"),
        ("Buy this domain today", "parked"),
        ("This domain is registered at Somebody", "parked"),
        ("<p>This house is for sale. Free parking.", "ok"),
        ("Our domain is for salesmen", "ok"),
        (f"This domain is for sale{LONG}", "ok"),
        ("<title>Welcome to nginx!</title>", "parked"),
        ("<title>Apache2 Ubuntu Default Page: It works</title>", "parked"),
        ("<title>Account Suspended</title>", "parked"),
        ("<title>How to fix a suspended ceiling</title>", "ok"),
        ('<script src="//sedoparking.com/frmpark/x"></script>', "parked"),
        (
            '<script src="https://img1.wsimg.com/parking-lander/static/js/main.js"></script>',
            "parked",
        ),
        ("<title>Just a moment...</title>", "blocked"),
        ("<title>Attention Required! | Cloudflare</title>", "blocked"),
        ('<script src="https://geo.captcha-delivery.com/c.js"></script>', "blocked"),
        (f"<title>Are you human? A test of chatbots</title>{LONG}", "ok"),
        (f'<script src="/cdn-cgi/challenge-platform/x.js"></script>{LONG}', "ok"),
    ],
)
def test_what_a_page_says(html: str, state: str) -> None:
    assert standing_of(page(html), HOME).state == state


@pytest.mark.parametrize(
    ("asked", "url", "state"),
    [
        ("http://acme.co.uk", "https://www.acme.co.uk/en/", "ok"),
        ("https://acme.co.uk", "https://group.example.com/acme", "moved"),
        ("https://acme.co.uk", "https://www.hugedomains.com/domain_profile.cfm?d=acme", "parked"),
        ("https://acme.co.uk", "https://acme.myshopify.com/", "moved"),
        ("acme.myshopify.com", "https://acme.myshopify.com/", "ok"),
        ("http://acme.localhost:81/", "http://acme.localhost:81/", "ok"),
    ],
)
def test_where_the_address_leads(asked: str, url: str, state: str) -> None:
    standing = standing_of(page("Plain words", url), asked)
    assert standing.state == state
    assert standing.reason or state == "ok"
