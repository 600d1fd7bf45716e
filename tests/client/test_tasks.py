"""Enqueue, look, cancel, retry and wait through Client and AsyncClient."""

from __future__ import annotations

import asyncio
import atexit
import inspect
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import BaseModel

from oppspot_runner.app.client import AsyncClient, Client
from oppspot_runner.app.default_client import enqueue_by_settings, forget_default_client
from oppspot_runner.base.errors import (
    ConflictError,
    DatabaseError,
    InvalidInputError,
    NotFoundError,
    OppspotError,
    SchemaError,
)
from tests.client.conftest import one

NUL = "a\x00b"
LATER = datetime(2099, 1, 1, tzinfo=UTC)


def test_a_task_is_committed_with_all_that_was_said_of_it(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    task = client.enqueue(
        "Daily digest",
        {"days": 7},
        priority=9,
        at=LATER,
        unique_key="k",
        max_retries=0,
        task_type="slow",
        requested_by="ann",
        limit_key="example.org",
    )
    row = look.execute(
        "SELECT agent_id, payload, priority, scheduled_for, unique_key, max_retries, task_type,"
        " requested_by, limit_key, status FROM agent_tasks WHERE id = %s",
        (task,),
    ).fetchone()
    assert row == (agent, {"days": 7}, 9, LATER, "k", 0, "slow", "ann", "example.org", "pending")


async def test_the_async_client_does_the_same(async_client: AsyncClient) -> None:
    agent = await async_client.create_agent(agent_type="digest")
    tasks = await asyncio.gather(*(async_client.enqueue(agent, {"n": n}) for n in range(8)))
    states = await asyncio.gather(*map(async_client.get, tasks))
    assert [state.payload["n"] for state in states] == list(range(8))


def test_both_clients_offer_the_same_methods_and_parameters() -> None:
    own = {"run", "wait", "close", "follow"}  # `follow` gives an iterator, of either kind
    shared = {name for name in vars(Client) if not name.startswith("_")} - own
    for name in shared:
        here, there = getattr(Client, name), getattr(AsyncClient, name)
        assert inspect.signature(here) == inspect.signature(there)
        assert inspect.iscoroutinefunction(there)
        assert here.__doc__ == there.__doc__
    assert {"enqueue", "enqueue_many", "create_agent", "trigger_agent"} <= shared


def test_dates_models_and_dataclasses_in_a_payload_become_json(client: Client, agent: UUID) -> None:
    @dataclass
    class Place:
        town: str

    class Window(BaseModel):
        until: date

    payload = {
        "on": date(2026, 1, 2),
        "at": LATER,
        "for": timedelta(seconds=90),
        "id": agent,
        "price": Decimal("1.10"),
        "place": Place("Leeds"),
        "window": Window(until=date(2026, 3, 4)),
    }
    assert client.get(client.enqueue(agent, payload)).payload == {
        "on": "2026-01-02",
        "at": "2099-01-01T00:00:00+00:00",
        "for": 90.0,
        "id": str(agent),
        "price": "1.10",
        "place": {"town": "Leeds"},
        "window": {"until": "2026-03-04"},
    }
    model = client.enqueue(agent, Window(until=date(2026, 3, 4)))
    assert client.get(model).payload == {"until": "2026-03-04"}


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ([], "the payload is a list, not a JSON object"),
        ("x", "the payload is text, not a JSON object"),
        (7, "the payload is a number, not a JSON object"),
        ({"x": NUL}, "the payload holds a NUL character"),
        ({NUL: 1}, "the payload holds a NUL character"),
        ({"x": "\ud800"}, "the payload holds half of a surrogate pair"),
        ({"x": float("nan")}, "the payload is not JSON: Out of range float values"),
        ({"x": object()}, "the payload is not JSON: object has no JSON form"),
        ({(1, 2): 1}, "the payload is not JSON: keys must be"),
        ({"x": 10**5000}, "the payload is not JSON: Exceeds the limit"),
        ({"x": "y" * 5_000_000}, "the payload is 5,000,008 bytes of JSON, more than 1,048,576"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else "",
)
def test_a_bad_payload_is_refused_before_anybody_connects(payload: Any, message: str) -> None:
    client = Client("postgresql://nobody@192.0.2.1/none", schema="public")
    with pytest.raises(InvalidInputError, match=message):
        client.enqueue("digest", payload)


def test_an_escaped_backslash_before_u0000_is_no_nul(client: Client, agent: UUID) -> None:
    payload = {"x": "\\u0000", "y": "\\\\"}
    assert client.get(client.enqueue(agent, payload)).payload == payload


def test_a_payload_that_loops_is_refused() -> None:
    payload: dict[str, Any] = {}
    payload["self"] = payload
    with pytest.raises(InvalidInputError, match="the payload is not JSON: Circular reference"):
        Client("postgresql://nobody@192.0.2.1/none", schema="public").enqueue("digest", payload)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priority": 0}, "the priority is 0, not 1 to 10"),
        ({"priority": 11}, "the priority is 11, not 1 to 10"),
        ({"priority": "5"}, "the priority is text, not a whole number"),
        ({"priority": True}, "the priority is a truth value, not a whole number"),
        ({"max_retries": -1}, "max_retries is -1, not 0 to 1000"),
        ({"at": datetime(2026, 1, 1)}, "scheduled_for has no time zone"),
        ({"at": "tomorrow"}, "scheduled_for is text, not a datetime"),
        ({"at": LATER, "scheduled_for": LATER}, "mean the same"),
        ({"unique_key": ""}, "unique_key is empty"),
        ({"unique_key": NUL}, "unique_key holds a NUL"),
        ({"requested_by": "\udfff"}, "requested_by holds half of a surrogate pair"),
        ({"stream_id": "12"}, "stream_id is not a uuid: '12'"),
        ({"limit_key": "x" * 201}, "limit_key has 201 characters, more than 200"),
        ({"task_type": "x" * 501}, "task_type has 501 characters, more than 500"),
    ],
)
def test_a_bad_option_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    client = Client("postgresql://nobody@192.0.2.1/none", schema="public")
    with pytest.raises(InvalidInputError, match=message):
        client.enqueue("digest", {}, **options)


