"""The scout over several days: three made boards, a register, and clocks that the test moves.

The clock of the made world and that of the database are moved together; all else is as in a runner:
HTTP, limits, kept answers, and each day another attempt.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.conninfo import make_conninfo

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.scout import ScoutAgent
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.base.errors import RateLimitExceededError
from oppspot_runner.base.settings import Settings
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.connectors.http.exchange import Exchange
from oppspot_runner.connectors.http.keeping import AnswerKeeper
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.connectors.sources import configured_sources
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.call_rates import SharedCallLimiter
from oppspot_runner.limits.host_breakers import HostBreakers
from oppspot_runner.queue.answer_cache import SharedAnswerCache
from oppspot_runner.testing.world import Board, Content, Job
from oppspot_runner.testing.world import World as Outside
from tests.streams.world import Steps, World, begin, finish

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SERVICES = {"A": "greenhouse", "B": "lever", "C": "ashby"}
BOARDS = {"sources": ["job_board"]}


def job(title: str, since: float, until: float | None = None) -> Job:
    """A job from one day to another; day 1 is the first."""
    begin, end = (None if day is None else NINE + (day - 1) * DAY for day in (since, until))
    assert begin is not None
    return Job(title, title, begin, end)


def board(company: str, *jobs: Job) -> Board:
    return Board(SERVICES[company], company.lower(), company, jobs)


class Days:
    """A scout for the companies A, B and C, and the days on which it runs."""

    def __init__(self, dsn: str, outside: Outside) -> None:
        self.dsn, self.outside = dsn, outside
        self.stream_id: UUID | None = None
        self.steps, self.waiting = Steps(), None
        self.day = 1.0

    @asynccontextmanager
    async def on(self, day: float) -> AsyncIterator[tuple[World, WebAccess]]:
        """The database and the outside world on that day."""
        now = NINE + (day - 1) * DAY
        self.outside.clock.set(now)
        settings, waits = Settings(), []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        at = make_conninfo(self.dsn, options=f"-c oppspot.now={now.isoformat()}")
        async with Database(at, max_size=10) as db:
            exchange = Exchange(
                HttpPolicy.of(settings), SharedCallLimiter(db), HostBreakers(db),
                contact=settings.contact, sleep=sleep,
            )  # fmt: skip
            client = SourceClient(settings, exchange, AnswerKeeper(SharedAnswerCache(db)))
            try:
                yield World(db), WebAccess(client, configured_sources(settings))
            finally:
                await client.aclose()

    async def begin_with(self, *names: str) -> None:
        """The stream and its companies, whose sites name their boards."""
        async with self.on(0) as (world, _):
            self.stream_id = await world.stream()
            for name in names or SERVICES:
                company_id = await world.company(name)
                place = {"service": SERVICES[name], "token": name.lower()}
                await world.fact(company_id, "job_board", place, "website", 0.8)
                await world.item(self.stream_id, company_id)

    async def run(self, day: float, **options: Any) -> dict[str, Any]:
        """The run of a day, to its end."""
        async with self.on(day) as (world, web):
            options = {"config": BOARDS, **options}
            return await world.run(ScoutAgent, self.stream_id, web=web, **options)

    async def attempt(self, day: float, before: Context | None, steps: Steps) -> Any:
        """An attempt of a task: its context, and its results or what held it up."""
        begun = {"started_at": NINE + (day - 1) * DAY}
        async with self.on(day) as (world, web):
            ctx = await world.context(
                ScoutAgent, self.stream_id, web=web, config=BOARDS, steps=steps,
                task=before and replace(before.task, attempt=before.task.attempt + 1, **begun),
            )  # fmt: skip
            try:
                ended = await begin(ScoutAgent, ctx)
                return ctx, ended[2] if "error" in ended[2] else await finish(world.db, *ended)
            except RateLimitExceededError as error:
                return ctx, error

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with Database(self.dsn, max_size=1) as db:
            return await db.fetch_all(query)

    async def closed(self) -> list[str]:
        """The titles of the jobs that are offered no more."""
        rows = await self.rows("SELECT title FROM job_postings WHERE closed_at IS NOT NULL")
        return sorted(row["title"] for row in rows)


def new(results: dict[str, Any]) -> list[str]:
    """The titles of the jobs that are new, each with its company in front."""
    return sorted(one["title"].split(": ")[-1].split(",")[0] for one in results["new_signals"])


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    with Outside(Content(), now=NINE) as outside:
        for name, value in outside.settings().items():
            monkeypatch.setenv(name, value)
        yield outside


@pytest.fixture
def days(dsn: str, outside: Outside) -> Days:
    return Days(dsn, outside)


def put(outside: Outside, *boards: Board) -> None:
    outside.boards.update({(one.service, one.token): one for one in boards})


@pytest.mark.slow
async def test_three_boards_over_three_days_give_each_signal_on_its_day_and_none_twice(
    days: Days, outside: Outside
) -> None:
    put(
        outside,
        board("A", job("a old", -80), job("a first", -9), job("a third", 2.5)),
        board("B", job("b first", 0), job("b gone", 0.5, 1.5), job("b second", 1.5)),
        board("C", *(job(f"c second {n}", 1.9) for n in range(10)), job("c late", 3.5)),
    )
    await days.begin_with()
    expected = {
        1: ["a first", "b first", "b gone"],
        2: ["b second", *(f"c second {n}" for n in range(10))],
        3: ["a third"],
    }
    for day, titles in expected.items():
        results = await days.run(day)
        assert new(results) == titles
        assert results["new"] == results["by_type"]["job_posting"] == len(titles)
        assert results["postings_closed"] == (day == 2)
        assert (results["companies_checked"], results["api_calls"]) == (3, 3)
        assert (results["errors"], results["partial"]) == ({}, False)
        again = await days.run(day + 0.1)
        assert (again["companies_checked"], again["new"]) == (0, 0)
    assert await days.closed() == ["b gone"]
    rows = await days.rows("SELECT * FROM buying_signals ORDER BY occurred_at")
    assert len(rows) == 3 + 11 + 1
    assert {row["confidence"] for row in rows} == {90}
    assert [row["strength"] for row in rows if "c second" in row["title"]] == ["very_strong"] * 10
    insights = await days.rows("SELECT created_at::date AS day FROM stream_insights")
    counts = {day: sum(row["day"].day == day + 1 for row in insights) for day in expected}
    assert counts == {day: len(titles) for day, titles in expected.items()}


async def test_a_429_of_one_board_holds_up_that_service_and_no_other(
    days: Days, outside: Outside
) -> None:
    put(outside, *(board(name, job(name.lower(), 0)) for name in SERVICES))
    await days.begin_with()
    outside.fault("/greenhouse/", 429, times=1, headers={"Retry-After": "60"})
    steps = Steps()
    ctx, held = await days.attempt(1, None, steps)
    assert held.retry_after_s == 60
    titles = await days.rows("SELECT title FROM job_postings ORDER BY title")
    assert [row["title"] for row in titles] == ["b", "c"]
    early, still = await days.attempt(1 + 30 / 86_400, ctx, steps)
    assert (still.retry_after_s, len(outside.log)) == (pytest.approx(30, abs=1), 3)
    _, results = await days.attempt(1 + 61 / 86_400, early, steps)
    assert (new(results), results["api_calls"]) == (["a", "b", "c"], 4)
    assert (results["errors"], results["partial"]) == ({}, False)
    assert {one.path.split("/")[1] for one in outside.log} == set(SERVICES.values())
    assert len(outside.log) == 4


async def test_a_429_that_does_not_end_keeps_nobody_from_looking_the_next_day(
    days: Days, outside: Outside
) -> None:
    put(outside, *(board(name, job(name.lower(), 0)) for name in SERVICES))
    await days.begin_with()
    outside.fault("/greenhouse/", 429, times=None, headers={"Retry-After": "3600"})
    steps, ctx = Steps(), None
    for day in (1, 1.4, 1.75):
        ctx, held = await days.attempt(day, ctx, steps)
        assert isinstance(held, RateLimitExceededError)
    _, results = await days.attempt(1.8, ctx, steps)
    assert (new(results), results["companies_checked"]) == (["b", "c"], 2)
    assert (results["errors"], results["partial"]) == ({"RATE_LIMIT_EXCEEDED": 1}, True)
    assert "too often" in results["skipped_sources"]["greenhouse"]
    left = await days.rows("SELECT id::text FROM companies WHERE name = 'A'")
    assert results["next_cursor"] == left[0]["id"]
    put(outside, board("B", job("b", 0), job("b new", 1.5)))
    steps = Steps()
    ctx, _ = await days.attempt(2, None, steps)
    outside.reset()
    _, results = await days.attempt(2.1, ctx, steps)
    assert new(results) == ["a", "b new"]


async def test_where_nothing_but_a_429_is_heard_the_run_fails_in_the_end(
    days: Days, outside: Outside
) -> None:
    put(outside, board("A", job("a", 0)))
    await days.begin_with("A")
    outside.fault("/greenhouse/", 429, times=None, headers={"Retry-After": "3600"})
    steps = Steps()
    ctx, held = await days.attempt(1, None, steps)
    assert isinstance(held, RateLimitExceededError)
    _, results = await days.attempt(1.8, ctx, steps)
    assert "every look failed" in results["error"]


@pytest.mark.slow
async def test_a_board_that_is_gone_closes_its_jobs_after_three_looks(
    days: Days, outside: Outside
) -> None:
    put(outside, *(board(name, job(name.lower(), 0), job(f"{name} 2", 0)) for name in SERVICES))
    await days.begin_with()
    await days.run(1)
    for name in ("A", "C"):
        del outside.boards[SERVICES[name], name.lower()]
    for day, closed in ((2, 0), (3, 0), (4, 4), (5, 0)):
        results = await days.run(day)
        assert results["by_watcher"] == {"job_board": {"gone": 2, "ok": 1}}
        assert results["postings_closed"] == closed
    assert await days.closed() == ["A 2", "C 2", "a", "c"]
    rows = await days.rows("SELECT * FROM buying_signals WHERE status <> 'active'")
    assert rows == []  # that somebody was wanted stays true, and fades
    put(outside, board("A", job("a", 0), job("a new", 5.5)))
    results = await days.run(6)
    assert (new(results), results["refreshed"]) == (["a new"], 3)
    assert await days.closed() == ["A 2", "C 2", "c"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "times": None},
        {"status": 200, "body": "<html>Sorry</html>", "times": None},
        {"status": 403, "times": None},
        {"truncate": 20, "times": None},
    ],
    ids=["down", "html", "denied", "cut"],
)
async def test_a_source_that_fails_closes_nothing_and_is_no_miss(
    days: Days, outside: Outside, fault: dict[str, Any]
) -> None:
    put(outside, board("A", job("a", 0)), board("C", job("c", 0)))
    put(outside, board("B", job("b", 0), job("b new", 1.5)))
    await days.begin_with()
    await days.run(1)
    outside.fault("/lever/", **fault)
    for day in (2, 3, 4):
        results = await days.run(day)
        assert results["partial"] is True
        assert sum(results["errors"].values()) == 1
        assert results["by_watcher"]["job_board"]["ok"] == 2
    outside.reset()
    results = await days.run(5)
    assert (new(results), results["refreshed"], results["errors"]) == (["b new"], 3, {})
    assert await days.closed() == []
    rows = await days.rows("SELECT misses FROM signal_watches")
    assert {row["misses"] for row in rows} == {0}


async def test_a_board_that_did_not_change_is_told_so_and_gives_nothing(
    days: Days, outside: Outside
) -> None:
    put(outside, board("C", job("c", 0)))
    await days.begin_with("C")
    await days.run(1)
    results = await days.run(2)
    assert (results["new"], results["refreshed"], results["by_source"]) == (0, 1, {})
    assert results["postings_closed"] == 0
    assert "if-none-match" in outside.log[-1].headers


@pytest.mark.slow
async def test_a_clock_that_was_ahead_for_a_while_loses_nothing_and_tells_nothing_twice(
    days: Days, outside: Outside
) -> None:
    put(outside, board("A", job("a", 0), job("a later", 2.5)), board("B", job("b", 0)))
    await days.begin_with("A", "B")
    assert new(await days.run(1)) == ["a", "b"]
    outside.boards.pop(("greenhouse", "a"))
    assert new(await days.run(400)) == []  # and what was seen is over by then
    put(outside, board("A", job("a", 0), job("a later", 2.5)))
    statuses = "SELECT DISTINCT status FROM buying_signals"
    assert await days.rows(statuses) == [{"status": "expired"}]
    for day, later in ((2, []), (1, []), (3, ["a later"]), (4, [])):
        results = await days.run(day)
        assert (results["companies_checked"], new(results)) == (2, later)
    assert await days.rows(statuses) == [{"status": "active"}]
    assert await days.closed() == []
