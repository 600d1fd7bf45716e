"""The scout: who looks at which company, what is a signal, and what goes wrong with sources."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from oppspot_runner.agents import company_run, scout_run
from oppspot_runner.agents.context import Context
from oppspot_runner.agents.scout import ScoutAgent
from oppspot_runner.agents.work_time import WorkTime
from oppspot_runner.base.errors import (
    AccessDeniedError,
    BadCallError,
    CallError,
    Fail,
    LeaseLostError,
    MalformedAnswerError,
    RateLimitExceededError,
    Snooze,
    SourceDownError,
)
from oppspot_runner.base.steps import Step
from oppspot_runner.companies.company import Company
from oppspot_runner.signals.sighting import Look, Memory, Posting
from tests.agents.eyes import Eye, one_job, scouting, sighting
from tests.connectors.answering import Answering
from tests.runner.conftest import Bench
from tests.streams.world import Steps, World, begin, finish

SOURCES = ("boards", "press")
NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Streams:
    """Streams of companies with one letter as their names."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids: dict[str, UUID] = {}

    async def of(self, names: str, org_id: UUID | None = None) -> UUID:
        stream_id = await self.world.stream(org_id=org_id)
        for name in names:
            if name not in self.ids:
                self.ids[name] = await self.world.company(name)
            await self.world.item(stream_id, self.ids[name])
        return stream_id


@pytest.fixture
def streams(world: World) -> Streams:
    return Streams(world)


@pytest.fixture
def outside() -> Answering:
    return Answering()


async def signals(world: World) -> list[dict[str, Any]]:
    return await world.all("SELECT * FROM buying_signals ORDER BY title, id")


async def again(
    world: World, kind: type[ScoutAgent], ctx: Context, **options: Any
) -> dict[str, Any]:
    """The next attempt of the task of `ctx`, to its end."""
    ctx = await world.context(
        kind, ctx.stream and ctx.stream.id, steps=ctx.journal, task=ctx.task, **options
    )
    object.__setattr__(ctx.task, "attempt", ctx.task.attempt + 1)
    return await finish(world.db, *await begin(kind, ctx))


async def test_what_is_seen_is_a_signal_once_and_the_output_says_what_came_of_it(
    world: World, streams: Streams
) -> None:
    def sees(company: Company, memory: Memory, ctx: Context) -> Look | None:
        now = ctx.task.started_at
        if company.name == "B":
            return None
        jobs = (sighting(now, "1"), sighting(now, "2", source="other"))
        return Look((*jobs, sighting(now, "3", confidence=50)))

    stream_id = await streams.of("ABC")
    results = await world.run(scouting(Eye(sees)), stream_id)
    assert (results["companies_checked"], results["signals_detected"]) == (3, 6)
    assert (results["new"], results["refreshed"], results["below_threshold"]) == (4, 0, 2)
    assert results["by_type"] == {"job_posting": 6}
    assert results["by_source"] == {"eye": 4, "other": 2}
    assert results["by_watcher"] == {"eye": {"ok": 2, "not_found": 1}}
    assert (results["errors"], results["partial"], results["next_cursor"]) == ({}, False, None)
    assert results["unknown_companies"] == []
    assert (results["expired"], results["postings_closed"], results["api_calls"]) == (0, 0, 0)
    rows = {row["id"]: row for row in await signals(world) if row["status"] == "active"}
    assert {UUID(one["id"]) for one in results["new_signals"]} == rows.keys()
    shown = next(one for one in results["new_signals"] if one["company"] == "A")
    assert shown["company_id"] == str(streams.ids["A"])
    assert (shown["signal_type"], shown["strength"], shown["confidence"]) == (
        "job_posting",
        "moderate",
        90,
    )
    insights = await world.all("SELECT * FROM stream_insights WHERE kind = 'buying_signal'")
    assert len(insights) == 4
    progress = (await world.one("SELECT progress FROM streams WHERE id = %s", stream_id))[
        "progress"
    ]
    assert progress["signals"] == {"companies_checked": 3, "signals_detected": 6, "new": 4}
    forced = await world.run(scouting(Eye(sees)), stream_id, force=True)
    assert (forced["new"], forced["refreshed"], forced["below_threshold"]) == (0, 4, 2)
    assert forced["new_signals"] == []


