"""Jobs that a company offers, as signals: which are new, and how much they say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oppspot_runner.signals.job_texts import leads, normalise_title, plain, technologies_in
from oppspot_runner.signals.sighting import LOOKBACK, Memory, Posting, Sighting, Strength

JOB_POSTING = "job_posting"
MANY, VERY_MANY = 3, 10  # new jobs in one look
LARGE_SHARE = 5  # one for so many people there are is a large share


@dataclass(frozen=True, slots=True)
class Job:
    """A posting and its description, as the service gives it: text, HTML, or escaped HTML."""

    posting: Posting
    description: str = ""


def new_jobs(
    jobs: Sequence[Job], memory: Memory, now: datetime, lookback: timedelta = LOOKBACK
) -> list[Job]:
    """The jobs that were never seen, each once.

    On a first look they all are: then only those count that were published within `lookback`, or
    nobody knows when.
    """
    unseen = {job.posting.key: job for job in jobs if job.posting.key not in memory.known}
    if memory.looked_at is not None:
        return list(unseen.values())
    since = now - lookback
    return [job for job in unseen.values() if (job.posting.published_at or now) >= since]


def job_sightings(
    jobs: Sequence[Job],
    memory: Memory,
    employees: int | None,
    now: datetime,
    *,
    lookback: timedelta = LOOKBACK,
    confidence: int,
) -> tuple[Sighting, ...]:
    """A sighting for each new job of a board, see `new_jobs`.

    Its strength is by how many are new, also for the size of the company; the first job for
    somebody to lead sales, engineering or security says more than another.
    """
    new = new_jobs(jobs, memory, now, lookback)
    strength = strength_of(len(new), employees)
    asked_for = set(memory.state.get("leaders", ()))
    sightings = []
    for job in new:
        area = leads(job.posting.title)
        is_first = area is not None and area not in asked_for
        asked_for.add(area)
        stronger: Strength = "strong" if is_first and strength == "moderate" else strength
        sightings.append(
            Sighting(
                JOB_POSTING,
                source=job.posting.service,
                key=job.posting.key,
                title=_line(job.posting),
                occurred_at=job.posting.published_at or now,
                strength=stronger,
                confidence=confidence,
                event=normalise_title(job.posting.title),
                source_url=job.posting.url,
                data=_data(job, area, len(new), len(jobs)),
            )
        )
    return tuple(sightings)


def strength_of(new: int, employees: int | None = None) -> Strength:
    """How much so many new jobs say of a company with so many people."""
    if new >= VERY_MANY or (employees and new * LARGE_SHARE >= employees):
        return "very_strong"
    return "strong" if new >= MANY else "moderate"


def leaders_in(jobs: Iterable[Job], memory: Memory) -> list[str]:
    """The areas for which a leader is or ever was asked for, to be kept as `leaders`."""
    now = {area for job in jobs if (area := leads(job.posting.title))}
    return sorted(now | set(memory.state.get("leaders", ())))


def _line(posting: Posting) -> str:
    return f"New job: {posting.title}" + (f", {posting.location}" if posting.location else "")


def _data(job: Job, area: str | None, new: int, offered: int) -> dict[str, object]:
    posting = job.posting
    told = {
        "board": f"{posting.service}:{posting.board}",
        "department": posting.department,
        "location": posting.location,
        "leads": area,
        "technologies": list(technologies_in(plain(job.description))),
        "new_jobs": new,
        "open_jobs": offered,
    }
    return {name: value for name, value in told.items() if value}
