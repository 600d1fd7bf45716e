"""The job board of a company: as its site names it, else as it can be guessed.

A board that was guessed may be somebody else's, for short names are taken by who comes first. It
counts only when the company's domain or distinctive name stands in what it says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import CallError
from oppspot_runner.base.web import Web
from oppspot_runner.companies.company import Company
from oppspot_runner.companies.domains import host_of, registered_domain
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.connectors.ashby import ASHBY, Ashby
from oppspot_runner.connectors.greenhouse import GREENHOUSE, Greenhouse
from oppspot_runner.connectors.job_boards import Board, JobService
from oppspot_runner.connectors.lever import LEVER, LEVER_EU, Lever
from oppspot_runner.posts.mentions import is_distinctive
from oppspot_runner.signals.job_texts import plain
from oppspot_runner.tools.threads import in_thread

SERVICES: Mapping[str, Callable[[Web, timedelta | None], JobService]] = {
    GREENHOUSE: Greenhouse,
    LEVER: Lever,
    LEVER_EU: partial(Lever, place=LEVER_EU),
    ASHBY: Ashby,
}
GUESSED_AT = (GREENHOUSE, LEVER, ASHBY)
REUSED_FOR = timedelta(days=1)  # what was asked is not asked again when others fail
MOST_TOKENS = 3
LEAST_LETTERS = 3  # of a token: shorter ones are anybody's
LONGEST_TOKEN = 100  # characters
MOST_READ = 50  # jobs whose words are looked through


@dataclass(frozen=True)
class Place:
    """Where a board is: its service, and what names it there."""

    service: str
    token: str

    def __str__(self) -> str:
        return f"{self.service}:{self.token}"

    @classmethod
    def of(cls, written: str) -> Place:
        """The place that a text of `str` is of."""
        service, _, token = written.partition(":")
        return cls(service, token)

    async def read(self, web: Web, fresh_for: timedelta | None = None) -> Board | None:
        """The board, by default as it is now; None where there is none. Raises CallError."""
        return await SERVICES[self.service](web, fresh_for).board(self.token)


@dataclass(frozen=True)
class Guessed:
    """What guessing came to. `refused` are boards that are somebody else's."""

    found: tuple[Place, Board] | None = None
    refused: tuple[Place, ...] = ()


def stated_place(company: Company) -> Place | None:
    """The board that the company's own site links, as it was last read."""
    stated = [one for one in company.recorded if one.field == "job_board"]
    if not stated:
        return None
    value = max(stated, key=lambda one: one.observed_at).value
    service, token = value.get("service"), value.get("token")
    if service == LEVER and ".eu." in (host_of(value.get("url") or "") or ""):
        service = LEVER_EU
    usable = service in SERVICES and token and len(token) <= LONGEST_TOKEN
    return Place(service, token) if usable else None


async def guess_board(company: Company, ctx: Context) -> Guessed:
    """Asks the services for boards that could be the company's, and takes the first that is.

    A service that does not answer is left out. Where none of the others has the board its error is
    raised, for then nobody knows.
    """
    fresh_for = timedelta(0) if ctx.force_execute else REUSED_FOR
    failed: dict[str, CallError] = {}
    refused: list[Place] = []
    for token in tokens_of(company):
        for service in (one for one in GUESSED_AT if one not in failed):
            place = Place(service, token)
            try:
                board = await place.read(ctx.http, fresh_for)
            except CallError as error:
                failed[service] = error
                continue
            if board is None or not board.jobs:
                continue
            if await in_thread(partial(is_of, company, board)):
                return Guessed((place, board), tuple(refused))
            refused.append(place)
    if failed:
        raise next(iter(failed.values()))
    return Guessed(refused=tuple(refused))


def tokens_of(company: Company) -> tuple[str, ...]:
    """What the company may have called its board, the likeliest first; three at most."""
    words = normalise_name(company.name).split()
    domain = domain_of(company) or ""
    tried = (domain.partition(".")[0], "".join(words), "-".join(words))
    usable = [one for one in tried if one.isascii() and len(one) >= LEAST_LETTERS]
    return tuple(dict.fromkeys(usable))[:MOST_TOKENS]


def is_of(company: Company, board: Board) -> bool:
    """Whether a board says of itself that it is the company's."""
    domain, name = domain_of(company), normalise_name(company.name)
    said = [text for job in board.jobs[:MOST_READ] for text in (job.posting.url, job.description)]
    texts = [plain(text).lower() for text in [*board.names, *said] if text]
    if domain and any(map(_standing(domain).search, texts)):
        return True
    in_words = re.compile(rf"\b{re.escape(name)}\b")
    return is_distinctive(company.name) and any(in_words.search(_words(text)) for text in texts)


def domain_of(company: Company) -> str | None:
    """The company's own domain, also where only its web site is known."""
    return company.domain or registered_domain(company.website or "")


def _standing(domain: str) -> re.Pattern[str]:
    """The domain as a whole, also below `www.` and in mail addresses."""
    return re.compile(rf"(?<![\w-]){re.escape(domain)}(?![\w-]|\.\w)")


def _words(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.replace("&", " and "))
