"""Signals, looks and jobs between their values and the rows that statements take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from oppspot_runner.signals.looks import Failure, NewSignal
from oppspot_runner.signals.merging import Record
from oppspot_runner.signals.sighting import Look, Posting


def watch_row(name: str, look: Look | Failure | None) -> dict[str, Any]:
    """What came of a look."""
    match look:
        case Look():
            outcome, state = "ok" if look.found else "gone", look.state
            return {"watcher": name, "outcome": outcome, "state": state}
        case Failure():
            return {"watcher": name, "outcome": "error", "error_code": look.code}
        case None:
            return {"watcher": name, "outcome": "nothing"}


def posting_row(watcher: str, posting: Posting) -> dict[str, Any]:
    """A job that a watcher sees open."""
    return {"watcher": watcher, **asdict(posting)}


def record_of(row: Mapping[str, Any]) -> Record:
    """A signal on record."""
    sightings = {(source, key): confidence for source, key, confidence in row["sightings"]}
    names = ("signal_type", "event", "title", "strength", "occurred_at", "data", "status", "id")
    return Record(**{name: row[name] for name in names}, sightings=sightings)


def signal_row(place: int, record: Record) -> dict[str, Any]:
    """A signal as SAVE takes it, with the sightings of now."""
    return {
        "id": record.id,
        "place": place,
        "signal_type": record.signal_type,
        "event": record.event,
        "title": record.title,
        "strength": record.strength,
        "confidence": record.confidence,
        "status": record.status,
        "occurred_at": record.occurred_at,
        "expires_at": record.expires_at,
        "data": record.data,
        "sources": sorted({source for source, _ in record.sightings}),
        "sightings": [
            {"source": at[0], "key": at[1], "url": url, "confidence": record.sightings[at]}
            for at, url in record.seen.items()
        ],
    }


def new_signal(signal_id: UUID, company: Mapping[str, Any], record: Record) -> NewSignal:
    """A signal that counts from now on."""
    return NewSignal(
        signal_id,
        company["id"],
        company["name"],
        record.signal_type,
        record.strength,
        record.confidence,
        record.title,
        record.occurred_at,
    )
