"""How rules meet a page, what they say of it, and that a hostile page costs a bounded time."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from oppspot_runner.websites.fingerprint_files import load_fingerprints
from oppspot_runner.websites.fingerprints import build
from oppspot_runner.websites.matching import detect
from oppspot_runner.websites.reading import read_site
from tests.websites.making import HOME, found, page


@pytest.mark.parametrize(
    ("rule", "html", "headers", "evidence"),
    [
        ({"headers": {"Server": "^acme"}}, "", {"server": "Acme/2"}, "header server: Acme/2"),
        (
            {"cookies": {"acme_id": ""}},
            "",
            {"set_cookie": "a=1, acme_id=secret; Path=/"},
            "cookie acme_id",
        ),
        ({"cookies": {"acme_*": ""}}, "", {"set_cookie": "a=; acme_77="}, "cookie acme_77"),
        (
            {"meta": {"generator": "^Acme"}},
            '<meta name="Generator" content="Acme 1">',
            {},
            "meta generator: Acme 1",
        ),
        ({"meta": {"og:x": ""}}, '<meta property="og:x" content="y">', {}, "meta og:x: y"),
        (
            {"scriptSrc": r"^https?://cdn\.acme\.io/"},
            '<script src="//cdn.acme.io/a.js?key=k"></script>',
            {},
            "script src cdn.acme.io/a.js",
        ),
        (
            {"scriptSrc": "^/static/acme"},
            '<script src="static/acme.js"></script>',
            {},
            "script src www.acme.co.uk/static/acme.js",
        ),
        (
            {"scriptSrc": "^/acme"},
            '<script src="https://cdn.acme.co.uk/acme.js"></script>',
            {},
            "script src cdn.acme.co.uk/acme.js",
        ),
        ({"scripts": r"acme\.init\("}, "<script>acme.init('k')</script>", {}, "script acme.init("),
        ({"html": "<!-- made by acme"}, "<!-- Made by Acme -->", {}, "html <!-- Made by Acme"),
        ({"url": r"\.co\.uk/$"}, "", {}, "url www.acme.co.uk/"),
        ({"dom": "#acme"}, "<div id=acme>", {}, "element div id=acme"),
        ({"dom": ["b", "i.acme"]}, "<i class=acme>", {}, "element i class=acme"),
        ({"dom": {"h1": {"text": "^acme"}}}, "<h1>Ac<b>me</b></h1>", {}, "element h1"),
        (
            {"dom": {"a": {"attributes": {"href": "^/acme"}}}},
            "<a href=/x><a href=/acme?k=1>",
            {},
            "element a href=/acme",
        ),
    ],
)
def test_every_kind_of_rule_with_its_evidence(
    rule: dict[str, object], html: str, headers: dict[str, str], evidence: str
) -> None:
    assert found({"Acme": rule}, html, **headers)["Acme"].evidence == (evidence,)


@pytest.mark.parametrize(
    ("rule", "html"),
    [
        ({"scriptSrc": "^/acme"}, '<script src="https://other.example/acme.js"></script>'),
        ({"scriptSrc": "acme"}, '<script src="data:text/plain,acme"></script>'),
        ({"scriptSrc": "acme"}, '<script data-src="/acme.js"></script>'),
        ({"scripts": "acme"}, '<script type="application/json">{"acme": 1}</script>'),
        ({"scripts": "acme"}, "<script>a = 1 // acme\n/* acme */</script>"),
        ({"scripts": "acme"}, '<script>self.__next_f.push([1,"acme"])</script>'),
        ({"scripts": "acme"}, "<script>window.__DATA__ = {acme: 1}</script>"),
        ({"html": "acme"}, "<pre>acme</pre><code>acme</code>"),
        ({"dom": {"a": {"attributes": {"href": ""}}}}, "<a name=x>"),
        ({"dom": {"a": {"properties": {"x": ""}}}}, "<a>"),
        ({"js": {"Acme": ""}, "text": "acme"}, "<p>acme <script>Acme = 1</script>"),
    ],
)
def test_what_is_no_evidence(rule: dict[str, object], html: str) -> None:
    assert found({"Acme": rule}, html) == {}


def test_a_snippet_that_begins_with_a_name_of_its_own_is_no_data() -> None:
    html = "<script>window.__lc = window.__lc || {}; s.src = '//cdn.acme.io/t.js'</script>"
    assert found({"Acme": {"scripts": r"//cdn\.acme\.io/"}}, html)


def test_strings_that_look_like_comments_do_not_hide_what_follows() -> None:
    html = "<script>a = 'https://x/*'; b = \"//\"; c = `/*`; acme()</script>"
    assert found({"Acme": {"scripts": r"acme\(\)"}}, html)


def test_confidence_adds_up_over_patterns_and_not_over_places() -> None:
    rules = {"Acme": {"headers": {"x": "\\;confidence:30"}, "html": "acme\\;confidence:30"}}
    assert found(rules, "acme acme", x="1")["Acme"].confidence == 60
    alone = found(rules, "acme acme")["Acme"]
    assert (alone.confidence, alone.is_sure) == (30, False)


def test_the_longest_version_is_told() -> None:
    rules = {"Acme": {"html": [r"acme (\d)\;version:\1", r"acme ([\d.]+)\;version:\1"]}}
    assert found(rules, "acme 6.4.2")["Acme"].version == "6.4.2"


def test_what_is_implied_is_said_to_be_and_no_surer() -> None:
    rules = {
        "Acme": {"html": "acme\\;confidence:80", "implies": ["Beta\\;confidence:50", "Nobody"]},
        "Beta": {"implies": "Gamma", "cats": ["x"]},
        "Gamma": {"implies": "Acme"},
    }
    detected = found(rules, "acme")
    assert {one.name: (one.confidence, one.implied_by) for one in detected.values()} == {
        "Acme": (80, None),
        "Beta": (50, "Acme"),
        "Gamma": (50, "Beta"),
    }


def test_what_requires_another_counts_with_it_only() -> None:
    rules = {
        "Shop": {"html": "shop", "requires": "Acme"},
        "Cart": {"html": "cart", "requires": ["Shop"]},
        "Skin": {"html": "skin", "requiresCategory": "cms"},
        "Acme": {"meta": {"generator": "acme"}, "cats": ["cms"]},
    }
    assert found(rules, "shop cart skin") == {}
    all_of_them = found(rules, "shop cart skin <meta name=generator content=acme>")
    assert all_of_them.keys() == rules.keys()


def test_what_is_ruled_out_is_not_found() -> None:
    rules = {"Acme": {"html": "acme", "excludes": "Beta"}, "Beta": {"html": "acme"}}
    assert found(rules, "acme").keys() == {"Acme"}


def test_values_of_cookies_and_queries_are_never_shown() -> None:
    rules: dict[str, Any] = {
        "Acme": {"cookies": {"a": "s3"}, "scriptSrc": "key=s3", "dom": "a[href*='s3']"},
        "Beta": {"headers": {"set-cookie": "s3"}, "meta": {"csrf-token": "s3"}},
    }
    html = '<meta name="csrf-token" content="s3cret">'
    html += '<script src="/x.js?key=s3cret#s3cret"></script><a href="/y?k=s3cret">'
    shown = repr(found(rules, html, set_cookie="a=s3cret"))
    assert "Acme" in shown
    assert "meta csrf-token" in shown
    assert "s3cret" not in shown


def test_evidence_is_short() -> None:
    acme = found({"Acme": {"headers": {"x": ""}}}, x="y" * 9_000)["Acme"]
    assert len(acme.evidence[0]) <= 100


HOSTILE = {
    "nested": "<div>" * 100_000,
    "formatting": "<p>" + "<b x>" * 50_000 + "</p><p>x" * 50_000,
    "unclosed quotes": "<a \"<a '" * 100_000,
    "comments": "<!--" * 200_000,
    "scripts": "<script>" * 100_000,
    "strings": "<script>" + "`/*'\"\\" * 150_000 + "</script>",
    "end tags": "<p>" * 500 + "</b></i></p>" * 60_000,
    "links": "<a href=https://boards.greenhouse.io/x>y</a>" * 20_000,
    "styles": "<link rel=stylesheet href=//a/wp-content/bootstrap.fonts.googleapis.com>" * 9_000,
    "one line": "<style " + "@import url(" * 80_000,
    "data": '<script type="application/ld+json">' + '[{"@graph":' * 50_000 + "</script>",
    "words": "this domain x is for sale " * 30_000,
    "entities": "&#x41;&amp" * 80_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_page_ends(html: str) -> None:
    """What is not linear takes minutes here; this takes about a second."""
    began = monotonic()
    read_site(page(html, set_cookie="a=" * 10_000), HOME, load_fingerprints())
    assert monotonic() - began < 20


def test_a_pattern_that_never_ends_costs_its_share_and_the_others_are_looked_for() -> None:
    rules = {"Bad": {"html": "(a+)+$"}, "Good": {"html": "good"}}
    detection = detect(page("good " + "a" * 5_000 + "b"), build(rules.items()), budget_s=30)
    assert [one.name for one in detection.technologies] == ["Good"]
    assert detection.gave_up == ("(a+)+$",)
    assert detection.complete


def test_a_page_that_took_all_the_time_says_so() -> None:
    rules = {f"Bad{n}": {"html": f"(a+)+{n}$"} for n in range(50)}
    detection = detect(page("0123456789" + "a" * 5_000 + "b"), build(rules.items()), budget_s=0.3)
    assert not detection.complete
