"""Hours of the day in which an agent does not work: "22:00-06:00"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from oppspot_runner.base.errors import InvalidInputError

FORM = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


@dataclass(frozen=True)
class QuietHours:
    """From one time of the day to another, which is no part of it; also over midnight."""

    begin: time
    end: time

    @classmethod
    def read(cls, text: str) -> Self:
        """The hours that are written as `HH:MM-HH:MM`. Raises InvalidInputError."""
        found = FORM.fullmatch(text.strip())
        try:
            hour, minute, until_hour, until_minute = map(int, found.groups() if found else ())
            hours = cls(time(hour, minute), time(until_hour, until_minute))
        except ValueError:
            raise InvalidInputError(
                f"{text[:40]!r} are no hours: write them as 22:00-06:00"
            ) from None
        if hours.begin == hours.end:
            raise InvalidInputError(f"{text!r} begins and ends at the same time")
        return hours

    def end_after(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours end in which `now` lies; None when it lies in none."""
        local = now.astimezone(zone)
        over_midnight = self.end < self.begin
        begun, over = local.time() >= self.begin, local.time() >= self.end
        if (over and not begun) if over_midnight else (over or not begun):
            return None
        day = local.date() + timedelta(days=over_midnight and begun)
        # An hour that comes twice, when clocks are put back, is quiet both times.
        return datetime.combine(day, self.end.replace(fold=local.fold), zone)
