"""The outside world as a site on 127.0.0.1, and what asks it: a client alone, or a runner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.web import Asked
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.connectors.http.exchange import Exchange
from oppspot_runner.connectors.http.keeping import AnswerKeeper
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.host_breakers import HostBreakers
from oppspot_runner.queue.answer_cache import SharedAnswerCache
from tests.connectors.http.internet import Site
from tests.runner.conftest import bench, registry

__all__ = ["bench", "registry"]

KEY = "a-very-secret-key"


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A site that stands for all sources, by the settings of the environment."""
    site = await Site().start()
    here = f"http://127.0.0.1:{site.port}"
    for name, value in {
        "CONTACT": "ops@example.com",
        "REACHABLE_NETWORKS": "127.0.0.0/8",
        "REACHABLE_PORTS": f"80,{site.port}",
        "COMPANIES_HOUSE_API_KEY": KEY,
        "COMPANIES_HOUSE_URL": f"{here}/ch",
        "COMPANIES_HOUSE_DOCUMENTS_URL": f"{here}/ch-doc/",
        "HACKER_NEWS_URL": f"{here}/hn",
        "HACKER_NEWS_SEARCH_URL": f"{here}/algolia",
    }.items():
        monkeypatch.setenv(f"OPPSPOT_{name}", value)
    yield site
    await site.stop()


class Turns:
    """A limiter that says what the test put there, and 0 after that."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.taken: list[tuple[str, RateLimit]] = []
        self.held: list[float] = []

    async def hold(self, key: str, limit: RateLimit, hold_s: float) -> None:
        self.held.append(hold_s)

    async def take(self, key: str, limit: RateLimit) -> float:
        self.taken.append((key, limit))
        return self.waits.pop(0) if self.waits else 0.0


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def slept() -> list[float]:
    """The seconds that the client waited, which take none."""
    return []


MakeClient = Callable[[], SourceClient]


@pytest.fixture
async def make_client(
    db: Database, site: Site, turns: Turns, slept: list[float]
) -> AsyncIterator[MakeClient]:
    """Makes the layer by the environment, a database behind it, and turns as the test has them."""
    made: list[SourceClient] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    def make() -> SourceClient:
        settings = Settings()
        exchange = Exchange(
            HttpPolicy.of(settings), turns, HostBreakers(db), contact=settings.contact, sleep=sleep
        )
        made.append(SourceClient(settings, exchange, AnswerKeeper(SharedAnswerCache(db))))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def client(make_client: MakeClient) -> SourceClient:
    """The layer as it is with the settings of the test."""
    return make_client()


def of_register(path: str = "/company/1") -> Asked:
    """A call of the register."""
    return Asked("companies_house", path)
