"""Which sightings are one signal, and how sure it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppspot_runner.signals.merging import (
    LONG_AGO,
    Record,
    earliest,
    least_confidence,
    merge,
)
from tests.signals.making import NOW, job, sighting


def seen(*sightings: Any, least: int = 70, records: Any = (), **values: Any) -> list[Record]:
    return merge(records, sightings, least=least, now=NOW, **values)


def forget(records: list[Record]) -> list[Record]:
    """As they come out of the table at the next look."""
    for record in records:
        record.seen, record.is_new = {}, False
    return records


def test_what_is_seen_again_is_the_same_signal_and_not_new() -> None:
    first = seen(sighting())
    assert [one.is_new for one in first] == [True]
    again = seen(sighting(), records=forget(first))
    assert again == first
    assert [one.is_new for one in again] == [False]


def test_what_it_says_is_of_who_told_first() -> None:
    """Not the amount of one below the title and the page of another."""
    press = sighting(source="press", days_ago=9, data={"amount": 2}, source_url="https://press")
    own = sighting(source="own", days_ago=1, data={"amount": 1, "round": "seed"})
    (record,) = seen(press, own)
    assert record.data == {"page": "https://press", "amount": 2, "round": "seed"}
    (record,) = seen(own, records=forget([record]))
    assert record.data["amount"] == 2


def test_another_source_within_45_days_is_the_same_event() -> None:
    shares = sighting(confidence=60, days_ago=40, strength="moderate")
    (record,) = seen(shares)
    assert (record.status, record.is_new) == ("unconfirmed", False)
    news = sighting("a", source="feed", confidence=60, days_ago=1, strength="strong")
    (record,) = seen(news, records=forget([record]))
    assert (record.confidence, record.status, record.is_new) == (84, "active", True)
    assert (record.strength, record.occurred_at) == ("strong", shares.occurred_at)
    assert record.expires_at == shares.occurred_at + timedelta(days=4 * 180)


@pytest.mark.parametrize(
    "other",
    [
        {"days_ago": 46.1},
        {"signal_type": "expansion"},
        {"event": "another one"},
        {"source": "companies_house"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_differs_is_another_signal(other: dict[str, Any]) -> None:
    assert len(seen(sighting(), sighting("2", **{"source": "feed", **other}))) == 2


@pytest.mark.parametrize(
    ("one", "other", "signals"),
    [
        ({"round": "seed"}, {"round": "series_b"}, 2),
        ({"amount": 3_000_000, "currency": "GBP"}, {"amount": 30_000_000, "currency": "GBP"}, 2),
        ({"amount": 4_800_000, "currency": "GBP"}, {"amount": 5_000_000, "currency": "GBP"}, 1),
        ({"amount": 3_000_000, "currency": "GBP"}, {"amount": 30_000_000, "currency": "SEK"}, 1),
        ({"round": "seed"}, {"capital": "1050", "currency": "GBP"}, 1),
    ],
)
def test_rounds_that_cannot_be_one_are_two_signals(
    one: dict[str, Any], other: dict[str, Any], signals: int
) -> None:
    both = sighting("1", source="feed:a", data=one), sighting("2", source="feed:b", data=other)
    assert len(seen(*both)) == signals


def test_an_event_goes_to_the_signal_that_is_nearest_in_time() -> None:
    known = forget(seen(sighting("1", days_ago=40), sighting("2", days_ago=1)))
    (record,) = seen(sighting("a", source="feed", days_ago=10), records=known)
    assert sorted(record.sightings) == [("companies_house", "2"), ("feed", "a")]


def test_a_time_in_the_future_is_now_and_an_old_event_is_over_already() -> None:
    (record,) = seen(sighting(days_ago=-3))
    assert record.occurred_at == NOW
    (record,) = seen(sighting(days_ago=57, signal_type="social_media_activity"))
    assert (record.status, record.is_new) == ("expired", False)


@pytest.mark.parametrize("year", [1, 9999])
def test_what_comes_from_outside_of_time_is_no_trouble(year: int) -> None:
    odd = replace(sighting(source="feed"), occurred_at=datetime(year, 1, 1, tzinfo=UTC))
    since = earliest([odd], NOW)
    assert since is not None
    assert since <= NOW - timedelta(days=45)
    (record,) = seen(odd)
    assert record.occurred_at == (NOW if year == 9999 else LONG_AGO)


def test_what_a_clock_that_was_ahead_has_ended_goes_on_and_is_not_new_again() -> None:
    (record,) = forget(seen(sighting(days_ago=3)))
    record.status = "expired"
    (record,) = seen(sighting(days_ago=3), records=[record])
    assert (record.status, record.is_new) == ("active", False)


def test_what_people_decided_stays_whatever_is_seen() -> None:
    (record,) = forget(seen(sighting()))
    record.status = "false_positive"
    (record,) = seen(sighting(), sighting("a", source="feed"), records=[record])
    assert (record.status, record.is_new) == ("false_positive", False)


def test_a_job_is_seen_by_its_posting_and_a_closed_one_is_open_again() -> None:
    (record,) = forget(seen(job(1, data={"closed_at": "then", "board": "acme"})))
    record.data["closed_at"] = "yesterday"
    (again,) = seen(records=[record], open_keys=[next(iter(record.sightings))[1], "unknown"])
    assert again is record
    assert record.data == {"board": "acme"}


@pytest.mark.parametrize(
    ("threshold", "least"), [(0.7, 70), (0.07, 7), (0.29, 29), (0.705, 71), (0, 0), (1, 100)]
)
def test_the_threshold_is_compared_in_whole_percent(threshold: float, least: int) -> None:
    assert least_confidence(threshold) == least
    (kept,) = seen(sighting(confidence=least), least=least_confidence(threshold))
    assert kept.status == "active"


SIGHTINGS = st.lists(
    st.builds(
        sighting,
        st.sampled_from("abc"),
        source=st.sampled_from(["feed", "register", "board"]),
        event=st.sampled_from(["", "x"]),
        days_ago=st.integers(-2, 100),
        confidence=st.integers(0, 100),
    ),
    max_size=12,
)


@pytest.mark.slow
@given(SIGHTINGS, SIGHTINGS)
def test_every_sighting_is_of_exactly_one_signal_and_never_new_twice(
    first: list[Any], second: list[Any]
) -> None:
    records = forget(seen(*first))
    later = seen(*second, records=records)
    every = list({id(one): one for one in [*records, *later]}.values())
    places = [place for record in every for place in record.sightings]
    assert sorted(set(places)) == sorted(places)
    assert set(places) == {(one.source, one.key) for one in [*first, *second]}
    for record in every:
        sources = [source for source, _ in record.sightings]
        assert len(set(sources)) == len(sources)
        assert record.confidence >= max(record.sightings.values())
    assert not any(one.is_new for one in seen(*second, records=forget(every)))
