"""Asks Ashby, which has the whole board of a company in one answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from oppspot_runner.base.web import Web
from oppspot_runner.connectors.answered import Answered, Flag, Moment, Required, Text
from oppspot_runner.connectors.drift import read_object
from oppspot_runner.connectors.job_boards import Board, JobId, line, once_each, path_of, read_jobs
from oppspot_runner.signals.jobs import Job
from oppspot_runner.signals.sighting import Posting

ASHBY = "ashby"


class AshbyJob(Answered):
    """A job."""

    id: JobId
    title: Required
    department: Text = None
    team: Text = None
    location: Text = None
    isListed: Flag = None  # noqa: N815 - their name
    publishedAt: Moment = None  # noqa: N815
    jobUrl: Text = None  # noqa: N815
    descriptionPlain: Text = None  # noqa: N815

    def job(self, token: str) -> Job | None:
        """The job; None for one that the company does not show."""
        title = line(self.title)
        if self.isListed is False or title is None:
            return None
        posting = Posting(
            ASHBY,
            token,
            self.id,
            title,
            department=line(self.department or self.team),
            location=line(self.location),
            url=self.jobUrl,
            published_at=self.publishedAt,
        )
        return Job(posting, self.descriptionPlain or "")


@dataclass(frozen=True)
class Ashby:
    """Ashby, asked through `web`; `fresh_for` is how old an answer may be."""

    web: Web
    fresh_for: timedelta | None = None

    async def board(self, token: str) -> Board | None:
        """See JobService. A board without any job is none: unknown ones may look like that too."""
        answer = await self.web.get(ASHBY, path_of(token), fresh_for=self.fresh_for)
        if not answer.found:
            return None
        read, drifted = read_jobs(answer, AshbyJob, read_object(answer).get("jobs"))
        return Board(once_each(one.job(token) for one in read), drifted) if read else None
