"""Asks Lever, which has two places: boards of companies in the EU may be at the second one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import WrapValidator

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.base.web import Web
from oppspot_runner.connectors.answered import Answered, Moment, Required, Text, or_none
from oppspot_runner.connectors.job_boards import Board, JobId, line, once_each, path_of, read_jobs
from oppspot_runner.signals.jobs import Job
from oppspot_runner.signals.sighting import Posting

LEVER, LEVER_EU = "lever", "lever_eu"
PAGE = 100
MOST_PAGES = 30


class Categories(Answered):
    """Where a job belongs."""

    location: Text = None
    department: Text = None
    team: Text = None


class Part(Answered):
    """A part of a description: what it is about, and its points as HTML."""

    text: Text = None
    content: Text = None


class LeverJob(Answered):
    """A job."""

    id: JobId
    text: Required  # its title
    hostedUrl: Text = None  # noqa: N815 - their name
    createdAt: Moment = None  # noqa: N815
    categories: Annotated[Categories | None, WrapValidator(or_none)] = None
    descriptionPlain: Text = None  # noqa: N815
    lists: Annotated[tuple[Part, ...] | None, WrapValidator(or_none)] = None
    additionalPlain: Text = None  # noqa: N815

    @property
    def description(self) -> str:
        """All that is said of the job: what it needs is in the lists."""
        parts = [text for one in self.lists or () for text in (one.text, one.content)]
        said = [self.descriptionPlain, *parts, self.additionalPlain]
        return "\n".join(text for text in said if text)

    def job(self, service: str, token: str) -> Job | None:
        """The job; None for one whose title is nothing to read."""
        title = line(self.text)
        if title is None:
            return None
        where = self.categories or Categories()
        posting = Posting(
            service,
            token,
            self.id,
            title,
            department=line(where.department or where.team),
            location=line(where.location),
            url=self.hostedUrl,
            published_at=self.createdAt,
        )
        return Job(posting, self.description)


@dataclass(frozen=True)
class Lever:
    """Lever at one of its places, asked through `web`; `fresh_for` is how old an answer may be."""

    web: Web
    fresh_for: timedelta | None = None
    place: str = LEVER

    async def board(self, token: str) -> Board | None:
        """See JobService. A board that does not end is a MalformedAnswerError."""
        found: list[Job | None] = []
        lost = 0
        for page in range(MOST_PAGES):
            part = await self._page(token, page * PAGE)
            if part is None:
                return None if page == 0 else Board(once_each(found), lost)
            read, drifted = part
            found += [one.job(self.place, token) for one in read]
            lost += drifted
            if len(read) + drifted < PAGE:
                return Board(once_each(found), lost)
        raise MalformedAnswerError(
            f"{self.place} has more than {MOST_PAGES * PAGE} jobs on one board", source=self.place
        )

    async def _page(self, token: str, skip: int) -> tuple[list[LeverJob], int] | None:
        answer = await self.web.get(
            self.place,
            path_of(token),
            {"mode": "json", "skip": skip, "limit": PAGE},
            fresh_for=self.fresh_for,
        )
        return read_jobs(answer, LeverJob, answer.json()) if answer.found else None
