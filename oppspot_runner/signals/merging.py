"""Which signal a sighting is of: one that is on record, or a new one. Pure.

A sighting whose source and key are known is that signal again. One of another source is the signal
of the same type and event that is nearest in time, within 45 days, unless the two speak of
different rounds of funding. A signal has the earliest time, the stronger strength, and a confidence
that is 1 - product of (1 - confidence of each source).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from oppspot_runner.base.jsonsafe import clean_text
from oppspot_runner.companies.scoring_model import MODEL
from oppspot_runner.signals.sighting import Sighting, Strength

Status = Literal["active", "acted_upon", "expired", "false_positive", "unconfirmed"]
Place = tuple[str, str]  # a source, and the key of an event there

SAME_EVENT = timedelta(days=45)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
HALF_LIVES = 4  # until a signal expires: a sixteenth of it is left
MOST_KEY = 300  # characters
MOST_TITLE = 500
STRONGER: tuple[Strength, ...] = ("weak", "moderate", "strong", "very_strong")


@dataclass(slots=True)
class Record:
    """A signal on its way into the table. `id` is None as long as it is not there.

    `sightings` has the confidence by source and key, `seen` the addresses of those seen now. The
    `page` of its data is where its title was read.
    `is_new`: it counts from now on.
    """

    signal_type: str
    event: str
    title: str
    strength: Strength
    occurred_at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    status: Status = "unconfirmed"
    sightings: dict[Place, int] = field(default_factory=dict)
    id: UUID | None = None
    seen: dict[Place, str | None] = field(default_factory=dict)
    is_new: bool = False

    @property
    def confidence(self) -> int:
        """From 0 to 100, by all sources together."""
        doubt = math.prod(1 - one / 100 for one in self.sightings.values())
        return math.floor(round(100 * (1 - doubt), 6) + 0.5)

    @property
    def expires_at(self) -> datetime:
        """When hardly anything is left of it."""
        half_lives, usual = MODEL.signal_half_life_days, MODEL.default_half_life_days
        return self.occurred_at + timedelta(
            days=HALF_LIVES * half_lives.get(self.signal_type, usual)
        )

    def see(self, sighting: Sighting) -> None:
        """Takes in what a source tells of it."""
        place = sighting.source, sighting.key
        alone = all(source == sighting.source for source, _ in self.sightings)
        self.sightings[place] = max(sighting.confidence, self.sightings.get(place, 0))
        self.seen[place] = sighting.source_url
        self.strength = max(self.strength, sighting.strength, key=STRONGER.index)
        self.occurred_at = min(self.occurred_at, sighting.occurred_at)
        # Its title is of who told first: what others say must not stand below that title instead.
        first, then = (self.data, sighting.data) if alone else (sighting.data, self.data)
        self.data = {**first, **then}
        self.data.pop("closed_at", None)

    def decide(self, least: int, now: datetime) -> None:
        """Whether it counts from now on: once it is sure enough, and as long as it is not over.

        What a clock that was ahead has ended goes on, and is not new again.
        """
        if self.status == "expired" and self.expires_at > now and self.confidence >= least:
            self.status = "active"
        if self.status == "unconfirmed" and self.expires_at <= now:
            self.status = "expired"
        elif self.status == "unconfirmed" and self.confidence >= least:
            self.status, self.is_new = "active", True


def merge(
    records: Sequence[Record],
    sightings: Iterable[Sighting],
    open_keys: Iterable[str] = (),
    *,
    least: int,
    now: datetime,
) -> list[Record]:
    """The signals that are seen now, those of `records` and further ones, each once.

    `open_keys` are of jobs that are still offered: their signals are seen by that. `least` is the
    confidence from which a signal counts.
    """
    shelf = _Shelf(records)
    for sighting in sorted((_tidy(one, now) for one in sightings), key=_order):
        shelf.record_of(sighting).see(sighting)
    for key in open_keys:
        shelf.see_job(key)
    seen = [record for record in shelf.records if record.seen]
    for record in seen:
        record.decide(least, now)
    return seen


def earliest(sightings: Iterable[Sighting], now: datetime) -> datetime | None:
    """From when on signals may be of the same events; None without sightings."""
    return min((_moment(one, now) - SAME_EVENT for one in sightings), default=None)


def contradict(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether what is told of two rounds of funding cannot be of one.

    Amounts are rounded and converted, and with or without a loan: only those of one currency are
    compared, and up to the double they may be the same.
    """
    rounds = {told["round"] for told in (one, other) if told.get("round")}
    amounts = sorted(told["amount"] for told in (one, other) if told.get("amount"))
    same_currency = one.get("currency") == other.get("currency")
    return len(rounds) > 1 or (len(amounts) > 1 and same_currency and amounts[-1] > 2 * amounts[0])


