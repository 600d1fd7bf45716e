"""Countries, places in address lines, and wanted locations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.companies.countries import (
    countries,
    country_code,
    country_name,
    is_country_code,
    place_key,
)
from oppspot_runner.companies.locations import groups, match_location, towns
from oppspot_runner.companies.places import Place, parse_place, subdivision


def test_there_are_the_249_countries_of_iso_3166() -> None:
    assert len(countries()) == 249
    assert len({country.alpha3 for country in countries().values()}) == 249


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("UK", "GB"),
        ("Britain", "GB"),
        ("England", "GB"),
        ("ENGLAND & WALES", "GB"),
        ("U.S.A.", "US"),
        ("the netherlands", "NL"),
        ("Côte d’Ivoire", "CI"),
        ("cote divoire", "CI"),
        ("Éire", "IE"),
        ("DEU", "DE"),
        ("Russian Federation", "RU"),
        ("Turkey", "TR"),
        ("VIRGIN ISLANDS, BRITISH", "VG"),
        ("Korea", "KR"),
        ("none", None),
        ("", None),
        ("London", None),
    ],
)
def test_a_country_is_known_by_name_code_and_alias(text: str, code: str | None) -> None:
    assert country_code(text) == code


def test_every_country_is_found_by_its_own_names() -> None:
    for country in countries().values():
        for name in (country.code, country.alpha3, *country.names):
            assert country_code(name) == country.code, name
    assert country_name("GB") == "United Kingdom"
    assert country_name("QQ") == "QQ"
    assert is_country_code("IE")
    assert not is_country_code("ie")


@pytest.mark.parametrize(
    ("text", "country", "place"),
    [
        ("Austin, TX", None, Place("Austin", "Texas", "US")),
        ("London, United Kingdom", None, Place("London", None, "GB")),
        ("London, England, UK", None, Place("London", "England", "GB")),
        ("One Braham, London , England", None, Place("London", "England", "GB")),
        ("New York", "US", Place("New York", None, "US")),
        ("NY", "US", Place(None, "New York", "US")),
        ("Singapore, Singapore", None, Place("Singapore", None, "SG")),
        ("Toronto, ON", None, Place("Toronto", "Ontario", "CA")),
        ("Perth, WA", "AU", Place("Perth", "Western Australia", "AU")),
        ("Tbilisi, Georgia", "GE", Place("Tbilisi", None, "GE")),
        ("Germany", None, Place(None, None, "DE")),
        ("England", None, Place(None, "England", "GB")),
        ("San Francisco", None, Place("San Francisco", None, None)),
        ("", None, Place()),
        (" , ;", None, Place()),
    ],
)
def test_an_address_line_is_read_from_its_end(text: str, country: str | None, place: Place) -> None:
    assert parse_place(text, country=country) == place


def test_of_two_readings_a_known_town_decides_or_nobody() -> None:
    assert parse_place("Berlin, DE") == Place("Berlin", None, "DE")
    assert parse_place("Atlanta, Georgia") == Place("Atlanta", "Georgia", "US")
    assert parse_place("Cambridge, MA") == Place("Cambridge", None, None)
    assert parse_place("Duluth, Georgia") == Place("Duluth", None, None)
    assert parse_place("Duluth, Georgia", american=True) == Place("Duluth", "Georgia", "US")


@given(st.text(max_size=80), st.sampled_from([None, "GB", "US", "GE"]))
@settings(max_examples=300, deadline=None)
def test_any_text_can_be_read_as_a_place_and_a_stated_country_stays(
    text: str, country: str | None
) -> None:
    place = parse_place(text, country=country)
    if country:
        assert place.country == country
    assert place.country is None or is_country_code(place.country)


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_the_key_of_a_key_is_itself(text: str) -> None:
    key = place_key(text)
    assert key == key.strip()
    assert place_key(key) in (key, key.removeprefix("the "))


@pytest.mark.parametrize(
    ("wanted", "place", "expected"),
    [
        ("UK", ("GB", None, "London"), True),
        ("UK", ("IE", None, "Dublin"), False),
        ("UK", (None, None, None), None),
        ("Ireland", ("IE", None, None), True),
        ("London", ("GB", None, "London"), True),
        ("London", ("GB", None, "Leeds"), False),
        ("London", ("GB", "Greater London", None), True),
        ("London", ("GB", None, None), None),
        ("London", ("US", None, None), False),
        ("London, Canada", ("GB", None, "London"), False),
        ("England", ("GB", "England", "Leeds"), True),
        ("England", ("GB", "Scotland", None), False),
        ("England", ("GB", "Surrey", None), None),
        ("England", ("FR", None, None), False),
        ("California", ("US", "California", "Fresno"), True),
        ("Europe", ("GB", None, None), True),
        ("Europe", ("US", None, None), False),
        ("DACH", ("AT", None, None), True),
        ("Nordics", ("FI", None, None), True),
        ("EMEA", ("ZA", None, None), True),
        ("anywhere", (None, None, None), True),
        ("Cambridge", (None, None, "Cambridge"), True),
        ("Cambridge", (None, None, None), None),
        ("München", ("DE", None, "Munich"), True),
    ],
)
def test_a_wanted_location_says_yes_no_or_unknown(
    wanted: str, place: tuple[str | None, str | None, str | None], expected: bool | None
) -> None:
    assert match_location(wanted).matches(*place) is expected


def test_groups_and_towns_name_only_countries_that_exist() -> None:
    for name, codes in groups().items():
        assert codes, name
        assert all(is_country_code(code) for code in codes), name
    assert all(is_country_code(country) for country, _ in towns().values())
    assert str(match_location("UK")) == "United Kingdom"
    assert str(match_location("London")) == "London"


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_location_that_can_be_asked(wanted: str) -> None:
    location = match_location(wanted)
    assert location.matches(None) in (None, True)
    location.matches("GB", "England", "London")


def test_a_part_of_a_country_is_found_by_name_and_code() -> None:
    assert subdivision("US", "texas") == subdivision("US", "TX")
    assert subdivision("GB", "TX") is None
