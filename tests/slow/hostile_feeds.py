"""Reads feeds that are made to cost much, within limits of time and memory: `hostile_feeds.py`."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.base.web import Answer
from oppspot_runner.connectors.feeds import read_feed

MIB = 1024 * 1024
SIZE = 2 * MIB  # of a page at most
ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry>%s</entry></feed>'
QUADRATIC = b'<!DOCTYPE r [<!ENTITY a "' + b"x" * 50_000 + b'">]>'


def rss(body: bytes) -> bytes:
    return b'<rss version="2.0"><channel><title>t</title>' + body + b"</channel></rss>"


def fill(piece: bytes, size: int = SIZE) -> bytes:
    return piece * (size // len(piece))


def title(piece: bytes) -> bytes:
    return rss(b"<item><title>" + fill(piece) + b"</title></item>")


def attributes(begin: bytes = b"") -> bytes:
    return begin + rss(b"<item " + b" ".join(b'a%d=""' % n for n in range(SIZE // 12)) + b"/>")


CASES: dict[str, Callable[[], bytes]] = {
    "nested": lambda: rss(fill(b"<a>", MIB) + fill(b"</a>", MIB)),
    "nested, not closed": lambda: rss(fill(b"<item>")),
    "nested, not well-formed": lambda: b"<<" + rss(fill(b"<a>")),
    "attributes": attributes,
    "attributes, not well-formed": lambda: attributes(b"<<"),
    "a huge attribute": lambda: rss(b'<item a="' + b"x" * SIZE + b'"/>'),
    "open tags": lambda: title(b"<"),
    "open quotes": lambda: title(b'<a b="'),
    "open references": lambda: title(b"&a"),
    "references": lambda: title(b"&amp;"),
    "unknown entities": lambda: title(b"&nbsp;"),
    "HTML in a title": lambda: title(b"&lt;div&gt;"),
    "comments in a title": lambda: title(b"&lt;!--"),
    "sections": lambda: rss(b"<item><title>" + fill(b"<![CDATA[")),
    "an entity often": lambda: QUADRATIC + title(b"&a;"),
    "an entity often, not well-formed": lambda: b"<<" + QUADRATIC + title(b"&a;"),
    "declarations": lambda: b"<!DOCTYPE rss [" + fill(b'<!ENTITY a "b">'),
    "categories": lambda: rss(b"<item>" + fill(b"<category>xx</category>") + b"</item>"),
    "dates": lambda: rss(fill(b"<item><pubDate>12:12:12 12 12 1212</pubDate></item>")),
    "a long date": lambda: rss(b"<item><pubDate>" + fill(b"1 ") + b"</pubDate></item>"),
    "names": lambda: rss(fill(b"<item><title>x</title></item>")),
    "markup in Atom": lambda: (
        ATOM % (b'<content type="xhtml">' + fill(b"<b>x</b>") + b"</content>")
    ),
    "a style": lambda: title(b'&lt;p style="' + b"a:b;" * 1_000 + b'"&gt;'),
}


def main(part: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (512 * MIB, 512 * MIB))
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    for name, make in list(CASES.items())[part::2]:
        print(name, file=sys.stderr, flush=True)
        told = Answer("web", "https://acme.example/", 200, {}, make(), datetime.now(UTC))
        try:
            read_feed(told)
        except MalformedAnswerError:
            continue


main(int(sys.argv[1]))