@pytest.mark.parametrize(
    ("confidence", "threshold", "kept"),
    [(70, 0.7, True), (69, 0.7, False), (29, 0.29, True), (0, 0, True), (99, 1, False)],
)
async def test_a_signal_counts_from_the_threshold_on(
    world: World, streams: Streams, confidence: int, threshold: float, kept: bool
) -> None:
    def sees(company: Company, memory: Memory, ctx: Context) -> Look:
        return Look((sighting(ctx.task.started_at, confidence=confidence),))

    config = {"threshold": threshold}
    results = await world.run(scouting(Eye(sees)), await streams.of("A"), config=config)
    (row,) = await signals(world)
    assert (results["new"], results["below_threshold"]) == (int(kept), int(not kept))
    assert row["status"] == ("active" if kept else "unconfirmed")
    assert len(await world.all("SELECT FROM stream_insights")) == int(kept)


async def test_who_sees_nothing_that_is_wanted_is_not_asked_and_nothing_else_is_kept(
    world: World, streams: Streams
) -> None:
    def all_sorts(company: Company, memory: Memory, ctx: Context) -> Look:
        kinds = ("news_mention", "expansion")
        return Look(tuple(sighting(ctx.task.started_at, signal_type=kind) for kind in kinds))

    stream_id = await streams.of("A")
    jobs, news = Eye(name="jobs"), Eye(all_sorts, "news", types=("news_mention", "expansion"))
    kind = scouting(jobs, news)
    results = await world.run(kind, stream_id, config={"signals": ["news_mention"]})
    assert (jobs.looked, results["by_type"]) == ([], {"news_mention": 1})
    assert [row["signal_type"] for row in await signals(world)] == ["news_mention"]
    # What one scout did not want is not lost to another.
    results = await world.run(kind, stream_id)
    assert results["by_type"] == {"job_posting": 1, "news_mention": 1, "expansion": 1}
    assert (results["new"], results["refreshed"]) == (2, 1)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"signals": ["jobs"]}, r"signals\.0: 'jobs' is no signal; known: funding_round, "),
        ({"signals": []}, "signals: "),
        ({"signals": ["expansion"]}, "none of the sources eye sees expansion"),
        ({"sources": ["eye", "ear"]}, "sources: unknown ear; known: eye"),
        ({"threshold": 1.01}, "threshold: "),
        ({"threshold": float("nan")}, "threshold: "),
        ({"companies": ["Acme"]}, r"companies\.0: "),
        ({"feeds": ["news"]}, "'news' is no web address"),
        ({"quiet_hours": "22-6"}, "quiet_hours: .*write them as 22:00-06:00"),
        ({"max_companies": 0}, "max_companies: "),
    ],
)
async def test_what_cannot_be_meant_fails_with_its_name(
    world: World, config: dict[str, Any], said: str
) -> None:
    with pytest.raises(Fail, match=said):
        await world.run(scouting(Eye()), None, config=config)


async def test_without_a_stream_it_looks_at_a_watch_list_else_at_all_of_the_organisation(
    world: World, streams: Streams
) -> None:
    org_id = await world.organisation()
    mine, theirs = await streams.of("AB", org_id), await streams.of("C")
    alone = await world.company("D")
    eye = Eye()
    await world.run(scouting(eye), None, org_id=org_id)
    assert sorted(eye.looked) == ["A", "B"]
    told = await world.all("SELECT * FROM stream_insights")
    assert [row["stream_id"] for row in told] == [mine, mine]
    results = await world.run(
        scouting(eye), None, org_id=org_id, config={"companies": [str(alone)]}
    )
    assert (eye.looked[2:], results["new"]) == (["D"], 1)
    await world.run(scouting(eye), theirs, config={"companies": [str(alone)]})
    assert eye.looked[3:] == []


async def test_ids_of_a_watch_list_that_nobody_knows_are_told(
    world: World, streams: Streams
) -> None:
    org_id, other = await world.organisation(), await world.organisation()
    await streams.of("AB")
    hidden = await world.company("H", org_id=other)
    merged = await world.company("M")
    await world.db.execute(
        "UPDATE companies SET merged_into = %s WHERE id = %s", (streams.ids["B"], merged)
    )
    unknown = [uuid4() for _ in range(30)]
    listed = [streams.ids["A"], merged, hidden, hidden, *unknown]
    eye = Eye()
    config = {"companies": [str(one) for one in listed]}
    results = await world.run(scouting(eye), None, org_id=org_id, config=config)
    assert sorted(eye.looked) == ["A", "B"]
    assert results["unknown_companies"] == [str(one) for one in (hidden, *unknown[:19])]


