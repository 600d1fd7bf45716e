"""The sources of the outside world, each with its address, its limit, and its keys.

A source is asked through the one HTTP layer (connectors/http/asking.py), which keeps to what is
written here. Nothing here needs an extra.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from oppspot_runner.base.errors import SourceNotConfiguredError
from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.settings import Settings, variable_name
from oppspot_runner.connectors.authentication import Auth, BasicAuth, secret_in
from oppspot_runner.connectors.reddit_auth import RedditAuth

MIB = 1024 * 1024
ALWAYS_ASKED = timedelta(0)


@dataclass(frozen=True)
class Source:
    """A service with rules of its own.

    `url` and `needs` are fields of Settings: its address, and what has to be set. Sources with the
    same `rate_key` share their limit, for each credential on its own. An answer is fresh for
    `fresh_for`, that there is no such thing for `missing_for`.
    """

    name: str
    url: str
    rate: RateLimit
    rate_key: str
    fresh_for: timedelta = ALWAYS_ASKED
    missing_for: timedelta = timedelta(days=7)
    needs: tuple[str, ...] = ()
    auth: Callable[[Settings], Auth] | None = None
    gives_json: bool = True
    most_bytes: int = 2 * MIB

    def missing(self, settings: Settings) -> list[str]:
        """The variables that have to be set and are not."""
        return [variable_name(field) for field in self.needs if not getattr(settings, field)]

    def credential(self, settings: Settings) -> str:
        """What stands for the credential where things of several are kept apart; no secret."""
        written = "\n".join(secret_in(settings, field) for field in self.needs)
        return sha256(written.encode()).hexdigest()[:16] if self.needs else ""

    def limited_by(self, settings: Settings) -> str:
        """The key of its limit: sources with the same one count together."""
        credential = self.credential(settings)
        return f"{self.rate_key}:{credential}" if credential else self.rate_key


def companies_house_auth(settings: Settings) -> Auth:
    """The key of the register."""
    return BasicAuth(secret_in(settings, "companies_house_api_key"))


def reddit_auth(settings: Settings) -> Auth:
    """The application that Reddit knows."""
    return RedditAuth(
        secret_in(settings, "reddit_client_id"),
        secret_in(settings, "reddit_client_secret"),
        secret_in(settings, "reddit_user_agent"),
        settings.reddit_token_url,
    )


# 600 calls in any 300 s are allowed for a key. 60 in 33.4 s are never more than 540 in 300 s, so
# that others who use the key have some left.
COMPANIES_HOUSE_RATE = RateLimit(60, 33.4)

COMPANIES_HOUSE = Source(
    "companies_house",
    "companies_house_url",
    COMPANIES_HOUSE_RATE,
    "companies_house",
    fresh_for=timedelta(days=7),
    missing_for=timedelta(days=30),
    needs=("companies_house_api_key",),
    auth=companies_house_auth,
)
COMPANIES_HOUSE_DOCUMENTS = Source(
    "companies_house_documents",
    "companies_house_documents_url",
    COMPANIES_HOUSE_RATE,
    "companies_house",
    fresh_for=timedelta(days=90),
    missing_for=timedelta(days=30),
    needs=("companies_house_api_key",),
    auth=companies_house_auth,
    gives_json=False,
    most_bytes=20 * MIB,
)
# 100 calls a minute for an application.
REDDIT = Source(
    "reddit",
    "reddit_url",
    RateLimit(10, 6.7),
    "reddit",
    needs=("reddit_client_id", "reddit_client_secret", "reddit_user_agent"),
    auth=reddit_auth,
)
HACKER_NEWS = Source("hacker_news", "hacker_news_url", RateLimit(16, 1.0), "hacker_news")
# 10,000 calls an hour for an address.
HACKER_NEWS_SEARCH = Source(
    "hacker_news_search", "hacker_news_search_url", RateLimit(100, 40.0), "hacker_news_search"
)

# No limits of these are known to hold for who only reads.
JOB_BOARDS = tuple(
    Source(name, f"{name}_url", RateLimit(10, 1.0), name, most_bytes=8 * MIB)
    for name in ("greenhouse", "lever", "lever_eu", "ashby")
)

SOURCES: Mapping[str, Source] = {
    one.name: one
    for one in (
        COMPANIES_HOUSE,
        COMPANIES_HOUSE_DOCUMENTS,
        REDDIT,
        HACKER_NEWS,
        HACKER_NEWS_SEARCH,
        *JOB_BOARDS,
    )
}


# Web sites, which are everywhere. They are read when their owners can reach who reads them.
SITES = "web"
SITES_NEED = ("contact",)


def not_configured(name: str) -> SourceNotConfiguredError:
    """The error for a source whose keys are not all set."""
    needs = SITES_NEED if name == SITES else SOURCES[name].needs
    missing = ", ".join(variable_name(field) for field in needs)
    return SourceNotConfiguredError(
        f"{name} cannot be asked: {missing} is not set",
        source=name,
        hint="Set it where the runner runs, and restart the runner.",
    )


def configured_sources(settings: Settings) -> frozenset[str]:
    """The names of the sources that can be asked."""
    names = {name for name, one in SOURCES.items() if not one.missing(settings)}
    return frozenset(names | {SITES} if settings.contact else names)
