"""Boards of jobs: what the services for them have in common. None of them needs a key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar
from urllib.parse import quote, unquote

from pydantic import Field

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.base.web import Answer
from oppspot_runner.companies.names import clean_name
from oppspot_runner.connectors.answered import Answered
from oppspot_runner.connectors.drift import each
from oppspot_runner.signals.jobs import Job

M = TypeVar("M", bound=Answered)
MOST_WORDS = 300  # characters of a title and the like
JobId = Annotated[str, Field(pattern=r"^[!-~]{1,80}$")]


@dataclass(frozen=True)
class Board:
    """All jobs that a board shows; `drifted` lacked what is required and were left out.

    `names` is what the service calls the company, where it says so.
    """

    jobs: tuple[Job, ...]
    drifted: int = 0
    names: frozenset[str] = frozenset()


class JobService(Protocol):
    """A service at which companies have boards."""

    async def board(self, token: str) -> Board | None:
        """The board that `token` names; None where there is none.

        Raises RateLimitExceededError and SourceError, see Web.
        """
        ...


def path_of(token: str) -> str:
    """A token as a part of a path, however it was written in the address that it comes from."""
    return quote(unquote(token), safe="")


def line(text: str | None) -> str | None:
    """A title or the like on one line that is not too long; None for nothing."""
    return clean_name(text or "")[:MOST_WORDS].rstrip() or None


def read_jobs(answer: Answer, model: type[M], items: Any) -> tuple[list[M], int]:
    """The items of an answer, and how many could not be read.

    Raises MalformedAnswerError where they are no list, or none of them can be read: then nothing
    is known of the board.
    """
    if not isinstance(items, list):
        raise _unlike(answer, "no list of jobs")
    read, drifted = each(model, items)
    if drifted and not read:
        raise _unlike(answer, "jobs of another shape than is known")
    return read, drifted


def once_each(jobs: Iterable[Job | None]) -> tuple[Job, ...]:
    """The jobs without those that came before."""
    first: dict[str, Job] = {}
    for job in jobs:
        if job is not None:
            first.setdefault(job.posting.key, job)
    return tuple(first.values())


def _unlike(answer: Answer, what: str) -> MalformedAnswerError:
    return MalformedAnswerError(
        f"{answer.source} answered with {what}", source=answer.source, status=answer.status
    )