async def test_those_looked_at_longest_ago_come_first_and_the_rest_with_the_next_run(
    world: World, streams: Streams
) -> None:
    stream_id, eye = await streams.of("ABCDE"), Eye()
    config = {"max_companies": 2}
    seen: list[str] = []
    for rest in (True, True, False):
        results = await world.run(scouting(eye), stream_id, config=config)
        assert (results["next_cursor"] is not None, results["partial"]) == (rest, rest)
        seen += eye.looked
        eye.looked.clear()
    assert sorted(seen) == list("ABCDE")
    await world.db.execute(
        "UPDATE signal_watches SET checked_at = checked_at - interval '1 day'"
        " - CASE WHEN company_id = %s THEN interval '1 min' ELSE '0' END",
        (streams.ids["D"],),
    )
    await world.run(scouting(eye), stream_id, config=config)
    assert eye.looked[0] == "D"


async def test_a_daily_run_that_is_some_minutes_early_looks_again(
    world: World, streams: Streams
) -> None:
    stream_id, eye = await streams.of("A"), Eye()
    for early, times in ((timedelta(hours=12), 1), (timedelta(hours=23), 2)):
        await world.run(scouting(eye), stream_id)
        await world.db.execute("UPDATE signal_watches SET checked_at = checked_at - %s", (early,))
        await world.run(scouting(eye), stream_id)
        assert len(eye.looked) == times
    assert len(await signals(world)) == 1


async def test_a_source_that_was_asked_too_often_does_not_stop_the_others(
    world: World, streams: Streams, outside: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company_run, "ABREAST", 1)
    boards, press = Eye(name="b", web_source="boards"), Eye(name="p", web_source="press")
    kind, web = scouting(boards, press), outside.web(*SOURCES)
    ctx = await world.context(kind, await streams.of("ABCD"), steps=Steps(), web=web)
    limit = RateLimitExceededError("boards: too often", retry_after_s=7)
    outside.answers["b/B"] = outside.answers["b/C"] = outside.answers["b/A"] = limit
    outside.answers["b/D"] = limit
    with pytest.raises(RateLimitExceededError) as caught:
        await begin(kind, ctx)
    assert caught.value.retry_after_s == 7
    assert (sorted(press.looked), boards.looked) == (list("ABCD"), [])
    assert len([path for path in outside.paths if path.startswith("b/")]) == 1
    assert len(await signals(world)) == 4  # of the press, written before it waits
    outside.answers.clear()
    results = await again(world, kind, ctx, web=outside.web(*SOURCES))
    assert (sorted(boards.looked), len(press.looked)) == (list("ABCD"), 4)
    assert (results["companies_checked"], results["api_calls"]) == (4, 9)
    assert results["by_watcher"] == {"p": {"ok": 4}, "b": {"ok": 4}}
    assert (results["new"], results["refreshed"]) == (4, 4)  # the same event, by the same source
    assert len(results["new_signals"]) == 4
    assert (results["errors"], results["partial"], results["skipped_sources"]) == ({}, False, {})


async def test_the_run_goes_on_when_the_first_of_several_limits_ends(
    world: World, streams: Streams, outside: Answering
) -> None:
    kind = scouting(*(Eye(name=source, web_source=source) for source in SOURCES))
    for name, seconds in (("boards", 50), ("press", 20)):
        outside.answers[f"{name}/A"] = RateLimitExceededError("no", retry_after_s=seconds)
    with pytest.raises(RateLimitExceededError) as caught:
        await world.run(kind, await streams.of("A"), web=outside.web(*SOURCES))
    assert caught.value.retry_after_s == 20
    assert await world.all("SELECT FROM signal_watches") == []


async def test_an_attempt_in_which_nobody_can_be_asked_ends_soon(
    world: World, streams: Streams, outside: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scout_run, "PAGE", 5)
    names = "".join(map(chr, range(ord("A"), ord("A") + 50)))
    outside.answers |= {
        f"b/{name}": RateLimitExceededError("no", retry_after_s=9) for name in names
    }
    kind = scouting(Eye(name="b", web_source="boards"))
    ctx = await world.context(kind, await streams.of(names), web=outside.web(*SOURCES))
    loaded: list[Any] = []
    memories = ctx.signals.memories

    async def counting(ids: Any) -> Any:
        loaded.extend(ids)
        return await memories(ids)

    monkeypatch.setattr(ctx.signals, "memories", counting)
    with pytest.raises(RateLimitExceededError):
        await begin(kind, ctx)
    assert (len(outside.asked), len(loaded)) == (1, company_run.AHEAD)


