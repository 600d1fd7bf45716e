"""A page out of an answer: how it is written, its cookies, where its links lead."""

from __future__ import annotations

import pytest

from oppspot_runner.websites.page import read_page, read_saved
from tests.websites.making import HOME, page

META = '<meta http-equiv="Content-Type" content="text/html; charset={0}"><title>Café</title>'


@pytest.mark.parametrize(
    ("encoding", "stated", "content_type"),
    [
        ("utf-8", "utf-8", ""),
        ("iso-8859-1", "ISO-8859-1", "text/html"),
        ("windows-1252", "windows-1252", ""),
        ("iso-8859-1", "utf-8", "text/html; charset=iso-8859-1"),
        ("utf-8", "no-such-encoding", ""),
        ("utf-8", "base64", ""),
        ("utf-8-sig", "utf-8", ""),
    ],
)
def test_a_page_is_read_as_it_is_written(encoding: str, stated: str, content_type: str) -> None:
    content = META.format(stated).encode(encoding)
    assert read_page(HOME, {"Content-Type": content_type}, content).title == "Café"


def test_what_cannot_be_decoded_hides_nothing_else() -> None:
    assert read_page(HOME, {}, b"<title>Caf\xe9 Acme</title>").title == "Caf\ufffd Acme"


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT, b=2; Max-Age=5", {"a", "b"}),
        ("a=; b=; c.d=", {"a", "b", "c.d"}),
        ("", set()),
        ("Secure; HttpOnly", set()),
    ],
)
def test_cookies_of_answers_and_of_kept_ones(header: str, names: set[str]) -> None:
    assert page("", set_cookie=header).cookies.keys() == names


@pytest.mark.parametrize(
    ("base", "href", "address"),
    [
        ("", "/a", "https://www.acme.co.uk/a"),
        ("", "//cdn.example/a", "https://cdn.example/a"),
        ("", " a b ", "https://www.acme.co.uk/a b"),
        ('<base href="/en/">', "a", "https://www.acme.co.uk/en/a"),
        ('<base target="_top"><base href="https://x.example/">', "a", "https://x.example/a"),
        ('<base href="http://[bad">', "a", "https://www.acme.co.uk/a"),
    ],
)
def test_where_links_lead(base: str, href: str, address: str) -> None:
    (link,) = page(f'{base}<a href="{href}">').links
    assert link.address == address


@pytest.mark.parametrize(
    "href", ["", "mailto:x@y.example", "javascript:x()", "http://[bad", "data:,x"]
)
def test_what_leads_nowhere_is_no_link(href: str) -> None:
    assert page(f'<a href="{href}">').links == []


def test_of_very_many_links_the_first_and_the_last_count() -> None:
    links = page("".join(f"<a href=/{n}>" for n in range(9_000))).links
    assert (len(links), links[0].address[-2:], links[-1].address[-5:]) == (4_000, "/0", "/8999")


def test_headers_of_a_saved_answer_add_up() -> None:
    saved = read_saved("HTTP/1.1 200 OK\r\nVia: a\r\nvia: b\r\n\r\n<title>x</title>\n\ny", HOME)
    assert saved.headers == {"via": "a, b"}
    assert saved.title == "x"
