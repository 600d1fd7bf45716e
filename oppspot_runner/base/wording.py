"""Times, lengths of time and progress as people read them. Numbers are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

BAD_PAYLOAD = "bad payload for"  # how the error of a task begins that wants another payload
LEAST_SHOWN = Decimal("0.000001")


def moment(value: datetime | None) -> str:
    """A time in UTC, to the second."""
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S}Z"


def awaited(wait: Mapping[str, Any]) -> str:
    """What a task waits for; `wait` has `waits_for`, `waits_since` and `wait_until`."""
    latest = wait["wait_until"]
    until = "" if latest is None else f", until {moment(latest)} at the latest"
    return f"{wait['waits_for']} since {moment(wait['waits_since'])}{until}"


def retried(backed_off: bool) -> str:
    """What a retry did to a task that waited after an error (`backed_off`), or had ended."""
    return "put in line, to be tried again at once" if backed_off else "put in line again"


def span(seconds: float) -> str:
    """A length of time in one unit: 30 ms, 3.0 s, 5 min, 12 h, 4 d."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.{1 if seconds < 10 else 0}f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def ago(seconds: float | None) -> str:
    """`seconds` in the past, as people say it: 3.0 s ago. None gives nothing."""
    return "" if seconds is None else f"{span(max(seconds, 0))} ago"


def size(number: float) -> str:
    """A number of bytes in one unit: 12.0 MiB, 3.4 GiB."""
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number / 2**10:.1f} KiB"


def dollars(amount: Decimal) -> str:
    """An amount to the millionth, without zeros at its end: 12.5, 0.021, <0.000001."""
    if 0 < amount < LEAST_SHOWN:
        return f"<{LEAST_SHOWN}"
    whole, _, part = f"{amount:,.6f}".partition(".")
    return f"{whole}.{part}".rstrip("0").rstrip(".")


def progress(shown: Any) -> str:
    """Progress of a task: 3/10 with its message."""
    if not isinstance(shown, dict):
        return ""
    done, total, message = (shown.get(name) for name in ("done", "total", "message"))
    number = "" if done is None else f"{done}" if total is None else f"{done}/{total}"
    return " ".join(part for part in (number, str(message or "")) if part)