async def test_a_source_that_lets_nobody_in_is_asked_once_and_said(
    world: World, streams: Streams, outside: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company_run, "ABREAST", 1)
    boards, eye = Eye(name="b", web_source="boards"), Eye()
    denied = AccessDeniedError("the key is wrong", source="boards", status=401)
    outside.answers |= {f"b/{name}": denied for name in "ABC"}
    stream_id = await streams.of("ABC")
    results = await world.run(scouting(boards, eye), stream_id, web=outside.web(*SOURCES))
    assert outside.paths == ["b/A"] or len(outside.paths) == 1
    assert results["skipped_sources"] == {"boards": "the key is wrong"}
    assert (results["errors"], results["partial"]) == ({"ACCESS_DENIED": 1}, True)
    assert (results["companies_checked"], results["new"]) == (3, 3)
    outside.answers.clear()
    mended = await world.run(scouting(boards, eye), stream_id, web=outside.web(*SOURCES))
    assert mended["by_watcher"] == {"b": {"ok": 3}}
    outside.answers |= {f"b/{name}": denied for name in "ABC"}
    with pytest.raises(AccessDeniedError):
        await world.run(scouting(boards), stream_id, web=outside.web(*SOURCES), force=True)


async def test_what_looks_pass_over_is_told_once(world: World, streams: Streams) -> None:
    broken = MalformedAnswerError("no feed", source="web")

    def sees(company: Company, memory: Memory, ctx: Context) -> Look:
        return replace(one_job(company, memory, ctx), errors=(broken,))

    results = await world.run(scouting(Eye(sees)), await streams.of("ABC"))
    assert (results["errors"], results["partial"]) == ({broken.code: 1}, True)
    assert (results["by_watcher"], results["new"]) == ({"eye": {"ok": 3}}, 3)


async def test_without_its_keys_a_source_is_skipped_and_said(
    world: World, streams: Streams, outside: Answering
) -> None:
    register = Eye(name="officers", web_source="companies_house")
    stream_id = await streams.of("A")
    results = await world.run(scouting(register, Eye()), stream_id, web=outside.web())
    assert "COMPANIES_HOUSE_API_KEY is not set" in results["skipped_sources"]["officers"]
    assert (results["companies_checked"], results["partial"]) == (1, False)
    with pytest.raises(Fail, match="COMPANIES_HOUSE_API_KEY is not set"):
        await world.run(scouting(register), stream_id, web=outside.web())