def least_confidence(threshold: float) -> int:
    """The least whole confidence from 0 to 100 that is not below a threshold from 0 to 1."""
    return math.ceil(round(threshold * 100, 6))


def short_key(key: str) -> str:
    """A key that the table takes: a long one is told by its digest."""
    key = clean_text(key)
    return key if len(key) <= MOST_KEY else sha256(key.encode()).hexdigest()


class _Shelf:
    """Signals of one company, found by their sightings and by their events."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records: list[Record] = []
        self._by_place: dict[tuple[str, Place], Record] = {}
        self._by_event: dict[tuple[str, str], list[Record]] = {}
        self._jobs: dict[str, list[tuple[Place, Record]]] = {}
        for record in records:
            self._add(record)

    def record_of(self, sighting: Sighting) -> Record:
        """The signal that a sighting is of."""
        place = sighting.source, sighting.key
        record = self._by_place.get((sighting.signal_type, place)) or self._same_event(sighting)
        if record is None:
            record = Record(
                sighting.signal_type,
                sighting.event,
                sighting.title,
                sighting.strength,
                sighting.occurred_at,
                {"page": sighting.source_url} if sighting.source_url else {},
            )
            self._add(record)
        self._by_place[sighting.signal_type, place] = record
        return record

    def see_job(self, key: str) -> None:
        """A job that is still offered, by the key of its posting."""
        for place, record in self._jobs.get(key, ()):
            record.seen.setdefault(place, None)
            record.data.pop("closed_at", None)

    def _add(self, record: Record) -> None:
        self.records.append(record)
        self._by_event.setdefault((record.signal_type, record.event), []).append(record)
        for place in record.sightings:
            self._by_place[record.signal_type, place] = record
            if record.signal_type == "job_posting":
                self._jobs.setdefault(place[1], []).append((place, record))

    def _same_event(self, sighting: Sighting) -> Record | None:
        near = [
            (abs(record.occurred_at - sighting.occurred_at), number, record)
            for number, record in enumerate(
                self._by_event.get((sighting.signal_type, sighting.event), ())
            )
            if all(source != sighting.source for source, _ in record.sightings)
            and not contradict(record.data, sighting.data)
        ]
        distance, _, record = min(near, default=(SAME_EVENT * 2, 0, None))
        return record if distance <= SAME_EVENT else None


def _tidy(sighting: Sighting, now: datetime) -> Sighting:
    """As the table takes it."""
    return replace(
        sighting,
        occurred_at=_moment(sighting, now),
        key=short_key(sighting.key),
        event=clean_text(sighting.event, most=MOST_TITLE),
        title=clean_text(sighting.title, most=MOST_TITLE).strip() or sighting.signal_type,
    )


def _moment(sighting: Sighting, now: datetime) -> datetime:
    """When it happened. A clock that is ahead, at a source, makes no signal of the future."""
    return max(LONG_AGO, min(sighting.occurred_at, now))


def _order(sighting: Sighting) -> tuple[datetime, str, str, str]:
    return sighting.occurred_at, sighting.signal_type, sighting.source, sighting.key
