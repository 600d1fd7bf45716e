"""Cron expressions in words, for those that most schedules have; others stay as they are."""

from __future__ import annotations

import re

from oppspot_runner.base.schedule_options import REALTIME

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT_DAYS = {name[:3].lower(): number for number, name in enumerate(DAYS[:7])}
KNOWN = {
    REALTIME: "as soon as its stream gains something",
    "hourly": "every hour",
    "daily": "every day",
    "weekly": "every week",
    "@hourly": "every hour",
    "@daily": "every day at 00:00",
    "@midnight": "every day at 00:00",
    "@weekly": "Sundays at 00:00",
    "@monthly": "on the 1st of each month at 00:00",
    "@yearly": "on 1 January at 00:00",
    "@annually": "on 1 January at 00:00",
}
STEP = re.compile(r"\*/(\d+)")


def in_words(expression: str) -> str:
    """What an expression means, as people say it; itself where that takes more than a few words."""
    known = KNOWN.get(expression.lower())
    if known is not None:
        return known
    fields = expression.split()
    if len(fields) != 5:
        return _seconds(fields) or expression
    minute, hour, day, month, weekday = fields
    if (day, month) == ("*", "*") and weekday == "*":
        return _of_day(minute, hour) or expression
    at = _time(minute, hour)
    if at is None or month != "*":
        return expression
    if weekday == "*" and day.isdigit():
        return f"on day {day} of each month at {at}"
    days = _days(weekday) if day == "*" else None
    return f"{days} at {at}" if days else expression


def _seconds(fields: list[str]) -> str | None:
    if len(fields) == 6 and fields[:5] == ["*"] * 5 and (step := STEP.fullmatch(fields[5])):
        return f"every {step[1]} s"
    return None


def _of_day(minute: str, hour: str) -> str | None:
    if (at := _time(minute, hour)) is not None:
        return f"every day at {at}"
    if hour == "*":
        if minute == "*":
            return "every minute"
        if step := STEP.fullmatch(minute):
            return f"every {step[1]} minutes"
        if minute.isdigit():
            return f"every hour at :{int(minute):02}"
    if minute.isdigit() and (step := STEP.fullmatch(hour)):
        return f"every {step[1]} hours at :{int(minute):02}"
    return None


def _time(minute: str, hour: str) -> str | None:
    hours = hour.split(",")
    if not minute.isdigit() or not all(one.isdigit() for one in hours):
        return None
    times = [f"{int(one):02}:{int(minute):02}" for one in hours]
    return " and ".join(filter(None, (", ".join(times[:-1]), times[-1])))


def _days(weekday: str) -> str | None:
    numbers = [_day(one) for one in re.split(r"[,-]", weekday)]
    if any(one is None for one in numbers):
        return None
    names = [DAYS[one] for one in numbers if one is not None]
    if "-" in weekday:
        if "," in weekday or len(names) != 2:
            return None
        return f"{names[0]} to {names[1]}"
    return " and ".join(filter(None, (", ".join(f"{n}s" for n in names[:-1]), f"{names[-1]}s")))


def _day(text: str) -> int | None:
    if text.isdigit() and int(text) < len(DAYS):
        return int(text)
    return SHORT_DAYS.get(text.lower()[:3])
