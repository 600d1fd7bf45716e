"""What calls cost is what the calls themselves say, to the last digit, whatever is summed up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import product
from random import Random
from typing import get_args
from uuid import UUID, uuid4

import pytest
from psycopg.rows import DictRow

from oppspot_runner.api.reads.looks import breakdown
from oppspot_runner.base.actor import LOCAL, Actor
from oppspot_runner.db.acting import acting
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.costs import By, Costs, costs
from tests.access.conftest import organisation
from tests.limits.ledger import TODAY, Ledger, fill

HELD = date(2026, 5, 28)  # the day of the call that is open
BYS: tuple[By, ...] = get_args(By)


def key_of(by: By, call: DictRow) -> str | None:
    if by == "day":
        return str(call["started_at"].astimezone(UTC).date())
    if by == "attempt":
        return f"{call['task_id']} {call['attempt']}"
    found = call[{"model": "model", "tool": "tool"}.get(by, f"{by}_id")]
    return None if found is None else str(found)


def added_up(calls: Iterable[DictRow]) -> tuple[str, ...]:
    """What a row of costs has to say of these calls, to the last digit."""
    calls = list(calls)
    with localcontext() as context:
        context.prec = 100
        spent = sum((one["cost_usd"] for one in calls if one["cost_usd"] is not None), Decimal(0))
        lost = [one for one in calls if one["status"] == "lost"]
        most = sum((one["estimate_usd"] or Decimal(0) for one in lost), Decimal(0))
    unpriced = [one for one in calls if one["status"] == "finished" and one["cost_usd"] is None]
    failed = [one for one in calls if one["status"] == "failed"]
    tokens = (sum(one[f"{way}_tokens"] for one in calls) for way in ("input", "output"))
    counts = (len(calls), len(failed), *tokens, f"{spent:f}", len(unpriced), len(lost), f"{most:f}")
    return tuple(str(one) for one in counts)


def told(row: DictRow) -> tuple[str, ...]:
    names = (
        "calls failed_calls input_tokens output_tokens cost_usd unpriced_calls lost_calls lost_usd"
    )
    return tuple(
        f"{row[name]:f}" if isinstance(row[name], Decimal) else str(row[name])
        for name in names.split()
    )


def grouped(
    calls: Iterable[DictRow], key: Callable[[DictRow], str | None]
) -> dict[str | None, tuple[str, ...]]:
    found: dict[str | None, list[DictRow]] = {}
    for call in calls:
        found.setdefault(key(call), []).append(call)
    return {name: added_up(some) for name, some in found.items()}


def ranges() -> list[tuple[datetime | None, datetime | None]]:
    """Since and until: open, at midnights, within days, one day apart and the wrong way round."""
    midnight = datetime(2026, 5, 27, tzinfo=UTC)
    hours = (0, 7, 24, 48, 53, 96, 120, 132)
    at: list[datetime | None] = [None, *(midnight + timedelta(hours=one) for one in hours)]
    at.append(midnight + timedelta(microseconds=1))
    return Random(3).sample(list(product(at, at)), 30)


@asynccontextmanager
async def asking(db: Database, actor: Actor, zone: str) -> AsyncIterator[Database]:
    async with acting(db, actor, read_only=False) as bound:
        await bound.execute("SELECT set_config('TimeZone', %s, true)", (zone,))
        yield bound


async def state(ledger: Ledger, kept: str, open_call: UUID) -> None:
    """Nothing is summed up; or all before the day of the open call; or all before today."""
    if kept == "all":
        await ledger.end(open_call)
    if kept != "nothing":
        await ledger.keep()
    expected = {"nothing": "-infinity", "some": str(HELD), "all": str(TODAY)}
    assert await ledger.until() == expected[kept]
    assert (await ledger.summed() > 0) == (kept != "nothing")


@pytest.mark.parametrize("kept", ["nothing", "some", "all"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
async def test_costs_are_those_of_the_calls(ledger: Ledger, kept: str, zone: str) -> None:
    ours, theirs = await organisation(ledger.db), await organisation(ledger.db)
    await state(ledger, kept, await fill(ledger, [ours.id, theirs.id]))
    calls = await ledger.db.fetch_all("SELECT * FROM model_calls")
    for actor in (LOCAL, ours.actor):
        own = [one for one in calls if actor.is_operator or one["org_id"] == actor.org_id]
        async with asking(ledger.db, actor, zone) as db:
            for number, (since, until) in enumerate(ranges()):
                within = [
                    one
                    for one in own
                    if (since is None or one["started_at"] >= since)
                    and (until is None or one["started_at"] < until)
                ]
                for by in BYS[number % 3 :: 3]:
                    found = await costs(db, by, since=since, until=until, most=10_000)
                    assert_same(found, by, within, f"{actor.name} {by} {since} {until}")
            for first in (date(2026, 5, 20), date(2026, 5, 27), TODAY):
                within = [one for one in own if one["started_at"].astimezone(UTC).date() >= first]
                assert_same_breakdown(await breakdown(db, first), within)


def assert_same(found: Costs, by: By, calls: Sequence[DictRow], what: str) -> None:
    rows = {row["key"]: told(row) for row in found.rows}
    assert rows == grouped(calls, lambda call: key_of(by, call)), what
    assert len(rows) == len(found.rows), what
    assert (found.total and told(found.total)) == (added_up(calls) if calls else None), what
    order = [(row["cost_usd"], row["calls"]) for row in found.rows]
    days = [row["key"] for row in found.rows]
    assert days == sorted(days, reverse=True) if by == "day" else order == sorted(order)[::-1], what


def assert_same_breakdown(found: dict[str, list[DictRow]], calls: Sequence[DictRow]) -> None:
    def short(full: tuple[str, ...]) -> tuple[str, ...]:
        calls, failed, tokens, out, cost, unpriced, lost, _ = full
        return calls, failed, str(int(tokens) + int(out)), cost, str(int(unpriced) + int(lost))

    names = ("calls", "failed_calls", "tokens", "cost_usd", "unknown_calls")
    for by in ("day", "model", "agent", "stream"):
        expected = grouped(calls, lambda call, by=by: key_of(by, call))  # type: ignore[misc]
        rows = {row["key"]: tuple(str(row[name]) for name in names) for row in found.get(by, ())}
        assert rows == {key: short(full) for key, full in expected.items()}, by
    (all_of_them,) = found["all"]
    assert tuple(str(all_of_them[name]) for name in names) == short(added_up(calls))


@pytest.mark.parametrize("kept", ["nothing", "some", "all"])
async def test_costs_by_day_has_the_rows_that_the_calls_make(ledger: Ledger, kept: str) -> None:
    await state(ledger, kept, await fill(ledger, [uuid4(), uuid4()]))
    assert await ledger.is_right()
