"""HTML as words, and addresses in sentences and Markdown."""

from __future__ import annotations

import pytest

from oppspot_runner.posts.text import addresses_in, plain_text

HTML = {
    "one line": "one line",
    "first<p>second": "first\nsecond",
    "a<br>b<br/>c": "a\nb\nc",
    "caf&eacute; &amp; bar &#x27;n&#39; grill &lt;b&gt;": "café & bar 'n' grill <b>",
    "<i>so</i> <b>it</b> is": "so it is",
    '<a href="https:&#x2F;&#x2F;a.com&#x2F;long-way">https:&#x2F;&#x2F;a.com...</a>': (
        "https://a.com/long-way"
    ),
    'see <a href="https://acme.com/x">their page</a>!': "see their page (https://acme.com/x)!",
    "<a>no address</a>": "no address",
    '<a href="">none</a>': "none",
    '<a href="https://acme.com">open at the end': "open at the end",
    "<pre><code>a = 1\nb = 2</code></pre>": "a = 1\nb = 2",
    "a   b\n\n\n<p>\n  c": "a b\nc",
    "5 < 6 and <unknown>7": "5 < 6 and 7",
    "<!-- gone -->here": "here",
    "": "",
}
SENTENCES = {
    "see https://acme.com.": ["https://acme.com"],
    "(https://acme.com/a_(b))": ["https://acme.com/a_(b)"],
    "[Acme](https://acme.com/x) and [https://b.io](https://b.io)": [
        "https://acme.com/x",
        "https://b.io",
        "https://b.io",
    ],
    "HTTPS://ACME.COM, http://b.io/?q=1&r=2!": ["HTTPS://ACME.COM", "http://b.io/?q=1&r=2"],
    "**https://acme.com**": ["https://acme.com"],
    "<https://acme.com>": ["https://acme.com"],
    "mailto:me@acme.com and acme.com": [],
    "https://": [],
}


@pytest.mark.parametrize(("html", "text"), HTML.items())
def test_html_becomes_the_words_that_people_see(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize(("text", "addresses"), SENTENCES.items())
def test_addresses_are_found_without_what_surrounds_them(text: str, addresses: list[str]) -> None:
    assert addresses_in(text) == addresses
