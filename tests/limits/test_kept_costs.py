"""Sums of calls by day: each call is in them once, whoever makes them, whatever the clock does."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from oppspot_runner.api.reads.looks import breakdown
from oppspot_runner.limits import budgets
from oppspot_runner.limits.costs import costs
from tests.limits.ledger import KEEP_S, NOON, TODAY, Ledger, fill_ended

MAY = date(2026, 5, 1)
KEEP = "SELECT keep_model_costs(%s) AS more"


async def test_a_day_is_kept_an_hour_after_its_end(ledger: Ledger) -> None:
    await ledger.call(NOON)
    midnight = datetime(2026, 6, 2, tzinfo=UTC)
    await ledger.at(midnight + timedelta(minutes=59, seconds=59))
    await ledger.keep()
    assert await ledger.until() == "2026-06-01"
    await ledger.at(midnight + timedelta(hours=1))
    await ledger.keep()
    assert (await ledger.until(), await ledger.summed()) == ("2026-06-02", 1)


async def test_sums_are_made_again_when_the_clock_went_back(ledger: Ledger) -> None:
    await fill_ended(ledger)
    await ledger.keep()
    everything = await ledger.summed()
    await ledger.at(NOON - timedelta(days=3))
    await ledger.keep()
    assert await ledger.until() == "2026-05-29"
    assert 0 < await ledger.summed() < everything
    await ledger.call(NOON - timedelta(days=3))  # what is called by that clock is counted
    assert await ledger.is_right()
    await ledger.at(NOON)
    await ledger.keep()
    assert (await ledger.until(), await ledger.summed()) == (str(TODAY), everything + 1)
    assert await ledger.is_right()


async def test_what_a_clock_far_ahead_passed_over_is_counted_when_it_is_right(
    ledger: Ledger,
) -> None:
    async def look_from(ahead: timedelta) -> None:
        await ledger.at(NOON + ahead)
        await ledger.keep()
        await ledger.at(NOON)
        await ledger.keep()
        assert await ledger.until() == str(TODAY)
        assert await ledger.is_right()

    await ledger.call(NOON - timedelta(days=3))
    await look_from(timedelta(days=1_000))  # nothing was summed up before
    await ledger.at(NOON - timedelta(days=1))
    await ledger.keep()
    await ledger.call(NOON - timedelta(days=1))
    await look_from(timedelta(days=1_000))  # of yesterday nothing was
    await look_from(timedelta(days=1))


async def test_sums_that_are_loaded_where_none_are_kept_are_no_second_ones(ledger: Ledger) -> None:
    """As by `pg_dump --data-only`: the one row that says how far they go is there already."""
    await fill_ended(ledger)
    await ledger.keep()
    everything = await ledger.summed()
    await ledger.connection.execute("UPDATE model_cost_days_until SET day = '-infinity'")
    assert await ledger.is_right()
    calls = await ledger.one("SELECT count(*) FROM model_calls")
    found = [(await costs(ledger.db, "day")).total, *(await breakdown(ledger.db, MAY))["all"]]
    assert [row and row["calls"] for row in found] == [calls, calls]
    await ledger.keep()
    assert (await ledger.until(), await ledger.summed()) == (str(TODAY), everything)
    assert await ledger.is_right()


async def test_a_call_that_begins_on_a_day_that_was_summed_up_is_counted(ledger: Ledger) -> None:
    await fill_ended(ledger)
    await ledger.keep()
    late = await ledger.call(datetime(2026, 5, 27, 5, tzinfo=UTC), status="started", cost_usd=None)
    await ledger.keep()
    assert await ledger.until() == "2026-05-27"
    assert await ledger.is_right()
    await ledger.end(late)
    assert await ledger.is_right()
    await ledger.keep()
    assert await ledger.until() == str(TODAY)
    assert await ledger.is_right()


async def test_who_comes_second_does_not_wait_and_counts_nothing_twice(ledger: Ledger) -> None:
    await fill_ended(ledger)
    async with ledger.db.connection() as second:
        await second.execute("SELECT set_config('oppspot.now', %s, false)", (NOON.isoformat(),))
        await second.execute("SET lock_timeout = '1s'")
        async with ledger.connection.transaction():
            await budgets.keep_days(ledger.connection, keep_s=KEEP_S)
            await budgets.keep_days(second, keep_s=KEEP_S)
        assert await ledger.is_right()
        await budgets.keep_days(second, keep_s=KEEP_S)
        await second.execute("RESET oppspot.now")
        await second.execute("RESET lock_timeout")
    assert await ledger.is_right()
    assert await ledger.until() == str(TODAY)


async def test_many_at_once_count_each_call_once(ledger: Ledger) -> None:
    await fill_ended(ledger)

    async def keeper() -> None:
        async with ledger.db.connection() as connection:
            await connection.execute(
                "SELECT set_config('oppspot.now', %s, false)", (NOON.isoformat(),)
            )
            for _ in range(10):
                await connection.execute(KEEP, (date(2026, 5, 20),))
            await connection.execute("RESET oppspot.now")

    await asyncio.gather(*(keeper() for _ in range(5)))
    await ledger.keep()
    assert await ledger.until() == str(TODAY)
    assert await ledger.is_right()


async def test_a_runner_goes_on_for_some_seconds_and_then_does_something_else(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.call(NOON - timedelta(days=2))
    monkeypatch.setattr(budgets, "KEEP_FOR_S", 0.0)
    await budgets.keep_days(ledger.connection, keep_s=KEEP_S)
    assert await ledger.until() == str(TODAY - timedelta(days=89))
    monkeypatch.setattr(budgets, "KEEP_FOR_S", 60.0)
    await budgets.keep_days(ledger.connection, keep_s=KEEP_S)
    assert (await ledger.until(), await ledger.summed()) == (str(TODAY), 1)


async def test_a_turn_is_a_day_and_the_next_one_goes_on(ledger: Ledger) -> None:
    begin = TODAY - timedelta(days=3)
    await ledger.call(NOON - timedelta(days=2))
    for day in (1, 2):
        assert await ledger.one(KEEP, begin)
        assert await ledger.until() == str(begin + timedelta(days=day))
    assert not await ledger.one(KEEP, begin)
    assert (await ledger.until(), await ledger.summed()) == (str(TODAY), 1)


async def test_sums_go_when_the_last_call_of_their_day_is_past_its_time(ledger: Ledger) -> None:
    old = NOON - timedelta(days=90)
    await ledger.call(old - timedelta(seconds=1))  # past its time at noon
    await ledger.call(old + timedelta(seconds=1))
    await ledger.call(NOON - timedelta(days=1))
    await ledger.keep()
    assert await budgets.prune_calls(ledger.connection, keep_s=KEEP_S) == 1
    of_old = "SELECT calls FROM costs_by_day WHERE day = %s"
    assert await ledger.one(of_old, old.date()) == 2
    await ledger.at(NOON + timedelta(hours=11, minutes=59))
    assert await budgets.prune_calls(ledger.connection, keep_s=KEEP_S) == 1
    assert await ledger.one(of_old, old.date()) == 2
    await ledger.at(NOON + timedelta(hours=12))
    await budgets.prune_calls(ledger.connection, keep_s=KEEP_S)
    assert await ledger.one(of_old, old.date()) is None
    assert await ledger.summed() == 1


async def test_an_old_installation_begins_with_what_is_not_past_its_time(ledger: Ledger) -> None:
    await ledger.call(NOON - timedelta(days=91))
    await ledger.call(NOON - timedelta(days=90))
    await ledger.keep()
    assert (await ledger.until(), await ledger.summed()) == (str(TODAY), 1)


async def test_all_calls_are_summed_up_where_none_is_past_its_time(ledger: Ledger) -> None:
    await ledger.call(NOON - timedelta(days=120))
    while await ledger.one(KEEP, "-infinity"):
        pass
    assert (await ledger.until(), await ledger.summed()) == (str(TODAY), 1)


async def test_where_nobody_called_there_is_nothing_to_sum_up(ledger: Ledger) -> None:
    assert not await ledger.one(KEEP, "-infinity")
    assert (await ledger.until(), await ledger.summed()) == (str(TODAY), 0)


async def test_nothing_is_summed_up_of_days_that_nobody_kept_in_their_time(ledger: Ledger) -> None:
    await ledger.call(NOON - timedelta(days=1))
    await ledger.keep()
    await ledger.at(NOON + timedelta(days=1_000))
    assert await ledger.one(KEEP, TODAY + timedelta(days=910))
    assert await ledger.until() == str(TODAY + timedelta(days=911))
