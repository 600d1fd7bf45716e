"""Hours in which an agent does not work, by the clocks of a place."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from oppspot_runner.agents.quiet_hours import QuietHours
from oppspot_runner.base.errors import InvalidInputError

LONDON = ZoneInfo("Europe/London")


def end(hours: str, now: str) -> str | None:
    """The end of quiet hours in London after `now`, both in UTC; its clocks are put forward at
    1:00 of 29 March 2026 and back at 1:00 UTC of 25 October."""
    until = QuietHours.read(hours).end_after(datetime.fromisoformat(f"{now}Z"), LONDON)
    return until and until.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        ("22:00-06:00", "2026-01-05 21:59:59", None),
        ("22:00-06:00", "2026-01-05 22:00", "2026-01-06 06:00"),
        ("22:00-06:00", "2026-01-06 00:00", "2026-01-06 06:00"),
        ("22:00-06:00", "2026-01-06 05:59:59", "2026-01-06 06:00"),
        ("22:00-06:00", "2026-01-06 06:00", None),
        ("9:30 - 17:00", "2026-01-06 09:30", "2026-01-06 17:00"),
        ("9:30 - 17:00", "2026-01-06 17:00", None),
        ("00:00-23:59", "2026-01-06 12:00", "2026-01-06 23:59"),
        ("12:00-00:00", "2026-01-06 12:00", "2026-01-07 00:00"),
        ("22:00-06:00", "2026-07-05 21:00", "2026-07-06 05:00"),  # summer time
        ("22:00-06:00", "2026-03-28 23:00", "2026-03-29 05:00"),  # the night of 23 hours
        ("22:00-01:30", "2026-03-29 00:30", "2026-03-29 01:30"),  # 1:30 is not on any clock
        ("22:00-06:00", "2026-10-24 22:00", "2026-10-25 06:00"),  # and that of 25
        ("22:00-01:30", "2026-10-25 00:10", "2026-10-25 00:30"),  # 1:10, for the first time
        ("22:00-01:30", "2026-10-25 00:40", None),
        ("22:00-01:30", "2026-10-25 01:10", "2026-10-25 01:30"),  # and for the second
    ],
)
def test_the_end_is_that_of_the_clocks_there(hours: str, now: str, until: str | None) -> None:
    assert end(hours, now) == until


@pytest.mark.parametrize("text", ["", "22-6", "22:00", "24:00-06:00", "22:60-06:00", "a:b-c:d"])
def test_what_are_no_hours_is_refused_with_how_to_write_them(text: str) -> None:
    with pytest.raises(InvalidInputError, match="22:00-06:00"):
        QuietHours.read(text)


def test_hours_without_a_length_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="same time"):
        QuietHours.read("06:00-6:00")
