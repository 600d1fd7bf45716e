"""Streams of events over real sockets: the server of `api/server.py` in this loop."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from starlette.types import Message

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.listening import address_of, drop_silent, listen
from oppspot_runner.api.live import changes, streams
from oppspot_runner.api.live.changes import KINDS
from oppspot_runner.api.live.event_stream import EventStream
from oppspot_runner.api.serving import serving
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.actor import LOCAL
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken

SSE = {"Accept": "text/event-stream"}


@pytest.fixture
def live(db: Database) -> ApiState:
    settings = Settings(_env_file=None, http_streams=3)  # type: ignore[call-arg]
    return ApiState(db, settings, registry, open_access=True)


@pytest.fixture
async def client(live: ApiState) -> AsyncIterator[httpx2.AsyncClient]:
    listening = listen("0")
    address = address_of(listening)
    async with (
        serving(live, listening),
        httpx2.AsyncClient(base_url=address, timeout=20, trust_env=False) as made,
    ):
        yield made


Opened = Callable[..., Any]


@asynccontextmanager
async def opened(
    client: httpx2.AsyncClient, url: str, **headers: str
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    """The messages of a stream."""
    async with client.stream("GET", url, headers={**SSE, **headers}) as answer:
        assert answer.status_code == 200, (await answer.aread(), answer.headers)
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield messages(answer)


async def messages(answer: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    message: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            message[name] = value
        elif "data" in message:
            yield message
            message = {}
        else:
            message = {}


async def a_run(db: Database, events: int, org_id: UUID | None = None) -> UUID:
    run = await db.fetch_one(
        "INSERT INTO stream_runs (status, open_nodes, org_id) VALUES ('running', 1, %s) "
        "RETURNING id",
        (org_id,),
    )
    assert run is not None
    await tell(db, run["id"], events)
    return UUID(str(run["id"]))


ADD = """
    SELECT add_run_events(
        ARRAY[(%s, 0, %s, NULL, NULL, NULL, NULL, %s::jsonb, NULL)::run_events])
