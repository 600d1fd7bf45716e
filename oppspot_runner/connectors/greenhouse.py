"""Asks Greenhouse, which has the whole board of a company in one answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import WrapValidator

from oppspot_runner.base.web import Web
from oppspot_runner.connectors.answered import Answered, Moment, Required, Text, or_none
from oppspot_runner.connectors.drift import read_object
from oppspot_runner.connectors.job_boards import Board, JobId, line, once_each, path_of, read_jobs
from oppspot_runner.signals.jobs import Job
from oppspot_runner.signals.sighting import Posting

GREENHOUSE = "greenhouse"


class Named(Answered):
    """A place or a department."""

    name: Text = None


class GreenhouseJob(Answered):
    """A job. `updated_at` is left out: boards touch it daily."""

    id: JobId
    title: Required
    absolute_url: Text = None
    first_published: Moment = None
    location: Annotated[Named | None, WrapValidator(or_none)] = None
    departments: Annotated[tuple[Named, ...] | None, WrapValidator(or_none)] = None
    content: Text = None  # HTML that is escaped once more
    company_name: Text = None
    internal_job_id: Any = 0

    def job(self, token: str) -> Job | None:
        """The job; None for a post without one behind it, which collects people for later."""
        title = line(self.title)
        if self.internal_job_id is None or title is None:
            return None
        departments = [one.name for one in self.departments or () if one.name]
        posting = Posting(
            GREENHOUSE,
            token,
            self.id,
            title,
            department=line(departments[0]) if departments else None,
            location=line(self.location.name if self.location else None),
            url=self.absolute_url,
            published_at=self.first_published,
        )
        return Job(posting, self.content or "")


@dataclass(frozen=True)
class Greenhouse:
    """Greenhouse, asked through `web`; `fresh_for` is how old an answer may be."""

    web: Web
    fresh_for: timedelta | None = None

    async def board(self, token: str) -> Board | None:
        """See JobService."""
        answer = await self.web.get(
            GREENHOUSE, f"{path_of(token)}/jobs", {"content": True}, fresh_for=self.fresh_for
        )
        if not answer.found:
            return None
        read, drifted = read_jobs(answer, GreenhouseJob, read_object(answer).get("jobs"))
        names = frozenset(one.company_name for one in read if one.company_name)
        return Board(once_each(one.job(token) for one in read), drifted, names)
