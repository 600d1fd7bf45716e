"""What a claim takes while something is limited: never more, and nothing less for the others."""

from __future__ import annotations

import asyncio

import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.limits.task_limits import Limit, publish
from oppspot_runner.queue.claiming import Claimer, arrange_keys, rearrange_keys
from tests.limits.conftest import Line


async def test_an_agent_runs_as_many_as_its_configuration_allows(line: Line) -> None:
    capped = await line.agent("capped", configuration='{"concurrency": 2}')
    await line.tasks(capped, 5)
    await line.tasks(await line.agent("free"), 3)
    assert await line.claimed() == {"capped": 2, "free": 3}
    assert await line.claimed() == {}
    await line.end(1, "attempt = 1")
    assert await line.claimed() == {"capped": 1}


async def test_what_is_capped_is_no_hindrance_to_what_stands_behind_it(line: Line) -> None:
    capped = await line.agent("capped", configuration='{"concurrency": 1}')
    await line.tasks(capped, 50, priority=9)
    await line.tasks(await line.agent("free"), 3)
    assert await line.claimed(3) == {"capped": 1, "free": 2}


async def test_a_limit_on_a_type_counts_all_its_agents_and_its_lane(line: Line) -> None:
    await line.limit("type", "scraper", concurrency=3)
    for name in ("one", "two"):
        await line.tasks(await line.agent(name, "scraper"), 3)
    await line.tasks(await line.agent("other"), 1, task_type="scraper")
    found = await line.claimed()
    assert sum(found.values()) == 3
    assert await line.claimed() == {}


async def test_what_code_says_of_its_type_gives_way_to_an_agents_own_number(line: Line) -> None:
    await line.connection.execute(
        "INSERT INTO task_limits (scope, key, concurrency, source)"
        " VALUES ('type', 'bot', 1, 'code')"
    )
    await line.tasks(await line.agent("own", "bot", '{"concurrency": 3}'), 5)
    await line.tasks(await line.agent("plain", "bot"), 5)
    assert await line.claimed() == {"own": 3, "plain": 1}
    assert await line.claimed() == {}


async def test_what_code_says_again_waits_for_no_claim(line: Line, db: Database) -> None:
    said = {name: Limit(concurrency=1) for name in ("one", "two")}
    await publish(db, said)
    async with db.connection() as other, other.transaction():
        await other.execute("SELECT FROM task_limits FOR UPDATE")
        async with asyncio.timeout(5):
            await publish(db, said)
    await publish(db, {**said, "two": Limit(concurrency=3)})
    assert await line.one("SELECT concurrency FROM task_limits WHERE key = 'two'") == 3
    await line.limit("type", "two", concurrency=4)
    await publish(db, said)
    assert await line.one("SELECT concurrency FROM task_limits WHERE key = 'two'") == 4


async def test_a_limit_on_an_organisation_counts_its_agents_and_its_tasks(line: Line) -> None:
    org = await line.organisation()
    await line.limit("org", org, concurrency=2)
    agent = await line.agent("a")
    await line.tasks(agent, 3, org_id=org)
    await line.tasks(agent, 1)
    theirs = await line.agent("theirs")
    await line.connection.execute("UPDATE ai_agents SET org_id = %s WHERE id = %s", (org, theirs))
    await line.tasks(theirs, 3)
    assert await line.claimed() == {"a": 3}
    assert await line.claimed() == {}


async def test_the_smallest_of_several_limits_counts(line: Line) -> None:
    org = await line.organisation()
    await line.limit("org", org, concurrency=4)
    await line.limit("type", "noop", concurrency=3)
    await line.tasks(await line.agent("a", configuration='{"concurrency": 2}'), 5, org_id=org)
    await line.tasks(await line.agent("b"), 5, org_id=org)
    assert await line.claimed() == {"a": 2, "b": 1}


async def test_a_limit_of_0_lets_none_start(line: Line) -> None:
    await line.limit("type", "noop", concurrency=0)
    await line.tasks(await line.agent("a"), 1)
    assert await line.claimed() == {}


async def test_a_rate_lets_a_burst_start_and_then_one_for_each_token(line: Line) -> None:
    agent = await line.agent("paced", configuration='{"rate": "4/s"}')
    await line.tasks(agent, 20)
    assert await line.claimed() == {"paced": 4}
    waiting = await line.claim()
    assert waiting.tasks == []
    assert waiting.again_s == pytest.approx(0.25)
    await line.at(0.24)
    assert await line.claimed() == {}
    await line.at(0.26)
    assert await line.claimed() == {"paced": 1}
    await line.at(3600)
    assert await line.claimed() == {"paced": 4}  # the bucket does not grow over its burst