"""


async def tell(
    db: Database, run: UUID, count: int, type_: str = "log", message: str = "<b>"
) -> None:
    for _ in range(count):
        await db.execute(ADD, (run, type_, json.dumps({"message": message})))


async def end(db: Database, run: UUID) -> None:
    await db.execute(
        "UPDATE stream_runs SET status = 'completed', open_nodes = 0, finished_at = now() "
        "WHERE id = %s",
        (run,),
    )
    if not await db.fetch_all("SELECT FROM run_events WHERE type = 'completed'"):
        await tell(db, run, 1, "completed")


@pytest.mark.slow
async def test_a_run_is_followed_to_its_end_and_resumed_where_one_was(
    client: httpx2.AsyncClient, db: Database, live: ApiState
) -> None:
    run = await a_run(db, 3)
    url = f"/api/v1/runs/{run}/events"
    async with opened(client, url) as events:
        assert [(await anext(events))["id"] for _ in range(3)] == ["1", "2", "3"]
        await tell(db, run, 1)
        assert json.loads((await anext(events))["data"])["message"] == "<b>"
    async with opened(client, url, **{"Last-Event-ID": "2"}) as events:
        assert (await anext(events))["id"] == "3"
        await end(db, run)
        rest = [json.loads(event["data"]) async for event in events]
        assert [event["seq"] for event in rest] == [4, 5]
        assert rest[-1]["type"] == "completed"
    over = await client.get(url, headers={**SSE, "Last-Event-ID": "5"})
    assert over.status_code == 204  # or browsers would come back for ever
    page = (await client.get(f"{url}?after=3", headers={"Accept": "application/json"})).json()
    assert [event["seq"] for event in page["items"]] == [4, 5]
    assert page["is_end"]
    assert (await client.head(url)).headers["content-type"].startswith("text/event-stream")
    assert len(live.streams) == 0


async def test_what_is_no_run_or_no_number_is_told_before_a_stream_begins(
    client: httpx2.AsyncClient, db: Database
) -> None:
    unknown = await client.get(f"/api/v1/runs/{uuid4()}/events", headers=SSE)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "NOT_FOUND")
    run = await a_run(db, 1)
    for number in ("x", "-1", "9" * 19, "9" * 400):
        bad = await client.get(
            f"/api/v1/runs/{run}/events", headers={**SSE, "Last-Event-ID": number}
        )
        assert (bad.status_code, bad.json()["code"]) == (422, "INVALID_INPUT")


async def test_a_token_that_is_revoked_ends_its_streams_and_no_others(
    client: httpx2.AsyncClient, db: Database, token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_S", 0.05)
    monkeypatch.setattr(streams, "LOOK_S", 0.05)
    run = await a_run(db, 1)
    mine, others = await token("admin"), await token("admin")
    url = f"/api/v1/runs/{run}/events"
    async with opened(client, url, **mine) as events, opened(client, url, **others) as kept:
        assert (await anext(events))["id"] == (await anext(kept))["id"] == "1"
        await db.execute(
            "UPDATE api_tokens SET revoked_at = now() WHERE id = "
            "(SELECT id FROM api_tokens ORDER BY id LIMIT 1)"
        )
        assert [event async for event in events] == []
        await tell(db, run, 1)
        assert (await anext(kept))["id"] == "2"


@pytest.mark.slow
async def test_an_actor_has_so_many_streams_and_no_more(
    client: httpx2.AsyncClient, db: Database, live: ApiState, token: MakeToken
) -> None:
    run = await a_run(db, 1)
    url = f"/api/v1/runs/{run}/events"
    mine = await token("admin")
    async with opened(client, url) as one, opened(client, url) as two, opened(client, url) as three:
        for events in (one, two, three):
            await anext(events)
        refused = await client.get(url, headers=SSE)
        assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMIT_EXCEEDED")
        async with opened(client, url, **mine) as events:
            await anext(events)


async def test_those_who_come_at_once_have_no_more(
    client: httpx2.AsyncClient, db: Database, live: ApiState
) -> None:
    url = f"/api/v1/runs/{await a_run(db, 1)}/events"
    wanted = [client.build_request("GET", url, headers=SSE) for _ in range(8)]
    answers = await asyncio.gather(*(client.send(one, stream=True) for one in wanted))
    try:
        assert sorted(one.status_code for one in answers) == [200] * 3 + [429] * 5
    finally:
        for one in answers:
            await one.aclose()


async def test_one_that_is_to_end_before_its_client_takes_its_beginning_ends_then(
    live: ApiState,
) -> None:
    """As for a client with answers before it that he does not read."""
    begins, taken, sent = asyncio.Event(), asyncio.Event(), list[str]()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            begins.set()
            await taken.wait()
        sent.append(message["type"])

    async def never() -> Message:
        return await asyncio.Future()

    async def frames() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"
        await never()

    stream = EventStream(live.streams, LOCAL, frames())
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(stream({"type": "http", "state": {}}, never, send))
        await begins.wait()
        (line,) = live.streams._lines
        line.end()
        taken.set()
    assert (sent[0], sent[-1], len(live.streams)) == (
        "http.response.start",
        "http.response.body",
        0,
    )


@pytest.mark.slow
async def test_silence_is_filled(
    client: httpx2.AsyncClient, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SILENCE_S", 0.05)
    monkeypatch.setattr(streams, "LOOK_S", 0.05)
    run = await a_run(db, 0)
    async with client.stream("GET", f"/api/v1/runs/{run}/events", headers=SSE) as answer:
        lines = answer.aiter_lines()
        while await anext(lines) != ": still there":
            pass


async def test_streams_end_in_good_order_when_the_server_does(live: ApiState, db: Database) -> None:
    run = await a_run(db, 1)
    listening = listen("0")
    async with httpx2.AsyncClient(base_url=address_of(listening), trust_env=False) as client:
        async with serving(live, listening):
            answers = [
                await client.send(client.build_request("GET", url, headers=SSE), stream=True)
                for url in (f"/api/v1/runs/{run}/events", "/api/v1/changes")
            ]
            open_streams = [messages(answer) for answer in answers]
            for stream in open_streams:
                await anext(stream)
        for stream in open_streams:  # a connection that is cut off would raise
            assert [message async for message in stream] == []


@pytest.mark.slow
async def test_hints_tell_kinds_that_changed_and_what_was_missed(
    client: httpx2.AsyncClient, db: Database, live: ApiState
) -> None:
    async with opened(client, "/api/v1/changes") as hints:
        first = await anext(hints)
        assert (first["event"], json.loads(first["data"])) == ("changes", {"changed": []})
        await db.execute("INSERT INTO agent_tasks (task_type) VALUES ('agent_execution')")
        assert json.loads((await anext(hints))["data"])["changed"] == ["tasks"]
        await a_run(db, 0)
        await db.execute("INSERT INTO ai_agents (name, agent_type) VALUES ('a', 'llm')")
        seen: set[str] = set()
        while not seen >= {"runs", "agents"}:
            seen |= set(json.loads((last := await anext(hints))["data"])["changed"])
        assert seen <= {"runs", "agents"}
    await db.execute("INSERT INTO streams (name) VALUES ('s')")
    for missed in (
        {"headers": {**SSE, "Last-Event-ID": last["id"]}},
        {"headers": SSE, "params": {"since": last["id"]}},
    ):
        async with client.stream("GET", "/api/v1/changes", **missed) as answer:  # type: ignore[arg-type]
            hint = await anext(messages(answer))
            assert json.loads(hint["data"]) == {"changed": ["streams"]}
    async with opened(
        client, "/api/v1/changes", **{"Last-Event-ID": "of-another-version"}
    ) as hints:
        assert json.loads((await anext(hints))["data"])["changed"] == list(KINDS)


@pytest.mark.slow
async def test_hints_end_when_nobody_can_see_what_changes(
    client: httpx2.AsyncClient, db: Database
) -> None:
    async with opened(client, "/api/v1/changes") as hints:
        await anext(hints)
        await db.execute("ALTER TABLE drafts RENAME TO drafts_away")  # a look fails
        assert [hint async for hint in hints] == []
    await db.execute("ALTER TABLE drafts_away RENAME TO drafts")
    async with opened(client, "/api/v1/changes") as hints:
        assert json.loads((await anext(hints))["data"]) == {"changed": []}


@pytest.mark.slow
async def test_hints_end_when_organisations_are_no_longer_served(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when an administrator takes the role away: that is no error of the database."""

    def refuse(*_: object, **__: object) -> None:
        raise ConfigurationError("organisations cannot use HTTP yet")

    async with asyncio.timeout(10), opened(client, "/api/v1/changes") as hints:
        await anext(hints)
        monkeypatch.setattr(changes, "acting", refuse)
        assert [hint async for hint in hints] == []


