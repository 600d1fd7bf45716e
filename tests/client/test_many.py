"""Many tasks in one call: from any iterable, in order, all or none, in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from oppspot_runner.app.client import AsyncClient, Client
from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.queue import producer
from oppspot_runner.queue.ids import TaskIds
from tests.client.conftest import one

NOWHERE = Client("postgresql://nobody@192.0.2.1/none", schema="public")
SOME = producer.MOST_ROWS + 10


def test_many_tasks_come_back_in_order_and_share_keys(client: Client, agent: UUID) -> None:
    made = client.enqueue_many(
        agent, [{"n": 0}, {"n": 1}, {"n": 2}], unique_keys=["a", None, "a"], priority=7
    )
    assert made[0] == made[2] != made[1]
    assert [client.get(task).payload["n"] for task in made] == [0, 1, 0]
    assert client.get(made[1]).priority == 7


def test_each_may_have_a_key_of_limits_of_its_own_and_all_one_for_those_that_have_none(
    client: Client, agent: UUID
) -> None:
    made = client.enqueue_many(
        agent, [{}] * 3, unique_keys=["a", None, "c"], limit_keys=["x", None, "y"], limit_key="z"
    )
    states = [client.get(task) for task in made]
    assert [(one.unique_key, one.limit_key) for one in states] == [
        ("a", "x"), (None, "z"), ("c", "y"),
    ]  # fmt: skip


def test_no_payloads_are_no_tasks(client: Client, agent: UUID) -> None:
    assert client.enqueue_many(agent, []) == []


def test_options_are_for_all_and_those_of_the_agent_count(
    client: Client, look: psycopg.Connection[Any]
) -> None:
    stream = client.create_stream("Leads")
    client.create_agent(agent_type="slow", configuration={"task_type": "nightly"})
    client.enqueue_many("slow", [{}, {}], stream_id=stream, max_retries=0, requested_by="ann")
    rows = look.execute(
        "SELECT DISTINCT stream_id, max_retries, requested_by, task_type, priority, parked,"
        " scheduled_for = created_at FROM agent_tasks"
    ).fetchall()
    assert rows == [(stream, 0, "ann", "nightly", 5, False, True)]


def test_the_place_in_line_is_that_in_the_call(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    keys = ["z", None, "b", "a"]
    made = client.enqueue_many(agent, [{}] * 4, unique_keys=keys)
    line = look.execute("SELECT id FROM agent_tasks ORDER BY ready_seq").fetchall()
    assert [row[0] for row in line] == list(made)


def test_more_than_a_portion_comes_back_in_order(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    made = client.enqueue_many(agent, ({"n": n} for n in range(SOME)))
    found = dict(look.execute("SELECT id, (payload ->> 'n')::integer FROM agent_tasks").fetchall())
    assert [found[task] for task in made] == list(range(SOME))


async def test_the_async_client_takes_a_generator_too(async_client: AsyncClient) -> None:
    agent = await async_client.create_agent(agent_type="digest")
    made = await async_client.enqueue_many(agent, ({"n": n} for n in range(3)))
    assert [(await async_client.get(task)).payload for task in made] == [
        {"n": 0},
        {"n": 1},
        {"n": 2},
    ]


def test_a_generator_is_read_by_portions_and_may_use_the_client(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    seen: list[UUID] = []

    def payloads() -> Iterator[dict[str, int]]:
        for number in range(SOME):
            if number == producer.MOST_ROWS:  # what came before is written, and not committed
                seen.append(client.enqueue(agent, unique_key="0"))
                assert one(look, "SELECT count(*) FROM agent_tasks") == 0
            yield {"n": number}

    made = client.enqueue_many(agent, payloads(), unique_keys=map(str, range(SOME)))
    assert seen == [made[0]]
    assert one(look, "SELECT count(*) FROM agent_tasks") == SOME


def test_big_payloads_go_in_more_than_one_statement() -> None:
    rows = ["x" * 1024 * 1024] * 10
    assert [len(some) for some in producer.portions(rows)] == [5, 5]


@pytest.mark.parametrize("fault", ["raised", "refused"])
def test_what_goes_wrong_after_a_portion_takes_all_back(
    client: Client, look: psycopg.Connection[Any], agent: UUID, fault: str
) -> None:
    def payloads() -> Iterator[Any]:
        yield from ({"n": n} for n in range(SOME))
        if fault == "raised":
            raise ZeroDivisionError
        yield []

    expected = ZeroDivisionError if fault == "raised" else InvalidInputError
    with pytest.raises(expected):
        client.enqueue_many(agent, payloads())
    assert one(look, "SELECT count(*) FROM agent_tasks") == 0
    assert len(client.enqueue_many(agent, [{}])) == 1


def test_in_the_caller_s_transaction_they_are_there_when_it_commits(
    dsn: str, look: psycopg.Connection[Any], agent: UUID
) -> None:
    with psycopg.connect(dsn) as mine:
        client = Client(mine)
        client.enqueue_many(agent, [{}] * 3)
        with pytest.raises(NotFoundError, match="there is no agent 'nobody'"):
            client.enqueue_many("nobody", [{}])
        assert one(look, "SELECT count(*) FROM agent_tasks") == 0
    assert one(look, "SELECT count(*) FROM agent_tasks") == 3


@pytest.mark.parametrize(
    ("payloads", "options", "message"),
    [
        ([{}, []], {}, "payload 2 is a list, not a JSON object"),
        ({"a": 1}, {}, "payload 1 is text, not a JSON object"),
        ([{}, {}], {"unique_keys": ["a"]}, "not as many unique keys as payloads"),
        ([{}], {"unique_keys": iter("ab")}, "not as many unique keys as payloads"),
        ([{}], {"limit_keys": []}, "not as many limit keys as payloads"),
        ([{}], {"unique_keys": "a", "limit_keys": "ab"}, "not as many limit keys as payloads"),
        ([{}], {"unique_keys": "ab", "limit_keys": "a"}, "not as many unique keys as payloads"),
        ([{}], {"limit_keys": ["x" * 201]}, "limit_key has 201 characters, more than 200"),
        ([{}], {"unique_keys": [7]}, "unique_key is a number, not text"),
        ([{}], {"priority": 11}, "the priority is 11, not 1 to 10"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_connects(
    payloads: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        NOWHERE.enqueue_many("digest", payloads, **options)


def test_what_only_the_database_knows_is_said_by_it(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    with pytest.raises(NotFoundError, match="there is no stream") as caught:
        client.enqueue_many(agent, [{}], stream_id=uuid4())
    assert "streams list" in caught.value.one_line()
    org = one(look, "INSERT INTO organizations (name) VALUES ('Ours') RETURNING id")
    theirs = client.create_agent(agent_type="theirs", org_id=org)
    other = one(look, "INSERT INTO organizations (name) VALUES ('Theirs') RETURNING id")
    with pytest.raises(InvalidInputError, match=f"the agent belongs to organisation {org}"):
        client.enqueue_many(theirs, [{}], org_id=other)
    # Small as JSON, large as jsonb: only the database can tell.
    with pytest.raises(InvalidInputError, match="the payload is larger than 1 MiB"):
        client.enqueue_many(agent, [{"x": [0.5] * 200_000}])


def test_ids_are_a_sequence() -> None:
    ids = [uuid4() for _ in range(5)]
    packed = TaskIds(ids[:3])
    packed.extend(ids[3:])
    assert (len(packed), list(packed), packed[0], packed[-1]) == (5, ids, ids[0], ids[4])
    assert packed[1:4:2] == ids[1:4:2]
    assert ids[2] in packed
    assert packed == ids == TaskIds(ids)
    assert packed != ids[:4]
    assert repr(packed) == "<5 task ids>"
    with pytest.raises(IndexError):
        packed[5]
