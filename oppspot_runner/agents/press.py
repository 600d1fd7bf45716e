"""Feeds of the press, about many companies: read once in an attempt, and asked about each."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import CallError
from oppspot_runner.companies.company import Company
from oppspot_runner.companies.domains import host_of, registered_domain
from oppspot_runner.connectors.feeds import Entry, read_feed
from oppspot_runner.posts.mentions import candidates
from oppspot_runner.posts.post import Post
from oppspot_runner.tools.threads import in_thread

BY_DOMAIN, BY_NAME = 75, 60


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the feed of `host`."""

    host: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Named:
    """An item that may be about a company, and how sure that is; `written` is the name in it."""

    item: Item
    confidence: int
    written: str = ""


class Press:
    """The feeds at `addresses`, as one attempt reads them; `errors` of those that it could not."""

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        self.addresses = list(dict.fromkeys(addresses))
        self._turn = asyncio.Lock()
        self._is_read = False
        self.errors: list[CallError] = []
        self._by_domain: dict[str, list[Named]] = defaultdict(list)
        self._by_name: dict[str, list[Named]] = defaultdict(list)

    async def about(self, company: Company, ctx: Context, fresh_for: timedelta) -> list[Named]:
        """The items that name the company: its domain, or its name where that is distinctive.

        A feed that cannot be read is passed over. Raises what came of the first one where none can.
        """
        async with self._turn:
            if not self._is_read:
                await self._read(ctx, fresh_for)
        if self.errors and len(self.errors) == len(self.addresses):
            raise self.errors[0]
        linked = self._by_domain.get(company.domain or "", ())
        seen = {one.item.entry.id for one in linked}
        called = (
            one
            for one in self._by_name.get(company.name_norm, ())
            if one.item.entry.id not in seen
            and (" " in company.name_norm or one.written in company.name)
        )
        return [*linked, *called]

    async def _read(self, ctx: Context, fresh_for: timedelta) -> None:
        for address in self.addresses:
            try:
                answer = await ctx.http.page(address, fresh_for=fresh_for)
                host = host_of(answer.url) or urlsplit(answer.url).hostname or ""
                entries = await in_thread(partial(read_feed, answer))
            except CallError as error:
                ctx.log.warning("feed not read", feed=host_of(address), error=error.one_line())
                self.errors.append(error)
                continue
            await in_thread(partial(self._file, host, entries))
        self._is_read = True

    def _file(self, host: str, entries: Iterable[Entry]) -> None:
        own = registered_domain(host)
        for entry in entries:
            item = Item(host, entry)
            found = candidates(_as_post(entry))
            for domain in found.domains - {own}:
                self._by_domain[domain].append(Named(item, BY_DOMAIN))
            for name, written in found.names.items():
                self._by_name[name].append(Named(item, BY_NAME, written))


def _as_post(entry: Entry) -> Post:
    posted_at = entry.published or datetime.min
    return Post(
        external_id=entry.id, title=entry.title, link="", text=entry.text, posted_at=posted_at
    )