@pytest.mark.slow
async def test_a_client_that_takes_nothing_is_dropped_and_hurts_nobody(
    live: ApiState, db: Database
) -> None:
    run, wide = await a_run(db, 0), "x" * 60_000
    listening = listen("0")
    drop_silent(listening, after_ms=500)
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(listening.getsockname())
    with stalled:
        async with (
            serving(live, listening),
            httpx2.AsyncClient(base_url=address_of(listening), trust_env=False) as client,
        ):
            url = f"/api/v1/runs/{run}/events"
            stalled.sendall(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            async with opened(client, url) as events:
                for number in range(1, 100):  # more than buffers of the system hold
                    await tell(db, run, 1, message=wide)
                    assert (await anext(events))["id"] == str(number)
                while len(live.streams) > 1:
                    await tell(db, run, 1)
                    await anext(events)


async def test_who_sends_too_much_is_followed_by_nobody(
    client: httpx2.AsyncClient, live: ApiState
) -> None:
    where = httpx2.URL(str(client.base_url))
    reader, writer = await asyncio.open_connection(where.host, where.port)
    async with asyncio.timeout(10):
        head = (
            b"GET /api/v1/changes HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        most = live.settings.http_body_limit
        writer.write(head + b"%x\r\n%b\r\n" % (most + 1, b"x" * (most + 1)))
        await reader.readuntil(b"\r\n0\r\n\r\n")  # the end of a chunked answer
    writer.close()