async def test_a_transaction_that_began_earlier_does_not_turn_back_the_bucket(line: Line) -> None:
    await line.limit("type", "noop", rate="10/s", burst=2)
    await line.tasks(await line.agent("paced"), 9)
    await line.at(0.1)
    assert await line.claimed(1) == {"paced": 1}
    await line.at(0)  # it had begun before, and got its turn after
    assert await line.claimed(1) == {"paced": 1}
    await line.at(0.1)
    assert await line.claimed(1) == {}


async def test_a_slow_rate_starts_one_at_a_time(line: Line) -> None:
    await line.limit("type", "noop", rate="2/m")
    await line.tasks(await line.agent("slow"), 3)
    assert await line.claimed() == {"slow": 1}
    assert (await line.claim()).again_s == pytest.approx(30)
    await line.at(29)
    assert await line.claimed() == {}
    await line.at(30.1)
    assert await line.claimed() == {"slow": 1}


async def test_a_burst_can_be_given(line: Line) -> None:
    await line.limit("type", "noop", rate="2/m", burst=5)
    await line.tasks(await line.agent("bursting"), 9)
    assert await line.claimed() == {"bursting": 5}


async def test_tasks_of_a_key_run_one_at_a_time_and_the_others_wait_out_of_line(line: Line) -> None:
    await line.limit("key", "*", concurrency=1)
    agent = await line.agent("crawl")
    await line.tasks(agent, 5, limit_key="a.example")
    await line.tasks(agent, 1, limit_key="b.example")
    await line.tasks(agent, 1)
    assert await line.claimed(3) == {"crawl": 1}
    assert await line.one("SELECT count(*) FROM agent_tasks WHERE blocked") == 4
    assert await line.claimed(3) == {"crawl": 2}
    await line.end(1, "limit_key = 'a.example'")
    assert (await arrange_keys(line.connection, ["a.example"])) == (1, [])
    assert await line.claimed(3) == {"crawl": 1}
    assert await line.claimed(3) == {}


async def test_a_keys_own_limit_comes_before_that_of_every_key(line: Line) -> None:
    await line.limit("key", "*", concurrency=1)
    await line.limit("key", "big.example", concurrency=3)
    await line.tasks(await line.agent("crawl"), 5, limit_key="big.example")
    assert await line.claimed() == {"crawl": 3}


async def test_what_waits_for_a_key_comes_in_when_the_limit_rises_or_goes(line: Line) -> None:
    await line.limit("key", "k", concurrency=1)
    await line.tasks(await line.agent("a"), 9, limit_key="k")
    assert await line.claimed() == {"a": 1}
    await line.limit("key", "k", concurrency=3)
    assert (await rearrange_keys(line.connection, ""))[0] == 2
    assert await line.claimed() == {"a": 2}
    await line.connection.execute("DELETE FROM task_limits")
    assert (await rearrange_keys(line.connection, ""))[0] == 6
    assert await line.claimed() == {"a": 6}


async def test_a_task_of_a_key_that_is_taken_out_of_line_by_hand_leaves_it(line: Line) -> None:
    await line.limit("key", "k", concurrency=1)
    await line.tasks(await line.agent("a"), 3, limit_key="k")
    await line.claim()
    await line.connection.execute("UPDATE agent_tasks SET status = 'cancelled' WHERE blocked")
    assert await line.one("SELECT count(*) FROM agent_tasks WHERE blocked") == 0


async def test_only_one_of_two_claims_at_once_counts_the_last_place(
    line: Line, db: Database
) -> None:
    await line.tasks(await line.agent("capped", configuration='{"concurrency": 1}'), 5)
    await line.tasks(await line.agent("free"), 1)
    async with db.connection() as other, other.transaction():
        await other.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.task_limits', 0))"
        )
        beside = await line.claim()
        assert [task.agent and task.agent.name for task in beside.tasks] == ["free"]
        assert beside.again_s == pytest.approx(0.01)
    assert await line.claimed() == {"capped": 1}


