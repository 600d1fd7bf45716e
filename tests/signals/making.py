"""Sightings for tests, with few words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from oppspot_runner.signals.sighting import Look, Posting, Sighting

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def sighting(key: str = "1", *, days_ago: float = 1, **values: Any) -> Sighting:
    given: dict[str, Any] = {
        "signal_type": "funding_round",
        "source": "companies_house",
        "title": f"it happened ({key})",
        "occurred_at": NOW - timedelta(days=days_ago),
        "strength": "strong",
        "confidence": 90,
    }
    return Sighting(key=key, **{**given, **values})


def look(*sightings: Sighting, **values: Any) -> Look:
    return Look(sightings, **values)


def posting(number: int) -> Posting:
    return Posting("greenhouse", "acme", str(number), f"Job {number}")


def job(number: int, **values: Any) -> Sighting:
    """What a look says of a posting that it has not seen before."""
    one = posting(number)
    given: dict[str, Any] = {"signal_type": "job_posting", "source": "greenhouse"}
    return sighting(
        one.key, **{**given, "event": one.title.lower(), "strength": "moderate", **values}
    )
