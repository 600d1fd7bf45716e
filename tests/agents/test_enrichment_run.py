"""Enrichment by asking outside: what holds it up, what does not, and where it goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest

from oppspot_runner.agents import company_run
from oppspot_runner.agents.context import Context
from oppspot_runner.agents.enrichment import EnrichmentAgent
from oppspot_runner.agents.providers import Provider
from oppspot_runner.agents.work_time import WorkTime
from oppspot_runner.base.errors import (
    AccessDeniedError,
    CallError,
    Fail,
    RateLimitExceededError,
    Snooze,
    SourceDownError,
)
from oppspot_runner.companies.company import Company, Fact
from tests.agents.register import SOURCES, Register, number
from tests.streams.world import Steps, World, begin, finish

ASKED_ABOUT_EACH = 3  # profile, officers, filing history; documents have paths of their own


@pytest.fixture
def register() -> Register:
    return Register()


async def stream_of(world: World, register: Register, count: int) -> tuple[UUID, list[UUID]]:
    """A stream of companies that the register knows, in order of their numbers."""
    stream_id, ids = await world.stream(), []
    for place in range(1, count + 1):
        name = f"Company {place} Ltd"
        register.company(place, name)
        ids.append(await world.company(name, company_number=number(place), country="GB"))
        item_id = await world.item(stream_id, ids[-1])
        await world.db.execute(
            "UPDATE stream_items SET position = %s WHERE id = %s", (place, item_id)
        )
    return stream_id, ids


async def enrich(world: World, register: Register, stream_id: UUID, **more: Any) -> dict[str, Any]:
    return await world.run(EnrichmentAgent, stream_id, web=register.web(*SOURCES), **more)


def limited(**more: Any) -> CallError:
    return RateLimitExceededError("too many", retry_after_s=20, **more)


def failing(error: CallError, register: Register, path: str, *, times: int = 1) -> None:
    """Lets calls of `path` end with `error`, `times` times."""
    answer, left = register.answers[path], [times]

    def ended(_: Any) -> Any:
        left[0] -= 1
        return error if left[0] >= 0 else answer

    register.answers[path] = ended


async def test_each_company_is_asked_once_and_nobody_within_the_times_to_live(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 12)
    results = await enrich(world, register, stream_id)
    assert (results["items_updated"], results["enriched_count"]) == (12, 12)
    assert results["api_calls"] == 60
    assert len(register.paths) == len(set(register.paths)) == 60
    again = await enrich(world, register, stream_id)
    assert (again["items_updated"], again["skipped_fresh"], again["api_calls"]) == (0, 12, 0)
    assert len(register.paths) == 60


async def test_what_others_say_later_is_no_reason_to_ask_the_register_again(
    world: World, register: Register
) -> None:
    stream_id, (company_id,) = await stream_of(world, register, 1)
    await enrich(world, register, stream_id)
    asked = len(register.paths)
    await world.fact(company_id, "phone", "020 1")
    results = await enrich(world, register, stream_id)
    assert results["fields_filled"] == {"phone": 1}
    assert len(register.paths) == asked


async def test_who_is_known_better_than_before_is_asked_again_where_nothing_was_found(
    world: World, register: Register
) -> None:
    register.company(1, "Company 1 Ltd")
    stream_id, company_id = await world.stream(), await world.company("Company 1 Ltd")
    await world.item(stream_id, company_id)
    assert (await enrich(world, register, stream_id))["api_calls"] == 0
    await world.db.execute(
        "UPDATE companies SET company_number = %s, updated_at = oppspot_now()", (number(1),)
    )
    assert (await enrich(world, register, stream_id))["by_provider"]["register"] == {"ok": 1}


async def test_without_a_key_the_register_is_skipped_and_said(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 2)
    results = await world.run(EnrichmentAgent, stream_id, web=register.web())
    assert set(results["skipped_providers"]) == {"register", "officers", "accounts", "website"}
    assert "COMPANIES_HOUSE_API_KEY is not set" in results["skipped_providers"]["register"]
    assert (results["errors"], results["partial"], register.asked) == ({}, False, [])
    assert (results["items_updated"], results["api_calls"]) == (2, 0)


async def test_where_nobody_can_be_asked_the_task_fails_with_what_to_set(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 1)
    config = {"providers": ["register", "officers"]}
    with pytest.raises(Fail, match="COMPANIES_HOUSE_API_KEY is not set"):
        await world.run(EnrichmentAgent, stream_id, web=register.web(), config=config)


async def test_a_limit_keeps_what_is_done_and_the_next_attempt_goes_on(
    world: World, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company_run, "ABREAST", 1)
    stream_id, ids = await stream_of(world, register, 6)
    failing(limited(), register, f"company/{number(4)}/officers")
    steps = Steps()
    ctx = await world.context(EnrichmentAgent, stream_id, steps=steps, web=register.web(*SOURCES))
    with pytest.raises(RateLimitExceededError) as caught:
        await begin(EnrichmentAgent, ctx)
    assert caught.value.retry_after_s == 20
    enriched = await world.all("SELECT DISTINCT company_id FROM enrichment_checks")
    assert {row["company_id"] for row in enriched} == set(ids[:4])  # of the fourth the profile
    again = await world.context(
        EnrichmentAgent, stream_id, steps=steps, task=ctx.task, web=register.web(*SOURCES)
    )
    object.__setattr__(again.task, "attempt", 2)
    results = await finish(world.db, *await begin(EnrichmentAgent, again))
    assert (results["items_updated"], results["enriched_count"]) == (6, 6)
    for name in ("register", "officers", "accounts", "size_band"):
        assert results["by_provider"][name] == {"ok": 6}
    assert results["fields_filled"]["status"] == results["fields_filled"]["employees"] == 6
    assert (results["api_calls"], results["partial"]) == (31, False)  # one was made in vain
    profiles = [path for path in register.paths if path.count("/") == 1 and "company/" in path]
    assert sorted(profiles) == [f"company/{number(place)}" for place in range(1, 7)]
    assert (await enrich(world, register, stream_id))["api_calls"] == 0


async def test_companies_that_are_on_their_way_are_ended_when_one_is_held_up(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 30)
    failing(limited(), register, f"company/{number(3)}", times=99)
    ctx = await world.context(EnrichmentAgent, stream_id, web=register.web(*SOURCES))
    with pytest.raises(RateLimitExceededError):
        await begin(EnrichmentAgent, ctx)
    rows = await world.all(
        "SELECT company_id, count(*) AS n FROM enrichment_checks GROUP BY company_id"
    )
    whole = [row for row in rows if row["n"] == 8]
    assert 2 <= len(whole) < 30
    assert len(rows) - len(whole) <= 1


async def test_a_source_that_is_down_is_an_error_of_each_and_the_others_go_on(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 3)
    for place in (1, 2):
        down = SourceDownError("no answer", source="companies_house")
        failing(down, register, f"company/{number(place)}")
    results = await enrich(world, register, stream_id)
    assert results["errors"] == {"SOURCE_DOWN": 2}
    assert results["by_provider"]["register"] == {"error": 2, "ok": 1}
    assert results["by_provider"]["officers"] == {"ok": 3}
    assert (results["items_updated"], results["partial"]) == (3, True)


async def test_a_source_that_rests_is_asked_by_the_next_run(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 2)
    resting = SourceDownError("breaker open", source="companies_house", retry_after_s=60)
    failing(resting, register, f"company/{number(1)}")
    results = await enrich(world, register, stream_id)
    assert (results["errors"], results["partial"]) == ({"SOURCE_DOWN": 1}, True)
    again = await enrich(world, register, stream_id)
    assert again["by_provider"]["register"] == {"ok": 1}
    assert again["items_updated"] == 1


async def test_a_source_that_lets_nobody_in_is_asked_once_and_said(
    world: World, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company_run, "ABREAST", 1)
    stream_id, _ = await stream_of(world, register, 3)
    denied = AccessDeniedError("the key is wrong", source="companies_house", status=401)
    failing(denied, register, f"company/{number(1)}", times=99)
    results = await enrich(world, register, stream_id)
    assert register.paths == [f"company/{number(1)}"]
    assert results["errors"] == {"ACCESS_DENIED": 1}
    assert set(results["skipped_providers"]) == {"register", "officers", "accounts", "website"}
    assert "the key is wrong" in results["skipped_providers"]["accounts"]
    assert (results["items_updated"], results["partial"]) == (3, True)


async def test_where_it_lets_in_nobody_and_nobody_else_is_asked_the_run_fails_with_it(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 1)
    denied = AccessDeniedError("the key is wrong", source="companies_house", status=401)
    failing(denied, register, f"company/{number(1)}", times=99)
    with pytest.raises(AccessDeniedError, match="the key is wrong"):
        await enrich(world, register, stream_id, config={"providers": ["register"]})


async def test_where_all_is_down_the_run_is_an_error_that_is_tried_again(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 1)
    failing(SourceDownError("down", source="companies_house"), register, f"company/{number(1)}")
    ctx = await world.context(
        EnrichmentAgent, stream_id, web=register.web(*SOURCES), config={"providers": ["register"]}
    )
    _, _, results = await begin(EnrichmentAgent, ctx)
    assert results == {
        "error": "every provider failed: {'SOURCE_DOWN': 1}",
        "errors": {"SOURCE_DOWN": 1},
    }


@pytest.mark.parametrize("most", [0, 1, 7, 14, 15, 999])
async def test_no_more_requests_are_made_than_may_be(
    world: World, register: Register, most: int
) -> None:
    stream_id, ids = await stream_of(world, register, 3)
    results = await enrich(world, register, stream_id, config={"max_api_calls": most})
    assert len(register.paths) == results["api_calls"] == min(most, 15)
    assert results["partial"] is (most < 15)
    assert (results["next_cursor"] in map(str, ids)) is (most < 15)
    assert results["items_updated"] <= 3
    rest = await enrich(world, register, stream_id)
    assert (rest["partial"], len(set(register.paths))) == (False, 15)


async def test_answers_from_the_cache_are_no_requests(world: World, register: Register) -> None:
    stream_id, _ = await stream_of(world, register, 1)
    register.cached.update(register.answers)
    results = await enrich(world, register, stream_id, config={"max_api_calls": 1})
    assert (results["api_calls"], results["partial"]) == (0, False)


async def test_a_long_run_goes_on_in_another_attempt_before_its_time_is_over(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 8)
    steps = Steps()
    ctx = await world.context(EnrichmentAgent, stream_id, steps=steps, web=register.web(*SOURCES))
    ctx.work_time = WorkTime(soft_s=company_run.SPARE_S / 2)
    with pytest.raises(Snooze):
        await begin(EnrichmentAgent, ctx)
    done = await world.all("SELECT DISTINCT company_id FROM enrichment_checks")
    assert 1 <= len(done) < 8
    again = await world.context(
        EnrichmentAgent, stream_id, steps=steps, task=ctx.task, web=register.web(*SOURCES)
    )
    object.__setattr__(again.task, "attempt", 2)
    results = await finish(world.db, *await begin(EnrichmentAgent, again))
    assert (results["items_updated"], results["api_calls"]) == (8, 40)


async def test_a_company_that_closed_since_falls_to_the_end_with_its_reason(
    world: World, register: Register
) -> None:
    stream_id, ids = await stream_of(world, register, 3)
    register.company(1, "Company 1 Ltd", company_status="dissolved", date_of_cessation="2026-01-02")
    await world.db.execute(
        "UPDATE stream_items SET quality_score = 4, priority = 'high', score_confidence = 1,"
        " scored_at = oppspot_now(), score_parts = '{}', score_stage = 'discovery'"
    )
    results = await enrich(world, register, stream_id)
    assert results["closed_count"] == 1
    rows = await world.all("SELECT * FROM stream_items ORDER BY position")
    assert [row["company_id"] for row in rows][-1] == ids[0]
    assert [row["priority"] for row in rows] == ["high", "high", "low"]
    assert rows[-1]["score_reasons"][0]["text"] == "status dissolved"
    status = await world.one(
        "SELECT * FROM facts WHERE field = 'status' AND company_id = %s", ids[0]
    )
    assert str(status["valid_from"]) == "2026-01-02"


async def test_force_asks_again_and_takes_no_old_answer(world: World, register: Register) -> None:
    stream_id, _ = await stream_of(world, register, 1)
    seen: list[timedelta | None] = []
    fetch = register.fetch

    async def noting(asked: Any) -> Any:
        seen.append(asked.fresh_for)
        return await fetch(asked)

    register.fetch = noting  # type: ignore[method-assign]
    await enrich(world, register, stream_id)
    await enrich(world, register, stream_id, force=True)
    assert seen == [timedelta(days=1)] * 5 + [timedelta(0)] * 5


class Waiting:
    """A provider of one source whose answer waits until `together` providers are being asked."""

    fields: ClassVar[tuple[str, ...]] = ("phone",)
    ttl: ClassVar[timedelta] = timedelta(days=7)
    revises: ClassVar[bool] = True

    def __init__(self, name: str, web_source: str, room: Room) -> None:
        self.name, self.web_source, self.room = name, web_source, room

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        await self.room.enter(f"{self.name} {company.name}")
        return []


class Room:
    """Who is inside at once; the door opens for all when there are `wanted`."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.inside, self.most = wanted, 0, 0
        self.order: list[str] = []
        self.full = asyncio.Event()

    async def enter(self, name: str) -> None:
        self.order.append(name)
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside >= self.wanted:
            self.full.set()
        await self.full.wait()
        await asyncio.sleep(0)
        self.inside -= 1


def asking(*providers: Provider) -> type[EnrichmentAgent]:
    class Enrichment(EnrichmentAgent):
        agent_type: ClassVar[str] = ""

        def providers(self) -> tuple[Provider, ...]:
            return providers

    Enrichment.agent_type = "enrichment_agent"
    return Enrichment


async def test_sources_are_asked_side_by_side_and_those_of_one_source_in_turn(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 1)
    room = Room(2)
    first, second = (Waiting(name, "companies_house", room) for name in ("first", "second"))
    other = Waiting("other", "hacker_news", room)
    web = register.web("companies_house", "hacker_news")
    await world.run(asking(first, second, other), stream_id, web=web)
    assert room.most == 2  # never all three
    assert [name.split()[0] for name in room.order] == ["first", "other", "second"]


async def test_several_companies_are_on_their_way_in_the_order_of_their_places(
    world: World, register: Register
) -> None:
    stream_id, _ = await stream_of(world, register, 12)
    room = Room(company_run.ABREAST)
    kind = asking(Waiting("only", "companies_house", room))
    await world.run(kind, stream_id, web=register.web(*SOURCES))
    assert room.most == company_run.ABREAST
    assert room.order == [f"only Company {place} Ltd" for place in range(1, 13)]