FAILURES = [
    SourceDownError("down", source="boards"),
    BadCallError("what?", source="boards", status=400),
    MalformedAnswerError("no JSON", source="boards"),
    ValueError("a fault of the watcher"),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_a_look_that_fails_says_nothing_about_the_company_and_is_tried_again_soon(
    world: World, streams: Streams, outside: Answering, error: Exception
) -> None:
    boards, eye = Eye(name="b", web_source="boards"), Eye(name="e")
    stream_id, kind = await streams.of("AB"), scouting(boards, eye)
    outside.answers["b/A"] = error
    results = await world.run(kind, stream_id, web=outside.web(*SOURCES))
    code = error.code if isinstance(error, CallError) else "ValueError"
    assert (results["errors"], results["partial"]) == ({code: 1}, True)
    assert results["by_watcher"] == {"b": {"ok": 1, "error": 1}, "e": {"ok": 2}}
    assert results["companies_checked"] == 2
    row = await world.one("SELECT * FROM signal_watches WHERE error_code IS NOT NULL")
    assert (row["error_code"], row["looked_at"], row["misses"]) == (code, None, 0)
    outside.answers.clear()
    await world.run(kind, stream_id, web=outside.web(*SOURCES))
    assert boards.looked == ["B"]
    await world.db.execute("UPDATE signal_watches SET checked_at = checked_at - interval '16 min'")
    await world.run(kind, stream_id, web=outside.web(*SOURCES))
    assert boards.looked == ["B", "A"]


async def test_a_source_that_rests_is_left_to_the_next_run(
    world: World, streams: Streams, outside: Answering
) -> None:
    kind, stream_id = scouting(Eye(name="b", web_source="boards"), Eye()), await streams.of("A")
    outside.answers["b/A"] = SourceDownError("resting", source="boards", retry_after_s=60)
    results = await world.run(kind, stream_id, web=outside.web(*SOURCES))
    assert (results["errors"], results["partial"]) == ({"SOURCE_DOWN": 1}, True)
    outside.answers.clear()
    results = await world.run(kind, stream_id, web=outside.web(*SOURCES))
    assert results["by_watcher"] == {"b": {"ok": 1}}


async def test_the_limit_of_one_web_site_is_no_matter_of_others(
    world: World, streams: Streams, outside: Answering
) -> None:
    outside.answers["feed/A"] = RateLimitExceededError("a.com: too often", retry_after_s=99)
    kind = scouting(Eye(name="feed", web_source="web"))
    results = await world.run(kind, await streams.of("AB"), web=outside.web("web"))
    assert results["by_watcher"] == {"feed": {"error": 1, "ok": 1}}
    assert results["errors"] == {"RATE_LIMIT_EXCEEDED": 1}


async def test_where_every_look_fails_the_run_is_an_error_that_is_tried_again(
    world: World, streams: Streams
) -> None:
    def fails(company: Company, memory: Memory, ctx: Context) -> Look:
        raise MalformedAnswerError("press: no feed", source="press", status=200)

    ctx = await world.context(scouting(Eye(fails)), await streams.of("AB"))
    _, _, results = await begin(scouting(Eye(fails)), ctx)
    errors = {"MALFORMED_ANSWER": 2}
    why = f"every look failed: {errors}; the last one: eye: press: no feed"
    assert results == {"error": why, "errors": errors}


@pytest.mark.parametrize("error", [LeaseLostError("gone"), Fail("so it is"), Snooze(after=5)])
async def test_what_ends_an_attempt_ends_it_and_others_are_kept(
    world: World, streams: Streams, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company_run, "ABREAST", 1)

    def ends(company: Company, memory: Memory, ctx: Context) -> Look:
        if company.name == "B":
            raise error
        return one_job(company, memory, ctx)

    with pytest.raises(type(error)):
        await world.run(scouting(Eye(ends)), await streams.of("AB"))
    kept = 0 if isinstance(error, LeaseLostError) else len(await signals(world))
    assert len(await signals(world)) == kept <= 1


async def test_a_long_run_goes_on_in_another_attempt_before_its_time_is_over(
    world: World, streams: Streams, outside: Answering
) -> None:
    eye = Eye(name="b", web_source="boards")
    kind, stream_id = scouting(eye), await streams.of("ABCDEFGH")
    ctx = await world.context(kind, stream_id, steps=Steps(), web=outside.web(*SOURCES))
    ctx.work_time = WorkTime(soft_s=company_run.SPARE_S / 2)
    with pytest.raises(Snooze):
        await begin(kind, ctx)
    assert 1 <= len(await signals(world)) < 8
    results = await again(world, kind, ctx, web=outside.web(*SOURCES))
    assert (results["companies_checked"], results["new"], results["api_calls"]) == (8, 8, 8)
    assert sorted(eye.looked) == list("ABCDEFGH")


async def test_what_an_attempt_wrote_and_did_not_live_to_note_is_in_the_output_of_the_next(
    world: World, streams: Streams
) -> None:
    class Dying(Steps):
        async def remember(self, step: Step, result: Any) -> None:
            if step.name == "looked" and not self.died:
                self.died = True
                raise ConnectionError("gone")
            await super().remember(step, result)

        died = False

    kind = scouting(Eye())
    ctx = await world.context(kind, await streams.of("ABC"), steps=Dying())
    with pytest.raises(ConnectionError):
        await begin(kind, ctx)
    assert len(await signals(world)) == 3
    results = await again(world, kind, ctx)
    assert (results["new"], len(results["new_signals"])) == (3, 3)
    assert (await world.run(kind, ctx.stream.id if ctx.stream else None))["new"] == 0


async def test_a_company_that_is_deleted_meanwhile_is_left_out(
    world: World, streams: Streams
) -> None:
    stream_id = await streams.of("AB")
    ctx = await world.context(scouting(Eye()), stream_id)
    save = ctx.signals.save

    async def late(company_id: UUID, *args: Any, **options: Any) -> Any:
        if company_id == streams.ids["A"]:
            await world.db.execute("DELETE FROM stream_items WHERE company_id = %s", (company_id,))
            await world.db.execute("DELETE FROM companies WHERE id = %s", (company_id,))
        return await save(company_id, *args, **options)

    ctx.signals.save = late  # type: ignore[method-assign]
    results = await finish(world.db, *await begin(scouting(Eye()), ctx))
    assert [one["company"] for one in results["new_signals"]] == ["B"]


async def test_in_its_quiet_hours_it_waits_until_they_end(world: World) -> None:
    kind = scouting(eye := Eye())
    ctx = await world.context(kind, None, config={"quiet_hours": "22:00-06:00"})
    object.__setattr__(ctx.agent, "timezone", "Europe/London")
    object.__setattr__(ctx.task, "started_at", datetime(2026, 7, 1, 21, 30, tzinfo=UTC))
    with pytest.raises(Snooze) as caught:
        await begin(kind, ctx)
    assert caught.value.until == datetime(2026, 7, 2, 5, tzinfo=UTC)
    object.__setattr__(ctx.task, "started_at", caught.value.until)
    await begin(kind, ctx)
    object.__setattr__(ctx.agent, "timezone", "Europe/Londn")
    with pytest.raises(Fail, match=r"schedule_timezone.*Did you mean Europe/London\?"):
        await begin(kind, ctx)
    assert eye.looked == []


async def test_a_runner_tells_it_the_time_zone_of_its_schedule(bench: Bench) -> None:
    kind = scouting(eye := Eye())
    bench.registry.register(kind)
    agent = await bench.agent_row(kind.agent_type)
    now = datetime.now(ZoneInfo("Asia/Tokyo"))
    begin, end = (now + timedelta(hours=hours) for hours in (-1, 1))
    await bench.db.execute(
        "UPDATE ai_agents SET schedule_timezone = 'Asia/Tokyo', configuration ="
        " jsonb_build_object('quiet_hours', %s::text)",
        (f"{begin:%H:%M}-{end:%H:%M}",),
    )
    async with bench.running():
        task = await bench.task(agent)

        async def snoozed() -> bool:
            return bool(await bench.attempts(task))

        await bench.until(snoozed)
    row = await bench.row(task)
    assert (row["status"], row["retry_count"], eye.looked) == ("pending", 0, [])
    assert row["scheduled_for"] == end.replace(second=0, microsecond=0)


async def test_two_scouts_at_once_on_streams_that_overlap_find_each_signal_once(
    world: World, streams: Streams
) -> None:
    both = await streams.of("ABCDEF"), await streams.of("DEFGHI")
    results = await asyncio.gather(*(world.run(scouting(Eye()), one) for one in both))
    rows = await signals(world)
    assert len(rows) == 9 == sum(one["new"] for one in results)
    assert {row["company_id"] for row in rows} == set(streams.ids.values())
    told = await world.all("SELECT stream_id, evidence FROM stream_insights")
    assert len(told) == 9


ROTTEN: dict[str, Look] = {
    "a time without a zone": Look((sighting(datetime(2026, 1, 1)),)),
    "more than sure": Look((sighting(NOW, confidence=101),)),
    "another strength": Look((sighting(NOW, strength="huge"),)),
    "no source": Look((sighting(NOW, source=""),)),
    "no key": Look((sighting(NOW, key=""),)),
    "a source too long": Look((sighting(NOW, source="s" * 101),)),
    "state that is no object": Look(state=[1]),  # type: ignore[arg-type]
    "a key of NULs": Look((sighting(NOW, key="\x00"),)),
    "no id": Look(postings=(Posting("lever", "b", "\x00", "t"),)),
    "nothing of ours": "Look",  # type: ignore[dict-item]
}


@pytest.mark.parametrize("rotten", ROTTEN)
async def test_a_look_that_cannot_be_kept_is_a_failure_of_its_own(
    world: World, streams: Streams, rotten: str
) -> None:
    def sees(company: Company, memory: Memory, ctx: Context) -> Look | None:
        return ROTTEN[rotten] if company.name == "A" else None

    kind = scouting(Eye(), Eye(sees, "rotten"))
    results = await world.run(kind, await streams.of("AB"))
    assert (results["new"], results["companies_checked"]) == (2, 2)
    assert results["by_watcher"] == {"eye": {"ok": 2}, "rotten": {"error": 1, "not_found": 1}}
    assert sum(results["errors"].values()) == 1
    row = await world.one("SELECT * FROM signal_watches WHERE error_code IS NOT NULL")
    assert (row["watcher"], row["misses"], row["looked_at"]) == ("rotten", 0, None)