@pytest.mark.parametrize("fair", [False, True])
async def test_a_claim_leaves_to_others_at_once_what_it_does_not_take(
    line: Line, db: Database, fair: bool
) -> None:
    await line.limit("type", "elsewhere", concurrency=1)
    for number in range(12):
        await line.tasks(await line.agent(f"urgent {number}"), 1, priority=10)
    await line.tasks(await line.agent("patient"), 9, priority=1)
    line.claimer = Claimer(1, fair=fair)
    async with db.connection() as other, other.transaction():
        first = await Claimer(2, fair=fair).claim(other, 3)
        second = await line.claim(3)
    assert [task.priority for task in (*first.tasks, *second.tasks)] == [10] * 6


async def test_who_waited_for_its_turn_sees_what_was_taken_meanwhile(
    line: Line, db: Database
) -> None:
    await line.connection.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L',"
        " current_database(), 'repeatable read'); END $$"
    )
    await line.tasks(await line.agent("capped", configuration='{"concurrency": 1}'), 5)
    async with Database(db.dsn, schema=db.schema) as late, late.transaction() as other:
        await other.execute("SELECT FROM agent_tasks")
        assert await line.claimed() == {"capped": 1}
        assert (await Claimer(2).claim(other, 3)).tasks == []


async def test_organisations_take_turns_where_runners_share_fairly(line: Line) -> None:
    line.claimer = Claimer(1, fair=True)
    big, small = await line.organisation(), await line.organisation()
    one, two = await line.agent("big"), await line.agent("small")
    await line.tasks(one, 20, org_id=big)
    await line.tasks(two, 2, org_id=small)
    assert await line.claimed(4) == {"big": 2, "small": 2}
    assert await line.claimed(4) == {"big": 4}  # nobody else wants the places


async def test_a_heavier_organisation_gets_more_of_the_places(line: Line) -> None:
    line.claimer = Claimer(1, fair=True)
    heavy, light = await line.organisation(), await line.organisation()
    await line.limit("org", heavy, weight=3)
    await line.tasks(await line.agent("light"), 20, org_id=light)
    await line.tasks(await line.agent("heavy"), 20, org_id=heavy)
    assert await line.claimed(8) == {"heavy": 6, "light": 2}


async def test_tasks_of_no_organisation_have_a_share_like_those_of_one(line: Line) -> None:
    line.claimer = Claimer(1, fair=True)
    org = await line.organisation()
    await line.tasks(await line.agent("nobody's"), 20)
    await line.tasks(await line.agent("theirs"), 20, org_id=org)
    assert await line.claimed(4) == {"nobody's": 2, "theirs": 2}
    assert await line.claimed(4) == {"nobody's": 2, "theirs": 2}


async def test_fair_shares_do_not_outdo_priorities(line: Line) -> None:
    line.claimer = Claimer(1, fair=True)
    big, small = await line.organisation(), await line.organisation()
    await line.tasks(await line.agent("big"), 5, org_id=big, priority=6)
    await line.tasks(await line.agent("small"), 5, org_id=small)
    assert await line.claimed(5) == {"big": 5}


async def test_the_order_is_priority_then_age_also_beside_limits(line: Line) -> None:
    await line.limit("type", "elsewhere", concurrency=1)
    first, second = await line.agent("first"), await line.agent("second")
    await line.tasks(first, 1, priority=3)
    await line.tasks(second, 1, priority=10)
    await line.tasks(second, 1, priority=3)
    await line.tasks(first, 1, priority=10)
    found = [(await line.claim(1)).tasks[0] for _ in range(4)]
    assert [(task.priority, task.agent and task.agent.name) for task in found] == [
        (10, "second"), (10, "first"), (3, "first"), (3, "second"),
    ]  # fmt: skip


async def test_the_road_is_open_again_when_the_last_limit_is_gone(line: Line) -> None:
    await line.limit("type", "noop", concurrency=1)
    await line.tasks(await line.agent("a"), 5)
    assert await line.claimed() == {"a": 1}
    await line.connection.execute("DELETE FROM task_limits")
    assert await line.claimed(1) == {"a": 1}
    assert await line.claimed() == {"a": 3}


async def test_a_row_that_was_committed_late_is_found_below_the_floor(
    line: Line, db: Database
) -> None:
    agent = await line.agent("a")
    async with db.connection() as other:
        async with other.transaction():
            await other.execute("INSERT INTO agent_tasks (agent_id) VALUES (%s)", (agent,))
            await line.tasks(agent, 2)
            assert await line.claimed(1) == {"a": 1}
        await line.tasks(agent, 1)
    # The late one is the oldest; a claim that came back short looks at everything.
    assert await line.claimed(3) == {"a": 2}
    assert await line.claimed(3) == {"a": 1}
