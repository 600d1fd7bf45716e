"""News in feeds: what a company itself publishes, and what the press writes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.press import Named, Press
from oppspot_runner.base.errors import CallError
from oppspot_runner.companies.company import Company
from oppspot_runner.companies.domains import host_of
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.connectors.feeds import Entry, read_feed
from oppspot_runner.connectors.sources import SITES
from oppspot_runner.signals.headlines import Headline, is_about, is_ourselves, read_headline
from oppspot_runner.signals.sighting import LOOKBACK, Look, Memory, Sighting
from oppspot_runner.tools.threads import in_thread

EVERY = timedelta(hours=6)
OF_OWN_FEED = 80
MOST_SOURCE = 100  # characters
MOST_UNDATED = 500  # entries without a date that are remembered of a company


class Feed:
    """What titles in the company's own feed tell of it, and those in `feeds`, which the press has.

    The own feed is the one that its web site names. Items of the press that tell nothing certain
    are news of it all the same. Remembers the `digest` of the own feed, which is not read again
    while it is as it was, and `undated` entries.
    """

    name: ClassVar[str] = "feed"
    types: ClassVar[tuple[str, ...]] = (
        "funding_round",
        "executive_change",
        "expansion",
        "news_mention",
    )
    web_source: ClassVar[str | None] = SITES
    every: ClassVar[timedelta] = EVERY

    def __init__(self, lookback: timedelta = LOOKBACK, feeds: Sequence[str] = ()) -> None:
        self.lookback = lookback
        self.press = Press(feeds)

    async def look(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        """See Watcher. What cannot be read is passed over, as long as there is something else; the
        look has its errors, those of the press the same ones for all companies."""
        own = company.links.get("feed")
        reading = _Reading(company, memory, ctx, self.lookback)
        parts = [partial(reading.own_feed, own)] if isinstance(own, str) and own else []
        parts += [partial(reading.press, self.press)] if self.press.addresses else []
        if not parts:
            return None
        sightings, errors = list[Sighting](), list[CallError]()
        for part in parts:
            try:
                sightings += await part()
            except CallError as error:
                ctx.log.info("feed not read", company=company.name, error=error.one_line())
                errors.append(error)
        if len(errors) == len(parts):
            raise errors[0]
        passed_over = dict.fromkeys((*errors, *self.press.errors))
        return Look(tuple(sightings), reading.state, errors=tuple(passed_over))


class _Reading:
    """One look at the feeds about one company; `state` is what is to be remembered."""

    def __init__(self, company: Company, memory: Memory, ctx: Context, lookback: timedelta) -> None:
        self.company, self.ctx = company, ctx
        self.state: dict[str, Any] = dict(memory.state)
        self._is_first = memory.looked_at is None
        self._now = ctx.task.started_at
        self._since = memory.since(self._now, lookback)
        self._fresh_for = timedelta(0) if ctx.force_execute else EVERY / 2
        self._names = {
            company.name_norm or normalise_name(company.name),
            (company.domain or "").partition(".")[0],
        }

    async def own_feed(self, address: str) -> list[Sighting]:
        """What the company tells of itself since its feed was read last."""
        answer = await self.ctx.http.page(address, fresh_for=self._fresh_for)
        digest = sha256(answer.content).hexdigest()
        if not answer.found or digest == self.state.get("digest"):
            return []
        entries = await in_thread(partial(read_feed, answer))
        self.state["digest"] = digest
        source = source_of(host_of(answer.url))
        return [told for entry in entries if (told := self._own_news(entry, source))]

    async def press(self, press: Press) -> list[Sighting]:
        """What the press tells of the company."""
        named = await press.about(self.company, self.ctx, self._fresh_for)
        return [told for one in named if (told := self._press_news(one))]

    def _own_news(self, entry: Entry, source: str) -> Sighting | None:
        headline = read_headline(entry.title)
        if headline is None or not (
            is_ourselves(headline.subject) or is_about(headline.subject, self._names)
        ):
            return None
        when = self._when(entry)
        return _told(headline, entry, source, when, OF_OWN_FEED) if when else None

    def _press_news(self, named: Named) -> Sighting | None:
        entry, source = named.item.entry, source_of(named.item.host)
        when = self._when(entry)
        if when is None:
            return None
        headline = read_headline(entry.title)
        if headline is not None and is_about(headline.subject, self._names):
            return _told(headline, entry, source, when, named.confidence)
        return Sighting(
            "news_mention",
            source,
            entry.id,
            entry.title,
            when,
            "weak",
            named.confidence,
            event=normalise_name(entry.title),
            source_url=entry.link,
            data={"written": named.written} if named.written else {},
        )

    def _when(self, entry: Entry) -> datetime | None:
        """When it happened; None for what is old.

        What has no date is new when it was not there the last time: all of it a first time is old.
        """
        if entry.published is not None:
            return min(entry.published, self._now) if entry.published >= self._since else None
        seen: list[str] = self.state.setdefault("undated", [])
        digest = sha256(entry.id.encode("utf-8", "replace")).hexdigest()[:16]
        if digest in seen:
            return None
        self.state["undated"] = [*seen, digest][-MOST_UNDATED:]
        return None if self._is_first else self._now


def _told(
    headline: Headline, entry: Entry, source: str, when: datetime, confidence: int
) -> Sighting:
    money = headline.money
    stated = {
        "amount": money and money.amount,
        "currency": money and money.currency,
        "round": headline.round,
        "person": headline.person,
        "role": headline.role,
    }
    return Sighting(
        headline.kind,
        source,
        entry.id,
        entry.title,
        when,
        headline.strength,
        confidence,
        event=headline.event,
        source_url=entry.link,
        data={name: value for name, value in stated.items() if value is not None},
    )


def source_of(host: str | None) -> str:
    """What the feeds of a host are called as the source of sightings."""
    return f"feed:{(host or '').removeprefix('www.')}"[:MOST_SOURCE]
