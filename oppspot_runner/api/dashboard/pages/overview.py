"""Overview: how things stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reader
from oppspot_runner.api.dashboard.charts import Bars, bars
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.reads import overview as reads
from oppspot_runner.api.reads.status import with_status
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.app.status import Status
from oppspot_runner.base.wording import span as in_words
from oppspot_runner.queue import read

router = Routes(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True)
class Note:
    """Something that somebody should know, with the page that has more."""

    kind: str
    text: str
    path: str | None = None


@router.get("/")
async def overview(request: Request, actor: Reader, span: reads.Span = "hour") -> HTMLResponse:
    """Counts, what ended of late, runners, what needs people."""
    async with with_status(state_of(request), actor) as (database, status):
        people = await reads.people(database)
        ended = await reads.attempts(database, span)
        # Only who sees the runners can tell whether one of them is free.
        backlog = await read.backlog(database, lately_s=0) if actor.is_operator else None
        cost = await reads.cost_today(database)
    return page(
        request,
        "overview",
        status=status,
        notes=[*_troubles(status), *_for_people(people)],
        people=people,
        span=span,
        chart=_chart(ended),
        completed=sum(one.completed for one in ended),
        failed=sum(one.failed for one in ended),
        most_counted=reads.MOST_ATTEMPTS,
        waiting_s=None if backlog is None else backlog.waiting_s,
        cost=cost,
    )


def _chart(ended: Sequence[reads.Ended]) -> Bars:
    return bars(
        [
            (
                f"{in_words(one.ago_s)} ago: {one.completed} completed, {one.failed} failed",
                {"completed": one.completed, "failed": one.failed},
            )
            for one in ended
        ]
    )


def _troubles(status: Status) -> Iterator[Note]:
    for problem in status.problems:
        yield Note("bad", problem, "runners")
    if status.state == "stopped" and status.stats["pending"]:
        yield Note("bad", "no runner is there: what is pending waits", "runners")
    for row in status.in_need:
        text = f"{row['tasks']} failed: {row['error']}"
        yield Note("bad", f"{row['agent_name']} needs somebody. {text}", "dead-letters")
    for row in status.breakers:
        text = f"its breaker is {row['state'].replace('_', ' ')} after {row['failures']} failures"
        name = row["agent_name"] or row["agent_id"]
        yield Note("", f"{name} is held back: {text}: {row['last_error']}", "agents")
    for row in status.hosts:
        text = f"{row['host']} is left alone after failures: {row['last_error']}"
        yield Note("", f"{text}. To try now: oppspot-runner sources resume {row['host']}")
    for row in status.undelivered:
        text = row["error_message"] or row["status"]
        yield Note("", f"a message of “{row['rule']}” was not delivered: {text}", "notifications")
    for row in status.pauses:
        name = row["agent_name"] or row["key"]
        why = f": {row['reason']}" if row["reason"] else ""
        yield Note("", f"{row['scope']} {name} is paused{why}", "runners")


def _for_people(people: reads.People) -> Iterator[Note]:
    if people.late_schedules:
        yield Note("bad", f"{_many(people.late_schedules, 'schedule')} late", "schedules")
    if people.failed_schedules:
        yield Note("", f"{_many(people.failed_schedules, 'schedule')} stopped", "schedules")
    if people.approvals:
        yield Note("calm", f"{_many(people.approvals, 'agent')} of runs to approve", "runs")
    if people.drafts:
        yield Note("calm", f"{_many(people.drafts, 'draft')} to decide on", "drafts")


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
