"""How things stand with the sources of the outside world."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from psycopg.rows import DictRow

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.connectors.sources import SOURCES, Source
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.call_rates import SharedCallLimiter
from oppspot_runner.limits.host_breakers import open_host_breakers

USAGE = statement("outside/usage")
KEPT = statement("outside/kept")

PAGES = "web"


@dataclass(frozen=True)
class SourceState:
    """One source: what it lacks, how much of its limit is used, and what is kept of it.

    `fault` says why its keys cannot be read from where they are said to be. `limit` is
    (calls, seconds), None for pages, which have one for each domain. `held_s` is how long it wants
    to be left alone; `breakers` are rows of outside/open_breakers.
    """

    name: str
    missing: list[str] = field(default_factory=list)
    fault: str | None = None
    limit: tuple[int, float] | None = None
    calls: int = 0
    held_s: float = 0.0
    answers: int = 0
    bytes: int = 0
    breakers: list[DictRow] = field(default_factory=list)


async def read_sources(database: Database, settings: Settings) -> list[SourceState]:
    """All sources and pages, as this process would ask them."""
    faults: dict[str, str] = {}
    keys = {one.name: _rate_key(one, settings, faults) for one in SOURCES.values()}
    usage = await database.fetch_all(USAGE, {"keys": [key for key in keys.values() if key]})
    used = {row["key"]: row for row in usage}
    kept = {row["source"]: row for row in await database.fetch_all(KEPT)}
    breakers = await open_host_breakers(database)
    return list(_states(settings, keys, faults, used, kept, breakers))


async def resume_source(database: Database, settings: Settings, name: str) -> bool:
    """Asks a source again that wants to be left alone; False where none of that name does."""
    key = _rate_key(SOURCES[name], settings, {}) if name in SOURCES else None
    return key is not None and await SharedCallLimiter(database).release(key)


def _states(
    settings: Settings,
    keys: dict[str, str | None],
    faults: dict[str, str],
    used: dict[str, DictRow],
    kept: dict[str, DictRow],
    breakers: Sequence[DictRow],
) -> Iterator[SourceState]:
    for name in (*SOURCES, PAGES):
        source = SOURCES.get(name)
        usage = used.get(keys.get(name) or "", {"calls": 0, "held_s": 0.0})
        answers = kept.get(name, {"answers": 0, "bytes": 0})
        yield SourceState(
            name,
            source.missing(settings) if source else [],
            faults.get(name),
            (source.rate.max_calls, source.rate.window_s) if source else None,
            usage["calls"],
            usage["held_s"] or 0.0,
            answers["answers"],
            answers["bytes"],
            [row for row in breakers if row["source"] == name],
        )


def _rate_key(source: Source, settings: Settings, faults: dict[str, str]) -> str | None:
    """The key of its limit; None for one whose credential cannot be read, which is a fault."""
    try:
        return source.limited_by(settings)
    except ConfigurationError as error:
        faults[source.name] = str(error)
        return None
