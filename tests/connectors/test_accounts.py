"""Head counts out of accounts: what is read, what is left out, what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.growth import StatedCount
from oppspot_runner.connectors.accounts import head_count, read_head_counts

NAMESPACES = (
    'xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="{ix}"'
    ' xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:xbrldi="http://xbrl.org/2006/xbrldi"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
IX_2013 = "http://www.xbrl.org/2013/inlineXBRL"
IX_2008 = "http://www.xbrl.org/2008/inlineXBRL"
NOW, BEFORE = date(2025, 3, 31), date(2024, 3, 31)


def context(name: str, ends: str, more: str = "") -> str:
    return (
        f'<xbrli:context id="{name}"><xbrli:entity>'
        f'<xbrli:identifier scheme="x">1</xbrli:identifier>'
        f"{more}</xbrli:entity><xbrli:period><xbrli:startDate>2000-01-01</xbrli:startDate>"
        f"<xbrli:endDate>{ends}</xbrli:endDate></xbrli:period></xbrli:context>"
    )


CONTEXTS = context("now", "2025-03-31") + context("before", "2024-03-31")


def tagged(text: str, where: str, *, prefix: str = "core", **attributes: str) -> str:
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return (
        f'<ix:nonFraction name="{prefix}:AverageNumberEmployeesDuringPeriod" contextRef="{where}"'
        f' unitRef="pure" decimals="0"{more}>{text}</ix:nonFraction>'
    )


def accounts(body: str, *, contexts: str = CONTEXTS, ix: str = IX_2013, head: str = "") -> bytes:
    namespaces = NAMESPACES.format(ix=ix)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<html {namespaces}><head><title>x</title>'
        f"</head><body><div><ix:header><ix:resources>{contexts}</ix:resources></ix:header></div>"
        f"<p>{body}</p></body></html>"
    ).encode()


@pytest.mark.parametrize("ix", [IX_2008, IX_2013])
@pytest.mark.parametrize("prefix", ["core", "uk-core", "ns5", "e"])
def test_both_years_are_read_whatever_the_prefix(prefix: str, ix: str) -> None:
    document = accounts(
        tagged("17", "now", prefix=prefix) + tagged("12", "before", prefix=prefix), ix=ix
    )
    assert read_head_counts(document) == [StatedCount(NOW, 17), StatedCount(BEFORE, 12)]


@pytest.mark.parametrize(
    ("text", "attributes", "people"),
    [
        ("1,234", {"format": "ixt:numcommadot"}, 1234),
        ("1,234", {"format": "ixt2:numdotdecimal"}, 1234),
        ("1,234", {"format": "ixt4:num-dot-decimal"}, 1234),
        ("1,234", {}, 1234),
        ("1 234", {"format": "ixt:numspacedot"}, 1234),
        ("1.234", {"format": "ixt:numdotcomma"}, 1234),
        ("1.234,0", {"format": "ixt4:num-comma-decimal"}, 1234),
        ("12,0", {"format": "ixt:numcomma"}, 12),
        ("-", {"format": "ixt2:zerodash"}, 0),
        ("–", {"format": "ixt:numdash"}, 0),
        ("nil", {"format": "ixt4:fixed-zero"}, 0),
        ("1.2", {"scale": "3"}, 1200),
        ("1200", {"scale": "-2"}, 12),
        ("12.4", {}, 12),
        ("0", {}, 0),
        (" 8\n", {}, 8),
        # and what is no head count:
        ("12", {"sign": "-"}, None),
        ("-12", {}, None),
        ("(12)", {}, None),
        ("-", {}, None),
        ("", {}, None),
        ("twelve", {}, None),
        ("12", {"format": "ixt:datedaymonthyear"}, None),
        ("1,234", {"format": "ixt:numcomma"}, None),
        ("1,23", {}, None),
        ("NaN", {}, None),
        ("1e9", {}, None),
        ("٣", {}, None),
        ("12", {"scale": "99"}, None),
        ("12", {"scale": "x"}, None),
        ("99999999", {"scale": "6"}, None),
        ("9" * 5000, {}, None),
    ],
)
def test_a_value_is_read_as_its_attributes_say(
    text: str, attributes: dict[str, str], people: int | None
) -> None:
    assert head_count(text, attributes) == people
    found = read_head_counts(accounts(tagged(text, "now", **attributes)))
    assert found == ([] if people is None else [StatedCount(NOW, people)])


def test_a_value_that_is_nil_is_unknown() -> None:
    assert read_head_counts(accounts(tagged("12", "now", **{"xsi:nil": "true"}))) == []


@pytest.mark.parametrize("kind", ["explicitMember", "typedMember"])
@pytest.mark.parametrize("place", ["segment", "scenario"])
def test_a_part_of_the_company_is_not_the_company(kind: str, place: str) -> None:
    part = (
        f'<xbrli:{place}><xbrldi:{kind} dimension="core:D">core:Sales</xbrldi:{kind}>'
        f"</xbrli:{place}>"
    )
    contexts = context("part", "2025-03-31", part) + CONTEXTS
    document = accounts(tagged("3", "part") + tagged("12", "now"), contexts=contexts)
    assert read_head_counts(document) == [StatedCount(NOW, 12)]


def test_the_same_value_twice_is_one_and_two_values_for_one_period_are_none() -> None:
    same = accounts(tagged("12", "now") + tagged("12", "now"))
    assert read_head_counts(same) == [StatedCount(NOW, 12)]
    differing = accounts(tagged("12", "now") + tagged("13", "now") + tagged("9", "before"))
    assert read_head_counts(differing) == [StatedCount(BEFORE, 9)]


def test_contexts_may_stand_behind_the_values() -> None:
    document = accounts(tagged("12", "late") + context("late", "2025-03-31"), contexts="")
    assert read_head_counts(document) == [StatedCount(NOW, 12)]


def test_values_may_stand_in_other_tags_and_hold_markup() -> None:
    inner = tagged("<b>1</b><!-- x -->2", "now")
    other = f'<ix:nonFraction name="core:Other" contextRef="now">{inner}</ix:nonFraction>'
    assert read_head_counts(accounts(other)) == [StatedCount(NOW, 12)]


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        ("2025-04-01T00:00:00", NOW),
        ("2025-03-31T23:59:59", NOW),
        (" 2025-03-31 ", NOW),
        ("31/03/2025", None),
        ("", None),
    ],
)
def test_the_end_of_a_period_is_a_day(day: str, ends: date | None) -> None:
    document = accounts(tagged("12", "odd"), contexts=context("odd", day))
    assert [one.as_of for one in read_head_counts(document)] == ([ends] if ends else [])


def test_values_without_a_known_context_are_left_out() -> None:
    assert read_head_counts(accounts(tagged("12", "nowhere"))) == []
    assert read_head_counts(accounts("no tags here")) == []


BOMB = '<!DOCTYPE html [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE html [<!ENTITY file SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [BOMB, OUTSIDE, '<!DOCTYPE html [<!ENTITY % p "x">]>'])
def test_a_document_that_declares_entities_is_refused(head: str) -> None:
    with pytest.raises(InvalidInputError, match="declare entities"):
        read_head_counts(accounts(tagged("12", "now"), head=head))


def test_a_document_type_by_itself_is_usual() -> None:
    head = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://127.0.0.1:9/x.dtd">'
    document = accounts("&nbsp;" + tagged("12", "now"), head=head)
    assert read_head_counts(document) == [StatedCount(NOW, 12)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7",
        b"<html><body>",
        accounts(tagged("12", "now"))[:-40],
        b'<?xml version="1.0" encoding="klingon"?><html/>',
        "<html>\ud800</html>".encode("utf-8", "surrogatepass"),
    ],
)
def test_what_is_no_whole_xml_is_an_error_that_says_so(content: bytes) -> None:
    with pytest.raises(InvalidInputError, match="no XML that can be read"):
        read_head_counts(content)


def test_a_deep_document_is_read_without_harm() -> None:
    deep = "<div>" * 20_000 + tagged("12", "now") + "</div>" * 20_000
    assert read_head_counts(accounts(deep)) == [StatedCount(NOW, 12)]
