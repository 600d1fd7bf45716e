"""What a look at one source says about one company, before it is compared with what is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from oppspot_runner.base.errors import CallError

SIGNAL_TYPES = (
    "funding_round",
    "executive_change",
    "job_posting",
    "technology_adoption",
    "expansion",
    "website_activity",
    "competitor_mention",
    "companies_house_filing",
    "news_mention",
    "social_media_activity",
)
Strength = Literal["very_strong", "strong", "moderate", "weak"]
LOOKBACK = timedelta(days=45)  # that looks look back, where nobody says otherwise
MOST_MISSES = 3  # looks in a row that find a board gone, until its jobs count as closed


@dataclass(frozen=True, slots=True)
class Sighting:
    """One event, as one source tells of it.

    `key` is what the event is called at its source: an id there, or its title and week. What has
    the same type, source and key is the same sighting, whenever it is seen. Sightings of several
    sources are one signal when type and `event` are equal and they are within 45 days; `event` is
    empty where a company has one such event in that time, as a funding round. `confidence` is 0 to
    100: how sure it is that this happened to this company. `title` is a line for people.
    """

    signal_type: str
    source: str
    key: str
    title: str
    occurred_at: datetime
    strength: Strength
    confidence: int
    event: str = ""
    source_url: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Posting:
    """A job that a company offers. `board` is the company's name at the `service`."""

    service: str
    board: str
    external_id: str
    title: str
    department: str | None = None
    location: str | None = None
    url: str | None = None
    published_at: datetime | None = None

    @property
    def key(self) -> str:
        """What the job is called, also when the board of its company has another name."""
        return f"{self.service}:{self.external_id}"


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of the looks of one watcher at one company.

    `state` is what the last look left; `misses` how many looks in a row found nothing there;
    `looked_at` when a look last succeeded, None when none has; `known` the keys of all postings
    that were ever seen.
    """

    state: Mapping[str, Any] = field(default_factory=dict)
    misses: int = 0
    looked_at: datetime | None = None
    known: frozenset[str] = frozenset()

    def since(self, now: datetime, lookback: timedelta = LOOKBACK) -> datetime:
        """From when on what happened is worth telling.

        Sources tell some things late, so it is `lookback` before the last look. One of the future
        was made by a clock that was ahead.
        """
        return min(self.looked_at or now, now) - lookback


@dataclass(frozen=True, slots=True)
class Look:
    """What a look that succeeded came to.

    `state` is to be remembered, None leaves what is; `postings` are all that are open now, None
    says nothing about them. `found` False: what was there is gone, which is a miss. `errors` say
    what was passed over, where there was something else.
    """

    sightings: tuple[Sighting, ...] = ()
    state: Mapping[str, Any] | None = None
    postings: tuple[Posting, ...] | None = None
    found: bool = True
    errors: tuple[CallError, ...] = ()
