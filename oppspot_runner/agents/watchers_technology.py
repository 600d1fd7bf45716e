"""Technologies that a company's web site began or ceased to use, by what was found out before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.providers_website import STATE, Website
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.domains import host_of
from oppspot_runner.signals.sighting import LOOKBACK, Look, Memory, Sighting
from oppspot_runner.signals.technologies import Stack, changes

FIELD = "technologies"
CONFIDENCE = 80
# What a company buys to work with, rather than what its site happens to be built of.
BOUGHT = frozenset(
    {
        "a/b testing",
        "advertising",
        "analytics",
        "authentication",
        "cms",
        "crm",
        "customer data",
        "e-commerce",
        "email",
        "live chat",
        "marketing automation",
        "monitoring",
        "payments",
        "recruiting",
        "sales",
        "scheduling",
        "security",
        "support",
    }
)


class Technology:
    """The difference between the technologies that two reads of a home page found.

    Asks nobody: the enrichment agent reads the site. A read that failed, or did not find all, is
    none here, and what one read misses counts as gone when the next one misses it too.
    """

    name: ClassVar[str] = "technology"
    types: ClassVar[tuple[str, ...]] = ("technology_adoption",)
    web_source: ClassVar[str | None] = None
    every: ClassVar[timedelta] = timedelta(days=1)

    def __init__(self, lookback: timedelta = LOOKBACK) -> None:
        self.lookback = lookback

    async def look(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        """What is new since the read that was compared last."""
        reads = _reads(company)
        if not reads:
            return None
        newest = reads[-1]
        state = memory.state or self._first(reads, memory.since(ctx.task.started_at, self.lookback))
        if newest.observed_at <= datetime.fromisoformat(state["observed_at"]):
            return Look(state=state)
        stack = Stack.stated(newest.value)
        if _host(newest) != state["host"]:  # another site, of which nothing was known
            return Look(state=_remembered(newest, stack))
        found = changes(Stack.remembered(state), stack)
        bought = _bought(newest)
        sightings = [_sighting("added", name, newest, company, bought) for name in found.added]
        sightings += [_sighting("dropped", name, newest, company, bought) for name in found.dropped]
        return Look(tuple(sightings), _remembered(newest, found.stack))

    def _first(self, reads: Sequence[Fact], since: datetime) -> Mapping[str, Any]:
        """What a first look compares with: the read before the last one, if that is not too old."""
        earlier = [fact for fact in reads[:-1] if fact.observed_at >= since]
        fact = earlier[-1] if earlier else reads[-1]
        return _remembered(fact, Stack.stated(fact.value))


def _reads(company: Company) -> list[Fact]:
    """The last read of each state of the home page, oldest first, if it found all that is there."""
    own = [fact for fact in company.recorded if fact.source == Website.name]
    incomplete = {
        fact.observed_at for fact in own if fact.field == STATE and fact.value.get("incomplete")
    }
    return sorted(
        (fact for fact in own if fact.field == FIELD and fact.observed_at not in incomplete),
        key=lambda fact: fact.observed_at,
    )


def _remembered(fact: Fact, stack: Stack) -> dict[str, Any]:
    seen = {"observed_at": fact.observed_at.isoformat(), "host": _host(fact)}
    return {**seen, **stack.as_json()}


def _host(fact: Fact) -> str | None:
    host = host_of(fact.source_url or "")
    return host.removeprefix("www.") if host else None


def _bought(fact: Fact) -> frozenset[str]:
    return frozenset(
        one["name"] for one in fact.value if not BOUGHT.isdisjoint(one.get("categories") or ())
    )


def _sighting(
    change: str, name: str, fact: Fact, company: Company, bought: frozenset[str]
) -> Sighting:
    verb = "began to use" if change == "added" else "no longer uses"
    return Sighting(
        "technology_adoption",
        Website.name,
        f"{change} {name} {fact.observed_at:%G-W%V}",
        f"{company.name} {verb} {name}",
        fact.observed_at,
        "moderate" if name in bought else "weak",
        CONFIDENCE,
        event=f"{change} {name.lower()}",
        source_url=fact.source_url,
        data={"technology": name, "change": change},
    )
