"""Registered domains of web addresses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.companies.domains import host_of, registered_domain

DOMAINS = [
    ("https://www.Acme.co.uk/about?x=1", "acme.co.uk"),
    ("acme.com", "acme.com"),
    ("www.1und1.ag", "1und1.ag"),
    ("//foo.de/x", "foo.de"),
    ("acme.com:8080/x", "acme.com"),
    ("http://user:secret@acme.com/", "acme.com"),
    ("shop.hasbro.com corporate.hasbro.com", "hasbro.com"),
    ("HTTPS://WWW.EXAMPLE.ORG.", "example.org"),
    ("münchen.de", "xn--mnchen-3ya.de"),
    ("https://shop.acme.uk.com", "acme.uk.com"),
    ("a.b.kawasaki.jp", "a.b.kawasaki.jp"),
    ("https://apple.com", "apple.com"),
]


@pytest.mark.parametrize(("address", "domain"), DOMAINS)
def test_the_registered_domain_is_found(address: str, domain: str) -> None:
    assert registered_domain(address) == domain


@pytest.mark.parametrize(
    "address",
    [
        "https://www.linkedin.com/company/acme",
        "acme.github.io",
        "https://medium.com/@acme",
        "https://apps.apple.com/app/acme",
        "acme.blogspot.com",
        "acme.herokuapp.com",
        "https://sites.google.com/acme",
    ],
)
def test_a_host_that_many_companies_share_is_nobodys_domain(address: str) -> None:
    assert registered_domain(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://",
        "http://",
        "mailto:a@b.com",
        "info@acme.com",
        "ftp://acme.com",
        "javascript:alert(1)",
        "http://192.168.0.1/",
        "http://[::1]/",
        "localhost",
        "acme.local",
        "co.uk",
        "uk.com",
        "Official website",
        "Bloomin' Brands",
        "a..com",
        "." * 500,
        "x" * 300 + ".com",
    ],
)
def test_what_is_no_web_address_of_a_company_has_no_domain(address: str) -> None:
    assert registered_domain(address) is None


@pytest.mark.slow
@given(st.one_of(st.text(max_size=100), st.from_regex(r"\A\w+://[\w.@:/-]{1,60}\Z")))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_domain_of_which_the_domain_is_itself_or_none(address: str) -> None:
    domain = registered_domain(address)
    if domain is not None:
        assert registered_domain(domain) == domain == domain.lower()
        assert host_of(domain) == domain