def test_an_unknown_agent_or_stream_is_not_found(client: Client, agent: UUID) -> None:
    with pytest.raises(NotFoundError, match="there is no agent 'nobody'") as caught:
        client.enqueue("nobody")
    assert "agents list" in caught.value.one_line()
    with pytest.raises(NotFoundError, match="there is no stream"):
        client.enqueue(agent, stream_id=uuid4())


def test_a_name_of_two_agents_is_refused_with_their_ids(client: Client) -> None:
    first = client.create_agent(agent_type="scout", name="A")
    client.create_agent(agent_type="scout", name="B")
    with pytest.raises(InvalidInputError, match=f"2 agents are called 'scout': A \\({first}\\)"):
        client.enqueue("scout")


def test_a_taken_key_returns_the_task_that_has_it(client: Client, agent: UUID) -> None:
    first = client.enqueue(agent, {"n": 1}, unique_key="daily")
    assert client.enqueue(agent, {"n": 2}, unique_key="daily") == first
    assert client.get(first).payload == {"n": 1}


def test_cancel_and_retry_say_whether_there_was_anything_to_do(client: Client, agent: UUID) -> None:
    task = client.enqueue(agent)
    assert client.retry(task) is False
    assert client.cancel(task, "not needed") is True
    assert (client.get(task).status, client.get(task).cancel_reason) == ("cancelled", "not needed")
    assert client.cancel(task) is False
    assert client.retry(task) is True
    assert client.get(task).status == "pending"


def test_a_retry_meets_the_task_that_has_its_key_now(client: Client, agent: UUID) -> None:
    old = client.enqueue(agent, unique_key="k")
    client.cancel(old)
    client.enqueue(agent, unique_key="k")
    with pytest.raises(ConflictError, match="another task with the unique_key 'k'"):
        client.retry(old)


@pytest.mark.parametrize("method", ["get", "cancel", "retry"])
def test_a_task_that_is_not_there_is_not_found(client: Client, method: str) -> None:
    with pytest.raises(NotFoundError, match="there is no task"):
        getattr(client, method)(uuid4())
    with pytest.raises(InvalidInputError, match="the task id is not a uuid"):
        getattr(client, method)("x")


async def test_waiting_ends_when_the_task_does(async_client: AsyncClient, dsn: str) -> None:
    task = await async_client.enqueue(await async_client.create_agent(agent_type="digest"))
    with Client(dsn, schema="public") as client:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            waiting = group.create_task(async_client.wait(task))
            threaded = group.create_task(asyncio.to_thread(client.wait, task))
            await async_client.cancel(task)
    assert waiting.result().status == threaded.result().status == "cancelled"


def test_waiting_stops_after_its_time(client: Client, agent: UUID) -> None:
    task = client.enqueue(agent)
    state = client.wait(task, timeout_s=0.05)
    assert (state.status, state.ended) == ("pending", False)


def test_the_output_of_a_completed_task_is_read(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    task = client.enqueue(agent)
    look.execute(
        "INSERT INTO agent_executions (task_id, attempt, agent_id, status, output_data)"
        " VALUES (%s, 1, %s, 'completed', '{\"items\": 3}')",
        (task, agent),
    )
    look.execute("UPDATE agent_tasks SET status = 'completed'")
    assert client.get(task).output == {"items": 3}


def test_a_payload_that_python_cannot_read_is_shown_as_such(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    task = one(
        look,
        "INSERT INTO agent_tasks (agent_id, payload)"
        " VALUES (%s, jsonb_build_object('n', repeat('9', 5000)::numeric)) RETURNING id",
        agent,
    )
    assert "Exceeds the limit" in client.get(task).payload["_unreadable"]


def test_a_function_s_enqueue_goes_through_the_client_that_is_given(
    client: Client, agent: UUID
) -> None:
    task = enqueue_by_settings("digest", {"days": 1}, client=client, priority=8)
    assert (client.get(task).agent_id, client.get(task).priority) == (agent, 8)


def test_a_function_s_enqueue_uses_the_settings(
    client: Client, agent: UUID, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", dsn)
    monkeypatch.setattr(atexit, "register", lambda close: None)
    task = enqueue_by_settings("digest", {"days": 1})
    forget_default_client()
    assert client.get(task).agent_id == agent


def test_a_database_that_is_not_there_is_one_line() -> None:
    client = Client("postgresql://u:secret@127.0.0.1:1/none", schema="public")
    with pytest.raises(
        DatabaseError, match=r"cannot reach the database 127.0.0.1:1/none"
    ) as caught:
        client.enqueue("digest")
    assert "secret" not in caught.value.one_line()
    assert "\n" not in caught.value.one_line()


def test_a_database_without_our_tables_says_migrate(empty_dsn: str) -> None:
    with (
        Client(empty_dsn, schema="public") as client,
        pytest.raises(SchemaError, match="the schema is not ready") as caught,
    ):
        client.enqueue("digest")
    assert "oppspot-runner migrate" in caught.value.one_line()


def test_a_value_of_the_wrong_kind_is_no_target() -> None:
    with pytest.raises(OppspotError, match="not int"):
        Client(7)  # type: ignore[arg-type]
