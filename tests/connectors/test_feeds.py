"""Feeds as they are written, and as nobody should write them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from oppspot_runner.base.errors import ConfigurationError, MalformedAnswerError
from oppspot_runner.base.web import Answer
from oppspot_runner.connectors.feeds import Entry, read_feed

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
URL = "https://acme.example/blog/feed.xml"


def answer(content: str | bytes, kind: str = "application/rss+xml") -> Answer:
    body = content if isinstance(content, bytes) else content.encode()
    return Answer("web", URL, 200, {"content-type": kind}, body, NOW)


def rss(*items: str) -> str:
    whole = "".join(f"<item>{one}</item>" for one in items)
    return f'<rss version="2.0"><channel><title>Acme</title>{whole}</channel></rss>'


def read(content: str | bytes, kind: str = "application/rss+xml") -> list[Entry]:
    return read_feed(answer(content, kind))


def test_rss_is_read_with_its_links_and_words() -> None:
    (one,) = read(
        rss(
            "<title> Anvils &amp;amp; more\n</title><link>/2026/anvils</link>"
            "<guid isPermaLink='false'>a1</guid>"
            "<pubDate>Mon, 02 Nov 2026 10:00:00 +0200</pubDate>"
            "<description>&lt;p&gt;See &lt;a href='https://bolt.example/'&gt;Bolt&lt;/a&gt;"
            "</description>"
        )
    )
    assert one == Entry(
        "a1",
        "Anvils & more",
        "https://acme.example/2026/anvils",
        datetime(2026, 11, 2, 8, tzinfo=UTC),
        "See Bolt (https://bolt.example/)",
    )


def test_atom_is_read_too() -> None:
    (one,) = read(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="html">A &lt;b&gt;hammer'
        "&lt;/b&gt;</title><id>urn:1</id><updated>2026-11-01T10:00:00Z</updated>"
        '<link href="https://acme.example/1"/><content type="xhtml"><div>Words</div></content>'
        "</entry></feed>"
    )
    assert (one.id, one.title, one.text) == ("urn:1", "A hammer", "Words")
    assert one.published == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_an_entry_without_an_id_is_called_by_its_link_or_title_and_comes_once() -> None:
    entries = read(
        rss(
            "<title>One</title><link>https://acme.example/1</link>",
            "<title>Two</title>",
            "<title>Two</title>",
            "<link>https://acme.example/untitled</link>",
            f"<title>Three</title><guid>{'x' * 5_000}</guid>",
            "<title>Four</title><link>javascript:alert(1)</link>",
        )
    )
    assert [one.id for one in entries[:2]] == ["https://acme.example/1", "Two"]
    assert [one.title for one in entries] == ["One", "Two", "Three", "Four"]
    assert len(entries[2].id) == 64
    assert entries[3].link is None


def test_dates_may_lack_their_zone_or_be_none_or_be_of_the_future() -> None:
    entries = read(
        rss(
            "<title>None</title>",
            "<title>Odd</title><pubDate>the day before yesterday</pubDate>",
            "<title>Plain</title><pubDate>2026-10-01 12:30:00</pubDate>",
            "<title>Future</title><pubDate>Sat, 01 Jan 2028 00:00:00 GMT</pubDate>",
            "<title>Far</title><pubDate>Sat, 99 Jan 99999 00:00:00 GMT</pubDate>",
        )
    )
    assert [(one.title, one.published) for one in entries] == [
        ("Future", datetime(2028, 1, 1, tzinfo=UTC)),
        ("Plain", datetime(2026, 10, 1, 12, 30, tzinfo=UTC)),
        ("None", None),
        ("Odd", None),
        ("Far", None),
    ]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (rss("<title>Café £</title>").encode("utf-16"), "application/rss+xml"),
        (rss("<title>Café £</title>").encode("latin-1"), "text/xml; charset=ISO-8859-1"),
        (
            b'<?xml version="1.0" encoding="windows-1252"?>'
            + rss("<title>Café £</title>").encode("cp1252"),
            "application/xml",
        ),
        (b"\xef\xbb\xbf" + rss("<title>Café £</title>").encode(), "text/html"),
        (rss("<title>Caf&#233; &#163;</title>"), "text/xml; charset=punycode"),
        (rss("<title>Caf&eacute; &pound;</title>"), "application/rss+xml"),
        (rss("<title>Caf&amp;eacute; £</title>"), "application/rss+xml"),
    ],
)
def test_letters_are_read_as_they_were_written(content: str | bytes, kind: str) -> None:
    assert [one.title for one in read(content, kind)] == ["Café £"]


def test_a_feed_that_is_not_well_formed_is_read_as_far_as_it_goes() -> None:
    entries = read(rss("<title>One & two</title>", "<title>Three</title><br>")[:-20])
    assert [one.title for one in entries] == ["One & two", "Three"]


@pytest.mark.parametrize(
    "content", ["", "<html><body><h1>Acme</h1></body></html>", "{}", "/etc/passwd", URL, "<rss"]
)
def test_what_is_no_feed_is_refused_and_never_opened(
    content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("something was opened")

    monkeypatch.setattr("builtins.open", never)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", never)
    with pytest.raises(MalformedAnswerError, match=r"what acme.example has there is no feed"):
        read(content)


def test_of_many_entries_the_newest_thousand_are_taken() -> None:
    items = (
        f"<title>{place}</title><pubDate>2026-{1 + place % 12:02}-{1 + place % 28:02}</pubDate>"
        for place in range(2_000)
    )
    entries = read(rss(*items))
    assert len(entries) == 1_000
    dates = [one.published or NOW for one in entries]
    assert dates == sorted(dates, reverse=True)
    assert min(dates).month == 6


BOMBS = {
    "entities": '<!DOCTYPE r [<!ENTITY a "xx"><!ENTITY b "&a;&a;">]>' + rss("<title>&b;</title>"),
    "outside": '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + rss("<title>&a;</title>"),
    "depth": rss("<a>" * 300_000 + "</a>" * 300_000),
    "attributes": rss("<a " + " ".join(f'a{place}=""' for place in range(100_000)) + "/>"),
    "elements": rss("<a/>" * 400_000),
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_what_is_built_to_do_harm_is_refused(name: str) -> None:
    with pytest.raises(MalformedAnswerError, match=r"entities|built as no feed"):
        read(BOMBS[name])
    with pytest.raises(MalformedAnswerError, match=r"entities|built as no feed"):
        read(BOMBS[name].encode("utf-16"))


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "feedparser", None)
    with pytest.raises(ConfigurationError) as caught:
        read(rss("<title>One</title>"))
    assert caught.value.hint == "pip install 'oppspot-runner[http]'"
