"""When expressions come due: a table written by hand, and what holds for all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.base.due_times import DueTimes
from oppspot_runner.base.errors import InvalidInputError

LONDON, BERLIN, NEW_YORK = "Europe/London", "Europe/Berlin", "America/New_York"
ST_JOHNS, SANTIAGO = "America/St_Johns", "America/Santiago"
SYDNEY, LORD_HOWE, KOLKATA = "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata"
# zone, expression, from when, the next due times; all in UTC.
TABLE = [
    # London, +0 and +1: 2025-03-30 01:00 -> 02:00, 2025-10-26 02:00 -> 01:00
    (LONDON, "30 1 * * *", "03-28T12:00", "03-29T01:30 03-30T01:00 03-31T00:30"),
    (LONDON, "*/20 1 * * *", "03-29T12:00", "03-30T01:00 03-31T00:00 03-31T00:20 03-31T00:40"),
    (LONDON, "0 9 * * *", "03-29T00:00", "03-29T09:00 03-30T08:00 03-31T08:00"),
    (LONDON, "30 1 * * *", "10-24T12:00", "10-25T00:30 10-26T00:30 10-27T01:30"),
    (LONDON, "*/30 * * * *", "10-25T23:45", "10-26T00:00 10-26T00:30 10-26T01:00 10-26T01:30"),
    # Berlin, +1 and +2: 2025-03-30 02:00 -> 03:00, 2025-10-26 03:00 -> 02:00
    (BERLIN, "0 2,3 * * *", "03-29T12:00", "03-30T01:00 03-31T00:00 03-31T01:00"),
    (BERLIN, "30 * * * *", "03-30T00:00", "03-30T00:30 03-30T01:30 03-30T02:30"),
    (BERLIN, "30 2 * * *", "10-25T12:00", "10-26T00:30 10-27T01:30"),
    (BERLIN, "30 * * * *", "10-25T23:45", "10-26T00:30 10-26T01:30 10-26T02:30"),
    (BERLIN, "0 */2 * * *", "10-25T21:00", "10-25T22:00 10-26T00:00 10-26T03:00"),
    # New York, -5 and -4: 2025-03-09 02:00 -> 03:00, 2025-11-02 02:00 -> 01:00
    (NEW_YORK, "30 2 * * *", "03-08T12:00", "03-09T07:00 03-10T06:30"),
    (NEW_YORK, "0 9 * * 1-5", "03-07T00:00", "03-07T14:00 03-10T13:00 03-11T13:00"),
    (NEW_YORK, "*/20 1 * * *", "11-01T12:00", "11-02T05:00 11-02T05:20 11-02T05:40 11-03T06:00"),
    (NEW_YORK, "*/30 * * * *", "11-02T05:15", "11-02T05:30 11-02T06:00 11-02T06:30 11-02T07:00"),
    # St. John's, -3:30 and -2:30, on the days of New York
    (ST_JOHNS, "15 2 * * *", "03-08T12:00", "03-09T05:30 03-10T04:45"),
    (ST_JOHNS, "0 * * * *", "11-02T03:00", "11-02T03:30 11-02T04:30 11-02T05:30"),
    (ST_JOHNS, "0 1 * * *", "11-01T12:00", "11-02T03:30 11-03T04:30"),
    # Santiago, -3 and -4, at midnight: 2025-04-06 00:00 -> 23:00, 2025-09-07 00:00 -> 01:00
    (SANTIAGO, "30 23 * * *", "04-05T12:00", "04-06T02:30 04-07T03:30"),
    (SANTIAGO, "0 0 * * *", "09-06T12:00", "09-07T04:00 09-08T03:00"),
    # Sydney, +11 and +10: 2025-04-06 03:00 -> 02:00, 2025-10-05 02:00 -> 03:00
    (SYDNEY, "30 2 * * *", "04-05T00:00", "04-05T15:30 04-06T16:30"),
    (SYDNEY, "30 2 * * *", "10-04T00:00", "10-04T16:00 10-05T15:30"),
    # Lord Howe, +11 and +10:30: 2025-04-06 02:00 -> 01:30, 2025-10-05 02:00 -> 02:30
    (LORD_HOWE, "45 1 * * *", "04-05T00:00", "04-05T14:45 04-06T15:15"),
    (LORD_HOWE, "*/15 * * * *", "04-05T14:40", "04-05T14:45 04-05T15:00 04-05T15:15 04-05T15:30"),
    (LORD_HOWE, "15 2 * * *", "10-04T00:00", "10-04T15:30 10-05T15:15"),
    # Kolkata, +5:30 all the year
    (KOLKATA, "30 5 * * *", "03-29T12:00", "03-30T00:00 03-31T00:00"),
    (KOLKATA, "0 0 1 * *", "02-27T00:00", "02-28T18:30 03-31T18:30 04-30T18:30"),
    # Months, leap days, the end of the year
    ("UTC", "0 0 31 * *", "01-01T00:00", "01-31T00:00 03-31T00:00 05-31T00:00 07-31T00:00"),
    ("UTC", "0 0 31 * *", "08-01T00:00", "08-31T00:00 10-31T00:00 12-31T00:00 2026-01-31T00:00"),
    ("UTC", "0 12 29 2 *", "01-01T00:00", "2028-02-29T12:00 2032-02-29T12:00"),
    (NEW_YORK, "0 0 1 1 *", "12-31T00:00", "2026-01-01T05:00 2027-01-01T05:00"),
    (LONDON, "59 23 31 12 * 58,59", "12-01T00:00", "12-31T23:59:58 12-31T23:59:59"),
    ("UTC", "0 12 13 * 5", "06-01T00:00", "06-06T12:00 06-13T12:00 06-20T12:00"),
    ("UTC", "0 0 L * *", "01-30T00:00", "01-31T00:00 02-28T00:00 03-31T00:00"),
    ("UTC", "*/25 * * * *", "06-01T00:10", "06-01T00:25 06-01T00:50 06-01T01:00"),
    ("UTC", "* * * * * */20", "06-01T00:00:10", "06-01T00:00:20 06-01T00:00:40 06-01T00:01"),
    # Words
    (BERLIN, "@daily", "03-29T12:00", "03-29T23:00 03-30T22:00"),
    (BERLIN, "daily", "03-29T12:00", "03-29T23:00 03-30T22:00"),
    (BERLIN, "hourly", "10-26T00:30", "10-26T01:00 10-26T02:00"),
    (BERLIN, "weekly", "03-26T00:00", "03-29T23:00 04-05T22:00"),
    (BERLIN, "@yearly", "03-26T00:00", "12-31T23:00 2026-12-31T23:00"),
]
ZONES = (LONDON, BERLIN, NEW_YORK, ST_JOHNS, SANTIAGO, SYDNEY, LORD_HOWE, KOLKATA)


def moment(text: str) -> datetime:
    """A time of the table, by default of 2025."""
    year = "" if text[4] == "-" else "2025-"
    return datetime.fromisoformat(f"{year}{text}+00:00")


@pytest.mark.parametrize(("zone", "expression", "start", "due"), TABLE)
def test_the_table(zone: str, expression: str, start: str, due: str) -> None:
    times, at, found = DueTimes(expression, zone), moment(start), []
    wanted = [moment(one) for one in due.split()]
    for _ in wanted:
        at = times.next(at)
        found.append(at)
    assert found == wanted


hours = st.one_of(st.just("*"), st.lists(st.integers(0, 23), min_size=1, max_size=3))
minutes = st.lists(st.integers(0, 59), min_size=1, max_size=4)
changes = st.sampled_from(["03-09", "03-30", "04-06", "09-07", "10-05", "10-26", "11-02"])


def field(values: list[int] | str) -> str:
    return values if isinstance(values, str) else ",".join(map(str, sorted(set(values))))


@pytest.mark.slow
@settings(deadline=None)
@given(st.sampled_from(ZONES), hours, minutes, changes)
def test_every_time_of_a_day_comes_once_and_every_hour_as_often_as_it_passes(
    zone: str, hour: list[int] | str, minute: list[int], day: str
) -> None:
    start = moment(f"{day}T00:00") - timedelta(hours=36)
    until = start + timedelta(hours=84)
    times = DueTimes(f"{field(minute)} {field(hour)} * * *", zone)
    found = times.latest(start, until, 10_000)
    assert set(found) == reference(zone, hour, minute, start, until)
    assert found == sorted(set(found))


def reference(
    zone: str, hour: list[int] | str, minute: list[int], start: datetime, until: datetime
) -> set[datetime]:
    """Goes through all minutes that pass, and remembers what the clock showed."""
    found, seen = set(), set()
    tz, at = ZoneInfo(zone), start - timedelta(hours=3)
    before = (at - timedelta(minutes=1)).astimezone(tz).replace(tzinfo=None)
    while at <= until:
        wall = at.astimezone(tz).replace(tzinfo=None)
        left_out = [before + timedelta(minutes=n) for n in range(1, (wall - before) // MINUTE)]
        for one in (*left_out, wall):
            matches = one.minute in minute and (hour == "*" or one.hour in hour)
            counts = one == wall if hour == "*" else one not in seen
            if matches and counts:
                found.add(at)
            seen.add(one)
        before, at = wall, at + MINUTE
    return {one for one in found if start < one}


MINUTE = timedelta(minutes=1)


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(["*/7 * * * *", "30 1,2 * * *", "0 0 * * *", "*/10 1-3 * * *"]),
    changes,
    st.integers(0, 4000),
    st.integers(0, 4000),
    st.integers(1, 30),
)
def test_the_latest_due_times_are_the_end_of_all(
    zone: str, expression: str, day: str, first: int, second: int, most: int
) -> None:
    begin = moment(f"{day}T00:00") - timedelta(hours=30)
    since, until = sorted(begin + timedelta(minutes=one, seconds=7) for one in (first, second))
    times = DueTimes(expression, zone)
    chain, due = [], since
    while (due := times.next(due)) <= until:
        chain.append(due)
    assert times.latest(since, until, most) == chain[-most:]


def test_years_of_missed_seconds_are_found_by_looking_back() -> None:
    times = DueTimes("* * * * * *", BERLIN)
    until = datetime(2025, 1, 1, tzinfo=UTC)
    found = times.latest(until - timedelta(days=3650), until, 3)
    assert found == [until - timedelta(seconds=n) for n in (2, 1, 0)]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 0 30 2 *", "names a day that never comes"),
        ("0" + ",0" * 2500 + " * * * *", "has 5,009 characters, more than 200"),
        ("0 \0 * * *", "is not a cron expression"),
        ("R R * * *", "H and R name no fixed time"),
        ("h(1-5) * * * *", "H and R name no fixed time"),
        ("every day", "has 2 fields, not 5 or 6"),
        ("@reboot", "no such word is known. The words are @hourly, @daily"),
        ("@every 5m", "no such word is known. Write '*/5 * * * *'."),
        ("@every 2h", "Write '0 */2 * * *'."),
        ("@every 7m", "The words are @hourly"),
        ("Midnight", "has 1 field, not 5 or 6. Write '@midnight'."),
        ("99 * * * *", "the minute is '99', not 0 to 59"),
        ("0 9 * * mon-frx", "the weekday is 'mon-frx', not 0 to 7 or sun to sat"),
        ("0 0 * * * 60", "the second is '60', not 0 to 59"),
        ("0 0 * * * * 2030", "has 7 fields, not 5 or 6"),
    ],
)
def test_what_names_no_due_times_is_refused(expression: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        DueTimes(expression, "UTC")
    assert message in refused.value.one_line()


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../etc/passwd", "localtime", "posixrules", "a\0", "x" * 5000]
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a time zone"):
        DueTimes("@daily", zone)


@pytest.mark.parametrize("zone", ["UTC+2", "GMT-1", "+02:00"])
def test_a_zone_by_its_offset_is_refused_with_what_to_write(zone: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        DueTimes("@daily", zone)
    assert "Write the name of a place, such as Europe/Berlin" in str(refused.value.hint)
