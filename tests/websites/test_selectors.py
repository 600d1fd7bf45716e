"""Selectors: what is understood selects as in a browser, the rest is refused."""

from __future__ import annotations

import pytest

from oppspot_runner.websites.markup import read_markup
from oppspot_runner.websites.selectors import parse_selector

HTML = """
<html data-wf-site=1><body class="Home page-1"><div id=app><p class="a b" lang=en-GB><a
href="https://x.example/path/file.css?v=1" rel="me noopener">x</a></p></div><form><input
name=token></form><astro-island></astro-island><b wire:id=1></b></body></html>
"""


def selected(selector: str) -> list[str]:
    selectors = parse_selector(selector)
    elements = read_markup(HTML).elements
    return [one.name for one in elements if any(item.matches(one) for item in selectors)]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("a", ["a"]),
        ("#app", ["div"]),
        ("div#app", ["div"]),
        ("p#app", []),
        (".b", ["p"]),
        ("p.a.b", ["p"]),
        ("body.home", ["body"]),
        ("[data-wf-site]", ["html"]),
        ("[wire\\:id]", ["b"]),
        ("a[href*='/path/']", ["a"]),
        ('a[href^="https://x.example"]', ["a"]),
        ("a[href$='v=1']", ["a"]),
        ("a[rel~=me]", ["a"]),
        ("a[rel=me]", []),
        ("p[lang|='en']", ["p"]),
        ("A[HREF*='FILE.CSS' i]", ["a"]),
        ("a[href*='']", []),
        ("div a", ["a"]),
        ("div > a", []),
        ("div > p > a", ["a"]),
        ("body>div a", ["a"]),
        ("form a", []),
        ("#app p, form input", ["p", "input"]),
        ("a[title='a, b'], astro-island", ["astro-island"]),
        ("*[name]", ["input"]),
    ],
)
def test_it_selects(selector: str, names: list[str]) -> None:
    assert selected(selector) == names


@pytest.mark.parametrize(
    "selector",
    ["", " ", "a:has(b)", "a + b", "a ~ b", "a::before", "[", "a[", "a[href", "a,,b", "a >"],
)
def test_what_is_not_understood_is_refused(selector: str) -> None:
    with pytest.raises(ValueError, match="is not understood"):
        parse_selector(selector)


def test_the_literal_is_in_an_attribute_wherever_it_selects() -> None:
    literals = {text: parse_selector(text)[0].literal for text in ("a", "#app", "form [data-x]")}
    assert literals == {"a": "", "#app": "app", "form [data-x]": "data-x"}
